"""Trainings of a tier: budget, resources, checkpoints, stopping and the shape of the model."""

from collections.abc import Mapping
from typing import Any

from janus.config.checks.problems import Problems
from janus.config.resources import LEAST_MEMORY
from janus.config.tiers import averages, blocks_of, runs, settings, used_systems
from janus.errors import InputError


def training_problems(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """Every training of the tier can run on a machine and be averaged; equal settings give one problem."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for corpus, name in runs(tier, systems):
        training, average = settings(tier, corpus=corpus, system=name)["training"], averages(tier, systems[name])
        stage = systems[name]["stage"]
        alike.setdefault((average, stage, *training.items()), []).append(f"{name} on {corpus}")
    for (average, stage, *items), names in alike.items():
        training = dict(items)
        place = f"{where}: training of {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        if tier["device"] == "cpu":
            if training["precision"] == "fp16" and not tier["rehearsal"]:
                yield InputError(
                    "fp16 needs a GPU", where=f"{where}: training.precision", fix="use float32, or device: cuda"
                )
        else:
            yield from _resources(training, tier["machine"], place)
        if training["patience"] and stage == "task" and not training["valid_bleu_sentences"]:
            fix = "set `valid_bleu_sentences`, or `patience: 0`"
            yield InputError("patience needs a validation BLEU, which is not computed", where=place, fix=fix)
        if average:
            yield from _checkpoints(training, place)


def budget_problems(tier: Mapping[str, Any], where: object) -> Problems:
    """With equal budgets, all rows of a corpus have the same training settings."""
    if tier["budget"] != "equal":
        return
    used = used_systems(tier)
    found = {f"{where}: {place}": block for place, block in blocks_of(tier, ("overrides",))}
    found |= {f"{tier['systems_file']}: {block['systems'][0]}": block for block in tier.get("entries", ())}
    for place, block in found.items():
        own = [name for name in block.get("systems", ()) if name in used]
        if own and "training" in block:
            yield InputError(
                f"different training settings for {', '.join(own)} only",
                where=f"{place}.training",
                fix="give them to all systems, or leave out `budget: equal`",
            )


def width_problems(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """The number of attention heads divides the width of a model."""
    for corpus, name in runs(tier, systems):
        model = settings(tier, corpus=corpus, system=name)["model"]
        if model["embed_dim"] % model["heads"]:
            yield InputError(
                f"{model['heads']} heads do not divide the width {model['embed_dim']}",
                where=f"{where}: model",
                fix="make `embed_dim` a multiple of `heads`",
            )


def _resources(training: Mapping[str, Any], machine: Mapping[str, Any], place: str) -> Problems:
    gpus = training["gpus"]
    for key, least, unit in (("threads", gpus, "threads"), ("memory", LEAST_MEMORY * gpus, "MiB of memory")):
        if training[key] < least:
            yield InputError(
                f"{training[key]:,} {unit} for {gpus} GPUs, whose processes need at least {least:,}",
                where=place,
                fix=f"raise `{key}` to {least}, or leave it out",
            )
    for key in ("gpus", "threads", "memory"):
        most = machine.get(key)
        if most is not None and training[key] > most:
            yield InputError(
                f"asks for {key}: {training[key]}, but a machine has {most}",
                where=place,
                fix=f"lower it (a larger `update_freq` keeps the batch), or say `machine: {{{key}: {training[key]}}}`",
            )


def _checkpoints(training: Mapping[str, Any], place: str) -> Problems:
    """Every epoch has at least one update, so both bounds on a training limit its epochs."""
    wanted, interval = training["average_checkpoints"], training["save_interval"]
    for key in ("max_epoch", "max_update"):
        # At most max_epoch epochs, if given, and at most as many as updates.
        if training[key] and training[key] // interval < wanted:
            every = "" if interval == 1 else f" with one every {interval} epochs"
            found = f"{training[key] // interval} checkpoints{every}"
            yield InputError(
                f"{key}: {training[key]} allows {found}, but {wanted} are averaged",
                where=place,
                fix=f"lower `average_checkpoints` or `save_interval`, or raise `{key}`",
            )
            return
    epochs = (training["patience"] + 1) * training["validate_interval"]
    if training["patience"] and epochs // interval < wanted:
        yield InputError(
            f"patience: {training['patience']} may end a training after {epochs // interval} checkpoints, "
            f"but {wanted} are averaged",
            where=place,
            fix="raise `patience`, or lower `average_checkpoints` or `save_interval`",
        )
