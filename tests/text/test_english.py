import random

import pytest

from janus.demo.generate import MODES, PLAIN, realise
from janus.demo.semantics import Sampler
from janus.text.analyse import analyse
from janus.text.english import OBJECT, SUBJECT, about_me, about_you, phrase_words, question

STATEMENT = "the children who observe the dog have adored the old woman frequently ."
QUESTIONS = {
    SUBJECT: [
        "who has adored the old woman frequently ?",
        "who has loved the old gal often ?",
        "by whom has the old woman been adored frequently ?",
        "by who has the old gal been loved often ?",
    ],
    OBJECT: [
        "whom have the children who observe the dog adored frequently ?",
        "who have the kids that see the dog loved often ?",
        "who has been adored by the children who observe the dog frequently ?",
        "who has been loved by the kids that see the dog often ?",
    ],
}


def meaning(text):
    return analyse(tuple(text.split()), "en")


@pytest.mark.parametrize("asked", [SUBJECT, OBJECT])
def test_questions_in_every_mode_written_by_hand(asked):
    assert [" ".join(question(meaning(STATEMENT), asked, mode)) for mode in MODES] == QUESTIONS[asked]


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("the king is to strike the dogs .", OBJECT, "whom is the king to strike ?"),
        ("the king needs to strike the dogs .", SUBJECT, "who needs to strike the dogs ?"),
        ("the kings need to strike the dogs .", OBJECT, "whom need the kings to strike ?"),
    ],
)
def test_auxiliaries_of_several_words_are_parted(text, asked, expected):
    assert " ".join(question(meaning(text), asked, PLAIN)) == expected


def test_the_passive_agrees_with_the_thing():
    dogs, woman = meaning("the king has struck the dogs .").object, meaning(STATEMENT).object
    verb = meaning(STATEMENT).verb
    assert [" ".join(about_me(verb, dogs, mode)) for mode in MODES] == [
        "i adore the dogs .",
        "i love the dogs .",
        "the dogs are adored by me .",
        "the dogs are loved by me .",
    ]
    assert " ".join(about_me(verb, woman, MODES[3])) == "the old gal is loved by me ."
    asked = ["whom do you adore ?", "who do you love ?", "who is adored by you ?", "who is loved by you ?"]
    assert [" ".join(about_you(verb, mode)) for mode in MODES] == asked


def test_a_phrase_stands_in_its_statement_as_it_stands_alone():
    sampler = Sampler(random.Random(1))
    for _ in range(300):
        drawn = sampler.meaning()
        for mode in MODES:
            words = " ".join(realise(drawn, "en", mode))
            assert words.count(" ".join(phrase_words(drawn.subject, mode.register))) == 1
            assert words.count(" ".join(phrase_words(drawn.object, mode.register))) == 1


def test_a_question_keeps_every_word_but_the_answers():
    sampler = Sampler(random.Random(2))
    for _ in range(300):
        drawn = sampler.meaning()
        if drawn.subject.head.plural or drawn.object.head.plural:
            continue
        for mode in MODES:
            gone = phrase_words(drawn.subject, mode.register)
            rest = sorted((*realise(drawn, "en", mode), *gone))
            asked = sorted((*question(drawn, SUBJECT, mode), *gone))
            assert sorted(set(rest) - set(asked)) == ["."]
