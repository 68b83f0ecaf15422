"""Settings of a decoder that somebody types are numbers as those of a config are, or refused."""

import pytest

from janus.cli.values import setting
from janus.decoding.decoding import Decoding
from janus.errors import InputError


def chosen(text):
    key, value = setting(text)
    return getattr(Decoding.of(manner="ar", **{key: value}).settings, key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("lenpen=5e-1", 0.5), ("lenpen=1", 1), ("lenpen=+.5", 0.5), ("max_len_b=1e2", 100), ("max_len_b=20.0", 20)],
)
def test_numbers_are_read_as_in_a_config(text, expected):
    value = chosen(text)
    assert value == expected and type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lenpen=.nan", "lenpen: nan is no finite number; give one such as 1.0"),
        ("lenpen=.inf", "lenpen: inf is no finite number"),
        ("lenpen=1e999", "lenpen: inf is no finite number"),
        ("lenpen=true", "lenpen: True is no float"),
        ("lenpen=nan", "lenpen: 'nan' is no float"),
        ("max_len_b=1e-2", "max_len_b: 0.01 is no int"),
        ("max_len_b=1.5", "max_len_b: 1.5 is no int"),
    ],
)
def test_what_is_no_number_is_refused_by_its_name(text, said):
    with pytest.raises(InputError, match=said):
        chosen(text)
