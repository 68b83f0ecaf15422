"""The paper's claims as data: what the shipped file says, and what a broken one is told."""

from decimal import Decimal
from pathlib import Path

import pytest
from claims.finished_run import PUBLISHED, ROOT, STATEMENTS, SYSTEMS

from janus.claims.statements import COLUMNS, Side, check_rows, load_statements, published_effects
from janus.errors import InputError

GOOD = {
    "id": "one",
    "section": "5.1",
    "table": "1",
    "left": "JANUS-NAR",
    "right": "CMLM",
    "metric": "bleu_tok",
    "direction": "above",
    "bound": "0",
    "statement": "better",
    "note": "",
}
BY_ID = {one.id: one for one in STATEMENTS}


def written(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "claims.csv"
    lines = [",".join(f'"{(GOOD | row)[column]}"' for column in COLUMNS) for row in rows]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


def test_every_shipped_claim_is_about_rows_of_the_paper() -> None:
    for one in load_statements(ROOT / "workflow/published/claims.csv"):
        check_rows(one, PUBLISHED, SYSTEMS)
        assert one.statement and one.section


@pytest.mark.parametrize(
    ("name", "text", "effect"),
    [
        ("ar-gain", "IWSLT14 De→En", "2.50"),
        ("nar-gain", "WMT14 En→De", "1.79"),
        ("nar-corr", "WMT16 En→Ro", "0.25"),
        ("aux-alone-ar", "IWSLT14 De→En", "-33.83"),
        ("aux-alone-nar", "IWSLT14 De→En", "-7.69"),
        ("kl-ar", "WMT16 Ro→En", "0.63"),
        ("bridge-nar", "WMT16 Ro→En", "0.72"),
        ("repetition-2", "", "-0.62"),
        ("repetition-11", "", "-0.18"),
        ("xsum-reaches-ar", "", "0.14"),
        ("xsum-pretraining-cmlm", "", "0.73"),
        ("squad-pretraining-cmlm", "", "3.06"),
        ("personachat-ar", "", "0.83"),
    ],
)
def test_published_effects_are_differences_of_printed_cells(name: str, text: str, effect: str) -> None:
    assert published_effects(BY_ID[name], PUBLISHED)[text] == Decimal(effect)


def test_a_published_speed_up_is_a_ratio_of_printed_latencies() -> None:
    effects = published_effects(BY_ID["xsum-twice-as-fast"], PUBLISHED)
    assert effects == {"": Decimal("322.78") / Decimal("128.94")}


@pytest.mark.parametrize("name", ["passes-2", "each-pass-5", "three-iterations", "speed-of-cmlm", "same-scale"])
def test_what_the_paper_only_draws_has_no_published_effect(name: str) -> None:
    assert published_effects(BY_ID[name], PUBLISHED) == {}


def test_columns_that_the_paper_leaves_empty_are_left_out() -> None:
    assert set(published_effects(BY_ID["aux-alone-nar"], PUBLISHED)) == {"IWSLT14 De→En"}
    assert "IWSLT14 De→En" not in published_effects(BY_ID["nar-flowseq"], PUBLISHED)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (Side("CMLM"), "CMLM"),
        (Side("AUX", "ar"), "AUX AR"),
        (Side("NAR", "nar"), "NAR"),
        (Side("JANUS-NAR", "nar-1"), "JANUS-NAR, 1 pass"),
        (Side("CMLM", "nar-11"), "CMLM NAR, 11 passes"),
    ],
)
def test_a_side_says_how_it_is_decoded(side: Side, words: str) -> None:
    assert str(side) == words


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"table": "9"}, "claims.csv: one: no table '9'; write a number from 1 to 8"),
        (
            {"metric": "rouge1_155"},
            "no metric 'rouge1_155' of Table 1, whose task is translation; choose from: latency, bleu",
        ),
        ({"direction": "up"}, "no direction 'up'; write above or below"),
        ({"bound": "much"}, "bound is 'much', not a number"),
        ({"metric": "latency", "bound": "0"}, "0 is not a bound of a ratio"),
        ({"left": "JANUS-NAR@nar-0"}, "no decoding 'nar-0'; write ar, nar or nar-<passes>"),
        ({"table": "6", "left": "AUX"}, "Table 6: 'AUX' without its decoding; write AUX@nar, or @ar"),
        ({"metric": "", "note": ""}, "neither a metric nor a note"),
    ],
)
def test_a_broken_record_is_one_line(tmp_path: Path, change: dict[str, str], complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        load_statements(written(tmp_path, change))
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="claims.csv: one: the id is given twice"):
        load_statements(written(tmp_path, {}, {}))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"left": "JANUS-NRA"},
            "claims.csv: one: the paper's Table 1 has no row 'JANUS-NRA'; choose from: Transformer, ",
        ),
        ({"right": "CMLM@ar"}, "no system decodes 'CMLM' as ar; write CMLM@nar"),
        ({"left": "JANUS-NAR@ar"}, "no system decodes 'JANUS-NAR' as ar; write JANUS-NAR@nar"),
    ],
)
def test_a_row_that_the_paper_does_not_have_is_one_line(tmp_path: Path, change: dict[str, str], complaint: str) -> None:
    [statement] = load_statements(written(tmp_path, change))
    with pytest.raises(InputError) as caught:
        check_rows(statement, PUBLISHED, SYSTEMS)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_a_row_that_is_decoded_in_several_ways_needs_one(tmp_path: Path) -> None:
    [statement] = load_statements(written(tmp_path, {}))
    both = {"both": {"published": [{"table": 1, "row": "CMLM", "manner": manner} for manner in ("ar", "nar")]}}
    with pytest.raises(InputError, match="'CMLM' is decoded in several ways; write CMLM@ar or CMLM@nar"):
        check_rows(statement, PUBLISHED, both)


def test_a_row_that_nobody_fills_yet_may_be_claimed_about() -> None:
    check_rows(BY_ID["nar-flowseq"], PUBLISHED, SYSTEMS)
