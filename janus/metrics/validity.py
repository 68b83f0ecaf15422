"""The shares of correct outputs and of outputs that mix modes, for corpora with a grammar (the demo corpora)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from janus.errors import InputError

# The names of both shares.
SHARES = ("valid", "mixed")


class Verdict(Protocol):
    """The verdict on one output: whether it is a correct translation, and whether it mixes several."""

    valid: bool
    mixed: bool


def score_validity(
    sources: Sequence[str], hypotheses: Sequence[str], check: Callable[[str, str], Verdict]
) -> dict[str, dict[str, float | str]]:
    """Percentages of outputs that `check(source, hypothesis)` calls valid and mixed, as {name: {"value", "signature"}}.

    Both sides are tokenised and free of BPE. Raises InputError where the counts of lines differ or are zero.
    """
    if len(sources) != len(hypotheses) or not sources:
        raise InputError(
            f"{len(sources)} sources for {len(hypotheses)} hypotheses",
            where="sources",
            fix="decode the test set again, or give the sources of this test set",
        )
    return score_verdicts([check(source, hypothesis) for source, hypothesis in zip(sources, hypotheses, strict=True)])


def score_verdicts(verdicts: Iterable[Verdict]) -> dict[str, dict[str, float | str]]:
    """`score_validity` from existing verdicts, of which there must be at least one."""
    verdicts = list(verdicts)
    return {name: _entry(sum(getattr(one, name) for one in verdicts), len(verdicts)) for name in SHARES}


def _entry(hits: int, total: int) -> dict[str, float | str]:
    return {"value": 100 * hits / total, "signature": "grammar|share:sentences|percent"}
