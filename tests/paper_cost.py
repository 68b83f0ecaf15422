"""What config/paper.yaml costs in trainings: `python tests/paper_cost.py` prints the table of docs/clusters.md.

Multiply-adds are those of `janus.model.flops` for batches of equal sentences, filled as the tier says. The lengths of
sentences, sizes of training sets and tokens of the text below are round numbers about the corpora, not measurements of
ours; the rate of a card is an assumption.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from checked_tiers import SYSTEMS, checked

from janus.config.resources import vocabulary_bound
from janus.config.tiers import runs, settings
from janus.fetching.manifest import load_manifest
from janus.model.config import TransformerConfig
from janus.model.flops import CMLM, JANUS, TRANSFORMER, necessary_work
from janus.model.streams import AR_CONTENT, AR_QUERY, AUX_QUERY, GOLD, MASKED, OBSERVED

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = load_manifest(ROOT / "config/corpora.yaml")
# Subwords of an average source and target, and training sentences.
TEXTS = {
    "iwslt14.de-en": (25, 24, 160_000),
    "wmt16.ro-en": (32, 31, 610_000),
    "wmt14.de-en": (32, 31, 4_500_000),
    "xsum.src-tgt": (420, 28, 204_000),
    "squad.src-tgt": (170, 16, 76_000),
    "personachat.src-tgt": (150, 15, 122_000),
    "wikipedia-bookcorpus": (512, 512, MANIFEST.texts["wikipedia-bookcorpus"].sizes["blocks"]),
}
TEXTS |= {"wmt16.en-ro": TEXTS["wmt16.ro-en"], "wmt14.en-de": TEXTS["wmt14.de-en"]}
# An A100's matrix products in half precision, and the assumed share of them that a training reaches.
PEAK, SHARE = 312e12, 0.25
_MASKED = 0.5
_PARTS = {"ar": {AR_CONTENT, AR_QUERY}, "nar": {OBSERVED, MASKED}, "aux": {GOLD, AUX_QUERY, OBSERVED, MASKED}}


@dataclass(frozen=True)
class Cost:
    """One training: updates, hours of one A100 in all, GPUs at once."""

    corpus: str
    system: str
    updates: int
    gpu_hours: float
    gpus: int

    @property
    def hours(self) -> float:
        """Wall time of the training on its GPUs."""
        return self.gpu_hours / self.gpus


def costs() -> list[Cost]:
    """Every training of the paper's tier."""
    tier = checked(of="paper")
    return [_cost(tier, MANIFEST, corpus, name) for corpus, name in runs(tier, SYSTEMS)]


def _cost(tier, manifest, corpus, name) -> Cost:
    entry = manifest.texts.get(corpus) or manifest.corpora[corpus]
    vocabulary = vocabulary_bound(manifest.vocabularies[entry.vocabulary].merges if entry.vocabulary else entry.merges)
    found = settings(tier, corpus=corpus, system=name, vocabulary=vocabulary)
    model, training = found["model"], found["training"]
    source, target, sentences = TEXTS[corpus]
    batch = training["max_tokens"] * training["update_freq"] * training["gpus"] // max(source, target)
    # Of pre-training an epoch is one shard.
    shards = getattr(entry, "shards", 1)
    epochs = math.ceil(sentences / shards / batch) * (training["max_epoch"] or math.inf)
    updates = int(min(training["max_update"], epochs))
    config = TransformerConfig(
        source_vocabulary=vocabulary,
        target_vocabulary=vocabulary,
        dimension=model["embed_dim"],
        encoder_layers=model["layers"],
        decoder_layers=model["layers"],
        encoder_ffn=model["ffn_dim"],
        decoder_ffn=model["ffn_dim"],
        encoder_heads=model["heads"],
        decoder_heads=model["heads"],
    )
    lengths = [torch.tensor([number]) for number in (source, target, round(_MASKED * target))]
    work = necessary_work(config, _rows(SYSTEMS[name]), *lengths).update * batch
    seconds = 2 * work * updates / (PEAK * SHARE)
    return Cost(corpus, name, updates, seconds / 3600, training["gpus"])


def _rows(system) -> set[int]:
    """The decoder rows that a system's losses need."""
    losses = {name for name, weight in system.get("losses", {}).items() if weight and name in _PARTS}
    if losses:
        return set().union(*(_PARTS[name] for name in losses)) if losses > {"ar"} else set(TRANSFORMER)
    return {("ar",): set(TRANSFORMER), ("nar",): set(CMLM)}.get(tuple(system["manners"]), set(JANUS))


def table(found: list[Cost]) -> str:
    """The table of the page, a line a corpus."""
    lines = ["| corpus | trainings | GPUs each | updates each | A100 hours | longest on its GPUs |"]
    lines.append("| :--- | ---: | ---: | ---: | ---: | ---: |")
    for corpus in dict.fromkeys(cost.corpus for cost in found):
        own = [cost for cost in found if cost.corpus == corpus]
        gpus, updates = ({getattr(cost, key) for cost in own} for key in ("gpus", "updates"))
        hours = sum(cost.gpu_hours for cost in own)
        lines.append(
            f"| {corpus} | {len(own)} | {_range(gpus)} | {_range(updates)} | {hours:,.0f} | "
            f"{max(cost.hours for cost in own):,.1f} h |"
        )
    lines.append(f"| all | {len(found)} | | | {sum(cost.gpu_hours for cost in found):,.0f} | |")
    return "\n".join(lines)


def _range(numbers: set[int]) -> str:
    return f"{min(numbers):,}" if len(numbers) == 1 else f"{min(numbers):,} to {max(numbers):,}"


if __name__ == "__main__":
    print(table(costs()))
