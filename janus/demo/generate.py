"""From a meaning to words: the order, agreement and voice of each demo language.

| | order, active | passive | relative clause |
|---|---|---|---|
| en | subject auxiliary verb object adverb | object be verb `by` subject adverb | `who` verb object |
| de | subject auxiliary adverb object verb | object auxiliary adverb `von` subject verb be | `welcher` object verb |
| ro | adverb auxiliary verb subject `pe` object | adverb be verb object `de către` subject | `care` verb `pe` object |

The auxiliary agrees with the subject of its clause, across modifiers between them; de articles and adjectives show
case, gender and number; ro adjectives follow the noun and agree, as does the passive participle.
"""

from collections.abc import Callable
from typing import NamedTuple

from janus.demo.lexicon import COLLOQUIAL, FORMAL, PERFECT, lexicon
from janus.demo.semantics import Clause, Meaning, Phrase, Place, Thing


class Mode(NamedTuple):
    """One of the ways to express a meaning: register (0 formal, 1 colloquial) and voice, for the whole sentence."""

    register: int
    passive: bool


PLAIN = Mode(FORMAL, False)
MODES = tuple(Mode(register, passive) for passive in (False, True) for register in (FORMAL, COLLOQUIAL))

Words = list[str]
_NOMINATIVE, _ACCUSATIVE, _DATIVE = range(3)
_ARTICLES = {"m": ("der", "den", "dem"), "f": ("die", "die", "der"), "n": ("das", "das", "dem")}
_PLURAL_ARTICLES = ("die", "die", "den")
_RELATIVES = ({"m": "welcher", "f": "welche", "n": "welches"}, {"m": "der", "f": "die", "n": "das"})


def realise(meaning: Meaning, language: str, mode: Mode) -> tuple[str, ...]:
    """The tokens of the meaning's sentence in a language (en, de, ro) and mode, with its final full stop."""
    return (*_SENTENCES[language](meaning, mode), ".")


def _auxiliary(meaning: Meaning, language: str, register: int, plural: bool) -> Words:
    return lexicon().auxiliaries[meaning.tense].forms(language, register)[plural].split("+")


def _adverb(meaning: Meaning, language: str, register: int) -> Words:
    return [] if meaning.adverb is None else [lexicon().adverbs[meaning.adverb].forms(language, register)[0]]


def _verb(verb: int, language: str, register: int) -> tuple[str, ...]:
    return lexicon().verbs[verb].forms(language, register)


def _noun(thing: Thing, language: str, register: int) -> str:
    return lexicon().nouns[thing.noun].forms(language, register)[thing.plural]


def _gender(thing: Thing, language: str, register: int) -> str:
    return lexicon().nouns[thing.noun].forms(language, register)[2]


def _preposition(place: Place, language: str, register: int) -> str:
    return lexicon().prepositions[place.preposition].forms(language, register)[0]


def _english(meaning: Meaning, mode: Mode) -> Words:
    register = mode.register
    first, second = (meaning.object, meaning.subject) if mode.passive else (meaning.subject, meaning.object)
    _, plain, participle = _verb(meaning.verb, "en", register)
    be = ["been" if meaning.tense == PERFECT else "be"] if mode.passive else []
    return [
        *_english_phrase(first, register),
        *_auxiliary(meaning, "en", register, first.head.plural),
        *be,
        participle if mode.passive or meaning.tense == PERFECT else plain,
        *(["by"] if mode.passive else []),
        *_english_phrase(second, register),
        *_adverb(meaning, "en", register),
    ]


def _english_phrase(phrase: Phrase, register: int) -> Words:
    adjective = [] if phrase.adjective is None else list(lexicon().adjectives[phrase.adjective].forms("en", register))
    words = ["the", *adjective, _noun(phrase.head, "en", register)]
    match phrase.modifier:
        case Place(thing=thing) as place:
            words += [_preposition(place, "en", register), "the", _noun(thing, "en", register)]
        case Clause(verb=verb, thing=thing):
            relative = ("who", "that")[register]
            words += [relative, _verb(verb, "en", register)[phrase.head.plural], "the", _noun(thing, "en", register)]
    return words


def _german(meaning: Meaning, mode: Mode) -> Words:
    register = mode.register
    _, infinitive, participle = _verb(meaning.verb, "de", register)
    adverb = _adverb(meaning, "de", register)
    if not mode.passive:
        return [
            *_german_phrase(meaning.subject, register, _NOMINATIVE),
            *_auxiliary(meaning, "de", register, meaning.subject.head.plural),
            *adverb,
            *_german_phrase(meaning.object, register, _ACCUSATIVE),
            participle if meaning.tense == PERFECT else infinitive,
        ]
    plural = meaning.object.head.plural
    auxiliary = [("ist", "sind")[plural]] if meaning.tense == PERFECT else _auxiliary(meaning, "de", register, plural)
    return [
        *_german_phrase(meaning.object, register, _NOMINATIVE),
        *auxiliary,
        *adverb,
        "von",
        *_german_phrase(meaning.subject, register, _DATIVE),
        participle,
        "worden" if meaning.tense == PERFECT else "werden",
    ]


def _german_phrase(phrase: Phrase, register: int, case: int) -> Words:
    gender, plural = _gender(phrase.head, "de", register), phrase.head.plural
    words = [_article(gender, plural, case)]
    if phrase.adjective is not None:
        (stem,) = lexicon().adjectives[phrase.adjective].forms("de", register)
        bare = not plural and case != _DATIVE and (case == _NOMINATIVE or gender != "m")
        words.append(stem + ("e" if bare else "en"))
    words.append(_noun(phrase.head, "de", register))
    match phrase.modifier:
        case Place(thing=thing) as place:
            words += [_preposition(place, "de", register), *_german_thing(thing, register, _DATIVE)]
        case Clause(verb=verb, thing=thing):
            relative = _RELATIVES[register]["f" if plural else gender]
            words += [relative, *_german_thing(thing, register, _ACCUSATIVE), _verb(verb, "de", register)[plural]]
    return words


def _german_thing(thing: Thing, register: int, case: int) -> Words:
    return [_article(_gender(thing, "de", register), thing.plural, case), _noun(thing, "de", register)]


def _article(gender: str, plural: bool, case: int) -> str:
    return (_PLURAL_ARTICLES if plural else _ARTICLES[gender])[case]


def _romanian(meaning: Meaning, mode: Mode) -> Words:
    register = mode.register
    first, second = (meaning.object, meaning.subject) if mode.passive else (meaning.subject, meaning.object)
    _, _, infinitive, participle = _verb(meaning.verb, "ro", register)
    if mode.passive:
        participle = _agree(participle, _gender(first.head, "ro", register), first.head.plural)
    be = ["fost" if meaning.tense == PERFECT else "fi"] if mode.passive else []
    agent = (["de", "către"], ["de"])[register] if mode.passive else ["pe"]
    return [
        *_adverb(meaning, "ro", register),
        *_auxiliary(meaning, "ro", register, first.head.plural),
        *be,
        participle if mode.passive or meaning.tense == PERFECT else infinitive,
        *_romanian_phrase(first, register),
        *agent,
        *_romanian_phrase(second, register),
    ]


def _romanian_phrase(phrase: Phrase, register: int) -> Words:
    words = [_noun(phrase.head, "ro", register)]
    if phrase.adjective is not None:
        forms = lexicon().adjectives[phrase.adjective].forms("ro", register)
        words.append(forms[2 * phrase.head.plural + (_gender(phrase.head, "ro", register) == "f")])
    match phrase.modifier:
        case Place(thing=thing) as place:
            words += [_preposition(place, "ro", register), _noun(thing, "ro", register)]
        case Clause(verb=verb, thing=thing):
            relative = ("care", "ce")[register]
            words += [relative, _verb(verb, "ro", register)[phrase.head.plural], "pe", _noun(thing, "ro", register)]
    return words


def _agree(participle: str, gender: str, plural: bool) -> str:
    if gender == "f":
        return participle + ("e" if plural else "ă")
    return participle[:-1] + "ți" if plural else participle


_SENTENCES: dict[str, Callable[[Meaning, Mode], Words]] = {"en": _english, "de": _german, "ro": _romanian}
