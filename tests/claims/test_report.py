"""The table and the forest plot: every claim, every format, the same bytes twice."""

import csv
import hashlib
from pathlib import Path

import pytest
from claims.finished_run import IWSLT, PUBLISHED, STATEMENTS, WMT, XSUM, comparisons_of, tier, write_run
from matplotlib.figure import Figure

from janus.claims import forest
from janus.claims.effects import Effect
from janus.claims.evaluate import Outcome, evaluate
from janus.claims.forest import draw_forest
from janus.claims.table import build_claims_table
from janus.errors import InputError
from janus.report.layout import Table
from janus.report.tables import to_markdown, write_table

FACTS = {"tier": "made", "generated": True}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    folder = tmp_path_factory.mktemp("run") / "made"
    write_run(tier(), folder)
    return evaluate(comparisons_of(tier(), folder), STATEMENTS, resamples=400)


@pytest.fixture(scope="module")
def table(outcomes: list[Outcome]) -> Table:
    return build_claims_table(outcomes, PUBLISHED, **FACTS, resamples=400)


def test_every_claim_has_its_lines(table: Table) -> None:
    by_claim: dict[str, list[tuple[str, ...]]] = {}
    for line in table.lines:
        by_claim.setdefault(line[0], []).append(line)
    assert list(by_claim) == [one.id for one in STATEMENTS]
    assert [line[4] for line in by_claim["ar-gain"]] == ["mean of corpora", IWSLT, WMT]
    assert [line[1] for line in by_claim["ar-gain"]] == ["supported", "", ""]
    [line] = by_claim["xsum-twice-as-fast"]
    assert line[1:8] == (
        "supported",
        "BART-JANUS (paper) NAR, 11 passes",
        "BART-base AR",
        XSUM,
        "speed, batch 1",
        "> 2.00 ×",
        "2.50 ×",
    )
    [line] = by_claim["nar-flowseq"]
    assert line[1] == "not tested: lacks rows Flowseq" and line[7:9] == ("+2.12", "–")


def test_the_notes_quote_the_paper_and_say_what_the_numbers_are_worth(table: Table) -> None:
    text = to_markdown(table)
    assert "no evidence about the paper" in table.caption
    assert all(one.statement.replace("[", "\\[") in text or one.statement in text for one in STATEMENTS)
    assert sum("JANUS has low token repetition ratio than CMLM" in note for note in table.notes) == 1
    assert "Resamples of the sentences: 400." in table.notes


def test_records_hold_what_lines_say(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "claims")
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".md", ".tex", ".html"}
    with open(tmp_path / "claims.csv", encoding="utf-8") as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == len(table.lines)
    first = records[0]
    assert (first["claim"], first["verdict"], first["corpora"], first["seeds"]) == ("ar-gain", "supported", "2", "3")
    assert float(first["low"]) < float(first["effect"]) < float(first["high"])
    assert float(first["published"]) == pytest.approx((2.5 + 1.38 + 1.85 + 2.03 + 0.98) / 5)
    assert records[1]["verdict"] == "" and records[1]["corpus"] == IWSLT
    # The generated corpus stands in the place of IWSLT14 and is not its text.
    assert records[1]["published"] == ""
    untested = next(record for record in records if record["claim"] == "same-scale")
    assert untested["verdict"] == "not tested" and untested["effect"] == untested["bound"] == ""


def test_a_corpus_that_is_the_papers_has_its_published_effect_beside_it(outcomes: list[Outcome]) -> None:
    [gain] = [one for one in outcomes if one.statement.id == "ar-gain"]
    effects = tuple(
        type(one)(one.corpus, text, one.effect)
        for one, text in zip(gain.effects, ("IWSLT14 De→En", "WMT16 Ro→En"), strict=True)
    )
    real = type(gain)(gain.statement, gain.left, gain.right, effects, gain.pooled, gain.verdict)
    lines = build_claims_table([real], PUBLISHED, tier="paper", generated=False, resamples=9).lines
    assert [line[7] for line in lines] == ["+1.75", "+2.50", "+1.38"]
    alone = type(gain)(gain.statement, gain.left, gain.right, effects[:1], gain.pooled, gain.verdict)
    [line] = build_claims_table([alone], PUBLISHED, tier="paper", generated=False, resamples=9).lines
    assert line[7] == "+2.50"


def test_without_an_interval_there_is_a_dash(outcomes: list[Outcome]) -> None:
    [speed] = [one for one in outcomes if one.statement.id == "xsum-twice-as-fast"]
    effect = Effect(1.0, None, 0, 0.0, 1, log=True)
    alone = type(speed)(speed.statement, "l", "r", (type(speed.effects[0])("c", "", effect),), effect, speed.verdict)
    [line] = build_claims_table([alone], PUBLISHED, tier="t", generated=False, resamples=9).lines
    assert line[8:11] == ("2.72 ×", "–", "1")


@pytest.mark.slow
def test_the_plot_is_the_same_bytes_twice(outcomes: list[Outcome], tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        draw_forest(outcomes, PUBLISHED, tmp_path / name / "claims", **FACTS)
        files = sorted((tmp_path / name).iterdir())
        assert [path.suffix for path in files] == [".pdf", ".png", ".svg"]
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1]


def test_the_plot_shows_every_tested_claim_and_names_the_others(
    outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(forest, "save", lambda figure, stem: drawn.append(figure))
    draw_forest(outcomes, PUBLISHED, tmp_path / "claims", **FACTS)
    [figure] = drawn
    for axis in figure.axes:
        # A reader must not take distances on such an axis for differences.
        assert ("logarithmic beyond ±2" in axis.get_xlabel()) == (axis.get_xscale() == "symlog")
    assert {axis.get_xscale() for axis in figure.axes} == {"symlog", "linear"}
    labels = [tick.get_text() for axis in figure.axes for tick in axis.get_yticklabels()]
    tested = [one for one in outcomes if one.effects]
    assert sorted(label.split(":")[0] for label in labels) == sorted(one.statement.id for one in tested)
    caption = " ".join(figure.get_suptitle().split())
    assert "no evidence about the paper" in caption
    assert all(one.statement.id in caption for one in outcomes if not one.effects)
    # A panel a unit, with the verdicts beside it.
    units = [axis.get_xlabel() for axis in figure.axes]
    assert len(units) == len(set(units)) == 4 and "times as fast, batch 1" in units
    words = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert sorted(words) == sorted(one.verdict.word for one in tested)
    [legend] = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == [IWSLT, WMT, XSUM, "mean of corpora", "published", "bound of the claim"]
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert all(not box.overlaps(axis.get_tightbbox()) for axis in figure.axes)


def test_the_plot_shows_what_the_table_says(
    outcomes: list[Outcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(forest, "save", lambda figure, stem: drawn.append(figure))
    [gain] = [one for one in outcomes if one.statement.id == "ar-gain"]
    draw_forest([gain], PUBLISHED, tmp_path / "claims", **FACTS)
    [axis] = drawn[0].axes
    spans = [tuple(line.get_xdata()) for line in axis.get_lines() if len(line.get_xdata()) == 2]
    assert (gain.pooled.low, gain.pooled.high) in spans
    assert all((one.effect.low, one.effect.high) in spans for one in gain.effects)
    points = [float(line.get_xdata()[0]) for line in axis.get_lines() if len(line.get_xdata()) == 1]
    assert {0.0, gain.pooled.point} <= set(points) and any(abs(point - 1.748) < 1e-9 for point in points)


def test_nothing_to_draw_is_one_line(outcomes: list[Outcome], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no claim is tested"):
        draw_forest([one for one in outcomes if not one.effects], PUBLISHED, tmp_path / "claims", **FACTS)
