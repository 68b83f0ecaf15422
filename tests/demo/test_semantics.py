import random

from janus.demo.lexicon import lexicon
from janus.demo.semantics import Sampler


def nouns(meaning):
    for phrase in (meaning.subject, meaning.object):
        yield phrase.head.noun
        if phrase.modifier:
            yield phrase.modifier.thing.noun


def test_no_noun_twice_in_a_sentence():
    sampler = Sampler(random.Random(1))
    for _ in range(2000):
        found = list(nouns(sampler.meaning()))
        assert len(found) == len(set(found))


def test_the_vocabulary_share_is_kept_and_used():
    sampler = Sampler(random.Random(1), vocabulary=0.5)
    found = {noun for _ in range(2000) for noun in nouns(sampler.meaning())}
    assert found == set(range(len(lexicon().nouns) // 2))


def test_the_smallest_vocabulary_has_two_words_of_a_class():
    sampler = Sampler(random.Random(1), vocabulary=0.001)
    meanings = [sampler.meaning() for _ in range(500)]
    assert {meaning.verb for meaning in meanings} == {0, 1}
