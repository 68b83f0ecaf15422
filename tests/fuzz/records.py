"""Readers of the records of scores, tests, latencies, trainings and decodings, one at a time, as reports read them."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from fuzz.engine import Reader, all_of

from janus.report.collect import collect
from janus.report.complexity import write_complexity
from janus.report.origins import origin_notes
from janus.report.overview import overview_rows
from janus.report.points import iteration_points
from janus.report.vital_signs import markdown, read_signs

_CELL = {
    "table": 1,
    "row": "JANUS-AR",
    "variant": "v",
    "column": "c",
    "corpus": "multi30k.de-en",
    "system": "janus-paper",
}
_RUN = Path(__file__).resolve().parents[2] / "results/reference/multi30k-cpu/multi30k.de-en/janus-paper/seed-1"
_RECORDS = {
    "score": "score/ar.json",
    "compare": "compare/ar-transformer.json",
    "latency": "latency.json",
    "train": "train.json",
    "decode": "decode/nar-3.bpe.json",
}


@cache
def valid_record(kind: str) -> bytes:
    """A valid record, shortened: of several rows or words only the first."""
    record = json.loads((_RUN / _RECORDS[kind]).read_bytes())
    if kind == "latency":
        record["rows"] = [row for row in record["rows"] if row["passes"] == 3][:2]
    if kind == "train":
        record["arguments"] = [*record["arguments"][:9], "--lr", "0.1", "--max-tokens", "4096"]
    if kind == "compare":
        # Made before the tests had these names.
        record |= {"p_bootstrap": 0.01, "p_randomisation": 0.02}
    if kind == "decode":
        record["checkpoint"] = "f00"
    if "revision" in record:
        record["revision"] = "abc"
    return json.dumps(record, indent=1).encode()


def _run_with(folder: Path, kind: str, path: Path) -> dict[str, Path]:
    """The files of one run, of which that of a kind is `path`."""
    found = {}
    for name, place in _RECORDS.items():
        found[name] = path if name == kind else folder / f"other/{place}"
        if name != kind and not found[name].exists():
            found[name].parent.mkdir(parents=True, exist_ok=True)
            found[name].write_bytes(valid_record(name))
    return found


def _read_record(kind: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        files = _run_with(path.parent, kind, path)
        origin = {"corpus": "c", "checkpoints": "average"}
        origin |= {"trainings": {1: files["train"]}, "decodings": {1: files["decode"]}}
        compared = {"against": "x", "step": False, "files": {1: files["compare"]}, "origin": origin}
        speed = {"files": {1: files["latency"]}, "manner": "nar", "passes": 3, "baseline": None}
        cell = _CELL | {"metric": "bleu_tok", "score_files": {1: files["score"]}, "comparisons": [compared]}
        cell |= {"origin": origin, "latency": speed}
        shown = cell | {"manner": "nar", "passes": 3, "latency_files": speed["files"]}
        scored = {("nar", 3): [files["score"]]}
        all_of(
            lambda: collect([cell]),
            lambda: origin_notes([cell]),
            lambda: overview_rows([shown], "translation"),
            lambda: iteration_points("s", "l", scores=scored, latencies=[files["latency"]]),
        )

    return read


def _vital() -> bytes:
    from janus.metrics.vital_signs import complaints, vital_signs

    lines = ["a dog walks", "two men", "two men"]
    signs = vital_signs(lines, lines, lines)
    return json.dumps({"signs": signs, "degenerate": complaints(signs), "expected": None}, indent=1).encode()


def _complexity() -> bytes:
    text = {"words": 9, "vocabulary": 5, "by_word": 1.0, "by_token": 1.0, "divergence": 0.5}
    distilled = {"of": "a", "teacher": "t", "settings": {"beam": 5}}
    facts = {"corpus": "a+t", "distilled": distilled, "pairs": 3}
    return json.dumps({"texts": {"raw": text, "distilled": text}, "provenance": facts}, indent=1).encode()


def _read_complexity(path: Path) -> None:
    write_complexity([path], path.parent / "table")


READERS = (
    *(
        Reader(kind, Path(place).name, "json", lambda kind=kind: [valid_record(kind)], _read_record(kind), 0.6)
        for kind, place in _RECORDS.items()
    ),
    Reader(
        "vital-signs",
        "c/s/seed-1/decode/ar.vital.json",
        "json",
        lambda: [_vital()],
        lambda path: markdown(read_signs([path])),
        0.6,
    ),
    Reader("complexity", "complexity.json", "json", lambda: [_complexity()], _read_complexity, 0.6),
)
