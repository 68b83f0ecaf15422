"""Token repetition, the trace that several modes leave when they are mixed in one output (Table 3).

The paper gives no definition. Ours: the share, in percent, of tokens that equal the token just before them in the same
sentence, over all tokens of all outputs, on words (BPE joined). `repetition_subword` counts the same on subwords.
"""

from collections.abc import Sequence


def repetition(lines: Sequence[str]) -> float:
    """Percentage of white-space tokens equal to their predecessor in the same line; 0 where there is no token.

    >>> repetition(["the the cat", "sat"])
    25.0
    """
    repeats = tokens = 0
    for line in lines:
        words = line.split()
        tokens += len(words)
        repeats += sum(word == previous for previous, word in zip(words, words[1:], strict=False))
    return 100 * repeats / tokens if tokens else 0.0


def repetition_scores(
    hypotheses: Sequence[str], subwords: Sequence[str] | None = None
) -> dict[str, dict[str, float | str]]:
    """{name: {"value", "signature"}}: `repetition` on words, and `repetition_subword` where subwords are given."""
    scores = {"repetition": _entry(hypotheses, "word")}
    if subwords is not None:
        scores["repetition_subword"] = _entry(subwords, "subword")
    return scores


def _entry(lines: Sequence[str], unit: str) -> dict[str, float | str]:
    return {"value": repetition(lines), "signature": f"repetition|unit:{unit}|distance:1|share:tokens|percent"}
