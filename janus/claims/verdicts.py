"""What an interval says of a claim. The rule was fixed before any run was judged by it: docs/claims.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from janus.claims.effects import Effect, mean_effect

SUPPORTED, CONTRADICTED, UNDECIDED, NOT_TESTED = "supported", "contradicted", "undecided", "not tested"


@dataclass(frozen=True)
class Verdict:
    """One of the four words, and in a few more why it is no stronger; empty where nothing weakens it."""

    word: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.reason}" if self.reason else self.word


def side_of(effect: Effect, bound: float, sign: int) -> str:
    """Where the interval of an effect lies: `supported` wholly beyond the bound on the claimed side (`sign` 1: above),
    `contradicted` wholly on the other, `undecided` else, and where there is no interval."""
    if effect.low is None or effect.high is None:
        return UNDECIDED
    ends = sorted(sign * (end - bound) for end in (effect.low, effect.high))
    if ends[0] > 0:
        return SUPPORTED
    return CONTRADICTED if ends[1] < 0 else UNDECIDED


def judge(effects: Sequence[Effect], bound: float, sign: int, *, degenerate: bool = False) -> Verdict:
    """The verdict on a claim from its effects, one a corpus.

    It is that of the mean over corpora, and undecided where a single corpus says the opposite. One seed decides
    nothing: the verdict is undecided, and says which way the sentences lean. Nor do degenerate outputs.
    """
    word = side_of(mean_effect(effects), bound, sign)
    opposite = {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED}.get(word)
    against = [one for one in effects if side_of(one, bound, sign) == opposite]
    if against:
        return Verdict(UNDECIDED, f"the opposite on {len(against)} of {len(effects)} corpora")
    if word != UNDECIDED and degenerate:
        return Verdict(UNDECIDED, "degenerate output")
    if min(one.seeds for one in effects) == 1:
        return Verdict(UNDECIDED, "one seed" + (f", leans {word}" if word != UNDECIDED else ""))
    return Verdict(word)
