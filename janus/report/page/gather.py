"""Everything that a page says of a run, as plain data without markup."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from janus.data import PUBLISHED
from janus.errors import InputError
from janus.files import read_json
from janus.report.audit import VERDICTS, audit, summary
from janus.report.page.attention import attention
from janus.report.page.numbers import Numbers
from janus.report.page.records import Records
from janus.report.page.scatter import scatters
from janus.report.page.sections import Place, claims, overview, own_table, paper_table, plain_table
from janus.report.page.status import status
from janus.report.page.steps import refinements
from janus.report.page.table_file import read_caption
from janus.report.paper_tables import PAPER_TABLES
from janus.report.published import load_published

_FORMATS = {".svg": "image/svg+xml", ".png": "image/png"}


def gather(run: Path, *, planned: Sequence[Mapping[str, Any]] | None = None, command: str = "") -> dict[str, Any]:
    """What a page says of the run in a folder, results/<tier>, finished or under way.

    planned: of `janus.report.page.plan.planned_rows`. command: what makes a file of the run, without its name.
    Raises InputError for a folder without tables, and for files that are broken.
    """
    run = Path(run)
    tables, figures = run / "tables", run / "figures"
    rendered = {path.stem: read_json(path) for path in sorted(tables.glob("*.json"))}
    facts = list(rendered.values())
    if not facts:
        raise InputError("no tables", where=run, fix="give the folder of a run, results/<tier>, with rendered tables")
    tier = facts[0]["tier"]
    published = load_published(PUBLISHED)
    numbers = Numbers(Records(run, tier))
    place = Place(tables, published, numbers)
    names = [record["overview"] for record in facts if "overview" in record]
    # Tables without numbers that tell where they come from.
    plain = ["vital-signs", *(f"{name}-vital-signs" for name in names), "complexity"]
    own = [stem for stem, record in rendered.items() if record.get("table") == stem and "cells" in record]
    findings = audit(published)
    state = status(run, numbers, planned)
    return {
        "tier": tier,
        "command": command,
        "generated": any(record.get("generated") for record in facts),
        "status": state,
        "claims": _claims(place, figures),
        "tables": [
            *(table for number in PAPER_TABLES if (table := paper_table(place, number))),
            *(own_table(place, name) for name in own),
        ],
        "overviews": [_overview(place, figures, name) for name in names],
        "plain": [table for name in plain if (table := plain_table(place, name))],
        "figures": _figures(figures, names, numbers.records),
        "attention": attention(),
        "refinements": refinements(run),
        "audit": {
            "summary": summary(findings),
            "verdicts": dict(VERDICTS),
            "findings": [asdict(finding) for finding in findings],
        },
        "numbers": numbers.shown,
        "records": numbers.records.shown,
    }


def _claims(place: Place, figures: Path) -> dict[str, Any] | None:
    table = claims(place)
    if table is None:
        return None
    verdict = [line["labels"][1]["text"] for line in table["lines"]]
    counts = Counter(text.partition(":")[0] for text in verdict if text)
    return {
        "table": table,
        "counts": [{"verdict": word, "count": count} for word, count in counts.most_common()],
        "plot": _picture(
            figures / "claims", "Forest plot of the claims: effects with their 95 % intervals", place.numbers.records
        ),
    }


def _overview(place: Place, figures: Path, name: str) -> dict[str, Any]:
    table = overview(place, name)
    csv = figures / f"{name}.csv"
    return {"table": table, "scatters": scatters(csv, table.pop("rows")) if csv.is_file() else []}


def _figures(folder: Path, overviews: Sequence[str], records: Records) -> list[dict[str, Any]]:
    """The figures of the paper that have data; Figure 2, claims and overviews have places of their own."""
    stems = [path.with_suffix("") for path in sorted(folder.glob("*.csv")) if path.stem not in overviews]
    return [picture for stem in stems if (picture := _picture(stem, stem.name, records))]


def _picture(stem: Path, caption: str, records: Records) -> dict[str, Any] | None:
    """A figure as an image that a page holds; its caption is that of its data, where it has data."""
    for suffix, kind in _FORMATS.items():
        path = stem.with_name(stem.name + suffix)
        if path.is_file():
            text = stem.with_name(stem.name + ".md")
            csv = stem.with_name(stem.name + ".csv")
            return {
                "name": stem.name,
                "caption": read_caption(text) if text.is_file() else caption,
                "image": f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}",
                "csv": records.text(csv) if csv.is_file() else None,
            }
    return None
