"""Token repetition, a symptom of several modes mixed in one output (Table 3).

The paper gives no definition. Here it is the percentage of tokens, over all outputs, that equal the token just before
them in the same sentence, counted on words (BPE joined). `repetition_subword` counts the same on subwords.
"""

from collections.abc import Sequence


def repetition(lines: Sequence[str]) -> float:
    """Percentage of white-space tokens equal to their predecessor in the same line; 0 without tokens.

    >>> repetition(["the the cat", "sat"])
    25.0
    """
    counts = [repeats_and_tokens(line) for line in lines]
    repeats, tokens = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return 100 * repeats / tokens if tokens else 0.0


def repeats_and_tokens(line: str) -> tuple[int, int]:
    """The number of tokens of a line that equal their predecessor, and the number of tokens.

    >>> repeats_and_tokens("the the cat")
    (1, 3)
    """
    words = line.split()
    return sum(word == previous for previous, word in zip(words, words[1:], strict=False)), len(words)


def repetition_scores(
    hypotheses: Sequence[str], subwords: Sequence[str] | None = None
) -> dict[str, dict[str, float | str]]:
    """{name: {"value", "signature"}}: `repetition` on words, and `repetition_subword` if subwords are given."""
    scores = {"repetition": _entry(hypotheses, "word")}
    if subwords is not None:
        scores["repetition_subword"] = _entry(subwords, "subword")
    return scores


def _entry(lines: Sequence[str], unit: str) -> dict[str, float | str]:
    return {"value": repetition(lines), "signature": f"repetition|unit:{unit}|distance:1|share:tokens|percent"}
