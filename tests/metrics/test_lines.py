"""What may be scored, and what is refused with its place."""

import pytest

from janus.errors import InputError
from janus.metrics.lines import check_lines


def test_an_empty_hypothesis_is_legal() -> None:
    check_lines(["", "a"], references=["a", "b"], sources=["c", "d"])


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"references": ["a"]}, "references: 1 lines for 2 hypotheses; decode the test set again"),
        ({"references": ["a", "b"], "sources": ["a", "b", "c"]}, "sources: 3 lines for 2 hypotheses"),
        ({"references": ["a", "b"], "sources": ["a", " \t"]}, "sources:2: empty line; drop this example"),
        ({"references": ["", "b"]}, "references:1: empty line"),
    ],
)
def test_what_cannot_be_scored_is_named(sides: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_lines(["a", "b"], **sides)


def test_no_line_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="no lines to score"):
        check_lines([], references=[])


def test_files_are_named_where_they_are_known() -> None:
    places = {"hypotheses": "ar.bpe", "references": "test.tgt"}
    with pytest.raises(InputError, match=r"^test.tgt: 1 lines for 2 hypotheses in ar.bpe;"):
        check_lines(["a", "b"], places=places, references=["a"])
    with pytest.raises(InputError, match=r"^test.tgt:2: empty line;"):
        check_lines(["a", "b"], places=places, references=["a", ""])
    with pytest.raises(InputError, match=r"^ar.bpe: no lines to score;"):
        check_lines([], places=places, references=[])
