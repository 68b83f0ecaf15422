"""Tables of a tier's own, and the notes of given rows and shared trainings."""

import pytest

from janus.files import write_json
from janus.report.collect import collect
from janus.report.comparison_table import build_comparison_table
from janus.report.inequalities import inequality_notes
from janus.report.metric_table import build_metric_table
from janus.report.origins import given_notes
from janus.report.own_table import build_own_table, own_cells

SYSTEMS = {
    "ar": {"label": "AR", "manners": ["ar"], "baselines": {}, "adds_to": []},
    "ours": {"label": "Ours", "manners": ["ar", "nar"], "baselines": {"ar": "ar"}, "adds_to": []},
}
BLOCK = {"systems": ["ar", "ours"], "columns": {"news.de-en": "News", "news.de-en@talks": "Talks"}}
VALUES = {"ar": 30.0, "ours": 31.5}


def origin(corpus, system, manner, passes=None):
    return {"corpus": corpus, "trainings": {}, "decodings": {}, "given": {}, "trained_by": "", "checkpoints": "best"}


@pytest.fixture
def cells(tmp_path):
    """The cells of the table with a score of each and a test of AR."""

    def scores(corpus, system, manner, passes):
        path = tmp_path / f"{corpus}-{system}-{manner}-{passes}.json"
        value = VALUES[system] - 10 * (manner == "nar") + (passes or 0) / 10 - ("@" in corpus)
        found = {name: {"value": value, "signature": f"how {name}"} for name in ("bleu_tok", "chrfpp")}
        write_json(path, {"scores": found})
        return {1: str(path)}

    def tests(corpus, system, manner, passes, other):
        path = tmp_path / f"{corpus}-{system}-{manner}-test.json"
        write_json(path, {"delta": 1.5, "p_bootstrap": 0.002, "p_randomisation": 0.004})
        return {1: str(path)}

    files = {"score_files": scores, "test_files": tests, "origin_of": origin, "passes": lambda corpus, system: 4}
    return lambda block: own_cells("mine", block, SYSTEMS, task="translation", **files)


def table(records, **changes):
    shown = {"title": "Ours on two texts", "metrics": ["bleu_tok"], "tier": "t", "generated": False}
    return build_own_table("mine", records, **(shown | changes))


def test_a_column_stands_for_each_corpus_and_a_row_for_each_decoding(cells):
    made = table(collect(cells(BLOCK)))
    assert [group.name for group in made.groups] == ["News", "Talks"]
    assert made.lines == (
        ("ar", "AR, AR", "30.00", "29.00"),
        ("ours", "Ours, AR", "31.50† (p = 0.004)", "30.50† (p = 0.004)"),
        ("ours", "Ours, NAR", "21.90", "20.90"),
    )
    assert made.caption == "Ours on two texts. Tier: t." and "bleu_tok" in made.notes[0]
    assert made.records[1]["p_value"] == 0.004 and made.records[0]["p_value"] is None


def test_metrics_stand_below_each_corpus_and_passes_are_rows(cells):
    records = collect(cells(BLOCK | {"passes": [1, 11]}))
    made = table(records, metrics=["bleu_tok", "chrfpp", "meteor"])
    assert [group.columns for group in made.groups] == [("BLEU, tokenised", "chrF++")] * 2
    assert [line[1] for line in made.lines] == ["AR, AR", "Ours, AR", "Ours, NAR, 1 pass", "Ours, NAR, 11 passes"]
    assert made.lines[2][2:4] == ("21.60", "21.60")
    facts = {"tier": "t", "generated": False}
    assert build_metric_table("mine", records, **facts).caption == "Table mine, every metric. Tier: t."
    tests = build_comparison_table("mine", records, **facts)
    assert tests.name == "mine-tests" and len(tests.lines) == 2


def test_given_rows_are_named_with_their_files(tmp_path):
    write_json(tmp_path / "o.json", {"given": {"kind": "outputs", "file": "out.txt", "sha256": "ab" * 32}})
    own, given = origin("c", "ar", "ar"), origin("c", "x", "ar") | {"given": {1: str(tmp_path / "o.json")}}
    shared = origin("c", "y", "ar") | {"trained_by": "AR"}
    cells = [
        {"variant": "Theirs", "origin": given, "comparisons": [{"against": "AR", "origin": own}]},
        {"variant": "AR (greedy)", "origin": shared},
    ]
    assert given_notes(cells) == [
        "Not made by this suite: Theirs, outputs given, out.txt (sha256 abababa).",
        "Different decodings of one training: AR (greedy) and AR.",
    ]
    own["trainings"] = {1: "never read"}
    assert inequality_notes(cells) == ["Unequal, Theirs and AR: how the first was trained is not known here."]
