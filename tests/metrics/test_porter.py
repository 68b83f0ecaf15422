"""ROUGE's stemmer against stems that ROUGE-1.5.5's own Perl gave, and against the original it departs from."""

from pathlib import Path

import pytest
from nltk.stem.porter import PorterStemmer

from janus.files import read_lines
from janus.metrics.porter import stem

STEMS = [line.split() for line in read_lines(Path(__file__).parent / "xsum" / "stems.txt")]


def test_stems_are_those_of_the_perl_script() -> None:
    assert len(STEMS) > 250
    assert [(word, stem(word)) for word, _ in STEMS] == [tuple(pair) for pair in STEMS]


def test_it_parts_from_porter_only_where_step_4_was_changed() -> None:
    original = PorterStemmer(PorterStemmer.MARTIN_EXTENSIONS).stem
    parted = [word for word, ours in STEMS if original(word) != ours]
    assert 20 < len(parted) < len(STEMS) / 2
    assert all(any(part in word for part in ("ment", "ent", "sion", "tion")) for word in parted)


@pytest.mark.parametrize(("word", "base"), [("argument", "argum"), ("departmental", "depart"), ("mission", "mission")])
def test_the_changed_step(word: str, base: str) -> None:
    assert stem(word) == base


@pytest.mark.parametrize("word", ["a", "is", "0", "42"])
def test_two_letters_are_their_own_stem(word: str) -> None:
    assert stem(word) == word
