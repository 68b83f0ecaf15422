import pytest

from janus.text.tokenise import detokenise, lowercase, normalise, tokenise


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "It's here, isn't it?"),
        ("de", 'Das ist "gut", sagt er.'),
        ("ro", "Șeful a spus (da): nu!"),
        ("en", "a well-known mother-in-law"),
    ],
)
@pytest.mark.parametrize("aggressive", [False, True])
def test_detokenise_undoes_tokenise(language, text, aggressive):
    assert detokenise(tokenise(text, language, aggressive=aggressive), language) == text


def test_normalise_makes_punctuation_plain():
    assert normalise("„Ja“ – sagte er…", "de") == '"Ja" - sagte er...'
    assert normalise("3 %  ( so ) ;", "en") == "3% (so);"


def test_lowercase_keeps_the_inner_sigma():
    assert lowercase("ÄΟΔΟΣ ẞ") == "äοδοσ ß"
