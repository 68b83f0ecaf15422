"""The tier of a rehearsal from the real one: everything that costs time is narrow.

What is kept as it is: systems, losses, masking, precision, optimiser and criterion, what is validated by decoding, the
beam, the passes, tables and figures, and how options differ between corpora and systems.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from janus.config.distilled import raw_of
from janus.config.given import is_trained
from janus.config.tiers import SHOWN, read_yaml, runs, settings, used_systems
from janus.data import SCHEMAS
from janus.errors import InputError
from janus.fetching.manifest import Manifest
from janus.rehearsal.manifest import BLOCK
from janus.rehearsal.mirror import TRAIN, make_corpus

_LAYERS = 2
_HEAD_SIZE = 8
_EPOCHS = 2
# Batches of an epoch, about; and what bounds on their tokens must allow for.
_BATCHES = 3
_SENTENCE, _LONGEST_SENTENCE = 16, 96
_BLOCKS_OF_A_SHARD = 24
_MOST_UPDATES = 60
# What a tier may say in a block `decoding`.
_TIER_KEYS = read_yaml(SCHEMAS / "tier.schema.yaml")["$defs"]["decoding"]["properties"].keys()
# Parts that a teacher translates a training set in.
_PARTS = 2


@dataclass(frozen=True)
class Machine:
    """What the rehearsal runs on: GPUs and processor cores, and whether Parquet can be read."""

    gpus: int
    cores: int
    parquet: bool


def narrow_tier(
    tier: Mapping[str, Any], systems: Mapping[str, Any], manifest: Manifest, machine: Machine
) -> tuple[dict[str, Any], list[str]]:
    """The tier that is run for a checked `tier`, and a line for each thing that this machine only approximates."""
    narrow = copy.deepcopy(dict(tier)) | {"tier": f"{tier['tier']}-rehearsal", "rehearsal": True, "mirror": None}
    # What the systems' entries say is narrowed too, and comes after it when the narrow tier is read.
    narrow["overrides"] = narrow.pop("entries", []) + narrow["overrides"]
    narrow.pop("trained_by", None)
    notes = _notes(tier, systems, machine) + _leave_out_given(narrow, systems)
    _narrow_device(narrow, machine)
    # Two seeds already make a mean and an interval.
    narrow["seeds"] = tier["seeds"][:2]
    # Nobody's terms bind made files.
    narrow["accept"] = sorted({item.accept for item in manifest.downloads.values() if item.accept})
    for block in (narrow, *narrow["overrides"]):
        _narrow_model(block.get("model", {}))
        _narrow_decoding(block.get("decoding", {}))
    # Bounds on batches follow from several settings together, so each run has its own, after all others.
    narrow["overrides"] += _trainings(tier, systems, manifest, machine)
    narrow["latency"] = dict(tier["latency"]) | {
        "batch_sizes": sorted({min(size, 4) for size in tier["latency"]["batch_sizes"]}),
        "sentences": min(tier["latency"]["sentences"], 4),
        "repeats": min(tier["latency"]["repeats"], 2),
    }
    for entry in narrow["distilled"].values():
        entry["shards"] = min(entry["shards"], _PARTS)
    if figure := narrow["figures"].get("figure4"):
        figure["passes"] = sorted({*figure["passes"][:2], figure["passes"][-1]})
    return narrow, notes


def _notes(tier: Mapping[str, Any], systems: Mapping[str, Any], machine: Machine) -> list[str]:
    """What of the tier's trainings this machine can only approximate."""
    if tier["device"] == "cpu":
        return []
    trainings = [settings(tier, corpus=corpus, system=name)["training"] for corpus, name in runs(tier, systems)]
    most, notes = max(training["gpus"] for training in trainings), []
    if not machine.gpus:
        notes.append("no GPU here: trained and decoded on the processor, with its operators instead of Triton's")
        if any(training["precision"] == "fp16" for training in trainings):
            notes.append(
                "fp16 without a GPU: fairseq's fp16 optimiser with a gradient a tensor (--fp16-no-flatten-grads); "
                "weights are in half precision in training and validation; fairseq's checkpoints hold them as float32, "
                "there as here"
            )
    if most > max(1, machine.gpus):
        notes.append(f"trainings on up to {most} GPUs: on {machine.gpus or 'none'}, so in fewer processes")
    return notes


def _leave_out_given(narrow: dict[str, Any], systems: Mapping[str, Any]) -> list[str]:
    """Leave out rows of given files, which belong to the real text; returns a line that names them.

    A block of such rows alone is left out, and a baseline that is one becomes the first row that stays. Raises
    InputError for a teacher that is one.
    """
    given = {name for name in used_systems(narrow | {"entries": []}) if not is_trained(systems, name)}
    for corpus, entry in narrow["distilled"].items():
        if entry["teacher"] in given:
            fix = "name one that is trained"
            raise InputError("a given teacher cannot be rehearsed", where=f"distilled.{corpus}.teacher", fix=fix)
    for kind in SHOWN:
        for name, block in list(narrow[kind].items()):
            block["systems"] = [one for one in block["systems"] if one not in given]
            more = {
                corpus: [one for one in names if one not in given] for corpus, names in block.get("more", {}).items()
            }
            if more:
                block["more"] = {corpus: names for corpus, names in more.items() if names}
            if not block["systems"]:
                del narrow[kind][name]
            elif block.get("baseline") in given:
                block["baseline"] = block["systems"][0]
    return [f"rows of given files are left out: {', '.join(sorted(given))}"] * bool(given)


def _narrow_device(narrow: dict[str, Any], machine: Machine) -> None:
    """Put the tier on the processor where there is no GPU, and on as many as there are."""
    if narrow["device"] == "cpu":
        return
    if not machine.gpus:
        narrow["device"] = "cpu"
    for block in (block["training"] for block in (narrow, *narrow["overrides"]) if "training" in block):
        if "gpus" in block:
            block["gpus"] = max(1, min(block["gpus"], machine.gpus))
        # A narrow model needs no more than what follows from its processes.
        block.pop("memory", None)
        block.pop("threads", None)


def _narrow_model(model: dict[str, Any]) -> None:
    """Few layers of narrow heads; the number of heads stays, so that models that differ still do."""
    for key in {"layers", "encoder_layers", "decoder_layers"} & model.keys():
        model[key] = min(model[key], _LAYERS)
    for key in ("embed_dim", "ffn_dim"):
        model.pop(key, None)
    if "heads" in model:
        model |= {"embed_dim": _HEAD_SIZE * model["heads"], "ffn_dim": 2 * _HEAD_SIZE * model["heads"]}


def _narrow_decoding(decoding: dict[str, Any]) -> None:
    """Models that have learnt nothing end their outputs at the bound alone.

    What only an entry of the systems file may set stands there.
    """
    for key in decoding.keys() - _TIER_KEYS:
        del decoding[key]
    for key, bound in (("max_len_a", 1), ("max_len_b", 12), ("batch_tokens", 256)):
        if key in decoding:
            decoding[key] = min(decoding[key], bound)


def _trainings(
    tier: Mapping[str, Any], systems: Mapping[str, Any], manifest: Manifest, machine: Machine
) -> Iterable[dict[str, Any]]:
    """An override for the runs on a corpus that train alike: two epochs of few updates, the rest as it is."""
    groups: dict[tuple[object, ...], list[str]] = {}
    tokens = {corpus: _tokens(corpus, manifest) for corpus in dict(runs(tier, systems))}
    for corpus, system in runs(tier, systems):
        training = settings(tier, corpus=corpus, system=system)["training"]
        narrow = _training(training, *tokens[corpus], machine)
        groups.setdefault((corpus, *narrow.items()), []).append(system)
    kinds = Counter(corpus for corpus, *_ in groups)
    for (corpus, *training), names in groups.items():
        # Of all systems where they train alike, which a tier of equal budgets demands.
        only = {"systems": names} if kinds[corpus] > 1 else {}
        yield {"corpora": [corpus], **only, "training": dict(training)}


def _tokens(corpus: str, manifest: Manifest) -> tuple[int, int]:
    """Tokens of an epoch, about, and of the longest sentence that a batch must hold."""
    if corpus in manifest.texts:
        return _BLOCKS_OF_A_SHARD * BLOCK, BLOCK + 2
    return make_corpus(manifest.corpora[raw_of(corpus)]).lines.get("train", TRAIN) * _SENTENCE, _LONGEST_SENTENCE


def _training(training: Mapping[str, Any], epoch: int, longest: int, machine: Machine) -> dict[str, Any]:
    shares = _BATCHES * training["update_freq"] * max(1, min(training["gpus"], machine.gpus))
    interval = min(training["save_interval"], _EPOCHS)
    return {
        "max_update": min(training["max_update"], _MOST_UPDATES),
        "max_epoch": _EPOCHS,
        "max_tokens": min(training["max_tokens"], max(longest, epoch // shares)),
        "warmup_updates": min(training["warmup_updates"], 2),
        "save_interval": interval,
        "validate_interval": min(training["validate_interval"], _EPOCHS),
        "average_checkpoints": min(training["average_checkpoints"], _EPOCHS // interval),
        "valid_bleu_sentences": min(training["valid_bleu_sentences"], 4),
    }
