"""How hard parallel text is for a model that predicts words independently (Zhou, Gu and Neubig, ICLR 2020).

Complexity is the conditional entropy of a target word given the source word that it is aligned with: 0 where every
source word has one translation. Faithfulness is the Kullback-Leibler divergence of a distilled text's distributions
from the raw text's: 0 where they are equal. Both are means over source words, in nats. Alignments are of IBM model 1,
where the authors use fast_align. Distributions of the divergence are smoothed by one count for each word that either
text has there, since the authors' treatment of words that distillation drops is not known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from janus.files import read_lines, sha256, write_json
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import CORPUS, read_record
from janus.text.alignment import NULL, Links, aligned_counts, number_words, train

ITERATIONS = 5
# Sentences of a larger text that are measured, spread evenly over it.
SENTENCES = 50_000

# By source word, how often each target word is aligned with it.
Translations = Mapping[str, Mapping[str, int]]


def translations(sources: Sequence[str], targets: Sequence[str], *, iterations: int = ITERATIONS) -> Translations:
    """The translations of each source word in tokenised text; target words that none makes are left out."""
    numbered, words = number_words(line.split() for line in sources)
    target_numbers, target_words = number_words(line.split() for line in targets)
    links = Links.of(numbered, target_numbers)
    counts = aligned_counts(links, train(links, iterations)[0])
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in np.flatnonzero((counts > 0) & (links.source != NULL)):
        found[words[links.source[entry]]][target_words[links.target[entry]]] = int(counts[entry])
    return found


def entropy(counts: Mapping[str, int]) -> float:
    """The entropy of a distribution given as counts."""
    share = np.array(list(counts.values())) / sum(counts.values())
    return float(-(share * np.log(share)).sum()) + 0.0


def complexity(found: Translations) -> dict[str, float]:
    """The conditional entropy of target words: `by_word`, the mean over source words (the paper's C), and `by_token`,
    where each source word counts as often as it is aligned."""
    entropies = np.array([entropy(counts) for counts in found.values()])
    weights = np.array([sum(counts.values()) for counts in found.values()])
    if not entropies.size:
        return {"by_word": 0.0, "by_token": 0.0}
    return {"by_word": float(entropies.mean()), "by_token": float(np.average(entropies, weights=weights))}


def divergence(raw: Translations, distilled: Translations) -> float:
    """The mean, over the source words of both, of KL(raw || distilled) of their translations (the paper's F)."""
    shared = [word for word in raw if word in distilled]
    return float(np.mean([_divergence(raw[word], distilled[word]) for word in shared])) if shared else 0.0


def _divergence(raw: Mapping[str, int], distilled: Mapping[str, int]) -> float:
    words = list(dict.fromkeys([*raw, *distilled]))
    one, other = (np.array([counts.get(word, 0) + 1.0 for word in words]) for counts in (raw, distilled))
    one, other = one / one.sum(), other / other.sum()
    return float((one * np.log(one / other)).sum())


def measure_files(
    *, source: Path, raw: Path, distilled: Path, record: Path, output: Path, sentences: int = SENTENCES
) -> None:
    """Write the complexity of raw and distilled training targets, tokenised, as JSON.

    record: the distilled corpus's corpus.json. At most `sentences` pairs are measured, the same ones of both.
    """
    watch = Stopwatch()
    lines = {"source": read_lines(source), "raw": read_lines(raw), "distilled": read_lines(distilled)}
    chosen = np.unique(np.linspace(0, len(lines["source"]) - 1, min(sentences, len(lines["source"]))).astype(int))
    sampled = {name: [text[i] for i in chosen] for name, text in lines.items()}
    found = {name: translations(sampled["source"], sampled[name]) for name in ("raw", "distilled")}
    texts = {name: _text(sampled[name]) | complexity(found[name]) for name in found}
    texts["distilled"]["divergence"] = divergence(found["raw"], found["distilled"])
    told = read_record(record, CORPUS, "corpus", "distilled")
    facts = {"corpus": told["corpus"], "distilled": told["distilled"]}
    inputs = {"source": sha256(source), "raw": sha256(raw), "distilled": sha256(distilled)}
    write_json(
        output, {"texts": texts, "provenance": provenance(watch=watch, **facts, pairs=len(chosen), inputs=inputs)}
    )


def _text(lines: Sequence[str]) -> dict[str, Any]:
    words = [word for line in lines for word in line.split()]
    return {"words": len(words), "vocabulary": len(set(words))}
