"""The checkpoints of a training that are averaged, and whether an existing average is still up to date."""

import re
from pathlib import Path

from janus.errors import InputError
from janus.records.shapes import AVERAGE, read_record

_EPOCH = re.compile(r"checkpoint(\d+)\.pt")


def chosen_checkpoints(checkpoints: Path, *, average: bool, count: int) -> list[Path]:
    """The checkpoints whose average is decoded: those of the last `count` epochs, or the one of best validation loss.

    Raises InputError if fewer than `count` epoch checkpoints, or no best one, were written.
    """
    checkpoints = Path(checkpoints)
    if not average:
        best = checkpoints / "checkpoint_best.pt"
        if not best.is_file():
            raise InputError("no best checkpoint", where=best, fix="validate at least once within `max_update`")
        return [best]
    epochs = {int(found[1]): path for path in checkpoints.iterdir() if (found := _EPOCH.fullmatch(path.name))}
    if len(epochs) < count:
        raise InputError(
            f"{len(epochs)} epoch checkpoints to average, {count} needed",
            where=checkpoints,
            fix="lower `average_checkpoints`, or raise `max_update`",
        )
    return [epochs[epoch] for epoch in sorted(epochs)[-count:]]


def stale_average(run: Path) -> InputError | None:
    """The error to report if checkpoints are newer than their average and the workflow would not recompute it.

    run: the folder with `train.json`, `averaged.pt`, its record `averaged.json` and `checkpoints`. A training that the
    workflow continues has no `train.json` until it ends, and then one that is newer than the average. Removed
    checkpoints do not make an average stale. An unreadable record is reported as well.
    """
    averaged, record = Path(run) / "averaged.pt", Path(run) / "averaged.json"
    trained = Path(run) / "train.json"
    if not all(path.is_file() for path in (averaged, record, trained)):
        return None
    made = averaged.stat().st_mtime_ns
    if trained.stat().st_mtime_ns > made:
        return None
    try:
        names = set(read_record(record, AVERAGE).get("checkpoints", ()))
    except InputError as error:
        return error
    of_epochs = any(map(_EPOCH.fullmatch, names))
    for path in sorted((Path(run) / "checkpoints").glob("checkpoint*.pt")):
        named = path.name in names or (of_epochs and _EPOCH.fullmatch(path.name))
        if named and path.stat().st_mtime_ns > made:
            return InputError(
                f"{path.relative_to(run)} was written after it, which is the mean of {', '.join(sorted(names))}",
                where=averaged,
                # Snakemake recreates a missing file only if a file made from it is missing as well.
                fix=f"remove it and run once with --forcerun {averaged}, or touch it if both are copies",
            )
    return None
