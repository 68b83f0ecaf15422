"""`moses.json` was written by tokenizer.perl (Perl 5.36, abbreviation lists of sacremoses 0.2.0), lines of our own."""

import json
import lzma
from pathlib import Path

import pytest

from janus.corpora.moses import MosesTokenizer
from janus.corpora.tokenise import detokenise, lowercase
from janus.errors import InputError

GOLDEN = json.loads((Path(__file__).parent / "moses.json").read_text(encoding="utf-8"))
IWSLT = Path(__file__).resolve().parents[3] / "shared" / "data" / "iwslt14-de-en" / "tok"


@pytest.mark.parametrize("case", GOLDEN, ids=[f"{case['language']}-{i}" for i, case in enumerate(GOLDEN)])
def test_tokens_are_those_of_the_perl_script(case):
    assert MosesTokenizer(case["language"], aggressive=case["aggressive"])(case["raw"]) == case["tokens"]


def test_the_perl_script_and_sacremoses_part_at_the_last_word():
    assert MosesTokenizer("en")("They live in the U.S.") == "They live in the U.S ."


def test_tokens_are_stable_under_white_space():
    assert MosesTokenizer("de")("  so \t geht\x00  es.\r") == "so geht es ."
    assert MosesTokenizer("de")(" ") == ""


def test_a_language_with_rules_not_built_is_refused():
    with pytest.raises(InputError, match="'fr'"):
        MosesTokenizer("fr")


@pytest.mark.parametrize("path", sorted(IWSLT.glob("*.xz")), ids=lambda path: path.name)
def test_fairseqs_iwslt_text_comes_back_from_its_detokenised_form(path):
    """Lower-cased text hides some sentence ends from the tokenizer; what it can see must come back."""
    language = path.suffixes[0][1:]
    tokenizer = MosesTokenizer(language)
    lines = lzma.open(path, "rt", encoding="utf-8").read().split("\n")[:-1]
    inner_stop = [line for line in lines if " . " not in line]
    back = [lowercase(tokenizer(detokenise(line, language))) for line in inner_stop]
    assert sum(line == again for line, again in zip(inner_stop, back)) / len(inner_stop) > 0.998
