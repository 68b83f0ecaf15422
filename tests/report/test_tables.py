"""Tables in every format: what must stand in them, and that LaTeX can read them."""

import csv
import dataclasses
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from janus.report.layout import Table, build_table, score_text
from janus.report.ledger import Reproduced
from janus.report.metric_table import build_metric_table
from janus.report.published import Published
from janus.report.tables import escape, to_csv, to_latex, to_markdown, write_table

RECORD = Reproduced(
    table=1, row="JANUS-AR", variant="JANUS (paper)", column="IWSLT14 De→En", metric="bleu_tok", value=36.5,
    half_width=0.25, seeds=3, p_value=0.002, delta=1.5, baseline="Transformer", signature="tok:none|x_y",
    provenance="a.json",
)  # fmt: skip


def replace(**changes: object) -> Reproduced:
    return dataclasses.replace(RECORD, **changes)


RECORDS = [
    RECORD,
    replace(variant="JANUS (release)", value=37.5, p_value=0.2),
    replace(row="Transformer", variant="Transformer", value=35.0, p_value=None, delta=None, baseline=""),
    replace(metric="chrfpp", value=60.0, p_value=None, delta=None, signature="chrF2++"),
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
        ({"p_value": 0.01}, "36.50 ± 0.25 (p = 0.010)"),
        ({"delta": -1.0}, "36.50 ± 0.25‡ (p = 0.002)"),
        ({"p_value": None, "half_width": None}, "36.50"),
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
        ("NLTK ≤ 3.4 ≥ 3.6", r"NLTK $\leq$ 3.4 $\geq$ 3.6"),
        (r"#{}$\x", r"\#\{\}\$\textbackslash{}x"),
    ],
)
def test_latex_escapes(text: str, latex: str) -> None:
    assert escape(text) == latex


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


def test_three_files_are_written(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "table1")
    assert {path.name for path in tmp_path.iterdir()} == {"table1.csv", "table1.md", "table1.tex"}
