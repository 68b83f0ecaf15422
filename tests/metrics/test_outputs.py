"""Scores of anybody's files: tokenised or not, the same text has the same scores."""

import json
from pathlib import Path

import pytest
import sacrebleu

from janus.__main__ import main
from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.outputs import Outputs, compare_scores, is_tokenised, score_outputs
from janus.metrics.summary import score_summary
from janus.metrics.translation import tokenised_bleu
from janus.text.tokenise import detokenise, tokenise

FOLDER = Path(__file__).parent
PLAIN = ["It's a test, isn't it?", "Hello world.", '"Yes", he said; then he left.']
GOLD = ["It was a test, wasn't it?", "Hello, world.", '"Yes," he said, and then he left.']
OTHER = ["A test?", "Hi there.", "He left."]


def tokens(lines):
    return [tokenise(line, "en") for line in lines]


def test_text_with_marks_at_its_words_is_not_tokenised():
    assert not is_tokenised(PLAIN) and is_tokenised(tokens(PLAIN))
    assert is_tokenised(["no marks here"]) and is_tokenised(read_lines(FOLDER / "xsum/references.txt"))


@pytest.mark.parametrize("task", ["translation", "summary", "reply"])
def test_tokenised_and_untokenised_text_score_alike_on_tokens(task):
    plain = score_outputs(Outputs(task, PLAIN, GOLD))
    cut = score_outputs(Outputs(task, tokens(PLAIN), tokens(GOLD)))
    exempt = {"bleu_sacre", "chrfpp"}
    if task != "translation":
        cut = score_outputs(Outputs(task, *([line.replace("&apos;", "'").replace("&quot;", '"') for line in side]
                                            for side in (tokens(PLAIN), tokens(GOLD)))))  # fmt: skip
    assert {k: v["value"] for k, v in plain.items() if k not in exempt} == {
        k: v["value"] for k, v in cut.items() if k not in exempt
    }


def test_untokenised_text_has_sacrebleus_own_score():
    scores = score_outputs(Outputs("translation", PLAIN, GOLD))
    assert scores["bleu_sacre"]["value"] == pytest.approx(sacrebleu.corpus_bleu(PLAIN, [GOLD]).score)
    assert "detok" not in scores["bleu_sacre"]["signature"]
    assert scores["bleu_tok"] == tokenised_bleu(tokens(PLAIN), tokens(GOLD))


def test_tokenised_text_is_detokenised_for_sacrebleu():
    scores = score_outputs(Outputs("translation", tokens(PLAIN), tokens(GOLD)))
    sides = [[detokenise(line, "en") for line in tokens(side)] for side in (PLAIN, GOLD)]
    assert scores["bleu_sacre"]["value"] == pytest.approx(sacrebleu.corpus_bleu(sides[0], [sides[1]]).score)


def test_summaries_have_the_scores_of_the_task():
    references = read_lines(FOLDER / "xsum/references.txt")
    outputs = [" ".join(reversed(line.split())) for line in references]
    ours, task = score_outputs(Outputs("summary", outputs, references)), score_summary(outputs, references)
    assert {name: ours[name] for name in task} == task


def test_questions_need_sources():
    with pytest.raises(InputError, match="sources: questions are grouped by their sources; give the file"):
        Outputs("question", PLAIN, GOLD)


def test_both_sides_of_a_test_are_scored_alike():
    tests = compare_scores(Outputs("summary", OTHER, GOLD), Outputs("summary", PLAIN, GOLD))
    assert tests["metric"] == "rouge1_155" and tests["delta"] > 0
    same = compare_scores(Outputs("translation", PLAIN, GOLD), Outputs("translation", PLAIN, GOLD))
    assert same["delta"] == 0 and same["p_value"] == 1


def test_the_command_says_that_it_tokenises_and_prints_every_score(tmp_path, capsys):
    for name, lines in (("o", PLAIN), ("r", GOLD), ("b", OTHER)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    words = ["score", str(tmp_path / "o"), str(tmp_path / "r"), "--against", str(tmp_path / "b"), "--task", "summary"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.err.count("are not tokenised: tokenised here as Moses does (en)") == 3
    assert "| ROUGE-1, 1.5.5 |" in said.out and "p = " in said.out
    assert main([*words, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    # The script prints the mean over its resamples, the test takes that over documents.
    assert read["scores"]["rouge1_155"]["value"] == pytest.approx(read["tests"]["system"], abs=0.1)
