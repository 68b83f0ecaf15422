"""From a system's entry in config/systems.yaml to the command line that trains it and the settings that decode it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ARCHITECTURES = {
    "transformer": "transformer",
    "cmlm_transformer": "cmlm_transformer",
    "bart": "bart_base",
    "janus": "janus_transformer",
}
# BART's options, with which fairseq's Transformer computes the same function.
_AS_BART = [
    "--encoder-learned-pos",
    "--decoder-learned-pos",
    "--layernorm-embedding",
    "--no-scale-embedding",
    "--activation-fn",
    "gelu",
]
_LOSSES = ("ar", "nar", "aux", "correction", "kl_ar_aux", "kl_nar_aux", "kl_ar_nar", "length")


def training_arguments(
    system: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
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

    `system` is a checked entry of config/systems.yaml, `settings` the result of janus.tiers.settings for it;
    checkpoints go to `checkpoints`, from which an interrupted training resumes. A corpus has the sides `source` and
    `target`. A text (stage pretraining; one folder, or several joined by colons, one per epoch) has blocks of `block`
    tokens, without bos and eos. `start` is the checkpoint that the weights start from. With `average`, a training that
    would leave fewer epoch checkpoints than are averaged stops before its first update. Adam's betas and the initial
    learning rate of the warm-up, which section 4.2 of the paper leaves to defaults, are those of the authors' scripts.
    """
    training = settings["training"]
    pretraining = system["stage"] == "pretraining"
    words = [
        str(data),
        *_option("user-dir", user_dir),
        *_option("seed", seed),
        *(_text_options(system, block) if pretraining else _pair_options(system, settings, source, target)),
        *_family_options(system, settings),
        *_start_options(system, start),
        *_size_options(settings["model"]),
        *_init_options(system, settings["model"]),
        *_optimiser_options(training),
        *_checkpoint_options(training, checkpoints),
        *_patience_options(system, training),
        *(_option("least-checkpoints", training["average_checkpoints"]) if average else []),
        *_device_options(training, device),
    ]
    return words + list(system["options"])


def decoding_settings(
    system: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]], *, manner: str, passes: int
) -> dict[str, Any]:
    """The keyword arguments of janus.decoding.driver.decode_file that depend on a system and a tier.

    `passes` is the number of decoder calls of mask-predict; `ar`, with one per token of the longest output, ignores it.
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
        "length_candidates": decoding["length_candidates"],
        "length_score": decoding["length_score"],
        "repredict": system["repredict"],
        "batch_tokens": decoding["batch_tokens"],
    }


def baselines(system: Mapping[str, Any], manner: str) -> list[str]:
    """The systems that `system` is tested against in a manner, in order of preference."""
    named = system["baselines"].get(manner, [])
    return [named] if isinstance(named, str) else list(named)


def _option(name: str, value: object) -> list[str]:
    return [f"--{name}", str(value)]


def _pair_options(
    system: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]], source: str, target: str
) -> list[str]:
    """The task on sentence pairs, and validation BLEU."""
    tasks = {"cmlm_transformer": "janus_cmlm_baseline", "janus": "janus_translation"}
    words = [
        *_option("task", tasks.get(system["family"], "janus_ar_baseline")),
        *_option("source-lang", source),
        *_option("target-lang", target),
        *_validation_options(system, settings["training"], settings["decoding"]),
    ]
    if system["family"] == "cmlm_transformer":
        words += _option("noise", "random_mask")
    if system["family"] == "janus":
        masking = system["masking"]
        words += _option("masking", masking["kind"]) + _option("mask-poisson", masking["poisson"])
        words += _option("mask-budget", masking["budget"])
    return words


def _validation_options(
    system: Mapping[str, Any], training: Mapping[str, Any], decoding: Mapping[str, Any]
) -> list[str]:
    """Validation BLEU. NAR is decoded as for the tables, except for the number of passes.

    Options that validation does not use are left out, so that changing them does not cause another training.
    """
    words = [
        *_option("valid-bleu-sentences", training["valid_bleu_sentences"]),
        *_option("valid-bleu-manners", ",".join(system["manners"])),
        *_option("valid-bleu-passes", training["valid_bleu_passes"]),
    ]
    if training["valid_bleu_sentences"] and "nar" in system["manners"]:
        for name in ("length_beam", "length_candidates", "length_score"):
            words += _option(name.replace("_", "-"), decoding[name])
        words += ["--repredict"] if system["repredict"] else []
    return words


def _text_options(system: Mapping[str, Any], block: int) -> list[str]:
    """The task on running text, whose lines are blocks already; short adjacent lines are joined, none is split."""
    words = [*_option("tokens-per-sample", block + 2), *_option("sample-break-mode", "complete")]
    if system["family"] == "bart":
        return [*_option("task", "janus_bart_baseline"), *words]
    noise = [word for name, value in system["noise"].items() for word in _option(f"noise-{name}", value)]
    return [*_option("task", "janus_denoising"), *words, *noise]


def _family_options(system: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The kind of the model and its loss."""
    if system["family"] == "janus":
        words = _janus_options(system)
    else:
        words = [*_architecture(system, settings["model"]), "--share-all-embeddings"]
        if system["family"] == "cmlm_transformer":
            words += _option("criterion", "nat_loss") + _option("length-loss-factor", 0.1) + ["--pred-length-offset"]
        else:
            words += _option("criterion", "label_smoothed_cross_entropy")
    return words + _option("label-smoothing", settings["training"]["label_smoothing"])


def _architecture(system: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """fairseq's own; its Transformer for a new BART with scaled weights, since its BART only has bert's."""
    if system["family"] == "bart" and not system["start"] and model["init"] == "scaled":
        return [*_option("arch", "transformer"), *_AS_BART]
    return _option("arch", _ARCHITECTURES[system["family"]])


def _janus_options(system: Mapping[str, Any]) -> list[str]:
    return [
        *_option("arch", "janus_bart_base" if system["start"] else _ARCHITECTURES["janus"]),
        *_option("criterion", "janus_loss"),
        *[word for name in _LOSSES for word in _option(f"{name.replace('_', '-')}-weight", system["losses"][name])],
        *_option("reduction", system["reduction"]),
        *_option("query-position", system["query_position"]),
        *_option("ar-readout", system["ar_readout"]),
        *_option("encoder-passes", system["encoder_passes"]),
    ]


def _start_options(system: Mapping[str, Any], start: Path | None) -> list[str]:
    """Both load only the weights, and only if there is no checkpoint to resume from."""
    if start is None:
        return []
    return _option("init-from" if system["family"] == "janus" else "finetune-from-model", start)


def _size_options(model: Mapping[str, Any]) -> list[str]:
    names = {"layers": "layers", "embed-dim": "embed_dim", "ffn-embed-dim": "ffn_dim", "attention-heads": "heads"}
    return [
        word
        for side in ("encoder", "decoder")
        for name, key in names.items()
        for word in _option(f"{side}-{name}", model[key])
    ]


def _init_options(system: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """fairseq's Transformer and BART have one initialisation each (see `_architecture`), the other families two."""
    words = _option("length-classes", model["length_classes"]) if system["family"] == "janus" else []
    two = system["family"] in ("janus", "cmlm_transformer")
    return words + (["--apply-bert-init"] if model["init"] == "bert" and two else [])


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
        *_option("attention-dropout", training["attention_dropout"]),
        *_option("max-update", training["max_update"]),
        *_option("max-epoch", training["max_epoch"]),
        *_option("max-tokens", training["max_tokens"]),
        *_option("update-freq", training["update_freq"]),
    ]


def _checkpoint_options(training: Mapping[str, Any], checkpoints: Path) -> list[str]:
    return [
        *_option("save-dir", checkpoints),
        *_option("save-interval", training["save_interval"]),
        *_option("keep-last-epochs", training["average_checkpoints"]),
        *_option("validate-interval", training["validate_interval"]),
        # One log line, which moves the progress bar, per percent; epochs may end earlier.
        *_option("log-interval", max(1, min(training["max_update"] // 100, 100))),
    ]


def _patience_options(system: Mapping[str, Any], training: Mapping[str, Any]) -> list[str]:
    """Early stopping: by the mean validation BLEU of the row's manners; of a pre-training, by its validation loss."""
    if not training["patience"]:
        return []
    words = _option("patience", training["patience"])
    if system["stage"] == "pretraining":
        return words
    return [*words, *_option("best-checkpoint-metric", "bleu"), "--maximize-best-checkpoint-metric"]


def _device_options(training: Mapping[str, Any], device: str) -> list[str]:
    precision = {"float32": [], "bfloat16": _option("autocast", "bfloat16"), "fp16": ["--fp16"]}[training["precision"]]
    if device == "cpu":
        if training["precision"] == "fp16":
            # Only in a rehearsal; flat gradients are on a GPU.
            precision = [*precision, "--fp16-no-flatten-grads"]
        return ["--cpu", *_option("distributed-world-size", 1), *_option("num-workers", 0), *precision]
    return _option("distributed-world-size", training["gpus"]) + precision
