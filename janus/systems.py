"""From a system's entry in config/systems.yaml to the command line that trains it and the settings that decode it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ARCHITECTURES = {"transformer": "transformer", "cmlm_transformer": "cmlm_transformer", "janus": "janus_transformer"}
_LOSSES = ("ar", "nar", "aux", "correction", "kl_ar_aux", "kl_nar_aux", "kl_ar_nar", "length")


def training_arguments(
    system: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
    *,
    data: Path,
    checkpoints: Path,
    source: str,
    target: str,
    seed: int,
    device: str,
    user_dir: Path,
) -> list[str]:
    """The words after `fairseq-train` that train `system` on the binarised corpus `data`.

    `system` is a checked entry of config/systems.yaml, `settings` what janus.tiers.settings returns for it; checkpoints
    go to `checkpoints`, where an interrupted training resumes. Adam's moments and the start of the warm-up, which
    section 4.2 of the paper leaves to the defaults, are those of the authors' scripts.
    """
    training = settings["training"]
    words = [
        str(data),
        *_option("user-dir", user_dir),
        *_option("source-lang", source),
        *_option("target-lang", target),
        *_option("seed", seed),
        *_family_options(system, training),
        *_size_options(settings["model"]),
        *_init_options(system, settings["model"]),
        *_optimiser_options(training),
        *_checkpoint_options(training, checkpoints),
        *_device_options(training, device),
    ]
    return words + list(system["options"])


def preprocessing_arguments(bpe: Path, output: Path, *, source: str, target: str, workers: int) -> list[str]:
    """The words after `fairseq-preprocess` that binarise train, valid and test of `bpe` into `output`.

    Both languages share one dictionary of every subword that occurs, since all embeddings are shared.
    """
    prefixes = [word for split in ("train", "valid", "test") for word in _option(f"{split}pref", Path(bpe) / split)]
    return [
        *_option("source-lang", source),
        *_option("target-lang", target),
        *prefixes,
        *_option("destdir", output),
        *_option("workers", workers),
        "--joined-dictionary",
    ]


def decoding_settings(
    system: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]], *, manner: str, passes: int
) -> dict[str, Any]:
    """The keyword arguments of janus.decoding.driver.decode_file that a system and a tier decide.

    `passes` are decoder calls of mask-predict; `ar` decodes in as many as the longest output has tokens and ignores it.
    """
    decoding = settings["decoding"]
    return {
        "manner": manner,
        "beam": decoding["beam"],
        "lenpen": decoding["lenpen"],
        "max_len_a": decoding["max_len_a"],
        "max_len_b": decoding["max_len_b"],
        "passes": passes,
        "length_beam": decoding["length_beam"],
        "repredict": system["repredict"],
        "batch_tokens": decoding["batch_tokens"],
    }


def _option(name: str, value: object) -> list[str]:
    return [f"--{name}", str(value)]


def _family_options(system: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    words = _option("arch", _ARCHITECTURES[system["family"]])
    if system["family"] == "transformer":
        words += _option("task", "janus_ar_baseline") + _option("criterion", "label_smoothed_cross_entropy")
    elif system["family"] == "cmlm_transformer":
        words += _option("task", "janus_cmlm_baseline") + _option("criterion", "nat_loss")
        words += _option("noise", "random_mask") + _option("length-loss-factor", 0.1) + ["--pred-length-offset"]
    else:
        words += _option("task", "janus_translation") + _option("criterion", "janus_loss") + _janus_options(system)
    # Our model always shares all embeddings and has no switch for it.
    words += [] if system["family"] == "janus" else ["--share-all-embeddings"]
    return words + _option("label-smoothing", training["label_smoothing"]) + _validation_options(system, training)


def _janus_options(system: Mapping[str, Any]) -> list[str]:
    masking = system["masking"]
    words = [word for name in _LOSSES for word in _option(f"{name.replace('_', '-')}-weight", system["losses"][name])]
    return [
        *words,
        *_option("masking", masking["kind"]),
        *_option("mask-poisson", masking["poisson"]),
        *_option("mask-budget", masking["budget"]),
        *_option("query-position", system["query_position"]),
        *_option("encoder-passes", system["encoder_passes"]),
    ]


def _validation_options(system: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    return [
        *_option("validate-interval", training["validate_interval"]),
        *_option("valid-bleu-sentences", training["valid_bleu_sentences"]),
        *_option("valid-bleu-manners", ",".join(system["manners"])),
        *_option("valid-bleu-passes", training["valid_bleu_passes"]),
        # A line of the log, which moves the progress bar, for each percent.
        *_option("log-interval", max(1, training["max_update"] // 100)),
    ]


def _size_options(model: Mapping[str, Any]) -> list[str]:
    names = {"layers": "layers", "embed-dim": "embed_dim", "ffn-embed-dim": "ffn_dim", "attention-heads": "heads"}
    return [
        word
        for side in ("encoder", "decoder")
        for name, key in names.items()
        for word in _option(f"{side}-{name}", model[key])
    ]


def _init_options(system: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """fairseq's Transformer has one initialisation; the other families have two."""
    return ["--apply-bert-init"] if model["init"] == "bert" and system["family"] != "transformer" else []


def _optimiser_options(training: Mapping[str, Any]) -> list[str]:
    return [
        *_option("optimizer", "fused_adamw"),
        *_option("adam-betas", "(0.9, 0.98)"),
        *_option("lr", training["lr"]),
        *_option("lr-scheduler", "inverse_sqrt"),
        *_option("warmup-updates", training["warmup_updates"]),
        *_option("warmup-init-lr", 1e-7),
        *_option("weight-decay", training["weight_decay"]),
        *_option("clip-norm", training["clip_norm"]),
        *_option("dropout", training["dropout"]),
        *_option("max-update", training["max_update"]),
        *_option("max-tokens", training["max_tokens"]),
        *_option("update-freq", training["update_freq"]),
    ]


def _checkpoint_options(training: Mapping[str, Any], checkpoints: Path) -> list[str]:
    return [
        *_option("save-dir", checkpoints),
        *_option("save-interval", training["save_interval"]),
        *_option("keep-last-epochs", training["average_checkpoints"]),
    ]


def _device_options(training: Mapping[str, Any], device: str) -> list[str]:
    precision = {"float32": [], "bfloat16": _option("autocast", "bfloat16"), "fp16": ["--fp16"]}[training["precision"]]
    if device == "cpu":
        return ["--cpu", *_option("distributed-world-size", 1), *_option("num-workers", 0), *precision]
    return _option("distributed-world-size", training["gpus"]) + precision
