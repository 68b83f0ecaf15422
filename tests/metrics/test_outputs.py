"""Scores of anybody's files: tokenised or not, the same text has the same scores."""

import json
from pathlib import Path

import pytest
import sacrebleu

from janus.__main__ import main
from janus.errors import InputError
from janus.files import read_lines, write_lines
from janus.metrics.outputs import Outputs, compare_scores, is_tokenised, score_outputs, untokenised
from janus.metrics.summary import score_summary
from janus.metrics.translation import tokenised_bleu
from janus.text.marks import tokenised_sides
from janus.text.moses import unescape
from janus.text.tokenise import detokenise, tokenise

FOLDER = Path(__file__).parent
PLAIN = ["It's a test, isn't it?", "Hello world.", '"Yes", he said; then he left.']
GOLD = ["It was a test, wasn't it?", "Hello, world.", '"Yes," he said, and then he left.']
OTHER = ["A test?", "Hi there.", "He left."]
BARE = ["the man's dog said no to it's owner's cat", "no marks here"]


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
    assert {k: v["value"] for k, v in plain.items() if k not in exempt} == {
        k: v["value"] for k, v in cut.items() if k not in exempt
    }


def bare_tokens(lines):
    """Moses' tokens without its escapes."""
    return [unescape(line) for line in tokens(lines)]


@pytest.mark.parametrize("task", ["translation", "summary", "reply"])
@pytest.mark.parametrize("form", [list, tokens, bare_tokens])
@pytest.mark.parametrize("gold_form", [list, tokens, bare_tokens])
def test_the_same_text_has_the_same_score_in_whatever_form_a_side_is(task, form, gold_form):
    name = {"translation": "bleu_tok", "summary": "rouge1_155", "reply": "bleu1_nltk35"}[task]
    expected = score_outputs(Outputs(task, PLAIN, GOLD))[name]
    given = Outputs(task, form(PLAIN), gold_form(GOLD))
    assert score_outputs(given)[name] == expected
    tests = compare_scores(Outputs(task, gold_form(PLAIN), gold_form(GOLD)), given)
    assert tests["baseline"] == tests["system"]


def test_text_without_marks_is_judged_with_its_references():
    said = ['he said "yes" (twice) today', "no marks here at all"]
    gold = ['He said "yes" (twice), today.', "No marks here at all."]
    scores = score_outputs(Outputs("translation", said, gold, folded=True))
    assert scores["bleu_tok"]["value"] == score_outputs(
        Outputs("translation", tokens(said), tokens(gold), folded=True)
    )["bleu_tok"]["value"] > 0  # fmt: skip
    assert untokenised(Outputs("translation", said, gold)) == ["outputs", "references"]
    assert untokenised(Outputs("translation", said, tokens(gold))) == []
    assert untokenised(Outputs("translation", said, said), gold) == ["outputs", "references", "baseline"]


@pytest.mark.parametrize(
    ("lines", "language", "expected"),
    [
        (BARE, "en", False),
        ([unescape(line) for line in tokens(BARE)], "en", True),
        (tokens(BARE), "en", True),
        (["they do n't know o'clock"], "en", True),
        (["L'homme dit : « Ça va ? Non ! »"], "fr", False),
        (["Comment ça va ?", "L'homme, non."], "fr", False),
        ([tokenise("L'homme, dit : « Ça va ? Non ! »", "fr")], "fr", True),
        (["Comment ça va ?"], "fr", True),
        (["你好，世界。"], "zh", False),
        (["你 好 ， 世界 。"], "zh", True),
        (["यह घर है।"], "hi", False),
        (["هل هذا بيت؟"], "ar", False),
    ],
)
def test_apostrophes_and_marks_of_other_languages_show_it_too(lines, language, expected):
    assert is_tokenised(lines, language) is expected


def test_a_side_that_shows_nothing_is_as_the_others_are():
    assert tokenised_sides([["no marks"], PLAIN], "en") == [False, False]
    assert tokenised_sides([["no marks"], tokens(PLAIN)], "en") == [True, True]
    assert tokenised_sides([["no marks"], tokens(PLAIN), PLAIN], "en") == [False, True, False]


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


@pytest.mark.parametrize(
    ("short", "complaint"),
    [
        ("b", "{b}: 2 lines, {o} has 3; compare outputs of one test set"),
        ("o", "{r}: 3 lines for 2 hypotheses in {o}; "),
        ("r", "{r}: 2 lines for 3 hypotheses in {o}; "),
    ],
)
def test_the_file_that_is_short_is_named_before_anything_is_scored(tmp_path, capsys, short, complaint):
    places = {name: tmp_path / name for name in "orb"}
    for name, path in places.items():
        write_lines(path, GOLD[:2] if name == short else GOLD)
    assert main(["score", *(str(places[name]) for name in "or"), "--against", str(places["b"])]) == 1
    said = capsys.readouterr()
    assert complaint.format(**places) in said.err and not said.out and "not tokenised" not in said.err


def test_only_texts_that_are_scored_are_said_to_be_tokenised(tmp_path, capsys):
    for name, lines in (("o", PLAIN), ("r", GOLD), ("s", PLAIN)):
        write_lines(tmp_path / name, lines)
    words = ["score", str(tmp_path / "o"), str(tmp_path / "r"), "--sources", str(tmp_path / "s")]
    assert main(words) == 0 and "sources" not in capsys.readouterr().err
    assert main([*words, "--task", "question"]) == 0 and "sources are not tokenised" in capsys.readouterr().err


def test_words_that_no_space_parts_are_said_to_stay_together(tmp_path, capsys):
    write_lines(tmp_path / "o", ["你好，世界。", "今天天气很好。"])
    assert main(["score", *[str(tmp_path / "o")] * 2, "--language", "zh"]) == 0
    said = capsys.readouterr()
    assert "as Moses does (zh); it leaves words together that no space parts" in said.err
    assert "tok:zh" in said.out
