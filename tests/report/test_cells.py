"""The cells that a tier fills: rows, columns, files."""

from pathlib import Path

import pytest

from janus.config.system_entries import load_systems
from janus.config.tiers import read_yaml
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.report.cells import added_columns, added_rows, bleu_cells, files_of, opponents, other_texts, repetition_cells
from janus.report.collect import collect
from janus.report.generation_cells import generation_cells
from janus.report.ledger import join
from janus.report.published import load_published

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = load_systems(ROOT / "config/systems.yaml", ROOT / "workflow/schemas")
PUBLISHED = load_published(ROOT / "workflow/published")


def scores(corpus, system, manner, passes=None):
    return {1: f"{corpus}/{system}/{manner}-{passes}"}


def comparisons(corpus, system, manner, baseline):
    return {1: f"{corpus}/{system}/{manner}-against-{baseline}"}


def origins(corpus, system, manner, passes=None):
    run = f"{corpus}/{system}"
    return {
        "corpus": corpus,
        "trainings": {1: f"{run}/train"},
        "decodings": {1: f"{run}/{manner}"},
        "checkpoints": "best",
    }


def cells_of(number, table, systems=SYSTEMS):
    files = {"score_files": scores, "comparison_files": comparisons, "origin_of": origins}
    return bleu_cells(number, table, systems, **files, passes=lambda corpus, system: 11)


@pytest.mark.parametrize("tier", ["demo", "paper", "multi30k", "multi30k-cpu"])
def test_every_shipped_column_is_published_or_declared_new(tier):
    config = read_yaml(ROOT / f"config/{tier}.yaml")
    for number in (1, 6):
        table = config["tables"][f"table{number}"]
        known = {*PUBLISHED.columns(number), *added_columns(number, table)}
        assert {cell["column"] for cell in cells_of(number, table)} <= known


def test_every_published_row_that_a_system_names_exists():
    named = {(place["table"], place["row"]) for system in SYSTEMS.values() for place in system["published"]}
    assert all(row in PUBLISHED.rows(table) for table, row in named)


@pytest.mark.parametrize("tier", ["demo", "paper", "multi30k", "multi30k-cpu"])
def test_every_shipped_table_of_generation_is_filled_row_by_row(tier):
    tables = read_yaml(ROOT / f"config/{tier}.yaml")["tables"]
    for number in {2, 4, 5, 7, 8} & {int(name.removeprefix("table")) for name in tables}:
        table = tables[f"table{number}"]
        cells = generation_cells(
            number,
            table,
            SYSTEMS,
            score_files=scores,
            latency_files=lambda *place: {1: "l"},
            comparison_files=lambda *place: {1: " ".join(map(str, place))},
            origin_of=origins,
        )
        rows = [*PUBLISHED.rows(number), *added_rows(number, cells, SYSTEMS)]
        assert {cell["row"] for cell in cells} <= set(rows) and {cell["column"] for cell in cells} == {table["corpus"]}
        # Beside fairseq's own BART: JANUS in two recipes, and after one pass BART-CMLM too.
        mode = "nar 1 bart-base-nar" if number in (7, 8) else "ar None bart-base-ar"
        tests = files_of(cells, "tests")
        against_base = [test for test in tests if test.endswith(mode)]
        assert len(against_base) == (3 if number in (7, 8) else 2)
        # What pre-training with JANUS adds to pre-training with CMLM.
        steps = [test for test in tests if test not in against_base]
        assert len(steps) == (2 if number in (7, 8) else 0) and all(test.endswith("bart-cmlm-nar") for test in steps)


def test_a_system_stands_beside_the_row_of_as_many_iterations():
    places = [place for system in SYSTEMS.values() for place in system["published"] if place["table"] in (2, 4, 5)]
    for place in places:
        iterations = PUBLISHED.find(place["table"], place["row"], "Iter").value
        assert place.get("passes") == (None if iterations is None else iterations + 1)


def test_table1_has_a_row_for_each_manner_and_two_recipes_share_it():
    table = {"systems": ["janus-paper", "janus-release"], "columns": {"c": "IWSLT14 De→En"}}
    places = [(cell["row"], cell["variant"], cell["column"]) for cell in cells_of(1, table)]
    assert places == [
        ("JANUS-AR", "JANUS (paper)", "IWSLT14 De→En"),
        ("JANUS-NAR", "JANUS (paper)", "IWSLT14 De→En"),
        ("JANUS-AR", "JANUS (release)", "IWSLT14 De→En"),
        ("JANUS-NAR", "JANUS (release)", "IWSLT14 De→En"),
    ]


def test_table6_has_a_column_for_each_manner():
    table = {"systems": ["ar-nar"], "columns": {"c": {"new": "Mine"}}}
    assert [cell["column"] for cell in cells_of(6, table)] == ["Mine AR", "Mine NAR"]
    assert {cell["row"] for cell in cells_of(6, table)} == {"AR+NAR"}
    assert added_columns(6, table) == ["Mine AR", "Mine NAR"]


def test_a_baseline_outside_the_table_is_not_tested_against():
    with_baseline = cells_of(1, {"systems": ["cmlm", "janus-paper"], "columns": {"c": "x"}})
    assert files_of(with_baseline, "tests") == ["c/janus-paper/nar-against-cmlm"]
    assert files_of(cells_of(1, {"systems": ["janus-paper"], "columns": {"c": "x"}}), "tests") == []


ABLATION = ["transformer", "cmlm", "aux", "ar-nar", "ar-nar-kl", "janus-paper", "janus-release"]


@pytest.mark.parametrize(
    ("shown", "system", "expected"),
    [
        (ABLATION, "janus-paper", [("transformer", False), ("ar-nar-kl", True)]),
        (ABLATION, "janus-release", [("transformer", False), ("ar-nar-kl", True)]),
        (ABLATION, "ar-nar-kl", [("transformer", False), ("ar-nar", True)]),
        (ABLATION, "ar-nar", [("transformer", False)]),
        (ABLATION, "aux", [("transformer", False)]),
        (ABLATION, "transformer", []),
        ([name for name in ABLATION if name != "ar-nar-kl"], "janus-paper", [("transformer", False), ("ar-nar", True)]),
        (["transformer", "janus-paper"], "janus-paper", [("transformer", False)]),
        (["ar-nar", "janus-paper"], "janus-paper", [("ar-nar", True)]),
        # Of several baselines the first that is shown.
        (["transformer-core", "janus-paper"], "janus-paper", [("transformer-core", False)]),
        (["transformer-core", "transformer", "janus-paper"], "janus-paper", [("transformer", False)]),
    ],
)
def test_every_row_of_an_ablation_is_tested_against_the_row_it_adds_to(shown, system, expected):
    assert list(opponents(system, "ar", shown, SYSTEMS)) == expected
    cells = cells_of(6, {"systems": shown, "columns": {"c": "x"}})
    ours = [cell for cell in cells if cell["variant"] == SYSTEMS[system]["label"] and cell["column"] == "x AR"]
    (tests,) = [cell["comparisons"] for cell in ours]
    assert [one["files"][1] for one in tests] == [f"c/{system}/ar-against-{other}" for other, _ in expected]
    assert [one["origin"]["trainings"][1] for one in tests] == [f"c/{other}/train" for other, _ in expected]


def test_a_row_that_is_its_own_baselines_step_is_tested_once():
    systems = {
        "a": {"label": "A", "manners": ["ar"], "baselines": {}, "adds_to": [], "published": []},
        "b": {"label": "B", "manners": ["ar", "nar"], "baselines": {"ar": "a"}, "adds_to": ["a"], "published": []},
    }
    assert list(opponents("b", "ar", ["a", "b"], systems)) == [("a", False)]
    assert list(opponents("b", "nar", ["a", "b"], systems)) == []


def test_repetition_is_held_against_the_baseline_without_a_test():
    table = {"corpus": "c", "systems": ["cmlm", "janus-paper"], "passes": [2]}
    cells = repetition_cells(3, table, SYSTEMS, score_files=scores, origin_of=origins)
    assert [one["against"] for one in cells[1]["comparisons"]] == ["CMLM"]
    assert files_of(cells, "tests") == []
    assert files_of(cells, "origins") == ["c/cmlm/train", "c/cmlm/nar", "c/janus-paper/train", "c/janus-paper/nar"]


CORPORA = load_manifest(ROOT / "config/corpora.yaml").corpora
TEXTS = {name: corpus.published for name, corpus in CORPORA.items()}


@pytest.mark.parametrize("tier", [path.stem for path in (ROOT / "config").glob("*.yaml")])
def test_only_the_papers_texts_are_compared_with_the_paper(tier):
    """Of every shipped tier and table: a difference belongs to the corpora that the paper names, and to no other."""
    tables = read_yaml(ROOT / f"config/{tier}.yaml").get("tables", {})
    for name, table in tables.items():
        if not name.startswith("table"):
            continue
        number = int(name.removeprefix("table"))
        others = other_texts(number, table, TEXTS)
        known = {*PUBLISHED.columns(number), *added_columns(number, table)}
        assert set(others) <= known
        beside = [corpus for corpus, column in table.get("columns", {}).items() if isinstance(column, str)]
        corpora = set(beside or ([table["corpus"]] if "corpus" in table else []))
        paper = {name for name in corpora if name.startswith(("iwslt14", "wmt1", "xsum", "squad", "personachat"))}
        assert set(others.values()) == {table.get("new", name) for name in corpora - paper}


def test_a_corpus_in_another_column_than_its_own_is_another_text():
    table = {"systems": [], "columns": {"iwslt14.de-en": "WMT14 De→En", "wmt16.ro-en": "WMT16 Ro→En"}}
    assert other_texts(6, table, TEXTS) == dict.fromkeys(("WMT14 De→En AR", "WMT14 De→En NAR"), "iwslt14.de-en")
    assert set(other_texts(3, {"corpus": "multi30k.de-en", "passes": [2, 11]}, TEXTS)) == {"Iter=1", "Iter=10"}
    assert other_texts(3, {"corpus": "iwslt14.de-en", "passes": [2]}, TEXTS) == {}
    assert other_texts(8, {"corpus": "xsum.src-tgt", "new": "a tenth of XSum"}, TEXTS)["ROUGE-1"] == "a tenth of XSum"


def test_every_text_of_the_paper_is_a_corpus_once():
    named = [text for text in TEXTS.values() if text]
    columns = set(PUBLISHED.score_columns(1))
    assert len(named) == len(set(named)) and set(named) == columns | {"XSum", "SQuAD 1.1", "PersonaChat"}


def test_a_system_of_ones_own_gets_a_row_of_its_own():
    systems = SYSTEMS | {"mine": SYSTEMS["janus-paper"] | {"label": "Mine", "published": []}}
    cells = cells_of(1, {"systems": ["mine", "cmlm"], "columns": {"c": "x"}}, systems)
    assert [cell["row"] for cell in cells] == ["Mine AR", "Mine NAR", "CMLM"]
    assert added_rows(1, cells, systems) == ["Mine AR", "Mine NAR"]
    assert [cell["row"] for cell in cells_of(6, {"systems": ["mine"], "columns": {"c": "x"}}, systems)] == ["Mine"] * 2


def test_k_plus_one_passes_are_the_papers_iter_k():
    cells = repetition_cells(
        3, {"corpus": "c", "systems": ["cmlm"], "passes": [2, 5, 11]}, SYSTEMS, score_files=scores, origin_of=origins
    )
    assert [cell["column"] for cell in cells] == PUBLISHED.columns(3)
    assert files_of(cells, "scores") == ["c/cmlm/nar-2", "c/cmlm/nar-5", "c/cmlm/nar-11"]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "score.json").write_text('{"scores": {"bleu_tok": {"value": 12.5, "signature": "s"}}}')
    return tmp_path / "score.json"


def filled_cells(table, path, passes=lambda corpus, system: 11):
    files = {"score_files": lambda *place: {1: str(path)}, "comparison_files": lambda *place: {}, "origin_of": origins}
    return bleu_cells(1, table, SYSTEMS, **files, passes=passes)


def test_table1_says_the_iterations_of_each_nar_row_that_was_run(path):
    table = {"systems": ["transformer", "cmlm", "janus-paper"], "columns": {"c": "IWSLT14 De→En", "d": "WMT16 Ro→En"}}
    cells = filled_cells(table, path, passes=lambda corpus, system: 5 if system == "cmlm" else 11)
    entries = join(PUBLISHED, collect(cells), 1, metric="bleu_tok")
    shown = {entry.row: entry.reproduced for entry in entries if entry.column == "Iter" and entry.variant}
    assert {row: record and record.value for row, record in shown.items()} == {
        "Transformer": None,
        "CMLM": 4,
        "JANUS-AR": None,
        "JANUS-NAR": 10,
    }


def test_a_row_of_table1_whose_iterations_differ_is_refused(path):
    table = {"systems": ["cmlm"], "columns": {"c": "IWSLT14 De→En", "d": "WMT16 Ro→En"}}
    cells = filled_cells(table, path, passes=lambda corpus, system: 5 if corpus == "d" else 11)
    with pytest.raises(InputError, match="4 iterations in 'WMT16 Ro→En', but 10 in 'IWSLT14 De→En'"):
        join(PUBLISHED, collect(cells), 1, metric="bleu_tok")


def test_the_report_accepts_the_cells(path):
    table = {"systems": ["transformer"], "columns": {"c": "IWSLT14 De→En", "d": {"new": "Mine"}}}
    cells = filled_cells(table, path)
    entries = join(PUBLISHED, collect(cells), 1, metric="bleu_tok", added_columns=added_columns(1, table))
    filled = {entry.column: entry.difference for entry in entries if entry.reproduced}
    assert filled == {"IWSLT14 De→En": pytest.approx(12.5 - 34.74), "Mine": None}
