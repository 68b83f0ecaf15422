"""The identity of a training: the arguments, the data and the code that determine the weights.

This is the only place that defines which options of fairseq-train affect the weights. An option that is not listed here
does.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.files import sha256
from janus.training.finished import extends_exactly

# The end of a training; 0 means never. A later end continues a training unless the learning rate depends on the end.
STOPPING = ("max-update", "max-epoch", "patience", "stop-time-hours")
# The number of checkpoints kept for averaging: fewer can be taken from those that exist, more no longer exist.
KEEPING = ("keep-last-epochs",)
# Checks before the first update.
CHECKS = ("least-checkpoints",)
# Output and its destination.
REPORTING = ("log-interval", "log-format", "log-file", "tensorboard-logdir", "no-progress-bar")
# Paths. Their contents are compared instead; the plugin is part of the code.
PLACES = ("save-dir", "user-dir", "init-from", "finetune-from-model")


def training_identity(
    arguments: Sequence[str], *, code: str, folders: Iterable[Path], files: Iterable[Path] = ()
) -> dict[str, Any]:
    """The identity of a training with fairseq-train's `arguments`: those, a digest of the `code`, and its data.

    folders: output folders of fairseq-preprocess; their sentences and dictionaries are hashed, the logs are not.
    files: further inputs, such as the checkpoint that the weights start from.
    """
    named = [path for folder in folders for path in sorted(Path(folder).iterdir()) if _is_data(path.name)]
    data = {str(path): sha256(path) for path in [*named, *map(Path, files)]}
    return {"arguments": list(arguments), "code": code, "data": data}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The reasons why checkpoints of the training `old` cannot be continued as `new`; empty if they can.

    Each reason is a phrase such as `--lr was 0.005 and is 0.001`.
    """
    before, after = (_options(identity.get("arguments", ())) for identity in (old, new))
    endless = extends_exactly(new.get("arguments", ()))
    reasons = [
        f"--{name} was {_shown(before.get(name))} and is {_shown(after.get(name))}"
        for name in sorted(before.keys() | after.keys())
        if not _continues(name, before, after, endless)
    ]
    facts, others = _facts(old), _facts(new)
    changed = [name for name in sorted(facts.keys() | others.keys()) if facts.get(name) != others.get(name)]
    return reasons + [f"{name} differs" for name in changed]


def _is_data(name: str) -> bool:
    return name.endswith((".bin", ".idx")) or (name.startswith("dict.") and name.endswith(".txt"))


def _options(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Options by name with their values; words before the first option are the data, which is compared by content."""
    options: dict[str, tuple[str, ...]] = {}
    name = None
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            options[name] = (value,) if equals else ()
        elif name is not None:
            options[name] += (word,)
    return options


def _continues(
    name: str, before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]], endless: bool
) -> bool:
    """Whether a training can continue when the option changes from `before` to `after`."""
    old, new = before.get(name), after.get(name)
    if old == new or name in CHECKS or name in REPORTING or name in PLACES:
        return True
    if name in STOPPING and endless:
        return _end(new) >= _end(old)
    # fairseq keeps the checkpoints of all epochs if the option is missing or negative.
    return name in KEEPING and _end(new, never=-1) <= _end(old, never=-1)


def _end(value: tuple[str, ...] | None, never: float = 0) -> float:
    try:
        number = float(value[0]) if value else never
    except ValueError:
        # Not larger, smaller or equal to anything.
        return math.nan
    return math.inf if number <= never else number


def _shown(value: tuple[str, ...] | None) -> str:
    return "not given" if value is None else " ".join(value) or "given"


def _facts(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the arguments; data by folder and name, so that a project can be moved."""
    facts = {f"the {name}": value for name, value in identity.items() if name not in ("arguments", "data")}
    data = identity.get("data", {})
    if not isinstance(data, Mapping):
        return facts | {"the data": data}
    paths = {Path(path): digest for path, digest in data.items()}
    return facts | {
        f"{path.parent.name}/{path.name}": digest
        for path, digest in paths.items()
        if _is_data(path.name) or path.suffix in (".pt", ".py")
    }
