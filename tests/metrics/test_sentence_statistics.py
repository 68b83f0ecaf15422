"""Scores of sums of sentences: those of the scorers on the whole test set, and of any resample of it."""

import dataclasses
import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from janus.demo.grammar import pairs, translations
from janus.errors import InputError
from janus.fetching.manifest import Vocabulary
from janus.files import read_lines, write_lines
from janus.metrics.dialogue import score_dialogue
from janus.metrics.question import rouge_l_by_item
from janus.metrics.repetition import repetition
from janus.metrics.rouge155 import rouge155
from janus.metrics.sentence_statistics import MEASURES_BY_METRIC, TestSet, bleu_of_sums, sentence_statistics
from janus.metrics.translation import hide_unknown, token_bleu, tokenised_bleu
from janus.metrics.validity import SHARES, score_validity
from janus.recipes.by_recipe import checker
from janus.report.names import METRICS, RESAMPLED
from janus.text.tokenise import tokenise
from janus.text.vocabulary import load_encoder, make_subword

TestSet.__test__ = False
FOLDER = Path(__file__).parent
REFERENCES = read_lines(FOLDER / "tatoeba/tok.de")
SUMMARIES = read_lines(FOLDER / "xsum/references.txt")


def damaged(lines: list[str], share: float, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [" ".join("x" if rng.random() < share else word for word in line.split()) for line in lines]


@pytest.fixture
def translation(tmp_path: Path) -> TestSet:
    write_lines(tmp_path / "test.de", REFERENCES)
    return TestSet("translation", tmp_path / "test.de", tmp_path / "test.en")


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> TestSet:
    folder = tmp_path_factory.mktemp("summary")
    write_lines(folder / "test.tgt", SUMMARIES)
    make_subword(
        Vocabulary("demo", "subword", "free", text="demo", merges=60),
        [folder / "test.tgt"],
        [],
        folder / "vocabulary",
        progress=False,
    )
    return TestSet("summary", folder / "test.tgt", folder / "test.tgt", folder / "vocabulary")


def score(metric: str, statistics: np.ndarray) -> float:
    return float(MEASURES_BY_METRIC[metric].score(statistics.sum(0)))


def test_the_metrics_of_each_task_are_those_that_claims_may_name() -> None:
    for task, names in RESAMPLED.items():
        assert {name for name, measure in MEASURES_BY_METRIC.items() if task in measure.tasks} == set(names)
        assert set(names) <= METRICS.keys()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_bleu_of_the_whole_test_set_is_sacrebleus(tmp_path: Path, translation: TestSet, share: float) -> None:
    outputs = damaged(REFERENCES, share)
    # As decoded: one word in two subwords, which are joined.
    write_lines(tmp_path / "out.bpe", [outputs[0].replace(" ", " un@@ ", 1), *outputs[1:]])
    statistics = sentence_statistics("bleu_tok", tmp_path / "out.bpe", translation)
    joined = [outputs[0].replace(" ", " un", 1), *outputs[1:]]
    assert score("bleu_tok", statistics) == pytest.approx(tokenised_bleu(joined, REFERENCES)["value"], abs=1e-10)


def test_bleu_of_a_resample_is_sacrebleus_of_its_sentences(tmp_path: Path, translation: TestSet) -> None:
    outputs = damaged(REFERENCES, 0.15)
    write_lines(tmp_path / "out.bpe", outputs)
    statistics = sentence_statistics("bleu_tok", tmp_path / "out.bpe", translation)
    generator = np.random.default_rng(5)
    drawn = generator.integers(len(outputs), size=(20, len(outputs)))
    expected = [
        token_bleu().corpus_score([outputs[i] for i in rows], [hide_unknown([REFERENCES[i] for i in rows])]).score
        for rows in drawn
    ]
    assert bleu_of_sums(statistics[drawn].sum(1)) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("outputs", [["nothing fits"], [""], ["a"], ["the a the b the c the d"]])
def test_bleu_without_a_match_of_some_order_is_0(outputs: list[str]) -> None:
    references = ["the quick brown fox"]
    statistics = np.asarray(token_bleu()._extract_corpus_statistics(outputs, [references]), dtype=float)
    assert bleu_of_sums(statistics.sum(0)) == tokenised_bleu(outputs, references)["value"] == 0


def test_repetition_is_that_of_the_tables(tmp_path: Path, translation: TestSet) -> None:
    outputs = ["the the cat", "", "a b b b", *REFERENCES[3:]]
    write_lines(tmp_path / "out.bpe", outputs)
    statistics = sentence_statistics("repetition", tmp_path / "out.bpe", translation)
    assert score("repetition", statistics) == pytest.approx(repetition(outputs))
    assert score("repetition", np.zeros((3, 2))) == 0


def test_shares_of_generated_text_are_those_of_the_tables(tmp_path: Path) -> None:
    drawn = list(itertools.islice(pairs("de", "en", 20, seed=1), 20))
    sources = [tokenise(source, "de") for source, _ in drawn]
    references = [tokenise(target, "en") for _, target in drawn]
    outputs = [*references[:9], *damaged(references, 0.3)[9:]]
    # Wrong words of no mode are not valid; words of two modes are mixed.
    formal, colloquial = list(translations(sources[0], "de", "en").values())[:2]
    outputs[0] = " ".join((*formal[:2], *colloquial[2:]))
    write_lines(tmp_path / "test.de", sources)
    write_lines(tmp_path / "test.en", references)
    write_lines(tmp_path / "out.bpe", outputs)
    check = checker("grammar", "de", "en")
    test_set = TestSet("translation", tmp_path / "test.en", tmp_path / "test.de", check=check)
    tables = score_validity(sources, outputs, check)
    for name in SHARES:
        found = score(name, sentence_statistics(name, tmp_path / "out.bpe", test_set))
        assert found == pytest.approx(tables[name]["value"]) and 0 < found < 100


def test_real_text_has_no_shares(tmp_path: Path, translation: TestSet) -> None:
    write_lines(tmp_path / "out.bpe", REFERENCES)
    with pytest.raises(
        InputError, match="no valid of real text, whose correct translations are not known; test a claim"
    ):
        sentence_statistics("valid", tmp_path / "out.bpe", translation)


def test_summaries_are_scored_as_in_the_tables_but_for_the_noise_of_their_resamples(
    tmp_path: Path, summary: TestSet
) -> None:
    outputs = damaged(SUMMARIES, 0.4)
    encoder = load_encoder(summary.vocabulary)
    write_lines(tmp_path / "out.bpe", map(encoder.encode, outputs))
    found = {
        name: score(name, sentence_statistics(name, tmp_path / "out.bpe", summary)) for name in RESAMPLED["summary"]
    }
    said = [" ".join(encoder.decode(encoder.encode(line)).split()) for line in outputs]
    printed = {name: one["value"] for name, one in rouge155(said, SUMMARIES).items()}
    for name, value in printed.items():
        assert found[name] == pytest.approx(value, abs=0.2)
    parts = [found[name] for name in ("rouge1_155", "rouge2_155", "rougeL_155")]
    assert found["overall"] == pytest.approx(sum(parts) / 3)


def test_subwords_of_a_task_may_be_marked(tmp_path: Path, summary: TestSet) -> None:
    """As in data that somebody else binarised, without a vocabulary; questions are grouped by their sources."""
    write_lines(tmp_path / "out.bpe", map(load_encoder(summary.vocabulary).encode, damaged(SUMMARIES, 0.4)))
    assert "@@ " in (tmp_path / "out.bpe").read_text()
    shared = dataclasses.replace(summary, task="question")
    sides = (shared, dataclasses.replace(shared, vocabulary=None))
    found, marked = (sentence_statistics("rougeL_coco", tmp_path / "out.bpe", side) for side in sides)
    assert len(found) and np.array_equal(found, marked)


def test_questions_and_replies_are_means_over_their_items() -> None:
    outputs, references = damaged(REFERENCES, 0.3), REFERENCES
    # Two lines of one source are one item.
    sources = ["one source", "one source", *(f"source {number}" for number in range(2, len(references)))]
    question = MEASURES_BY_METRIC["rougeL_coco"].statistics(outputs, references, sources)
    items, _ = rouge_l_by_item(outputs, references, sources)
    assert len(question) == len(references) - 1
    assert score("rougeL_coco", question) == pytest.approx(sum(items) / len(items))
    reply = MEASURES_BY_METRIC["bleu1_nltk35"].statistics(outputs, references, sources)
    assert score("bleu1_nltk35", reply) == pytest.approx(score_dialogue(outputs, references)["bleu1_nltk35"]["value"])


def test_what_does_not_fit_is_one_line(tmp_path: Path, translation: TestSet) -> None:
    write_lines(tmp_path / "out.bpe", REFERENCES[:-1])
    with pytest.raises(InputError, match="no overall of the task translation; it is of: summary"):
        sentence_statistics("overall", tmp_path / "out.bpe", translation)
    with pytest.raises(InputError, match=f"{len(REFERENCES)} lines for {len(REFERENCES) - 1} hypotheses"):
        sentence_statistics("bleu_tok", tmp_path / "out.bpe", translation)
