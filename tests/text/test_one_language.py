import pytest

from janus.text.one_language import Sieve, joined, parts_of, tidy, tokenised
from janus.text.tokenise import tokenise


def test_parts_are_found_again():
    parts = ["the answer", "a passage .", "another"]
    assert joined(parts) == "the answer [SEP] a passage . [SEP] another"
    assert parts_of(joined(parts)) == parts
    assert parts_of("no separator") == ["no separator"]


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ('Don\'t  say\t"no".', 'don \'t say " no " .'),
        ("A&B <tag> [1] x|y", "a & b < tag > [ 1 ] x | y"),
        ("Cost: $3,000.50 (approx.)", "cost : $ 3,000.50 ( approx . )"),
        ("&amp; stays what it is", "& amp ; stays what it is"),
    ],
)
def test_text_takes_the_form_of_glges(line, form):
    assert tokenised(line) == form


def test_the_form_is_moses_without_escapes():
    line = 'It isn\'t (really) "that" simple, is it?'
    assert tokenised(line).split() == [
        token.replace("&apos;", "'").replace("&quot;", '"') for token in tokenise(line, "en").lower().split()
    ]


def test_white_space_of_any_kind_collapses():
    assert tidy(" a\u00a0\u2028b\t\n c ") == "a b c"


def test_the_sieve_counts_what_it_takes_out():
    sieve = Sieve()
    assert list(sieve([("a", "b"), (" ", "b"), ("a", ""), ("", "")])) == [("a", "b")]
    assert sieve.report() == {"kept": 1, "removed": {"empty source": 2, "empty target": 1}}
