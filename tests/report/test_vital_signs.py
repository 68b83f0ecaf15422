"""Vital signs in the report: which files, the mark, the line at the end, the command."""

from dataclasses import replace
from pathlib import Path

import pytest

from janus.__main__ import main
from janus.errors import InputError
from janus.files import read_json, write_json, write_lines
from janus.metrics.vital_signs import complaints, vital_signs
from janus.report.collect import collect
from janus.report.layout import Group, build_table
from janus.report.metric_table import build_metric_table
from janus.report.own_table import build_own_table
from janus.report.tables import to_csv, to_latex, to_markdown
from janus.report.vital_signs import MARK, marked, read_signs, signs_of_run, summary, vital_files, write_signs

LINES = [f"w{i} is what number {i} says" for i in range(20)]


def decoded(run: Path, corpus: str, system: str, mode: str, outputs=LINES) -> Path:
    """A decoded file with its signs, where the workflow puts them; returns where its score file lies."""
    folder = run / corpus / system / "seed-1"
    write_lines(folder / "decode" / f"{mode}.bpe", outputs)
    signs = vital_signs(outputs, LINES, [f"source {i}" for i in range(20)])
    write_json(folder / "decode" / f"{mode}.vital.json", {"signs": signs, "degenerate": complaints(signs)})
    metrics = {"bleu_tok": 20.0, "rouge1_155": 30.0, "rouge2_155": 20.0, "rougeL_155": 25.0, "overall": 25.0}
    scores = {name: {"value": value, "signature": "s"} for name, value in metrics.items()}
    write_json(folder / "score" / f"{mode}.json", {"scores": scores, "provenance": {}})
    return folder / "score" / f"{mode}.json"


def cell(number, row, variant, column, path):
    return dict(table=number, row=row, variant=variant, column=column, metric=None, score_files={1: str(path)})


def test_a_floor_has_no_signs_and_a_file_is_named_once():
    scores = ["r/c/s/seed-1/score/nar-5.json", "r/c/floors/copy.json", "r/c/s/seed-1/score/nar-5.json"]
    assert vital_files(scores) == ["r/c/s/seed-1/decode/nar-5.vital.json"]


def test_where_corpora_are_columns_the_score_carries_the_mark(published, tmp_path):
    cells = [
        cell(1, "CMLM", "CMLM", "IWSLT14 De→En", decoded(tmp_path, "iwslt", "cmlm", "nar-11", 20 * [""])),
        cell(1, "CMLM", "CMLM", "WMT16 Ro→En", decoded(tmp_path, "wmt", "cmlm", "nar-11")),
    ]
    records = collect(cells)
    table = marked(build_table(1, published, records, tier="t", generated=False), cells)
    [line] = [line for line in table.lines if line[:2] == ("CMLM", "CMLM")]
    assert [text for text in line if MARK in text] == [f"20.00{MARK}"]
    assert line.index(f"20.00{MARK}") < line.index("20.00")
    assert f"{MARK} degenerate output" in table.notes[-1] and "IWSLT14" in table.notes[-1]
    assert "WMT16" not in table.notes[-1] and "100% of the outputs are empty" in table.notes[-1]
    for text in (to_markdown(table), to_latex(table), to_csv(table)):
        assert text.count("100% of the outputs are empty") + text.count(r"100\% of the outputs are empty") == 1
    assert r"\P{}" in to_latex(table) and MARK not in to_latex(table)
    metrics = marked(build_metric_table(1, records, tier="t", generated=False), cells)
    assert [line[1:3] for line in metrics.lines if MARK in line[1]] == [(f"CMLM{MARK}", "IWSLT14 De→En")]
    assert [bool(record["degenerate"]) for record in metrics.records] == [True, False]


def test_where_metrics_are_columns_the_system_carries_the_mark(published, tmp_path):
    rows = {"BART-JANUS NAR iter 0": ("nar-1", ["w"] * 20), "BART-JANUS NAR iter 10": ("nar-11", LINES)}
    cells = [
        cell(2, row, "ours", "xsum", decoded(tmp_path, "xsum", "bart-janus-paper-nar", mode, outputs))
        for row, (mode, outputs) in rows.items()
    ]
    table = marked(build_table(2, published, collect(cells), tier="t", generated=False), cells)
    assert [line[1] for line in table.lines if line[0] in rows] == [f"ours{MARK}", "ours"]
    assert not any(MARK in text for line in table.lines for text in (line[0], *line[2:]))
    reasons = {(r["row"], r["column"]): r["degenerate"] for r in table.records if r["system"] == "ours"}
    assert len(reasons) > 4 and all(bool(reason) == ("iter 0" in row) for (row, _), reason in reasons.items())


def test_metrics_below_corpora_carry_the_mark_of_their_corpus_and_a_system_is_marked_once(tmp_path):
    outputs = {"news": ["w"] * 20, "talks": ["w"] * 20, "chat": LINES}
    scores = {corpus: decoded(tmp_path, corpus, "theirs", "ar", lines) for corpus, lines in outputs.items()}
    cells = [
        cell("mine", "theirs", "Theirs, AR", corpus, path) | {"tested": "bleu_tok"} for corpus, path in scores.items()
    ]
    records = collect(cells)
    shown = {"title": "Ours", "metrics": ["bleu_tok", "overall"], "tier": "t", "generated": False}
    own = marked(build_own_table("mine", records, **shown), cells)
    sick = [f"20.00{MARK}", f"25.00{MARK}"]
    assert own.lines == (("theirs", "Theirs, AR", *sick, *sick, "20.00", "25.00"),)
    metrics = marked(build_metric_table("mine", records, tier="t", generated=False), cells)
    assert [line[1] for line in metrics.lines] == [f"Theirs, AR{MARK}", f"Theirs, AR{MARK}", "Theirs, AR"]
    one_line = replace(own, groups=(Group("BLEU", ("",)),), lines=(("theirs", "Theirs, AR", "20.00"),))
    assert marked(one_line, cells).lines == (("theirs", f"Theirs, AR{MARK}", "20.00"),)


def test_a_table_without_a_degenerate_row_has_no_mark_and_no_note(published, tmp_path):
    cells = [cell(1, "CMLM", "CMLM", "WMT16 Ro→En", decoded(tmp_path, "wmt", "cmlm", "nar-11"))]
    plain = build_table(1, published, collect(cells), tier="t", generated=False)
    table = marked(plain, cells)
    assert (table.lines, table.notes) == (plain.lines, plain.notes)


def test_the_last_line_counts_and_names(tmp_path):
    decoded(tmp_path, "a", "x", "ar")
    assert summary(signs_of_run(tmp_path), "the table") == ""
    decoded(tmp_path, "a", "x", "nar-1", 20 * [""])
    line = summary(signs_of_run(tmp_path), "the table")
    assert line == "1 row is degenerate: x nar-1 on a, seed 1; see the table"
    for passes in range(2, 7):
        decoded(tmp_path, "a", "x", f"nar-{passes}", 20 * [""])
    line = summary(signs_of_run(tmp_path), "the table")
    assert line.startswith("6 rows are degenerate: ") and "; and 2 more; see" in line and "\n" not in line


def test_a_baseline_decoded_for_a_test_alone_has_no_signs(tmp_path):
    path = Path(decoded(tmp_path, "a", "x", "nar-4"))
    bpe = next(tmp_path.glob("a/x/seed-1/decode/*.bpe"))
    bpe.with_name("nar-10.bpe").write_text("word\n")
    assert [one.place[-1] for one in signs_of_run(tmp_path)] == ["nar-4"], path


def test_the_command_fails_where_a_row_is_degenerate(tmp_path, capsys):
    decoded(tmp_path / "demo", "a", "x", "ar")
    assert main(["vital-signs", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr()
    assert "| a | x | 1 | ar | 20 | 0.0% | 1.00 |" in said.out and said.err == ""
    decoded(tmp_path / "demo", "a", "x", "nar-1", 20 * [""])
    assert main(["vital-signs", str(tmp_path / "demo")]) == 1
    said = capsys.readouterr()
    assert said.err == "1 row is degenerate: x nar-1 on a, seed 1; see above\n"
    assert said.out.index("nar-1") < said.out.index("| ar |")


def test_what_a_system_is_by_nature_is_marked_and_fails_nothing(published, tmp_path, capsys):
    score = decoded(tmp_path / "demo", "iwslt", "aux", "ar", 20 * ["w"])
    path = score.parents[1] / "decode/ar.vital.json"
    write_json(path, read_json(path) | {"expected": "it never ends"})
    assert main(["vital-signs", str(tmp_path / "demo")]) == 0
    said = capsys.readouterr()
    assert "distinct references; expected: it never ends |" in said.out and said.err == ""
    cells = [cell(1, "CMLM", "CMLM", "WMT16 Ro→En", score)]
    table = marked(build_table(1, published, collect(cells), tier="t", generated=False), cells)
    assert any(MARK in text for line in table.lines for text in line) and "it never ends" in table.notes[-1]


def test_the_command_wants_signs_of_every_decoded_file(tmp_path, capsys):
    assert main(["vital-signs", str(tmp_path)]) == 1
    assert "no decoded files" in capsys.readouterr().err
    score = decoded(tmp_path, "a", "x", "ar")
    (score.parents[1] / "decode/ar.vital.json").unlink()
    assert main(["vital-signs", str(tmp_path)]) == 1
    assert "ar.vital.json: cannot be read" in capsys.readouterr().err


def test_another_file_is_refused(tmp_path):
    write_json(tmp_path / "x.json", {"scores": {}})
    with pytest.raises(InputError, match="x.json: the entry 'signs' is missing; score the decoded file again"):
        read_signs([tmp_path / "x.json"])


def test_all_signs_are_written_in_two_formats(tmp_path):
    decoded(tmp_path, "a", "x", "ar")
    write_signs(signs_of_run(tmp_path), tmp_path / "tables/vital-signs")
    header, line = (tmp_path / "tables/vital-signs.csv").read_text().splitlines()
    values = dict(zip(header.split(","), line.split(","), strict=True))
    assert (values["system"], values["decoding"], values["length_ratio"], values["degenerate"]) == (
        "x",
        "ar",
        "1.0",
        "",
    )
    text = (tmp_path / "tables/vital-signs.md").read_text()
    assert "length ratio: words over the references' words" in text and "| a | x | 1 | ar |" in text
