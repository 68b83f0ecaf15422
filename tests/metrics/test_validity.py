"""Shares of verdicts, with a checker that is no grammar."""

from types import SimpleNamespace

import pytest

from janus.errors import InputError
from janus.metrics.validity import score_validity


def check(source: str, output: str) -> SimpleNamespace:
    return SimpleNamespace(valid=source == output, mixed="+" in output)


def test_shares_are_percentages_of_sentences() -> None:
    scores = score_validity(["a", "b", "c", "d"], ["a", "b", "x+y", "d"], check)
    assert {name: score["value"] for name, score in scores.items()} == {"valid": 75.0, "mixed": 25.0}


@pytest.mark.parametrize(("sources", "outputs"), [(["a"], ["a", "b"]), ([], [])])
def test_unaligned_or_empty_files_are_refused(sources: list[str], outputs: list[str]) -> None:
    with pytest.raises(InputError, match="hypotheses"):
        score_validity(sources, outputs, check)
