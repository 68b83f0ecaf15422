"""English clauses of the demo grammar other than plain statements: questions, and statements about oneself.

Each can be expressed in the four modes of `realise.py`, and every choice affects several words.
"""

from collections.abc import Callable

from janus.demo.generate import Mode, realise
from janus.demo.lexicon import FUTURE, PERFECT, lexicon
from janus.demo.semantics import Meaning, Phrase

Words = tuple[str, ...]
SUBJECT, OBJECT = "subject", "object"


def question(meaning: Meaning, asked: str, mode: Mode) -> Words:
    """The question whose answer is the subject or the object of a statement.

    | | active | passive |
    |---|---|---|
    | subject | who has seen the dog | by whom has the dog been seen |
    | object | whom has the child seen | who has been seen by the child |

    In the colloquial register `who` replaces `whom`.
    """
    auxiliary, verb, adverb = _predicate(meaning, mode)
    given = meaning.object if asked == SUBJECT else meaning.subject
    rest = phrase_words(given, mode.register)
    whom = ("whom", "who")[mode.register]
    if mode.passive == (asked == OBJECT):
        agent = ("by",) if mode.passive else ()
        return ("who", *auxiliary(False), *verb, *agent, *rest, *adverb, "?")
    first, *others = auxiliary(given.head.plural)
    by = ("by",) if mode.passive else ()
    return (*by, whom, first, *rest, *others, *verb, *adverb, "?")


def phrase_words(phrase: Phrase, register: int) -> Words:
    """A noun phrase as in a statement: the words before the auxiliary of which it is the subject."""
    words = realise(Meaning(phrase, 0, phrase, FUTURE, None), "en", Mode(register, passive=False))
    forms = lexicon().auxiliaries[FUTURE].forms("en", register)
    return words[: words.index(forms[phrase.head.plural].split("+")[0])]


def _predicate(meaning: Meaning, mode: Mode) -> tuple[Callable[[bool], list[str]], Words, Words]:
    """The auxiliary as a function of its subject's number, the verb, and the adverb, if any."""
    words, register = lexicon(), mode.register
    forms = words.auxiliaries[meaning.tense].forms("en", register)
    _, plain, participle = words.verbs[meaning.verb].forms("en", register)
    perfect = meaning.tense == PERFECT
    be = (("been" if perfect else "be"),) if mode.passive else ()
    verb = (*be, participle if mode.passive or perfect else plain)
    adverb = () if meaning.adverb is None else words.adverbs[meaning.adverb].forms("en", register)[:1]
    return lambda plural: forms[plural].split("+"), verb, adverb


def about_me(verb: int, thing: Phrase, mode: Mode) -> Words:
    """A statement about oneself: `i love the dogs .`, or in the passive `the dogs are loved by me .`"""
    _, plain, participle = lexicon().verbs[verb].forms("en", mode.register)
    words = phrase_words(thing, mode.register)
    if mode.passive:
        return (*words, ("is", "are")[thing.head.plural], participle, "by", "me", ".")
    return ("i", plain, *words, ".")


def about_you(verb: int, mode: Mode) -> Words:
    """The question that `about_me` answers."""
    _, plain, participle = lexicon().verbs[verb].forms("en", mode.register)
    if mode.passive:
        return ("who", "is", participle, "by", "you", "?")
    return (("whom", "who")[mode.register], "do", "you", plain, "?")
