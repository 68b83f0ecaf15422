"""Tables in every format: what must stand in them, and that LaTeX can read them."""

import csv
import dataclasses
import html
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from janus.report.comparison_table import build_comparison_table
from janus.report.csvfile import markdown_text
from janus.report.htmlpage import to_html
from janus.report.layout import Table, build_table, score_text
from janus.report.ledger import Comparison, Reproduced
from janus.report.metric_table import build_metric_table
from janus.report.published import Published
from janus.report.tables import escape, to_csv, to_latex, to_markdown, write_table

BETTER = Comparison("Transformer", False, 1.5, 0.002, 0.0011)
STEP = Comparison("AR+NAR", True, -0.5, 0.001, 0.004)
RECORD = Reproduced(
    table=1, row="JANUS-AR", variant="JANUS (paper)", column="IWSLT14 De→En", metric="bleu_tok", value=36.5,
    half_width=0.25, seeds=3, comparisons=(BETTER,), signature="tok:none|x_y", provenance="a.json",
)  # fmt: skip


def replace(**changes: object) -> Reproduced:
    return dataclasses.replace(RECORD, **changes)


RECORDS = [
    RECORD,
    replace(variant="JANUS (release)", value=37.5, comparisons=(BETTER, STEP)),
    replace(row="Transformer", variant="Transformer", value=35.0, comparisons=()),
    replace(metric="chrfpp", value=60.0, comparisons=(), signature="chrF2++"),
    replace(row="My & co_1", variant="50 %", column="Multi30k De↔En", value=30.0),
]


SUMMARIES = [
    replace(table=2, row="BART-JANUS NAR iter 0", column="demo.xsum.src-tgt", metric=metric)
    for metric in ("rouge1_155", "rouge2_155", "rougeL_155", "overall", "iterations", "latency", "speedup")
]


@pytest.fixture
def table(published: Published) -> Table:
    return build_table(
        1,
        published,
        RECORDS,
        tier="multi30k",
        generated=False,
        added_rows=["My & co_1"],
        added_columns=["Multi30k De↔En"],
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "36.50 ± 0.25† (p = 0.002)"),
        ({"half_width": None}, "36.50† (p = 0.002)"),
        ({"comparisons": (dataclasses.replace(BETTER, p_bootstrap=0.01),)}, "36.50 ± 0.25 (p = 0.010)"),
        # The stricter of both tests decides.
        ({"comparisons": (dataclasses.replace(BETTER, p_randomisation=0.01),)}, "36.50 ± 0.25 (p = 0.010)"),
        ({"comparisons": (dataclasses.replace(BETTER, delta=-1.0),)}, "36.50 ± 0.25‡ (p = 0.002)"),
        ({"comparisons": (BETTER, STEP)}, "36.50 ± 0.25†↓ (p = 0.002, step p = 0.004)"),
        ({"comparisons": (dataclasses.replace(STEP, delta=0.5),)}, "36.50 ± 0.25↑ (step p = 0.004)"),
        ({"comparisons": (), "half_width": None}, "36.50"),
    ],
)
def test_a_score_shows_interval_mark_and_p_value(changes: dict[str, object], text: str) -> None:
    assert score_text(replace(**changes)) == text


def test_markdown_puts_published_reproduced_and_difference_side_by_side(table: Table) -> None:
    lines = to_markdown(table).splitlines()
    heads = [head.strip() for head in lines[2].strip("|").split("|")]
    rows = [
        dict(zip(heads, map(str.strip, line.strip("|").split("|")), strict=True))
        for line in lines[4:]
        if line[:1] == "|"
    ]
    (paper,) = [row for row in rows if row["System"] == "JANUS (paper)"]
    assert [paper[f"IWSLT14 De→En {kind}"] for kind in ("published", "reproduced", "Δ")] == [
        "37.24†", "36.50 ± 0.25† (p = 0.002)", "−0.74",
    ]  # fmt: skip
    (glat,) = [row for row in rows if row["Row"] == "GLAT"]
    assert glat["System"] == "published only" and glat["IWSLT14 De→En published"] == "32.49"
    assert "WMT16 Ro→En reproduced" not in heads and "Multi30k De↔En published" not in heads
    assert rows[-1]["Multi30k De↔En reproduced"].startswith("30.00") and rows[-1]["IWSLT14 De→En published"] == "–"


def test_the_caption_of_generated_text_disclaims_it(published: Published) -> None:
    demo = build_table(1, published, RECORDS[:1], tier="demo", generated=True)
    for text in (to_markdown(demo), to_latex(demo)):
        assert "Tier: demo" in text and "generates" in text and "no evidence about the paper" in text
    real = build_table(1, published, RECORDS[:1], tier="paper", generated=False)
    assert "no evidence" not in to_markdown(real)


def test_notes_name_signature_baseline_and_seeds(table: Table) -> None:
    notes = " ".join(table.notes)
    assert "tok:none|x_y" in notes and "(Transformer)" in notes and "3 seeds" in notes and "p < 0.01" in notes
    assert "worse than the row it adds to (AR+NAR;" in notes and "randomisation" in notes


def test_the_tests_stand_in_a_table_of_their_own(published: Published) -> None:
    table = build_comparison_table(1, RECORDS, tier="demo", generated=True)
    assert [line[1:] for line in table.lines[:3]] == [
        ("JANUS (paper)", "IWSLT14 De→En", "Transformer", "+1.50", "0.0020", "0.0011", "†"),
        ("JANUS (release)", "IWSLT14 De→En", "Transformer", "+1.50", "0.0020", "0.0011", "†"),
        ("JANUS (release)", "IWSLT14 De→En", "AR+NAR", "−0.50", "0.0010", "0.0040", "↓"),
    ]
    assert "BLEU, tokenised" in table.caption and "no evidence" in table.caption
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert (rows[2]["adds_to_it"], rows[2]["difference"], rows[2]["p_randomisation"]) == ("True", "-0.5", "0.004")
    none = build_comparison_table(3, RECORDS, tier="demo", generated=True)
    assert none.lines == () and none.notes == ("Nothing is tested in this table.",)


def test_a_column_of_another_text_has_no_difference(published: Published) -> None:
    """The demo's generated text stands beside IWSLT14's numbers and is not compared with them."""
    records = [RECORD, replace(column="WMT16 Ro→En")]
    table = build_table(1, published, records, tier="t", generated=False, other_texts={"IWSLT14 De→En": "demo text"})
    kinds = {group.name: group.columns for group in table.groups}
    assert kinds["IWSLT14 De→En"] == ("published", "reproduced")
    assert kinds["WMT16 Ro→En"] == ("published", "reproduced", "Δ")
    assert {cell["column"] for cell in table.records if cell["difference"] is not None} == {"WMT16 Ro→En"}
    (note,) = [note for note in table.notes if "demo text" in note]
    assert note == "Reproduced on demo text, text that is none of the paper's: there is no Δ."
    other = dict.fromkeys(("IWSLT14 De→En", "WMT16 Ro→En"), "demo text")
    without = build_table(1, published, records, tier="t", generated=False, other_texts=other)
    assert "minus" not in " ".join(without.notes)


@pytest.mark.parametrize(
    ("number", "row", "title"),
    [(2, "BART-JANUS AR", "Summarisation on {}"), (8, "BART-JANUS", "{} after different pre-trainings")],
)
def test_a_caption_names_the_text_of_the_numbers(published: Published, number: int, row: str, title: str) -> None:
    record = replace(table=number, row=row, column="ROUGE-1", metric="rouge1_155")
    for others, text in (({}, "XSum"), ({"ROUGE-1": "package summaries"}, "package summaries (the paper: XSum)")):
        table = build_table(number, published, [record], tier="t", generated=False, other_texts=others)
        assert table.caption == f"Table {number} of the paper: {title.format(text)}. Tier: t."
    unshown = build_table(number, published, tier="t", generated=False, other_texts={"ROUGE-1": "package summaries"})
    assert "package" not in unshown.caption


def test_notes_on_the_runs_end_the_notes_of_a_table_that_was_run(published: Published) -> None:
    notes = {"origins": ["Unequal, A and B: updates 1 and 2."]}
    assert build_table(1, published, RECORDS[:1], tier="t", generated=False, **notes).notes[-1] == notes["origins"][0]
    assert len(build_table(2, published, RECORDS[:1], tier="t", generated=False, **notes).notes) == 1


def test_the_csv_is_tidy_and_whole(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(rows) == len(table.lines) * 7
    (cell,) = [row for row in rows if row["system"] == "JANUS (paper)" and row["column"] == "IWSLT14 De→En"]
    assert (cell["published"], cell["reproduced"], cell["difference"]) == ("37.24", "36.5", "-0.74")
    assert cell["provenance"] == "a.json"


@pytest.mark.parametrize("number", range(1, 9))
def test_a_table_without_runs_shows_what_was_published(published: Published, number: int) -> None:
    table = build_table(number, published, tier="demo", generated=True)
    assert len(table.lines) == len(published.rows(number))
    assert table.labels == ("Row",) and "Tier: demo" in table.caption and "no evidence" not in table.caption
    assert {len(line) for line in table.lines} == {1 + len(published.columns(number))}


def test_the_companion_has_every_metric_and_signature(published: Published) -> None:
    table = build_metric_table(1, RECORDS, tier="demo", generated=True)
    assert [group.name for group in table.groups] == ["BLEU, tokenised", "chrF++"]
    first = dict(zip((*table.labels, "bleu", "chrf"), table.lines[0], strict=True))
    assert (first["System"], first["bleu"], first["chrf"]) == (
        "JANUS (paper)",
        "36.50 ± 0.25† (p = 0.002)",
        "60.00 ± 0.25",
    )
    assert any("chrF2++" in note for note in table.notes)
    assert table.notes[-1].startswith("† better, ‡ worse than its baseline (Transformer)")


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a & b_c 50 %", r"a \& b\_c 50 \%"),
        ("De→En De↔En", r"De$\rightarrow$En De$\leftrightarrow$En"),
        ("1 ± 2† −3", r"1 $\pm$ 2$^\dagger$ $-$3"),
        ("1↑ 2↓", r"1$\uparrow$ 2$\downarrow$"),
        ("NLTK ≤ 3.4 ≥ 3.6", r"NLTK $\leq$ 3.4 $\geq$ 3.6"),
        (r"#{}$\x", r"\#\{\}\$\textbackslash{}x"),
    ],
)
def test_latex_escapes(text: str, latex: str) -> None:
    assert escape(text) == latex


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("cost $5 vs $6", r"cost \$5 vs \$6"),
        ("*x* _y_ x_y `z` ~w~", r"\*x\* \_y\_ x_y \`z\` \~w\~"),
        ("<b> a < b", r"\<b> a < b"),
        ("R&D &amp; &#38;", r"R&D \&amp; \&#38;"),
        ("[x](y) [z]", r"[x\](y) [z]"),
        (r"\frac", r"\\frac"),
        ("two\nlines", "two lines"),
        ("p < 0.01, 100 %", "p < 0.01, 100 %"),
    ],
)
def test_markdown_shows_a_name_as_written(text: str, markdown: str) -> None:
    assert markdown_text(text) == markdown


NASTY = r"[a|b] $x$ & 50 % _y_ #{}\ ~ ^ <b> -- *"


def test_a_name_of_any_characters_survives_every_format(published: Published) -> None:
    records = [replace(row=NASTY, variant=NASTY)]
    table = build_table(1, published, records, tier="demo", generated=False, added_rows=[NASTY])
    [cell] = [row for row in csv.DictReader(io.StringIO(to_csv(table))) if row["row"] == NASTY and row["reproduced"]]
    assert cell["system"] == NASTY
    [line] = [line for line in to_markdown(table).splitlines() if "50 %" in line]
    fields = re.split(r"(?<!\\)\|", line)
    assert len(fields) == len(to_markdown(table).splitlines()[2].split("|"))
    assert re.sub(r"\\(.)", r"\1", fields[1].strip()) == NASTY
    [line] = [line for line in to_latex(table).splitlines() if r"50 \%" in line]
    assert line.startswith("{}[a") and "-{}-" in line and len(re.split(r"(?<!\\)&", line)) == len(fields) - 2


class Page(HTMLParser):
    """The rows of a page's table as its browser shows them, each cell as often as it spans columns."""

    def __init__(self, text: str):
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1] += [""] * int(dict(attrs).get("colspan") or 1)

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("th", "td") and data.strip():
            self.rows[-1][-1] = data


def test_a_browser_shows_the_same_cells(table: Table, published: Published) -> None:
    page = Page(to_html(table))
    assert [tuple(row) for row in page.rows[2:]] == list(table.lines)
    width = len(table.labels) + sum(len(group.columns) for group in table.groups)
    assert {len(row) for row in page.rows} == {width}
    plain = build_table(3, published, tier="demo", generated=False)
    assert [tuple(row) for row in Page(to_html(plain)).rows[1:]] == list(plain.lines)
    assert all(html.escape(note) in to_html(table) for note in (*table.notes, table.caption))


def test_a_name_is_no_markup_of_a_page(published: Published) -> None:
    records = [replace(row="<b>&amp;</b>", variant="<script>")]
    text = to_html(build_table(1, published, records, tier="demo", generated=False, added_rows=["<b>&amp;</b>"]))
    page = Page(text)
    assert not page.tags & {"b", "script"}
    assert [row[:2] for row in page.rows if "<script>" in row] == [["<b>&amp;</b>", "<script>"]]


def test_latex_is_ascii_with_as_many_fields_as_columns(table: Table) -> None:
    text = to_latex(table)
    assert text.isascii()
    columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1])
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert {len(re.split(r"(?<!\\)&", line)) for line in body} == {columns}
    assert all(line.endswith(r"\\") for line in body)
    spans = [int(width) for width in re.findall(r"\\multicolumn\{(\d+)\}", text)]
    assert sum(spans) + len(table.labels) == columns
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_a_table_of_many_columns_lies_sideways(table: Table, published: Published) -> None:
    wide = to_latex(build_table(2, published, SUMMARIES, tier="demo", generated=True))
    assert wide.count("{sidewaystable*}") == 2 and "rotating" in wide.splitlines()[0]
    assert r"\begin{table*}[t]" in to_latex(table) and "sideways" not in to_latex(table)


@pytest.mark.parametrize("compiler", [path for path in [shutil.which("pdflatex")] if path])
def test_latex_compiles(table: Table, published: Published, compiler: str, tmp_path: Path) -> None:
    tables = [table, build_metric_table(1, RECORDS, tier="demo", generated=True)]
    tables.append(build_comparison_table(1, RECORDS, tier="demo", generated=True))
    tables += [build_table(number, published, tier="demo", generated=True) for number in range(3, 9)]
    tables.append(build_table(2, published, SUMMARIES, tier="demo", generated=True))
    for one in tables:
        write_table(one, tmp_path / one.name)
    inputs = "".join(rf"\input{{{one.name}}}\clearpage" for one in tables)
    head = r"\documentclass{article}\usepackage{booktabs,graphicx,rotating}"
    (tmp_path / "all.tex").write_text(rf"{head}\begin{{document}}{inputs}\end{{document}}")
    words = [compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_every_file_is_written(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "table1")
    assert {path.name for path in tmp_path.iterdir()} == {"table1.csv", "table1.html", "table1.md", "table1.tex"}
