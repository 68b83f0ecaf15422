"""Readers of the numbers and claims of the paper, and of those that a run reproduced."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from fuzz.engine import Reader

from janus.claims.statements import load_statements
from janus.data import PUBLISHED
from janus.report.audit import audit
from janus.report.csvfile import to_csv
from janus.report.ledger import load_reproduced
from janus.report.published import load_published


def _published(name: str) -> bytes:
    return (PUBLISHED / name).read_bytes()


def _read_published(name: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        folder = path.parent
        for other in PUBLISHED.glob("*.csv"):
            if other.name != name:
                shutil.copyfile(other, folder / other.name)
        published = load_published(folder)
        audit(published)

    return read


def _reproduced() -> bytes:
    comparison = {"against": "Transformer", "step": False, "delta": 1.0, "p_bootstrap": 0.1, "p_randomisation": 0.2}
    row = {"table": 1, "row": "JANUS-AR", "variant": "v", "column": "c", "metric": "bleu_tok", "value": 1.5}
    row |= {
        "half_width": None,
        "seeds": 1,
        "comparisons": json.dumps([comparison]),
        "signature": "s",
        "provenance": "p",
    }
    return to_csv(list(row), [row, row | {"metric": "chrf", "half_width": 0.1, "comparisons": "[]"}]).encode()


READERS = (
    *(
        Reader(f"published-{name}", name, "lines", lambda name=name: [_published(name)], _read_published(name), 0.4)
        for name in ("table6.csv", "text.csv", "same.csv", "rows.csv")
    ),
    Reader("claims", "claims.csv", "lines", lambda: [_published("claims.csv")], load_statements),
    Reader("reproduced", "table1-cells.csv", "lines", lambda: [_reproduced()], load_reproduced),
)
