"""A table in four formats: CSV for computations, Markdown and HTML for reading, LaTeX for printing."""

from collections.abc import Sequence
from pathlib import Path

from janus.files import atomic_writer
from janus.report import csvfile
from janus.report.htmlpage import to_html
from janus.report.layout import Table

# More columns do not fit on a page in portrait format.
_UPRIGHT = 17

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "→": r"$\rightarrow$", "↔": r"$\leftrightarrow$", "±": r"$\pm$", "†": r"$^\dagger$",
        "‡": r"$^\ddagger$", "¶": r"\P{}", "−": r"$-$", "≤": r"$\leq$", "≥": r"$\geq$",
        "↑": r"$\uparrow$", "↓": r"$\downarrow$",
        "–": "--", "Δ": r"$\Delta$", "×": r"$\times$", "“": "``", "”": "''",
    }
)  # fmt: skip


def write_table(table: Table, stem: Path) -> None:
    """Write `<stem>.csv`, `<stem>.md`, `<stem>.html` and `<stem>.tex`."""
    for suffix, text_of in ((".csv", to_csv), (".md", to_markdown), (".html", to_html), (".tex", to_latex)):
        with atomic_writer(stem.with_name(stem.name + suffix)) as stream:
            stream.write(text_of(table))


def to_csv(table: Table) -> str:
    """Tidy CSV: one record per cell, or per line of a companion table."""
    return csvfile.to_csv(table.record_columns, table.records)


def to_markdown(table: Table) -> str:
    """A caption, a pipe table whose heads name group and column, and the notes."""
    heads = [*table.labels, *_heads(table)]
    aligned = [":---" if column < len(table.labels) else "---:" for column in range(len(heads))]
    notes = "".join(f"\n{csvfile.markdown_text(note)}\n" for note in table.notes)
    grid = csvfile.markdown_grid(heads, aligned, table.lines)
    return f"**{csvfile.markdown_text(table.caption)}**\n\n{grid}{notes}"


def to_latex(table: Table) -> str:
    """A float for `\\input`, with the packages it needs in its first line; every text is escaped.

    It spans both columns of a page; a table with many columns is rotated on its own page.
    """
    columns = len(table.labels) + sum(len(group.columns) for group in table.groups)
    wide = columns > _UPRIGHT
    lines = [
        rf"% needs \usepackage{{booktabs,graphicx{',rotating' if wide else ''}}}",
        r"\begin{sidewaystable*}" if wide else r"\begin{table*}[t]",
        r"\centering",
        *([r"\setlength{\tabcolsep}{3pt}"] if wide else []),
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * len(table.labels)}{'r' * (columns - len(table.labels))}}}",
        r"\toprule",
        *_latex_heads(table),
        r"\midrule",
        *(_latex_line([escape(text) for text in line]) for line in table.lines),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\caption{{{escape(' '.join((table.caption, *table.notes)))}}}",
        rf"\label{{tab:{table.name}}}",
        r"\end{sidewaystable*}" if wide else r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX prints literally; arrows, daggers and signs become mathematics, two hyphens no dash."""
    return "-{}-".join(part.translate(_LATEX) for part in text.split("--"))


def _heads(table: Table) -> list[str]:
    return [f"{group.name} {column}".strip() for group in table.groups for column in group.columns]


def _latex_heads(table: Table) -> list[str]:
    """Group heads with a rule under each that spans several columns, and the heads below, if any."""
    if all(group.columns == ("",) for group in table.groups):
        return [_latex_line([escape(text) for text in (*table.labels, *_heads(table))])]
    tops, rules, start = ["" for _ in table.labels], [], len(table.labels) + 1
    for group in table.groups:
        width = len(group.columns)
        tops.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group.name)}}}")
        if width > 1:
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    below = [escape(text) for text in (*table.labels, *(column for group in table.groups for column in group.columns))]
    return [_latex_line(tops), " ".join(rules), _latex_line(below)]


def _latex_line(fields: Sequence[str]) -> str:
    # After the end of a line or a rule, LaTeX would read a bracket or a star as an option.
    shield = "{}" if fields[0].startswith(("[", "*")) else ""
    return shield + " & ".join(fields) + r" \\"
