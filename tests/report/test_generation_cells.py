"""The tables of generation, from the tier's config to the table that is read."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from janus.errors import InputError
from janus.files import write_json
from janus.metrics.trivial_baselines import floor_replies
from janus.report.cells import added_columns, added_rows, files_of
from janus.report.collect import collect
from janus.report.generation_cells import FLOORS, floor_cells, generation_cells
from janus.report.layout import Table, build_table
from janus.report.metric_table import build_metric_table
from janus.report.paper_tables import PAPER_TABLES
from janus.report.published import Published
from janus.report.tables import to_csv, to_markdown

CORPUS, PASSES = "demo.squad.src-tgt", (1, 2)
SYSTEMS = {
    "base": {
        "label": "BART-base",
        "manners": ["ar"],
        "baselines": {},
        "adds_to": [],
        "published": [{"table": 4, "row": "BART-base AR (our impl)", "manner": "ar"}],
    },
    "janus-nar": {
        "label": "BART-JANUS NAR",
        "manners": ["nar"],
        "baselines": {"nar": "mine"},
        "adds_to": [],
        "published": [
            {"table": 4, "row": "BART-JANUS NAR iter 0", "manner": "nar", "passes": 1},
            {"table": 4, "row": "BART-JANUS NAR iter 1", "manner": "nar", "passes": 2},
            {"table": 7, "row": "BART-JANUS", "manner": "nar", "passes": 1},
        ],
    },
    "mine": {"label": "Mine", "manners": ["ar", "nar"], "baselines": {"ar": "base"}, "adds_to": [], "published": []},
}
TABLE = {"corpus": CORPUS, "systems": list(SYSTEMS), "passes": list(PASSES), "baseline": "base"}
# Milliseconds a sentence of (system, manner, passes or None, seed).
TIMES = {
    ("base", "ar", None, 1): 100.0,
    ("base", "ar", None, 2): 120.0,
    ("janus-nar", "nar", 1, 1): 10.0,
    ("janus-nar", "nar", 1, 2): 20.0,
}


def scores(corpus: str, system: str, manner: str, passes: int | None = None) -> dict[int, str]:
    return {1: f"{corpus}/{system}/{manner}-{passes}.json"}


def latencies(corpus: str, system: str) -> dict[int, str]:
    return {1: f"{corpus}/{system}/latency.json"}


def comparisons(corpus: str, system: str, manner: str, passes: int | None, baseline: str) -> dict[int, str]:
    return {1: f"{corpus}/{system}/{manner}-{passes}-against-{baseline}.json"}


def origins(corpus: str, system: str, manner: str, passes: int | None = None) -> dict[str, Any]:
    return {"corpus": corpus, "trainings": {}, "decodings": {}, "checkpoints": "best"}


def cells_of(number: int, table: dict[str, Any], systems: dict[str, Any] = SYSTEMS) -> list[dict[str, Any]]:
    files = {"score_files": scores, "latency_files": latencies, "comparison_files": comparisons, "origin_of": origins}
    return generation_cells(number, table, systems, **files)


def test_a_row_is_a_system_decoded_in_one_way() -> None:
    cells = cells_of(4, TABLE)
    assert [(cell["row"], cell["variant"], cell.get("iterations")) for cell in cells] == [
        ("BART-base AR (our impl)", "BART-base", None),
        ("BART-JANUS NAR iter 0", "BART-JANUS NAR", 0),
        ("BART-JANUS NAR iter 1", "BART-JANUS NAR", 1),
        ("Mine AR", "Mine", None),
        ("Mine NAR iter 0", "Mine", 0),
        ("Mine NAR iter 1", "Mine", 1),
    ]
    assert added_rows(4, cells, SYSTEMS) == ["Mine AR", "Mine NAR iter 0", "Mine NAR iter 1"]
    assert added_columns(4, TABLE) == []
    assert files_of(cells, "scores")[:3] == [
        f"{CORPUS}/base/ar-None.json",
        f"{CORPUS}/janus-nar/nar-1.json",
        f"{CORPUS}/janus-nar/nar-2.json",
    ]
    assert files_of(cells, "latencies") == [f"{CORPUS}/{name}/latency.json" for name in SYSTEMS]


def test_more_passes_than_published_are_rows_of_their_own() -> None:
    cells = cells_of(4, TABLE | {"systems": ["janus-nar"], "passes": [2, 3], "baseline": None})
    assert [cell["row"] for cell in cells] == ["BART-JANUS NAR iter 1", "BART-JANUS NAR iter 2"]


def test_tables_without_speeds_ask_for_none() -> None:
    cells = cells_of(7, TABLE | {"systems": ["janus-nar"], "passes": [1]})
    assert [cell["row"] for cell in cells] == ["BART-JANUS"]
    assert files_of(cells, "latencies") == [] and "iterations" not in cells[0]


def test_a_row_is_tested_against_its_own_baseline_decoded_alike() -> None:
    cells = cells_of(4, TABLE)
    assert files_of(cells, "tests") == [
        f"{CORPUS}/janus-nar/nar-1-against-mine.json",
        f"{CORPUS}/janus-nar/nar-2-against-mine.json",
        f"{CORPUS}/mine/ar-None-against-base.json",
    ]
    # The baseline of the speeds is the table's, that of the tests the system's.
    (first, *_) = (cell for cell in cells if cell["variant"] == "BART-JANUS NAR")
    assert (first["comparisons"][0]["against"], first["latency"]["baseline"]["label"]) == ("Mine", "BART-base")
    without = cells_of(4, TABLE | {"systems": ["base", "janus-nar"]})
    assert files_of(without, "tests") == [] and not any(cell["comparisons"] for cell in without)


def test_a_row_filled_twice_and_a_baseline_of_the_wrong_manner_are_refused() -> None:
    unbounded = {
        "label": "L",
        "manners": ["nar"],
        "baselines": {},
        "adds_to": [],
        "published": [{"table": 4, "row": "BANG NAR", "manner": "nar"}],
    }
    with pytest.raises(InputError, match="table4, system u: row 'BANG NAR' is filled twice by 'L'; give its entries"):
        cells_of(4, TABLE | {"systems": ["u"], "baseline": None}, {"u": unbounded})
    with pytest.raises(InputError, match="table4: baseline 'janus-nar' does not decode left to right"):
        cells_of(4, TABLE | {"baseline": "janus-nar"})


def test_the_floors_are_those_that_are_scored() -> None:
    assert FLOORS.keys() == floor_replies(["a", "b"], ["c", "d"], ["e"], seed=1).keys()
    cells = floor_cells(5, {"corpus": "c"}, floor_file=lambda corpus, floor: f"{corpus}/floors/{floor}.json")
    assert files_of(cells, "scores") == ["c/floors/unrelated.json", "c/floors/dull.json", "c/floors/copy.json"]
    assert added_rows(5, cells, SYSTEMS) == list(FLOORS.values())


@pytest.fixture
def write_scores(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a score file in which the i-th metric that Table `number` prints has value + i."""

    def write(number: int, name: str, value: float) -> str:
        metrics = {metric: value + i for i, metric in enumerate(PAPER_TABLES[number].shown.values())} | {"words": 7.0}
        found = {metric: {"value": one, "signature": f"sig-{metric}"} for metric, one in metrics.items()}
        for speed in ("iterations", "latency", "speedup"):
            found.pop(speed, None)
        write_json(tmp_path / name, {"scores": found})
        return str(tmp_path / name)

    return write


@pytest.fixture
def records(write_scores: Callable[..., str], tmp_path: Path) -> list[Any]:
    """Two seeds of the baseline and of a NAR system, after one pass."""

    def score_files(corpus: str, system: str, manner: str, passes: int | None) -> dict[int, str]:
        return {seed: write_scores(4, f"{system}-{seed}", 10.0 * seed) for seed in (1, 2)}

    def latency_files(corpus: str, system: str) -> dict[int, str]:
        for seed in (1, 2):
            rows = [
                {"manner": manner, "passes": passes or 11, "batch_size": 1, "milliseconds_per_sentence": {"median": t}}
                for (name, manner, passes, own), t in TIMES.items()
                if (name, own) == (system, seed)
            ]
            facts = {"repeats": 3, "sentences": 8, "warmup": 1, "threads": 1, "device": "a processor"}
            write_json(tmp_path / f"{system}-{seed}-latency", {"rows": rows, **facts})
        return {seed: str(tmp_path / f"{system}-{seed}-latency") for seed in (1, 2)}

    table = TABLE | {"systems": ["base", "janus-nar"], "passes": [1]}
    files = {
        "score_files": score_files,
        "latency_files": latency_files,
        "comparison_files": comparisons,
        "origin_of": origins,
    }
    return collect(generation_cells(4, table, SYSTEMS, **files))


def build(published: Published, records: list[Any], **more: Any) -> Table:
    return build_table(4, published, records, tier="demo", generated=True, **more)


def lines_of(table: Table) -> dict[tuple[str, str], dict[str, str]]:
    """The texts of a Markdown table by row and system, then by head."""
    rows = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    heads, _, *rows = [[field.strip() for field in row.strip("|").split("|")] for row in rows]
    return {(row[0], row[1]): dict(zip(heads, row, strict=True)) for row in rows}


def test_speeds_are_means_over_seeds_of_ratios_within_a_seed(records: list[Any]) -> None:
    found = {(record.variant, record.metric): record for record in records}
    assert found["BART-JANUS NAR", "latency"].value == 15
    assert found["BART-JANUS NAR", "speedup"].value == pytest.approx((100 / 10 + 120 / 20) / 2)
    assert (found["BART-base", "speedup"].value, found["BART-base", "speedup"].half_width) == (1, 0)
    assert found["BART-JANUS NAR", "iterations"].value == 0 and ("BART-base", "iterations") not in found


def test_every_column_has_its_metric_beside_what_was_published(published: Published, records: list[Any]) -> None:
    line = lines_of(build(published, records))["BART-JANUS NAR iter 0", "BART-JANUS NAR"]
    # ROUGE-L, BLEU-4, METEOR, OVERALL are the first to fourth metric: 15, 16, 17, 18 in the mean of both seeds.
    for i, (column, printed) in enumerate(
        [("ROUGE-L", "44.99"), ("BLEU-4", "11.18"), ("METEOR", "17.89"), ("OVERALL", "24.68")]
    ):
        assert line[f"{column} published"] == printed
        assert line[f"{column} reproduced"].startswith(f"{15 + i}.00 ± ")
        assert line[f"{column} Δ"] == f"{15 + i - float(printed):+.2f}".replace("-", "−")
    assert line["Iter"] == "0"
    assert line["Latency (ms/sample) published"] == "33.52"
    assert line["Latency (ms/sample) reproduced"].startswith("15.00 ± ")
    assert (line["Speed-up published"], line["Speed-up reproduced"][:6]) == ("4.6", "8.0 ± ")


def test_speeds_have_no_difference_anywhere(published: Published, records: list[Any]) -> None:
    table = build(published, records)
    assert not any(head.startswith(("Latency", "Speed-up", "Iter")) for head in heads_with_difference(table))
    cells = list(csv.DictReader(io.StringIO(to_csv(table))))
    timed = [cell for cell in cells if cell["column"] in ("Latency (ms/sample)", "Speed-up", "Iter")]
    assert any(cell["published"] and cell["reproduced"] for cell in timed)
    assert {cell["difference"] for cell in timed} == {""}
    (meteor,) = [cell for cell in cells if cell["column"] == "METEOR" and cell["system"] == "BART-JANUS NAR"]
    assert meteor["difference"] == "-0.89" and meteor["metric"] == "meteor"


def test_on_another_text_than_the_papers_nothing_has_a_difference(published: Published, records: list[Any]) -> None:
    table = build(published, records, other_texts=dict.fromkeys(PAPER_TABLES[4].shown, "FairytaleQA"))
    assert heads_with_difference(table) == []
    assert {record["difference"] for record in table.records} == {None}
    assert any("FairytaleQA" in note for note in table.notes) and not any("minus" in note for note in table.notes)


@pytest.mark.parametrize(
    ("number", "column", "metric"),
    [(2, "ROUGE-1", "rouge1_155"), (4, "ROUGE-L", "rougeL_coco"), (5, "BLEU-1", "bleu1_nltk35")],
)
def test_the_first_column_alone_is_marked_and_the_notes_say_so(
    published: Published,
    write_scores: Callable[..., str],
    significance_file: Callable[..., Path],
    number: int,
    column: str,
    metric: str,
) -> None:
    files = {
        "score_files": lambda *place: {1: write_scores(number, "scores.json", 10.0)},
        "comparison_files": lambda *place: {1: str(significance_file("test.json", -2.0, 0.001))},
        "latency_files": latencies,
        "origin_of": origins,
    }
    systems = SYSTEMS | {"mine": SYSTEMS["mine"] | {"manners": ["ar"]}}
    cells = generation_cells(number, TABLE | {"systems": ["base", "mine"]}, systems, **files)
    for cell in cells:
        del cell["latency"]
    found = collect(cells)
    tested = [(record.variant, record.metric, one.against) for record in found for one in record.comparisons]
    assert tested == [("Mine", metric, "BART-base")]
    table = build_table(
        number, published, found, tier="t", generated=False, added_rows=added_rows(number, cells, systems)
    )
    line = lines_of(table)["Mine AR", "Mine"]
    assert line[f"{column} reproduced"] == "10.00‡ (p = 0.001)"
    assert sum("‡" in text for other in lines_of(table).values() for text in other.values()) == 1
    assert any(
        f"worse than its baseline (BART-base): p < 0.01 both by paired bootstrap of {column} alone and by" in note
        for note in table.notes
    )


def test_notes_have_each_columns_signature_once(published: Published, records: list[Any]) -> None:
    (note,) = [note for note in build(published, records).notes if note.startswith("Reproduced:")]
    for column, signature in {
        "METEOR": "sig-meteor",
        "OVERALL": "sig-overall",
        "Speed-up": "latency of BART-base",
    }.items():
        assert note.count(f"{column} [{signature}") == 1
    assert note.count("a processor") == 1


def test_columns_of_one_signature_share_it(published: Published, records: list[Any]) -> None:
    same = [replace(record, signature="twin") for record in records if record.metric in ("rougeL_coco", "meteor")]
    (note,) = [note for note in build(published, same).notes if note.startswith("Reproduced:")]
    assert note == "Reproduced: ROUGE-L, METEOR [twin]; Δ is reproduced minus published."


def test_a_floor_stands_in_the_table_without_speed(published: Published, write_scores: Callable[..., str]) -> None:
    cells = floor_cells(5, {"corpus": "c"}, floor_file=lambda corpus, floor: write_scores(5, floor, 1.0))
    table = build_table(
        5, published, collect(cells), tier="demo", generated=True, added_rows=added_rows(5, cells, SYSTEMS)
    )
    lines = lines_of(table)
    assert [row for row, system in lines if system == "no model"] == list(FLOORS.values())
    floor = lines[FLOORS["dull"], "no model"]
    assert (floor["BLEU-1 published"], floor["BLEU-1 reproduced"], floor["Distinct-1 reproduced"]) == (
        "–", "1.00", "3.00",
    )  # fmt: skip
    assert any("NLTK 3.5" in note and "personachat.md" in note for note in table.notes)


def test_the_companion_shows_every_metric_of_every_row(published: Published, records: list[Any]) -> None:
    table = build_metric_table(4, records, tier="demo", generated=True)
    assert [line[:3] for line in table.lines] == [
        ("BART-base AR (our impl)", "BART-base", CORPUS),
        ("BART-JANUS NAR iter 0", "BART-JANUS NAR", CORPUS),
    ]
    heads = [group.name for group in table.groups]
    assert heads == ["ROUGE-L, COCO", "BLEU-4, COCO", "METEOR", "OVERALL", "words", "Iter", "ms/sample", "speed-up"]
    assert table.lines[1][-4:-2] == ("7.00 ± 0.00", "0")


def test_every_published_score_column_has_a_metric(published: Published) -> None:
    assert all(set(PAPER_TABLES[number].shown) == set(published.columns(number)) for number in (2, 4, 5, 7, 8))


def heads_with_difference(table: Table) -> list[str]:
    return [group.name for group in table.groups if "Δ" in group.columns]
