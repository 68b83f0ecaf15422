"""Detection of degenerate outputs: empty or truncated ones, one answer to everything, repetition, copies.

A metric gives a number to any output, and a table prints it. These signs tell whether the output is language that
answers its source. A file is degenerate if one of them is outside its bound. All bounds are defined here; they are wide
enough for a weak but working system.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_lines, sha256, write_json
from janus.metrics.lines import check_lines
from janus.metrics.repetition import repetition
from janus.records.provenance import Stopwatch, provenance
from janus.text.subwords import remove_bpe

# References are never empty (check_lines), nor are outputs of beam search; one line in a hundred is tolerated.
MOST_EMPTY = 0.01
# With a third of the references' words missing, the brevity penalty alone, exp(1 - 3/2), costs 40 % of BLEU. With the
# same factor in the other direction, at most two of three words can be right.
LEAST_LENGTH, MOST_LENGTH = 2 / 3, 3 / 2
# Sources differ about as much as references do. With half as many different outputs, every second source gets the
# output of another one.
LEAST_DISTINCT = 0.5
# Repeated words are typical of mask-predict; the paper's worst row has 7.4 % (Table 3, CMLM, Iter 1). At a quarter,
# more than three times that, the output is not language.
MOST_REPETITION = 0.25
# The same for loops of several words, which are typical failures of AR decoding.
MOST_LOOPS = 0.25
# Some sources equal their references (names, numbers); one line in ten beyond those is considered copied.
MOST_COPIED = 0.1
# If all further passes change less than one line in a hundred, refinement has no effect, unless the system is right
# nine times in ten. Compared with the fewest passes, since the last of many passes may change nothing.
LEAST_CHANGED, NOTHING_LEFT = 0.01, 0.9

_GRAM = 4
_UNKNOWN = "<unk>"


def vital_signs(
    outputs: Sequence[str], references: Sequence[str], sources: Sequence[str], fewer: Sequence[str] | None = None
) -> dict[str, float | int | None]:
    """The signs of outputs, line-aligned with `sources`; words are separated by spaces.

    Shares are between 0 and 1. empty: outputs without a word, where `<unk>` is not a word. length_ratio: words of all
    outputs over words of all references. words, reference_words: the mean length. distinct, reference_distinct:
    different lines over lines. repetition: words equal to the one before. loops: runs of four words that occurred
    earlier in the same output, over all such runs. copied, reference_copied: lines that equal their source. right:
    outputs that equal their reference. changed: outputs that differ from `fewer`, those of the same model after the
    fewest passes; None without. Raises InputError for unequal line counts and for an empty source or reference.
    """
    check_lines(outputs, references=references, sources=sources)
    if fewer is not None and len(fewer) != len(outputs):
        raise InputError(f"{len(fewer)} lines for {len(outputs)}", where="fewer passes", fix="decode both again")
    outputs, references, sources = (
        [" ".join(line.split()) for line in side] for side in (outputs, references, sources)
    )
    words, reference_words = (sum(len(line.split()) for line in side) for side in (outputs, references))
    count = len(outputs)
    return {
        "lines": count,
        "empty": sum(not set(line.split()) - {_UNKNOWN} for line in outputs) / count,
        "length_ratio": words / reference_words,
        "words": words / count,
        "reference_words": reference_words / count,
        "distinct": len(set(outputs)) / count,
        "reference_distinct": len(set(references)) / count,
        "repetition": repetition(outputs) / 100,
        "loops": _loops(outputs),
        "copied": _equal(outputs, sources),
        "reference_copied": _equal(references, sources),
        "right": _equal(outputs, references),
        "changed": None if fewer is None else 1 - _equal(outputs, _single_spaced(fewer)),
    }


def complaints(signs: Mapping[str, Any]) -> list[str]:
    """The reasons why a file with these signs is degenerate, as phrases; empty if it is not."""
    return list(_complaints(signs))


def _complaints(signs: Mapping[str, Any]) -> Iterator[str]:
    if signs["empty"] > MOST_EMPTY:
        yield f"{signs['empty']:.0%} of the outputs are empty"
    if not LEAST_LENGTH <= signs["length_ratio"] <= MOST_LENGTH:
        yield f"{signs['length_ratio']:.2f} times the references' words"
    if signs["distinct"] < LEAST_DISTINCT * signs["reference_distinct"]:
        yield f"{signs['distinct']:.0%} distinct outputs, {signs['reference_distinct']:.0%} distinct references"
    if signs["repetition"] > MOST_REPETITION:
        yield f"{signs['repetition']:.0%} of the words repeat the one before"
    if signs["loops"] > MOST_LOOPS:
        yield f"{signs['loops']:.0%} of the runs of {_GRAM} words stood in the same output before"
    if signs["copied"] - signs["reference_copied"] > MOST_COPIED:
        yield f"{signs['copied']:.0%} of the outputs are their source"
    if signs["changed"] is not None and signs["changed"] < LEAST_CHANGED and signs["right"] < NOTHING_LEFT:
        yield f"more passes change {signs['changed']:.1%} of the outputs"


def write_vital_signs(
    output: Path,
    *,
    hypotheses: Path,
    references: Path,
    sources: Path,
    decode: Callable[[str], str] = remove_bpe,
    fewer: Path | None = None,
    expected: str | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write {"signs", "degenerate": [reasons], "expected", "provenance"} of a decoded file as JSON.

    `hypotheses`, and `fewer` of the same model after the fewest passes, hold subwords, which `decode` turns into words
    line by line; without it they are BPE. `references` and `sources` are tokenised text. `expected` says why the
    outputs of this system are expected to be degenerate, if they are. `facts` join the provenance. Raises InputError
    for a missing file and for sides that do not fit.
    """
    watch = Stopwatch()
    decoded = {"hypotheses": hypotheses} | ({"fewer": fewer} if fewer else {})
    words = {name: _words(path, decode) for name, path in decoded.items()}
    signs = vital_signs(words["hypotheses"], read_lines(references), read_lines(sources), words.get("fewer"))
    inputs = {name: sha256(path) for name, path in {**decoded, "references": references, "sources": sources}.items()}
    record = {"signs": signs, "degenerate": complaints(signs), "expected": expected}
    write_json(output, {**record, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def _words(path: Path, decode: Callable[[str], str]) -> list[str]:
    subwords = read_lines(path)
    return [decode(line) for line in subwords]


def _single_spaced(lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _loops(lines: Sequence[str]) -> float:
    repeats = total = 0
    for line in lines:
        words = line.split()
        grams = list(zip(*(words[start:] for start in range(_GRAM)), strict=False))
        total += len(grams)
        repeats += len(grams) - len(set(grams))
    return repeats / total if total else 0.0


def _equal(lines: Sequence[str], others: Sequence[str]) -> float:
    return sum(line == other for line, other in zip(lines, others, strict=True)) / len(lines)
