"""Text made into tokens as a corpus was, by any recipe: the way is found on the corpus's own test set."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from janus.errors import InputError
from janus.files import one_line, read_lines
from janus.text import one_language
from janus.text.tokenise import lowercase, normalise, tokenise

# (line, language) -> tokens: the ways in which recipes make tokens of text. Of two that make equally many lines the
# first is taken: punctuation that a test set does not have is better known to a model in its normalised form.
_WAYS: Mapping[str, Callable[[str, str], str]] = {
    "Moses, punctuation normalised": lambda line, language: tokenise(normalise(line, language), language),
    "Moses": tokenise,
    "Moses -a, punctuation normalised": lambda line, language: tokenise(
        normalise(line, language), language, aggressive=True
    ),
    "Moses -a": lambda line, language: tokenise(line, language, aggressive=True),
    "GLGE": lambda line, language: one_language.tokenised(line),
    "none": lambda line, language: line,
}
# With a tenth of the lines in other tokens, scores that are counted on tokens are another metric.
_LEAST_ALIKE = 0.9


def tokenise_alike(
    lines: Sequence[str], *, raw: Path, tokens: Path, language: str, folded: bool, where: object
) -> tuple[list[str], dict[str, object]]:
    """Lines as tokens with single spaces, and the facts of how they were made, for a record.

    raw, tokens: one side of a corpus's test set, untokenised and as its recipe made tokens of it; where the recipe left
    no untokenised text, the way is that of GLGE, on trust. folded: the corpus is lower-cased. Raises InputError, with
    `where` the lines come from, if no way makes nine in ten of the corpus's own lines.
    """
    way, share = best_way(read_lines(raw) if Path(raw).is_file() else [], read_lines(tokens), language, folded=folded)
    if share is not None and share < _LEAST_ALIKE:
        raise InputError(
            f"cannot be tokenised as {tokens} was: the nearest way ({way}) makes {share:.0%} of its lines",
            where=where,
            fix="tokenise the text as the corpus was, and write `tokenised: true`",
        )
    # Some ways delete separators, which would glue the words beside them.
    made = [" ".join(_WAYS[way](one_line(line), language).split()) for line in cased(lines, folded)]
    return cased(made, folded), {"tokenised": way, "own_lines_alike": share, "lowercased": folded}


def best_way(raw: Sequence[str], tokens: Sequence[str], language: str, *, folded: bool) -> tuple[str, float | None]:
    """The way that makes most lines of `tokens` out of those of `raw`, and their share; without raw lines GLGE's."""
    if len(raw) != len(tokens):
        return "GLGE", None

    def alike(way: str) -> float:
        made = cased([_WAYS[way](line, language) for line in cased(raw, folded)], folded)
        return sum(one.split() == gold.split() for one, gold in zip(made, tokens, strict=True)) / len(tokens)

    shares = {way: alike(way) for way in _WAYS}
    best = max(shares, key=lambda way: shares[way])
    return best, shares[best]


def cased(lines: Sequence[str], folded: bool) -> list[str]:
    """The lines, in lower case where the corpus is."""
    return [lowercase(line) for line in lines] if folded else list(lines)
