"""The merges are subword-nmt's own, in its order, also where it prunes and where nothing is left to merge."""

import io
import random
from collections import Counter

import pytest
from subword_nmt.learn_bpe import learn_bpe

from janus.bench.zipf import write_corpus
from janus.text.bpe import count_words
from janus.text.merges import learn_merges


def theirs(words: Counter[str], most: int) -> list[str]:
    stream = io.StringIO()
    learn_bpe([f"{word} {count}" for word, count in words.items()], stream, most, is_dict=True)
    return stream.getvalue().splitlines()[1:]


def ours(words: Counter[str], most: int) -> list[str]:
    return list(map(" ".join, learn_merges(words, most)))


@pytest.mark.slow
def test_merges_of_much_text_are_those_of_subword_nmt(tmp_path):
    """So many that it prunes its counts, finds that it pruned too much, and starts again from all of them."""
    write_corpus(tmp_path, 1500, held_out=5)
    words = count_words([tmp_path / f"tok/train.{side}" for side in ("de", "en")])
    assert ours(words, 2500) == theirs(words, 2500)


@pytest.mark.parametrize("seed", range(20))
def test_merges_of_odd_words_are_those_of_subword_nmt(seed):
    """Few letters: pairs overlap, symbols come about in several ways, many pairs are equally frequent, and all end."""
    rng = random.Random(seed)
    letters = "ab"[: 1 + seed % 2] + "c\\ä</w>"[: seed % 8]
    drawn = ("".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(300))
    words = Counter({word: rng.randint(1, 40) for word in drawn})
    found = ours(words, 10_000)
    assert found == theirs(words, 10_000) and 0 < len(found) < 10_000
