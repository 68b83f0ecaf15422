"""The best setting of a grid for each row: trials of one row with different settings, by validation BLEU.

Each trial is trained in a separate tier, `--config tier=grid-a training='{lr: 1.0e-3}'`. The options in which the
trials of a row differ are read from their command lines, so that any option can be searched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import TRAINING, read_record
from janus.training.logs import read_curves

# Options that name places and do not change what is computed.
_PLACES = ("--save-dir", "--user-dir", "--init-from", "--finetune-from-model")
# The mean over the manners of the row, and each of them.
_SCORES = ("bleu", "bleu_ar", "bleu_nar")


@dataclass(frozen=True)
class Trial:
    """One training of a row.

    settings: the options that the grid varies. bleu: the best validation BLEU, the mean over AR and
    NAR if the row decodes both; by_manner: BLEU of each at that point. updates: when it was reached; total_updates:
    the length of the training.
    """

    corpus: str
    system: str
    seed: int
    settings: Mapping[str, str]
    bleu: float
    by_manner: Mapping[str, float]
    updates: int
    total_updates: int
    best: bool = False


def read_trials(runs: Sequence[Path], updates: int | None = None, by: Sequence[str] = ()) -> list[Trial]:
    """The trials in folders results/<tier>, grouped by row, each row's best one marked.

    updates: what a training did after that many updates is ignored, so that trials of different lengths compare.
    by: the options that the grid varies, without dashes; none: all in which the trials of a row differ.
    Raises InputError where there are none, a training logged no validation BLEU, or has no option of that name.
    """
    records = [path for run in runs for path in sorted(Path(run).glob("*/*/seed-*/train.json"))]
    if not records:
        raise InputError("no finished trainings", where=", ".join(map(str, runs)), fix="give folders results/<tier>")
    rows: dict[tuple[str, str, int], list[tuple[Path, dict[str, str]]]] = {}
    for path in records:
        record = read_record(path, TRAINING, "corpus", "system", "seed", "arguments")
        key = record["corpus"], record["system"], int(record["seed"])
        options = _options(record["arguments"])
        if updates is not None:
            options.pop("--max-update", None)
        rows.setdefault(key, []).append((path.parent, options))
    return [trial for key, found in rows.items() for trial in _marked(_row(key, found, updates, by))]


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Options with their values, without those that name places; a flag has an empty value."""
    options: dict[str, str] = {}
    name = ""
    for word in arguments[1:]:
        if word.startswith("--"):
            name = word
            options[name] = ""
        elif name:
            options[name] = f"{options[name]} {word}".strip()
    return {name: value for name, value in options.items() if name not in _PLACES}


def _row(
    key: tuple[str, str, int], found: Sequence[tuple[Path, dict[str, str]]], updates: int | None, by: Sequence[str]
) -> Iterable[Trial]:
    names = dict.fromkeys(name for _, options in found for name in options)
    for name in by:
        if f"--{name}" not in names:
            raise InputError(f"no trial has an option {name}", where="by", fix="name an option of fairseq-train")
    differing = [name for name in names if len({options.get(name) for _, options in found}) > 1]
    differing = [f"--{name}" for name in by] or differing
    for folder, options in found:
        settings = {name.removeprefix("--"): options.get(name, "-") for name in differing}
        yield Trial(*key, settings, **_best_point(folder / "checkpoints/log.jsonl", updates))


def _best_point(log: Path, most: int | None) -> dict[str, Any]:
    points: dict[int, dict[str, float]] = {}
    for row in read_curves(log):
        if row["split"] == "valid" and row["name"] in _SCORES and (most is None or row["updates"] <= most):
            points.setdefault(row["updates"], {})[row["name"]] = row["value"]
    scored = {updates: scores for updates, scores in points.items() if "bleu" in scores}
    if not scored:
        fix = "set `training.valid_bleu_sentences`" if most is None else "count more updates"
        raise InputError("no validation BLEU", where=log, fix=fix)
    updates, best = max(scored.items(), key=lambda point: point[1]["bleu"])
    by_manner = {name.removeprefix("bleu_"): value for name, value in best.items() if name != "bleu"}
    return {"bleu": best["bleu"], "by_manner": by_manner, "updates": updates, "total_updates": max(points)}


def _marked(trials: Iterable[Trial]) -> list[Trial]:
    """The same trials, the best one marked; the first of equal ones."""
    trials = list(trials)
    first = max(trials, key=lambda trial: trial.bleu)
    return [replace(trial, best=trial is first) for trial in trials]


def to_markdown(trials: Sequence[Trial]) -> list[str]:
    """The lines of a table, the best trial of each row in bold."""
    settings = list(dict.fromkeys(name for trial in trials for name in trial.settings))
    head = ["corpus", "system", "seed", *settings, "AR", "NAR", "mean", "update", "of"]
    lines = [f"| {' | '.join(head)} |", f"|{' :--- |' * 2}{' ---: |' * (len(head) - 2)}"]
    for trial in trials:
        scores = [f"{trial.by_manner[name]:.2f}" if name in trial.by_manner else "" for name in ("ar", "nar")]
        mean = f"**{trial.bleu:.2f}**" if trial.best else f"{trial.bleu:.2f}"
        chosen = [trial.settings.get(name, "") for name in settings]
        cells = [trial.corpus, trial.system, trial.seed, *chosen, *scores, mean, trial.updates, trial.total_updates]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def write_trials(trials: Sequence[Trial], stem: Path) -> None:
    """Write the table to `stem`.md and the trials to `stem`.json."""
    watch = Stopwatch()
    write_lines(stem.with_name(stem.name + ".md"), to_markdown(trials))
    record = provenance(watch=watch, trials=[asdict(trial) for trial in trials])
    write_json(stem.with_name(stem.name + ".json"), record)
