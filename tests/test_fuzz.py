"""Files with faults end in one of our own errors; `make fuzz` gives each reader many more of them."""

from dataclasses import replace
from pathlib import Path

import pytest
from fuzz.engine import Hang, Reader, deadline, fuzz
from fuzz.readers import READERS

pytestmark = pytest.mark.slow

# Of a reader with a share of one, at seed 1: enough that it reads some and refuses others.
INPUTS = 120


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_faulty_file_is_read_or_refused_in_one_line(reader: Reader) -> None:
    counts = fuzz(reader, max(8, int(INPUTS * reader.share)), number=1)
    assert sum(counts.values()) >= 8


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_the_valid_file_of_each_reader_is_read(reader: Reader, tmp_path: Path) -> None:
    """Otherwise all faulty ones would be refused for the same reason."""
    for content in reader.whole():
        reader.read_bytes(content, tmp_path)


def test_an_input_that_takes_too_long_is_noticed() -> None:
    with pytest.raises(Hang), deadline(0.05):
        while True:
            pass


def test_another_error_fails_the_reader() -> None:
    def read(path: object) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        fuzz(replace(READERS[-1], read=read), 2, number=1)
