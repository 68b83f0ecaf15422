"""From a system's entry in config/systems.yaml to the command line that trains it and the settings that decode it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from janus.config.tiers import NAMING
from janus.decoding.decoding import choose, find_decoder, keys_of, named_for, use_of
from janus.errors import InputError
from janus.methods.base.method import BaseMethod, Training
from janus.methods.base.options import schema_of
from janus.methods.base.registry import find_method, make_method
from janus.methods.base.words import option

Settings = Mapping[str, Mapping[str, Any]]

# Stands for the options of a precision that the device decides (janus.training.precision).
AUTO = "--precision=auto"
# A search of one hypothesis with short outputs.
_GREEDY = {"beam": 1, "lenpen": 1.0, "max_len_a": 1.5, "max_len_b": 10}


def method_of(system: Mapping[str, Any]) -> BaseMethod:
    """The method of a checked system, with its options. Raises InputError for options that do not fit together."""
    name = system["method"]
    return make_method(name, {key: system[key] for key in schema_of(find_method(name).Options) if key in system})


def training_arguments(
    system: Mapping[str, Any],
    settings: Settings,
    *,
    data: Path,
    checkpoints: Path,
    source: str = "",
    target: str = "",
    block: int = 0,
    start: Path | None = None,
    average: bool = False,
    seed: int,
    device: str,
    user_dir: Path,
) -> list[str]:
    """The arguments of `fairseq-train` that train `system` on the binarised corpus or text `data`.

    `system` is a checked entry of config/systems.yaml, `settings` the result of janus.config.tiers.settings for it;
    checkpoints go to `checkpoints`, from which an interrupted training resumes. A corpus has the sides `source` and
    `target`. A text (stage pretraining; one folder, or several joined by colons, one per epoch) has blocks of `block`
    tokens, without bos and eos. `start` is the checkpoint that the weights start from. With `average`, a training that
    would leave fewer epoch checkpoints than are averaged stops before its first update. Adam's betas and the initial
    learning rate of the warm-up, which section 4.2 of the paper leaves to defaults, are those of the authors' scripts.
    """
    training = settings["training"]
    run = Training(
        stage=system["stage"],
        source=source,
        target=target,
        block=block,
        start=start,
        validation=tuple(validation_decodings(system, settings)),
        **settings,
    )
    words = [
        str(data),
        *option("user-dir", user_dir),
        *option("seed", seed),
        *method_of(system).arguments(run),
        *_size_options(settings["model"]),
        *_optimiser_options(training),
        *_checkpoint_options(training, checkpoints),
        *_patience_options(system, training),
        *(option("least-checkpoints", training["average_checkpoints"]) if average else []),
        *_device_options(training, device),
    ]
    return words + list(system["options"])


def decoding_settings(system: Mapping[str, Any], settings: Settings, *, manner: str, passes: int = 0) -> dict[str, Any]:
    """The keyword arguments of `janus.decoding.decoding.Decoding.of` for a system in a tier.

    They are those of the block `decoding` that the decoder reads, unless the method sets them. `passes` replaces the
    number of decoder passes for a decoder that has one.
    """
    decoder = named_for(settings["decoding"].get("decoder", ""), manner)
    named = {"manner": manner, "method": system["method"], "decoder": decoder}
    own = use_of(system["method"], manner).options
    block = {key: value for key, value in settings["decoding"].items() if key not in own}
    chosen = choose(block | ({"passes": passes} if passes and "passes" not in own else {}), **named)
    return {key: value for key, value in named.items() if value} | chosen


def require_read(system: Mapping[str, Any], decoding: Mapping[str, Any]) -> None:
    """Raise InputError for a key of the system's own `decoding` that none of its decoders reads."""
    keys, decoder = {"decoder", "batch_tokens"}, decoding.get("decoder", "")
    for manner in system["manners"]:
        keys |= set(keys_of(manner=manner, method=system["method"], decoder=named_for(decoder, manner)))
    if decoder and not any(named_for(decoder, manner) for manner in system["manners"]):
        raise InputError(
            f"the system does not decode as {find_decoder(decoder).manner}, as {decoder} does",
            where="decoding.decoder",
            fix="name another decoder",
        )
    for key in system["decoding"]:
        if key not in keys:
            raise InputError(
                f"no decoder of the system has the setting {key!r}",
                where="decoding",
                fix=f"use {', '.join(sorted(keys))}",
            )


def decoder_modules(system: Mapping[str, Any]) -> list[str]:
    """The modules of this package that decode a system, which a script loads by name: decoders, and a bridge."""
    named = system["decoding"].get("decoder", "")
    names = [named_for(named, manner) or use_of(system["method"], manner).decoder for manner in system["manners"]]
    bridge = find_method(system["method"]).bridge
    return [*(f"janus.decoding.{name}" for name in names if isinstance(name, str)), *([bridge] if bridge else [])]


def validation_decodings(system: Mapping[str, Any], settings: Settings) -> list[dict[str, Any]]:
    """How validation BLEU decodes: as for the tables, but with fewer passes in NAR and a short greedy search in AR.

    A model that does not end its sentences yet must not make validation slow.
    """
    found = []
    for manner in system["manners"]:
        one = decoding_settings(system, settings, manner=manner, passes=settings["training"]["valid_bleu_passes"])
        # It is not there while this one trains.
        one |= {key: "" for key in NAMING if key in one}
        greedy = {key: value for key, value in _GREEDY.items() if key in one}
        found.append(one | greedy)
    return found


def baselines(system: Mapping[str, Any], manner: str) -> list[str]:
    """The systems that `system` is tested against in a manner, in order of preference."""
    named = system["baselines"].get(manner, [])
    return [named] if isinstance(named, str) else list(named)


def _size_options(model: Mapping[str, Any]) -> list[str]:
    names = {"layers": "layers", "embed-dim": "embed_dim", "ffn-embed-dim": "ffn_dim", "attention-heads": "heads"}
    return [
        word
        for side in ("encoder", "decoder")
        for name, key in names.items()
        for word in option(f"{side}-{name}", model.get(f"{side}_{key}", model[key]))
    ]


def _optimiser_options(training: Mapping[str, Any]) -> list[str]:
    return [
        *option("optimizer", "fused_adamw"),
        *option("adam-betas", "(0.9, 0.98)"),
        *option("lr", training["lr"]),
        *option("lr-scheduler", "inverse_sqrt"),
        *option("warmup-updates", training["warmup_updates"]),
        *option("warmup-init-lr", 1e-7),
        *option("weight-decay", training["weight_decay"]),
        *option("clip-norm", training["clip_norm"]),
        *option("dropout", training["dropout"]),
        *option("attention-dropout", training["attention_dropout"]),
        *option("max-update", training["max_update"]),
        *option("max-epoch", training["max_epoch"]),
        *option("max-tokens", training["max_tokens"]),
        *option("update-freq", training["update_freq"]),
    ]


def _checkpoint_options(training: Mapping[str, Any], checkpoints: Path) -> list[str]:
    return [
        *option("save-dir", checkpoints),
        *option("save-interval", training["save_interval"]),
        *option("keep-last-epochs", training["average_checkpoints"]),
        *option("validate-interval", training["validate_interval"]),
        # One log line, which moves the progress bar, per percent; epochs may end earlier.
        *option("log-interval", max(1, min(training["max_update"] // 100, 100))),
    ]


def _patience_options(system: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    """Early stopping: by the mean validation BLEU of the row's manners; of a pre-training, by its validation loss."""
    if not training["patience"]:
        return []
    words = option("patience", training["patience"])
    if system["stage"] == "pretraining":
        return words
    return [*words, *option("best-checkpoint-metric", "bleu"), "--maximize-best-checkpoint-metric"]


def _device_options(training: Mapping[str, Any], device: str) -> list[str]:
    precision = [AUTO] if training["precision"] == "auto" else precision_options(training["precision"], device)
    if device == "cpu":
        return ["--cpu", *option("distributed-world-size", 1), *option("num-workers", 0), *precision]
    return option("distributed-world-size", training["gpus"]) + precision


def precision_options(precision: str, device: str) -> list[str]:
    """The options of fairseq-train for float32, bfloat16 or fp16 on `device`."""
    words = {"float32": [], "bfloat16": option("autocast", "bfloat16"), "fp16": ["--fp16"]}[precision]
    # fp16 on a processor is only in a rehearsal; flat gradients are on a GPU.
    return [*words, "--fp16-no-flatten-grads"] if precision == "fp16" and device == "cpu" else words
