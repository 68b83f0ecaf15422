import pytest

from janus.demo.lexicon import COLLOQUIAL, FORMAL, LANGUAGES, lexicon

SHAPES = {
    "nouns": (2, 3, 3),
    "verbs": (3, 3, 4),
    "adjectives": (1, 1, 4),
    "adverbs": (1, 1, 1),
    "prepositions": (1, 1, 1),
}


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_entries_have_all_their_forms(kind, language):
    for entry in getattr(lexicon(), kind):
        for register in (FORMAL, COLLOQUIAL):
            assert len(entry.forms(language, register)) == SHAPES[kind][LANGUAGES.index(language)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verb_and_adverb_shows_the_register(language):
    for entry in (*lexicon().verbs, *lexicon().adverbs):
        assert not set(entry.forms(language, FORMAL)) & set(entry.forms(language, COLLOQUIAL))


@pytest.mark.parametrize("language", LANGUAGES)
def test_singular_and_plural_differ(language):
    for entry in (*lexicon().nouns, *lexicon().verbs, *lexicon().auxiliaries):
        for register in (FORMAL, COLLOQUIAL):
            singular, plural, *_ = entry.forms(language, register)
            assert singular != plural
