"""`janus compare`: the tests of the tables, the scores of sentences, and the words in which outputs differ."""

import json
from pathlib import Path

import pytest
import sacrebleu

from janus.__main__ import main
from janus.errors import InputError
from janus.files import read_json, read_lines, write_json, write_lines
from janus.metrics.comparison import compare
from janus.metrics.differences import edits, habits, sentence_scores
from janus.metrics.files import compare_files
from janus.metrics.rouge155 import rouge1_by_document
from janus.text.tokenise import tokenise

XSUM = Path(__file__).parent / "xsum"
GOLD = ["the old dog runs .", "a cat sleeps on the mat .", "it rains .", "we see a house ."]
BEFORE = ["the old dog dog runs .", "a cat sleeps on a mat .", "it rains .", "us ."]
AFTER = ["the old dog runs .", "a cat sleeps a mat on .", "it rains .", "we see a house ."]


@pytest.fixture
def files(tmp_path):
    for name, lines in (("gold", GOLD), ("before", BEFORE), ("after", AFTER)):
        write_lines(tmp_path / name, lines)
    return tmp_path


@pytest.fixture
def runs(tmp_path):
    """Two decoded runs on one corpus with a BPE of its own."""
    corpus = tmp_path / "tier/made.de-en/corpus"
    write_lines(corpus / "bpe/codes", ["#version: 0.2", "d o"])
    write_lines(corpus / "tok/test.en", GOLD)
    write_lines(corpus / "tok/test.de", ["der alte hund läuft .", "eine katze schläft .", "es regnet .", "ein haus ."])
    write_json(corpus / "corpus.json", {"source": "de", "target": "en"})
    for name, lines in (("one", BEFORE), ("two", AFTER)):
        cut = [line.replace("dog", "do@@ g") for line in lines]
        write_lines(tmp_path / f"tier/made.de-en/{name}/seed-1/decode/nar-11.bpe", cut)
        write_lines(tmp_path / f"tier/made.de-en/{name}/seed-1/decode/nar-2.bpe", BEFORE)
        score = {"scores": {"bleu_tok": {"value": 20.0, "signature": "s"}}, "provenance": {}}
        write_json(tmp_path / f"tier/made.de-en/{name}/seed-1/score/nar-11.json", score)
    return tmp_path / "tier/made.de-en/one/seed-1", tmp_path / "tier/made.de-en/two/seed-1"


def test_runs_are_tested_as_the_rule_tests_them(runs, tmp_path):
    found = compare(*runs)
    sides = [run / "decode/nar-11.bpe" for run in runs]
    gold = runs[0].parents[1] / "corpus/tok/test.en"
    compare_files(baseline=sides[0], system=sides[1], references=gold, output=tmp_path / "theirs.json")
    theirs = read_json(tmp_path / "theirs.json")
    assert {key: found.tests[key] for key in theirs if key != "provenance"} == {
        key: value for key, value in theirs.items() if key != "provenance"
    }
    assert found.paths == tuple(sides) and found.sources[0] == "der alte hund läuft ." and not found.retokenised
    by_score = compare(*(run / "score/nar-11.json" for run in runs))
    assert by_score.plain == found.plain
    assert compare(runs[0] / "decode/nar-2.bpe", runs[1]).outputs == (BEFORE, AFTER)


def test_sentences_have_sacrebleus_own_scores():
    scores, signature = sentence_scores("translation", BEFORE, GOLD)
    theirs = [sacrebleu.sentence_bleu(one, [gold], tokenize="none").score for one, gold in zip(BEFORE, GOLD)]
    assert scores == pytest.approx(theirs) and "eff:yes" in signature


def test_the_largest_differences_come_first_and_equal_lines_not_at_all(files):
    found = compare(files / "before", files / "after", references=files / "gold")
    assert [one.line for one in found.differences] == [4, 1, 2]
    assert found.differences[0].delta > 0 > found.differences[2].delta
    back = compare(files / "after", files / "before", references=files / "gold").differences
    assert [(one.line, one.delta) for one in back] == [(one.line, -one.delta) for one in found.differences]
    sizes = [abs(one.delta) for one in found.differences]
    assert sizes == sorted(sizes, reverse=True)
    assert found.habits["baseline"]["repetition"] > 0 == found.habits["system"]["repetition"]


def test_edits_are_both_outputs():
    for before, after in zip(BEFORE, AFTER):
        found = edits(before, after)
        for side, line in (("baseline", before), ("system", after)):
            assert " ".join(text for kind, text in found if kind in ("both", side)) == line
    assert edits("a b c", "a c d") == [("both", "a"), ("baseline", "b"), ("both", "c"), ("system", "d")]


def test_lengths_repetition_and_empty_lines():
    found = habits(["a a b", "", "c"], ["a b", "b c", "c d"])
    assert found == {"words": 4 / 3, "length_ratio": 4 / 6, "repetition": 25.0, "empty": 1}


def test_summaries_are_tested_and_shown_on_their_metric(tmp_path):
    gold = read_lines(XSUM / "references.txt")[:12]
    write_lines(tmp_path / "gold", gold)
    write_lines(tmp_path / "worse", [" ".join(line.split()[: 3 + number]) for number, line in enumerate(gold)])
    found = compare(tmp_path / "worse", tmp_path / "gold", references=tmp_path / "gold", task="summary")
    assert found.tests["metric"] == "rouge1_155" and found.signature.startswith("ROUGE-1.5.5")
    scores = rouge1_by_document(found.outputs[0], gold)[0]
    assert {one.line: one.baseline_score for one in found.differences} == {
        line: score for line, score in enumerate(scores, 1) if found.outputs[0][line - 1] != gold[line - 1]
    }


def test_without_references_the_least_alike_are_shown(files, capsys):
    assert main(["compare", str(files / "before"), str(files / "after")]) == 0
    text = capsys.readouterr().out
    assert "3 of 4 lines differ; those that are least alike" in text and "p = " not in text
    assert text.index("line 4: ") < text.index("line 2: ") < text.index("line 1: ")


def test_the_command_shows_what_differs_and_the_same_as_json(files, capsys):
    words = ["compare", str(files / "before"), str(files / "after"), "--references", str(files / "gold")]
    assert main([*words, "--top", "2"]) == 0
    text = capsys.readouterr().out
    assert "  A         the old dog [-dog-] runs ." in text and "line 2: " not in text
    assert "BLEU, tokenised: B " in text and "| repetition % |" in text
    assert main([*words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [one["line"] for one in record["differences"]] == [4, 1, 2]
    assert record["tests"]["metric"] == "bleu_tok" and record["differences"][1]["reference"] == GOLD[0]


def test_text_that_is_no_tokens_is_said(files, capsys):
    write_lines(files / "plain", [line.replace(" .", ".") for line in AFTER])
    assert main(["compare", str(files / "before"), str(files / "plain"), "--references", str(files / "gold")]) == 0
    said = capsys.readouterr()
    assert said.err == f"{files / 'plain'} is not tokenised: tokenised here as Moses does\n"
    assert "3 of 4 lines differ" in said.out


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: write_lines(f / "after", AFTER[:3]), "3 lines, .*before has 4; compare outputs of one test set"),
        (lambda f: (f / "after").unlink(), "after: no such file"),
        (lambda f: write_lines(f / "after", []), "no lines to score"),
    ],
)
def test_files_that_do_not_fit_are_one_line(files, change, complaint):
    change(files)
    with pytest.raises(InputError, match=complaint) as error:
        compare(files / "before", files / "after")
    assert "\n" not in str(error.value)


def test_runs_that_do_not_fit_are_one_line(runs, tmp_path):
    with pytest.raises(InputError, match="holds no outputs in the manner ar"):
        compare(*runs, manner="ar")
    other = tmp_path / "tier/other.de-en"
    (tmp_path / "tier/made.de-en").rename(other)
    write_lines(other / "corpus/tok/test.en", GOLD[:3])
    (other / "corpus").rename(tmp_path / "kept")
    write_lines(other / "corpus/bpe/codes", ["#version: 0.2", "d o"])
    with pytest.raises(InputError, match="corpus.json: cannot be read"):
        compare(other / "one/seed-1", other / "two/seed-1")


def test_questions_need_their_sources(files):
    with pytest.raises(InputError, match="questions are grouped by their sources"):
        compare(files / "before", files / "after", references=files / "gold", task="question")


def test_equal_outputs_end_with_their_number(files, capsys):
    for words in ([], ["--references", str(files / "gold")]):
        assert main(["compare", str(files / "after"), str(files / "after"), *words]) == 0
        assert capsys.readouterr().out.endswith("\n0 of 4 lines differ\n")


def test_files_are_compared_as_the_same_tokens_whoever_tokenised(files):
    plain = [line.replace(" .", ".").replace("house", "man's house") for line in GOLD]
    write_lines(files / "plain", plain)
    write_lines(files / "escaped", [tokenise(line, "en") for line in plain])
    found = compare(files / "plain", files / "escaped", references=files / "escaped", task="summary")
    assert not found.differences and found.tests["baseline"] == found.tests["system"] == pytest.approx(100)
    assert found.retokenised == [files / "plain"]


def test_the_references_that_do_not_fit_are_named(files):
    write_lines(files / "gold", GOLD[:3])
    with pytest.raises(InputError, match=rf"{files}/gold: 3 lines for 4 hypotheses in {files}/after"):
        compare(files / "before", files / "after", references=files / "gold")


def test_control_characters_of_outputs_do_not_reach_the_terminal(files, capsys):
    write_lines(files / "after", ["the old\x1b[2J dog .", *AFTER[1:]])
    assert main(["compare", str(files / "before"), str(files / "after"), "--references", str(files / "gold")]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and r"\x1b[2J" in shown
