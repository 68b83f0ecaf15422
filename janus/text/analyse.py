"""From the words of a plain demo sentence back to its meaning: word classes, one pattern per language, and a check.

The pattern finds the constituents. The meaning found is then realised again and must give the same words, so sentences
with wrong agreement are rejected.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from janus.demo.generate import PLAIN, realise
from janus.demo.lexicon import FORMAL, LANGUAGES, lexicon
from janus.demo.semantics import Clause, Meaning, Phrase, Place, Thing
from janus.errors import InputError

# One letter per word class: a adjective, b adverb, d article, m object marker, n noun, p preposition, r relative
# pronoun, v verb, x auxiliary.
_FUNCTION_WORDS = {
    "en": {"d": "the", "r": "who", ".": "."},
    "de": {"d": "der die das den dem", "r": "welcher welche welches", ".": "."},
    "ro": {"m": "pe", "r": "care", ".": "."},
}
# Groups: a adjective, n head, p preposition, q its noun, w clause's verb, o clause's noun; `#` is the phrase's role.
_PHRASES = {
    "en": "d(?P<#a>a)?(?P<#n>n)(?:(?P<#p>p)d(?P<#q>n)|r(?P<#w>v)d(?P<#o>n))?",
    "de": "d(?P<#a>a)?(?P<#n>n)(?:(?P<#p>p)d(?P<#q>n)|rd(?P<#o>n)(?P<#w>v))?",
    "ro": "(?P<#n>n)(?P<#a>a)?(?:(?P<#p>p)(?P<#q>n)|r(?P<#w>v)m(?P<#o>n))?",
}
_SENTENCES = {
    "en": r"{s}(?P<x>x)x*(?P<v>v){o}(?P<b>b)?\.",
    "de": r"{s}(?P<x>x)x*(?P<b>b)?{o}(?P<v>v)\.",
    "ro": r"(?P<b>b)?(?P<x>x)x*(?P<v>v){s}m{o}\.",
}


@dataclass(frozen=True)
class _Word:
    kind: str
    index: int = 0
    plural: bool = False


def analyse(words: tuple[str, ...], language: str) -> Meaning:
    """The meaning of a sentence in the plain mode (formal, active). Raises InputError for other words."""
    known = _words(language)
    kinds = "".join(known[word].kind if word in known else "?" for word in words)
    match = _pattern(language).fullmatch(kinds)
    meaning = _meaning(match, [known.get(word) for word in words]) if match else None
    if meaning is None or realise(meaning, language, PLAIN) != words:
        raise InputError(
            f"no sentence of the demo grammar in {language!r}: {' '.join(words)!r}",
            where="source",
            fix="give the tokenised source text of a demo corpus, without BPE",
        )
    return meaning


def _meaning(match: re.Match, words: list[_Word]) -> Meaning:
    def word(group: str) -> _Word | None:
        return words[match.start(group)] if match[group] else None

    def phrase(role: str) -> Phrase:
        adjective, preposition, verb = (word(role + group) for group in "apw")
        modifier = None
        if preposition:
            modifier = Place(preposition.index, _thing(word(role + "q")))
        elif verb:
            modifier = Clause(verb.index, _thing(word(role + "o")))
        return Phrase(_thing(word(role + "n")), adjective.index if adjective else None, modifier)

    adverb = word("b")
    return Meaning(
        subject=phrase("s"),
        verb=word("v").index,
        object=phrase("o"),
        tense=word("x").index,
        adverb=adverb.index if adverb else None,
    )


def _thing(word: _Word) -> Thing:
    return Thing(word.index, word.plural)


@lru_cache
def _pattern(language: str) -> re.Pattern:
    phrase = _PHRASES[language]
    return re.compile(_SENTENCES[language].format(s=phrase.replace("#", "s"), o=phrase.replace("#", "o")))


@lru_cache
def _words(language: str) -> dict[str, _Word]:
    """Every plain word form of a language; each form has a single meaning."""
    if language not in LANGUAGES:
        raise InputError(f"no demo language {language!r}", where="language", fix=f"use one of {', '.join(LANGUAGES)}")
    words: dict[str, _Word] = {}

    def add(form: str, word: _Word) -> None:
        if words.setdefault(form, word) != word:
            raise ValueError(f"{language} form {form!r} stands for {words[form]} and {word}")

    for kind, forms in _FUNCTION_WORDS[language].items():
        for form in forms.split():
            add(form, _Word(kind))
    content = lexicon()
    classes = {"a": content.adjectives, "b": content.adverbs, "p": content.prepositions, "v": content.verbs}
    for kind, entries in classes.items():
        for index, entry in enumerate(entries):
            for form in _inflected(kind, entry.forms(language, FORMAL), language):
                add(form, _Word(kind, index))
    for index, entry in enumerate(content.nouns):
        for plural, form in enumerate(entry.forms(language, FORMAL)[:2]):
            add(form, _Word("n", index, bool(plural)))
    for index, entry in enumerate(content.auxiliaries):
        for form in entry.forms(language, FORMAL):
            first, *rest = form.split("+")
            add(first, _Word("x", index))
            for word in rest:
                words.setdefault(word, _Word("x", index))
    return words


def _inflected(kind: str, forms: tuple[str, ...], language: str) -> tuple[str, ...]:
    if kind == "a" and language == "de":
        return forms[0] + "e", forms[0] + "en"
    return forms
