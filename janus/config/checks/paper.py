"""What a tier shares with the paper: columns and rows of its tables, and its claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from janus.claims.statements import Statement, check_rows
from janus.config.checks.problems import Problems, repeated, unknown_name
from janus.config.checks.tasks import TASK_OF_BLOCK
from janus.config.tiers import blocks_of, entry_of, systems_of
from janus.errors import InputError
from janus.report.published import Published


def published_problems(
    tier: Mapping[str, Any], systems: Mapping[str, Any], published: Published, where: object
) -> Problems:
    """Columns and rows that a table shares with the paper exist in the paper.

    Otherwise rendering the table would fail after everything was computed.
    """
    for place, table in blocks_of(tier, ("tables",)):
        yield from _shared_columns(table, place, where)
        if place not in TASK_OF_BLOCK:
            continue
        number = int(place.removeprefix("tables.table"))
        heads = [head.removesuffix(" AR") for head in published.score_columns(number) if not head.endswith(" NAR")]
        for corpus, column in table.get("columns", {}).items():
            if isinstance(column, str) and column not in heads:
                yield InputError(
                    f"the paper's Table {number} has no column {column!r}",
                    where=f"{where}: {place}.columns.{corpus}",
                    fix=f"choose from: {', '.join(heads)}; or write {{new: {column}}}",
                )
        rows = published.rows(number)
        for name in systems_of(table):
            for entry in systems[name]["published"]:
                if entry["table"] == number and entry["row"] not in rows:
                    yield InputError(
                        f"the paper's Table {number} has no row {entry['row']!r}",
                        where=f"{entry_of(tier, name)}.published",
                        fix=f"choose from: {', '.join(rows)}; or leave the entry out",
                    )


def _shared_columns(table: Mapping[str, Any], place: str, where: object) -> Problems:
    """No two corpora fill the same column of a table."""
    columns = table.get("columns", {}).items()
    heads = {corpus: column if isinstance(column, str) else column["new"] for corpus, column in columns}
    for corpus, head, other in repeated(heads):
        yield InputError(
            f"the column {head!r} is also used by {other}",
            where=f"{where}: {place}.columns.{corpus}",
            fix="give each corpus its own column",
        )


def claim_problems(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    published: Published,
    statements: Sequence[Statement],
    where: object,
) -> Problems:
    """The paper's claims are about rows of its tables, and a tier names only existing claims."""
    for statement in statements:
        try:
            check_rows(statement, published, systems)
        except InputError as error:
            yield error
    for name in tier["claims"].get("ids", ()):
        yield from unknown_name(
            name,
            [one.id for one in statements],
            kind="claim",
            where=f"{where}: claims.ids",
            file=tier["claims_file"],
        )
