"""`moses.json`: lines of our own, tokenised under Perl 5.36 with the abbreviation lists of sacremoses 0.2.0.

Those in de, en and ro by tokenizer.perl, those in languages with rules of their own by its functions.
"""

import json
import lzma
from pathlib import Path

import pytest
from real_data import BESIDE, needs
from sacremoses import MosesTokenizer as SacreMoses

from janus.text.moses import LANGUAGES, MosesTokenizer
from janus.text.tokenise import detokenise, lowercase

GOLDEN = json.loads((Path(__file__).parent / "moses.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=[f"{case['language']}-{i}" for i, case in enumerate(GOLDEN)])
def test_tokens_are_those_of_the_perl_script(case):
    assert MosesTokenizer(case["language"], aggressive=case["aggressive"])(case["raw"]) == case["tokens"]


def test_the_perl_script_and_sacremoses_part_at_the_last_word():
    assert MosesTokenizer("en")("They live in the U.S.") == "They live in the U.S ."


def test_tokens_are_stable_under_white_space():
    assert MosesTokenizer("de")("  so \t geht\x00  es.\r") == "so geht es ."
    assert MosesTokenizer("de")(" ") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_with_abbreviations_can_be_tokenised(language):
    assert MosesTokenizer(language)("a, b") == "a , b"


@pytest.mark.parametrize("language", ["fr", "it", "ca", "ga"])
def test_elisions_are_those_of_sacremoses_and_come_back(language):
    """sacremoses has no rules for Catalan and Irish, but theirs are those of French and Italian."""
    words = ["l'eau", "d'Anna", "L'Aquila", "n'est", "'a", "b'", "dell'olio", "e", "aujourd'hui"]
    lines = [f"{one} {two}, c {three}?" for one in words for two in words for three in words]
    theirs = SacreMoses("it" if language != "fr" else "fr")
    tokens = [MosesTokenizer(language)(line) for line in lines]
    assert tokens == [theirs.tokenize(line, return_str=True) for line in lines]
    plain = "L'eau d'Anna n'est pas dell'olio, e l'uomo c'era."
    assert detokenise(MosesTokenizer("it")(plain), "it") == detokenise(MosesTokenizer("fr")(plain), "fr") == plain


def test_entries_of_a_list_that_the_script_cannot_match_are_not_taken():
    assert MosesTokenizer("sv")("Ö. Berg") == "Ö . Berg"
    assert MosesTokenizer("it")("pp. Ab, pp. 5") == "pp . Ab , pp. 5"


def test_real_text_comes_back_from_its_detokenised_form():
    lines = (Path(__file__).parents[1] / "metrics/tatoeba/tok.de").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 60
    assert [MosesTokenizer("de")(detokenise(line, "de")) for line in lines] == lines


@pytest.mark.slow
@needs("iwslt14-de-en", "the licence of TED's talks allows no piece of them")
@pytest.mark.parametrize("name", ["test.de", "test.en", "valid.de", "valid.en"])
def test_fairseqs_iwslt_text_comes_back_from_its_detokenised_form(name):
    """Lower-cased text hides some sentence ends from the tokenizer; what it can see must come back."""
    path, language = BESIDE / f"iwslt14-de-en/tok/{name}.xz", name[-2:]
    tokenizer = MosesTokenizer(language)
    lines = lzma.open(path, "rt", encoding="utf-8").read().split("\n")[:-1]
    inner_stop = [line for line in lines if " . " not in line]
    back = [lowercase(tokenizer(detokenise(line, language))) for line in inner_stop]
    assert sum(line == again for line, again in zip(inner_stop, back)) / len(inner_stop) > 0.998
