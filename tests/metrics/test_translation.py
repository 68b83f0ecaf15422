"""Each BLEU against the tool it claims to equal: fairseq's scorer, the release's Perl line, sacreBLEU's own."""

import random
from importlib.util import find_spec
from pathlib import Path

import pytest
import sacrebleu
from fairseq.data import Dictionary
from fairseq.scoring.bleu import BleuConfig, Scorer

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics.translation import (
    compound_split_bleu,
    score_translation,
    split_compounds,
    tokenised_bleu,
)
from janus.text.subwords import remove_bpe
from janus.text.tokenise import detokenise

TEXT = Path(__file__).parent / "tatoeba"
TOKENISED, RAW = read_lines(TEXT / "tok.de"), read_lines(TEXT / "raw.de")


def fairseq_bleu(hypotheses: list[str], references: list[str]) -> float:
    """What `fairseq-score --sys --ref` prints: its dictionary, its compiled counter."""
    words = Dictionary()
    scorer = Scorer(BleuConfig(pad=words.pad(), eos=words.eos(), unk=words.unk()))
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        scorer.add(
            words.encode_line(reference, add_if_not_exist=True).int(),
            words.encode_line(hypothesis, add_if_not_exist=True).int(),
        )
    return scorer.score()


def perturb(lines: list[str], seed: int, share: float = 0.15) -> list[str]:
    """Outputs like a model's: words dropped, doubled, swapped or unknown."""
    rng = random.Random(seed)
    changes = [lambda w: [], lambda w: [w, w], lambda w: ["<unk>"], lambda w: ["Haus"]]
    return [
        " ".join(
            new for word in line.split() for new in (rng.choice(changes)(word) if rng.random() < share else [word])
        )
        for line in lines
    ]


@pytest.mark.parametrize("seed", range(5))
def test_tokenised_bleu_is_fairseq_score(seed: int) -> None:
    hypotheses = perturb(TOKENISED, seed)
    score = tokenised_bleu(hypotheses, TOKENISED)["value"]
    assert 20 < score < 95
    assert score == pytest.approx(fairseq_bleu(hypotheses, TOKENISED), abs=1e-4)


@pytest.mark.parametrize(
    ("hypothesis", "reference"),
    [
        ("a b c d e <unk> f", "a b c d e <unk> f"),
        ("a <unk>", "a b"),
        ("a b c", "a b c"),
        ("a b c d", "a b c d e f g h"),
        ("a b c d e f g h", "a b c d"),
        ("x\u00a0y z w v", "x y z w v"),
    ],
)
def test_tokenised_bleu_is_fairseq_score_at_the_edges(hypothesis: str, reference: str) -> None:
    expected = fairseq_bleu([hypothesis], [reference])
    assert tokenised_bleu([hypothesis], [reference])["value"] == pytest.approx(expected, abs=1e-4)


def test_an_unknown_word_in_the_reference_matches_nothing() -> None:
    assert tokenised_bleu(["<unk> " * 6], ["<unk> " * 6])["value"] == 0


@pytest.mark.parametrize(
    ("line", "split"),
    [
        ("a-b-c", "a ##AT##-##AT## b-c"),
        ("well-known é-ü-x – - --", "well ##AT##-##AT## known é ##AT##-##AT## ü ##AT##-##AT## x – - --"),
        ("x -y a-- b-\u00a0c", "x -y a ##AT##-##AT## - b ##AT##-##AT## \u00a0c"),
    ],
)
def test_compound_split_is_the_release_line(line: str, split: str) -> None:
    """Expected values printed by perl -ple 's{(\\S)-(\\S)}{$1 ##AT##-##AT## $2}g'."""
    assert split_compounds(line) == split


def test_compound_split_bleu_is_fairseq_score_on_split_text() -> None:
    hypotheses = perturb(TOKENISED, 7)
    score = compound_split_bleu(hypotheses, TOKENISED)["value"]
    expected = fairseq_bleu([split_compounds(h) for h in hypotheses], [split_compounds(r) for r in TOKENISED])
    assert score == pytest.approx(expected, abs=1e-4)
    assert score != pytest.approx(tokenised_bleu(hypotheses, TOKENISED)["value"], abs=1e-3)


def test_detokenised_references_score_almost_full_marks() -> None:
    scores = score_translation(TOKENISED, TOKENISED, RAW, language="de", lowercase=False)
    assert scores["bleu_sacre"]["value"] > 99
    assert scores["chrfpp"]["value"] > 99
    assert scores["bleu_tok"]["value"] == pytest.approx(100)


def test_moses_escapes_are_undone() -> None:
    assert detokenise("it &apos;s &quot; fine &quot; , isn &apos;t it ?", "en") == "it's \"fine\", isn't it?"


@pytest.mark.parametrize("lowercase", [True, False])
def test_sacrebleu_and_chrf_are_the_package_own(lowercase: bool) -> None:
    hypotheses = perturb(TOKENISED, 9)
    scores = score_translation([h.lower() for h in hypotheses], TOKENISED, RAW, language="de", lowercase=lowercase)
    plain = [detokenise(h.lower(), "de") for h in hypotheses]
    assert scores["bleu_sacre"]["value"] == sacrebleu.corpus_bleu(plain, [RAW], lowercase=lowercase).score
    chrf = sacrebleu.metrics.CHRF(word_order=2, lowercase=lowercase)
    assert scores["chrfpp"]["value"] == chrf.corpus_score(plain, [RAW]).score


def test_every_score_says_how_it_was_computed() -> None:
    scores = score_translation(TOKENISED, TOKENISED, RAW, language="de", lowercase=True, subwords=TOKENISED)
    signatures = {name: score["signature"] for name, score in scores.items()}
    assert set(signatures) == {"bleu_tok", "bleu_split", "bleu_sacre", "chrfpp", "repetition", "repetition_subword"}
    assert len(set(signatures.values())) == len(signatures)
    assert "tok:none|smooth:none" in signatures["bleu_tok"]
    assert "split:compound" in signatures["bleu_split"]
    assert "case:lc" in signatures["bleu_sacre"] and "tok:13a" in signatures["bleu_sacre"]
    assert "nw:2" in signatures["chrfpp"]


def test_other_line_counts_are_refused() -> None:
    with pytest.raises(InputError, match="raw references: 59 lines for 60 hypotheses"):
        score_translation(TOKENISED, TOKENISED, RAW[:-1], language="de", lowercase=False)
    with pytest.raises(InputError, match="no sentence"):
        score_translation([], [], [], language="de", lowercase=False)


def test_bpe_is_joined_as_fairseq_joins_it() -> None:
    from fairseq.data.data_utils import post_process

    lines = ["a@@ b c@@ d@@ e .", "tail@@", "a@b @@ c"]
    assert [remove_bpe(line) for line in lines] == [post_process(line, "@@ ").rstrip() for line in lines]


CHINESE = ["今天天气很好，我们去公园吧。", "你好，世界！"]
CHINESE_GOLD = ["今天天气真好，我们去公园。", "你好，世界！"]


@pytest.mark.parametrize("language", ["zh", "yue", "cmn"])
def test_chinese_has_sacrebleus_own_score(language):
    scores = score_translation(CHINESE, CHINESE_GOLD, CHINESE_GOLD, language=language, lowercase=False, plain=CHINESE)
    theirs = sacrebleu.corpus_bleu(CHINESE, [CHINESE_GOLD], tokenize="zh").score
    assert scores["bleu_sacre"]["value"] == pytest.approx(theirs) and theirs > 50
    assert "|tok:zh|" in scores["bleu_sacre"]["signature"]
    cut = [" ".join(line) for line in CHINESE]
    again = score_translation(cut, CHINESE_GOLD, CHINESE_GOLD, language=language, lowercase=False)
    assert again["bleu_sacre"]["value"] == pytest.approx(theirs)


@pytest.mark.parametrize(("language", "package"), [("ja", "MeCab"), ("ko", "mecab_ko")])
def test_japanese_and_korean_are_counted_in_words_or_else_in_characters(language, package):
    expected = f"{language}-mecab" if find_spec(package) else "char"
    lines = ["今日はいい天気です。", "오늘은 날씨가 좋다."]
    score = score_translation(lines, lines, lines, language=language, lowercase=False, plain=lines)["bleu_sacre"]
    assert f"|tok:{expected}" in score["signature"] and score["value"] == pytest.approx(100)


@pytest.mark.parametrize("language", ["de", "fr", "ru", "th"])
def test_other_languages_keep_the_usual_tokens(language):
    score = score_translation(TOKENISED, TOKENISED, RAW, language=language, lowercase=False)["bleu_sacre"]
    assert score["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
