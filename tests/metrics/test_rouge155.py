"""The twin against what the real ROUGE-1.5.5 printed, document by document and on average."""

import json
import lzma
import random
from pathlib import Path

import pytest
from real_data import BESIDE, needs

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.rouge155 import MEASURES, document_scores, printed_average, rouge1_by_document, rouge155
from janus.metrics.summary import rouge_score

FOLDER = Path(__file__).parent / "xsum"
HYPOTHESES, REFERENCES = read_lines(FOLDER / "hypotheses.txt"), read_lines(FOLDER / "references.txt")
GOLDEN = json.loads((FOLDER / "rouge-1.5.5.json").read_text(encoding="utf-8"))
# Average_F that the real script printed for all 11,334 documents, as (ROUGE-1, ROUGE-2, ROUGE-L).
WHOLE = {
    "ptgen": (0.29326, 0.09174, 0.23065),
    "convs2s": (0.30916, 0.11025, 0.25034),
}


@pytest.mark.parametrize("table", ["without exceptions", "with exceptions"])
def test_every_document_and_the_average_are_the_script_own(table: str) -> None:
    exceptions = GOLDEN["exceptions"] if table == "with exceptions" else None
    expected = GOLDEN[table]["documents"]
    for i, pair in enumerate(zip(HYPOTHESES, REFERENCES, strict=True)):
        scores = document_scores(*pair, exceptions)
        assert {measure: list(scores[measure]) for measure in MEASURES} == {m: expected[m][i] for m in MEASURES}, i
    values = [score["value"] / 100 for score in rouge155(HYPOTHESES, REFERENCES, exceptions).values()]
    assert values == pytest.approx([GOLDEN[table]["average_f"][m] for m in MEASURES], abs=1e-12)


def test_the_list_of_irregular_forms_matters() -> None:
    tables = [GOLDEN[table]["average_f"]["ROUGE-1"] for table in ("without exceptions", "with exceptions")]
    assert tables[1] - tables[0] > 0.01
    signatures = [
        rouge155(["a"], ["a"], exceptions)["rouge1_155"]["signature"] for exceptions in (None, {"went": "go"})
    ]
    assert signatures[0].endswith("exceptions:none") and signatures[1].endswith("exceptions:1")


def test_the_average_is_the_bootstrap_mean_not_the_mean() -> None:
    scores = [[GOLDEN["without exceptions"]["documents"]["ROUGE-1"][i][2]] for i in range(len(REFERENCES))]
    mean = sum(score for (score,) in scores) / len(scores)
    assert printed_average(scores) == [GOLDEN["without exceptions"]["average_f"]["ROUGE-1"]]
    assert printed_average(scores)[0] != round(mean, 5)
    assert printed_average([[0.25]] * 7) == [0.25]


@pytest.mark.parametrize("table", ["without exceptions", "with exceptions"])
def test_documents_are_the_script_own_and_average_to_what_it_prints(table: str) -> None:
    exceptions = GOLDEN["exceptions"] if table == "with exceptions" else None
    values, signature = rouge1_by_document(HYPOTHESES, REFERENCES, exceptions)
    assert values == pytest.approx([100 * f1 for *_, f1 in GOLDEN[table]["documents"]["ROUGE-1"]], abs=1e-9)
    assert printed_average([[value / 100] for value in values]) == [GOLDEN[table]["average_f"]["ROUGE-1"]]
    # The plain mean, which a test of significance is of, is off by the noise of 1000 resamples.
    assert sum(values) / len(values) == pytest.approx(100 * GOLDEN[table]["average_f"]["ROUGE-1"], abs=0.3)
    assert signature == rouge155(["a"], ["a"], exceptions)["rouge1_155"]["signature"]


def test_an_answer_equal_to_its_reference_is_perfect() -> None:
    lines = [line for line in REFERENCES if len(line) > 1]
    assert [score["value"] for score in rouge155(lines, lines).values()] == [100, 100, 100]


def test_an_empty_hypothesis_scores_zero() -> None:
    assert all(score.f1 == 0 for score in document_scores("", "the cat").values())
    assert [score["value"] for score in rouge155(["", ""], ["a b", "c"]).values()] == [0, 0, 0]


def test_sentences_count_for_rouge_l_alone() -> None:
    plain, cut = (document_scores(f"b c {stop} a", "a b c") for stop in (",", "."))
    assert plain["ROUGE-1"] == cut["ROUGE-1"] and plain["ROUGE-2"] == cut["ROUGE-2"]
    assert plain["ROUGE-L"].recall == pytest.approx(2 / 3, abs=1e-5)
    assert cut["ROUGE-L"].recall == 1


def test_rouge_score_agrees_on_single_sentences_where_the_stemmers_do() -> None:
    rng = random.Random(3)
    words = ["report", "storm", "police", "minister", "said", "found", "house", "games"]
    sides = [[" ".join(rng.choices(words, k=12)) for _ in range(40)] for _ in range(2)]
    theirs = [rouge_score([h], [r], ["rouge1", "rouge2", "rougeL"]) for h, r in zip(*sides, strict=True)]
    for scores, *pair in zip(theirs, *sides, strict=True):
        ours = [100 * score.f1 for score in document_scores(*pair).values()]
        assert ours == pytest.approx([score["value"] for score in scores.values()], abs=2e-3)


@pytest.mark.slow
@needs("xsum-test", "1.8 MB; the script's own values of 60 documents are tracked")
@pytest.mark.parametrize("system", WHOLE)
def test_the_whole_test_set_averages_to_what_the_script_prints(system: str) -> None:
    hypotheses, references = (
        lzma.open(BESIDE / "xsum-test" / f"{name}.txt.xz", "rt", encoding="utf-8").read().splitlines()
        for name in (f"{system}-test-output", "gold-test-sentences")
    )
    values = [score["value"] / 100 for score in rouge155(hypotheses, references).values()]
    assert values == pytest.approx(WHOLE[system], abs=1e-12)


def test_bad_lines_are_refused() -> None:
    with pytest.raises(InputError, match="references: 1 lines for 2 hypotheses"):
        rouge155(["a", "b"], ["a"])
    with pytest.raises(InputError, match="references:2: empty line"):
        rouge155(["a", "b"], ["a", ""])
