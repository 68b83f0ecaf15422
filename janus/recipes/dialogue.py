"""Human dialogues, one per line with tabs between turns: from the last turns to the reply, as in PersonaChat.

There are no personas. The split of a dialogue is a function of its text, so that neither the order of the lines nor a
repeated dialogue puts a test reply into training.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from janus.fetching.manifest import Corpus
from janus.fetching.opening import read_lines
from janus.text.clean import Pair
from janus.text.one_language import SEPARATOR, Sieve, joined, parts_of, tidy, tokenised
from janus.text.split_writer import SPLITS, SplitWriter

_FILE = "chitchat-dialogues.txt.xz"
_HELD_OUT = {0: "valid", 1: "valid", 2: "test", 3: "test"}


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn.

    Option `history`: the number of turns before the reply that are in its source; earlier ones are left out.
    """
    counts: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    history, sieve = _history(corpus), Sieve()
    for dialogue in read_lines(downloads / corpus.download(_FILE).name):
        split = split_of(dialogue)
        counts[split]["dialogues"] += 1
        turns = _turns(dialogue, counts[split])
        out.tokenised(split, sieve(exchanges(list(map(tokenised, turns)), history)))
        if split == "test":
            out.raw_test(exchanges(turns, history))
    return {split: dict(sorted(count.items())) for split, count in counts.items()} | {"pairs": sieve.report()}


def split_of(dialogue: str) -> str:
    """The split of a dialogue: two in a hundred go to valid, two to test, by the SHA-256 of the line."""
    return _HELD_OUT.get(int(hashlib.sha256(dialogue.encode()).hexdigest(), 16) % 100, "train")


def exchanges(turns: list[str], history: int) -> Iterator[Pair]:
    """Every turn but the first as the reply to the `history` turns before it.

    >>> list(exchanges(["a", "b", "c"], 1))
    [('a', 'b'), ('b', 'c')]
    """
    for i in range(1, len(turns)):
        yield joined(turns[max(0, i - history) : i]), turns[i]


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text as `build` prepares it: turns with tabs or separators between, of which the last
    ones count, or a reply."""
    turns = [turn for turn in parts_of(line.replace("\t", f" {SEPARATOR} ")) if turn]
    return joined(map(tokenised, turns[-_history(corpus) :]))


def _history(corpus: Corpus) -> int:
    return corpus.options.get("history", 4)


def _turns(dialogue: str, counts: Counter[str]) -> list[str]:
    turns = [tidy(turn.replace(SEPARATOR, " ")) for turn in dialogue.split("\t")]
    counts["turns"] += len(turns)
    counts["empty turns removed"] += sum(not turn for turn in turns)
    return [turn for turn in turns if turn]
