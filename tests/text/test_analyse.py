import random

import pytest

from janus.demo.generate import MODES, PLAIN, realise
from janus.demo.lexicon import LANGUAGES
from janus.demo.semantics import Sampler
from janus.errors import InputError
from janus.text.analyse import analyse


@pytest.mark.parametrize("language", LANGUAGES)
def test_analysis_undoes_realisation(language):
    sampler = Sampler(random.Random(5))
    for _ in range(2000):
        meaning = sampler.meaning()
        assert analyse(realise(meaning, language, PLAIN), language) == meaning


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_modes_say_the_same(language):
    sampler = Sampler(random.Random(5))
    for _ in range(200):
        meaning = sampler.meaning()
        assert len({realise(meaning, language, mode) for mode in MODES}) == len(MODES)


@pytest.mark.parametrize("mode", MODES[1:])
def test_only_the_plain_mode_is_a_source(mode):
    with pytest.raises(InputError, match="no sentence of the demo grammar"):
        analyse(realise(Sampler(random.Random(5)).meaning(), "de", mode), "de")


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="no demo language 'fr'; use one of en, de, ro"):
        analyse(("x",), "fr")
