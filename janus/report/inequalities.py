"""Differences, besides the method itself, between the training of a row and that of the row it is compared with.

Everything is read from the records of the trainings, `train.json`, whose `arguments` are those of fairseq-train.
Architecture, task, criterion, masking, noise and losses belong to the method and are not reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.records.shapes import TRAINING, read_record

# fairseq's defaults of the options below.
_DEFAULTS = {
    "attention-dropout": "0",
    "clip-norm": "0",
    "distributed-world-size": "1",
    "dropout": "0.1",
    "label-smoothing": "0",
    "lr-scheduler": "fixed",
    "max-epoch": "0",
    "max-update": "0",
    "optimizer": "none",
    "seed": "1",
    "update-freq": "1",
    "warmup-updates": "0",
    "weight-decay": "0",
}
_LEARNED = {"bart_base", "janus_bart_base", "janus_transformer"}
_BERT_INIT = {"bart_base"}
_SIZES = {"layers": "layers", "embed-dim": "width", "ffn-embed-dim": "inner width", "attention-heads": "heads"}

# The relative difference in numbers of parameters that is not reported.
_AS_LARGE = 0.01

Settings = dict[str, str]


def inequality_notes(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    """A footnote for each pair of compared rows whose trainings differ, in the order of the cells.

    A cell is one of `janus.report.cells`, with `variant`, `origin` and `comparisons`, each with `against` and its own
    `origin`. An origin has `corpus`, `trainings` ({seed: path of a train.json}) and `checkpoints`, a description of the
    decoded checkpoint. A note names corpora if a pair differs between them. If all pairs are equal, one note says so;
    without pairs there is none. Raises InputError for a record that cannot be read.
    """
    pairs: dict[tuple[str, str], dict[str, list[str]]] = {}
    for cell in cells:
        for other in cell.get("comparisons", ()):
            found = "; ".join(differences(cell["origin"], other["origin"]))
            corpora = pairs.setdefault((cell["variant"], other["against"]), {}).setdefault(found, [])
            if cell["origin"]["corpus"] not in corpora:
                corpora.append(cell["origin"]["corpus"])
    notes = [
        f"Unequal, {row} and {against}{_on(corpora) if len(texts) > 1 else ''}: {text}."
        for (row, against), texts in pairs.items()
        for text, corpora in texts.items()
        if text
    ]
    return notes or ["Each row was trained as the rows it is tested against."] * bool(pairs)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """`name A and B` for each setting that differs between two origins (see `inequality_notes`).

    Of a row that is given and not trained here, there is one text that says so.
    Numbers of parameters differ if the larger is more than 1 % above the smaller, or only one is recorded.
    """
    if missing := [name for name, origin in (("the first", one), ("the second", other)) if not origin["trainings"]]:
        return [f"how {' and '.join(missing)} was trained is not known here"]
    ours, theirs = _settings_of(one), _settings_of(other)
    told = [f"{name} {ours[name]} and {theirs[name]}" for name in ours if ours[name] != theirs[name]]
    sizes = [_parameters_of(origin) for origin in (one, other)]
    if bool(sizes[0]) != bool(sizes[1]) or _apart(sizes[0] + sizes[1]):
        shown = [" or ".join(f"{size:,}" for size in side) or "not recorded" for side in sizes]
        told.append(f"parameters {shown[0]} and {shown[1]}")
    return told


def training_settings(record: Mapping[str, Any]) -> Settings:
    """The settings of one training that can be compared between methods, by their names in notes.

    record: the content of a train.json.
    """
    options = _DEFAULTS | parse_options(record["arguments"])
    batch = [int(options[name]) for name in ("max-tokens", "update-freq", "distributed-world-size")]
    epochs = int(options["max-epoch"])
    return {
        "learning rate": f"{float(options['lr']):g}",
        "schedule": options["lr-scheduler"],
        "warm-up": options["warmup-updates"],
        "updates": f"{int(options['max-update']):,}" + (f" or {epochs} epochs" if epochs else ""),
        "tokens an update": f"{batch[0] * batch[1] * batch[2]:,}",
        "devices": options["distributed-world-size"],
        "precision": _precision(options),
        "optimiser": " ".join(options[name] for name in ("optimizer", "adam-betas", "adam-eps") if name in options),
        "weight decay": f"{float(options['weight-decay']):g}",
        "gradient clipping": f"{float(options['clip-norm']):g}",
        "dropout": f"{float(options['dropout']):g}",
        "attention dropout": f"{float(options['attention-dropout']):g}",
        "label smoothing": f"{float(options['label-smoothing']):g}",
        "size": _size(options),
        "positions": _positions(options),
        "weights": _weights(options),
        "training data": _data(record.get("data", {})),
        "revision": str(record.get("revision", "unknown"))[:7],
    }


def parse_options(words: Sequence[str]) -> dict[str, str]:
    """Options of a command line by name, without dashes; flags are empty, and the last of repeated options counts."""
    options: dict[str, str] = {}
    name = None
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            options[name] = value
        elif name is not None:
            options[name] = word
            name = None
    return options


def _on(corpora: Sequence[str]) -> str:
    return f" on {', '.join(corpora)}"


def _settings_of(origin: Mapping[str, Any]) -> Settings:
    """The settings of all seeds of a row; if values differ between seeds, all of them."""
    runs = [_settings_in(Path(path)) for path in origin["trainings"].values()]
    merged = {name: " or ".join(dict.fromkeys(run[name] for run in runs)) for name in (runs[0] if runs else {})}
    return merged | {
        "decoded checkpoint": origin["checkpoints"],
        "seeds": ", ".join(map(str, sorted(origin["trainings"]))),
    }


def _settings_in(path: Path) -> Settings:
    try:
        return training_settings(read_record(path, TRAINING, "arguments"))
    except KeyError as error:
        raise InputError(f"its arguments have no --{error.args[0]}", where=path, fix="train again") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"its arguments are no training's ({error})", where=path, fix="train again") from error


def _parameters_of(origin: Mapping[str, Any]) -> list[int]:
    """The different numbers of parameters of all seeds of a row, as far as they are recorded."""
    records = [read_record(Path(path), TRAINING) for path in origin["trainings"].values()]
    return sorted({record["parameters"] for record in records if record.get("parameters")})


def _apart(sizes: Sequence[int]) -> bool:
    return bool(sizes) and max(sizes) > (1 + _AS_LARGE) * min(sizes)


def _precision(options: Mapping[str, str]) -> str:
    return "fp16" if "fp16" in options else options.get("autocast", "float32")


def _size(options: Mapping[str, str]) -> str:
    sides = [
        ", ".join(f"{name} {options.get(f'{side}-{key}', 'default')}" for key, name in _SIZES.items())
        for side in ("encoder", "decoder")
    ]
    return sides[0] if sides[0] == sides[1] else f"encoder ({sides[0]}), decoder ({sides[1]})"


def _positions(options: Mapping[str, str]) -> str:
    return "learned" if "encoder-learned-pos" in options or options.get("arch") in _LEARNED else "sinusoidal"


def _weights(options: Mapping[str, str]) -> str:
    """The origin of the weights: the run that they start from, or their initialisation."""
    if start := options.get("init-from") or options.get("finetune-from-model"):
        return f"of {_run_of(Path(start))}"
    bert = "apply-bert-init" in options or options.get("arch") in _BERT_INIT
    return "drawn from N(0, 0.02)" if bert else "drawn as fairseq does by default"


def _run_of(checkpoint: Path) -> str:
    """`bart` of results/<tier>/<text>/bart/seed-1/averaged.pt and of results/<tier>/<text>/bart/model.pt."""
    folder = checkpoint.parent
    return folder.parent.name if folder.name.startswith("seed-") else folder.name or checkpoint.name


def _data(digests: Mapping[str, str]) -> str:
    """Short digests of dictionaries and training text, without their folders."""
    named = {Path(path).name: digest for path, digest in digests.items()}
    parts = [digest[:7] for name, digest in sorted(named.items()) if name.startswith(("dict.", "train."))]
    return " ".join(parts)
