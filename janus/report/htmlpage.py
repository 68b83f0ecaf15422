"""A table as an HTML page, for Snakemake's report."""

from collections.abc import Sequence
from html import escape

from janus.report.layout import Table

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; margin: 2em; }
div { overflow-x: auto; }
table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; }
table { font-variant-numeric: tabular-nums; }
caption { caption-side: top; text-align: left; font-weight: bold; padding-bottom: .6em; }
th, td { padding: .25em .7em; white-space: nowrap; text-align: right; }
.label { text-align: left; }
thead tr:last-child th { border-bottom: 1px solid; }
tbody tr:nth-child(even) { background: #f5f5f5; }
p { max-width: 60em; font-size: 13px; color: #444; }
"""


def to_html(table: Table) -> str:
    """The table whole: caption, heads in one or two rows, every line, the notes; no text of it is markup."""
    heads = "\n".join(_row(cells) for cells in _heads(table))
    width = len(table.labels)
    lines = "\n".join(
        _row([_cell("td", text, label=column < width) for column, text in enumerate(line)]) for line in table.lines
    )
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in table.notes)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(table.caption)}</title>\n'
        f"<style>{_STYLE}</style>\n<div><table>\n<caption>{escape(table.caption)}</caption>\n"
        f"<thead>\n{heads}\n</thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>\n{notes}\n</html>\n"
    )


def _heads(table: Table) -> list[list[str]]:
    """Heads of groups above those of their columns; a single row if no group has columns."""
    labels = [_cell("th", label, label=True) for label in table.labels]
    if all(group.columns == ("",) for group in table.groups):
        return [labels + [_cell("th", group.name) for group in table.groups]]
    tops = [_cell("th", "") for _ in table.labels]
    tops += [_cell("th", group.name, span=len(group.columns)) for group in table.groups]
    return [tops, labels + [_cell("th", column) for group in table.groups for column in group.columns]]


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag: str, text: str, *, label: bool = False, span: int = 1) -> str:
    kind = ' class="label"' if label else ""
    width = f' colspan="{span}" style="text-align: center"' if span > 1 else ""
    return f"<{tag}{kind}{width}>{escape(text)}</{tag}>"
