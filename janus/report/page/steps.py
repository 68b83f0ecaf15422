"""The passes of refined sentences, as `janus translate --show-steps --json` prints them, for a page."""

from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import parse_json, read_lines

SUFFIX = ".steps.jsonl"
_PARTS = ("subwords", "probabilities", "masked", "changed")


def refinements(run: Path) -> list[dict[str, Any]]:
    """The refined sentences of every file <corpus>/<system>/seed-<n>/decode/<mode>.steps.jsonl of a run.

    A sentence has its source, its text, and passes of `subwords`, with the `probabilities` they were written
    with, and whether each was `masked` before and `changed` by the pass. Raises InputError for another file.
    """
    found = []
    for path in sorted(Path(run).glob(f"*/*/seed-*/decode/*{SUFFIX}")):
        corpus, system, seed = path.parts[-5:-2]
        sentences = [_sentence(line, f"{path}:{number}") for number, line in enumerate(read_lines(path), 1)]
        if sentences:
            mode = path.name.removesuffix(SUFFIX)
            found.append({"title": f"{system}, {mode}, {seed.replace('-', ' ')}, {corpus}", "sentences": sentences})
    return found


def _sentence(line: str, where: str) -> dict[str, Any]:
    try:
        record = parse_json(line)
        best = record["outputs"][0]
        passes = [{part: one[part] for part in _PARTS} for one in best["passes"]]
        for one in passes:
            if len({len(one[part]) for part in _PARTS}) != 1:
                raise ValueError("a pass of unequal lists")
            one["probabilities"] = [round(float(value), 4) for value in one["probabilities"]]
        return {"source": record["source"], "text": best["text"], "passes": passes}
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"not a refined sentence ({error})", where=where, fix="make it with `janus translate --show-steps --json`"
        ) from error
