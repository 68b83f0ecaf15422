"""The work of a tier's trainings, decodings and speed measurements: arithmetic, and calls that a device waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

from janus.claims.decodings import decoded_modes, timed_modes
from janus.config.distilled import raw_of
from janus.config.given import decodes
from janus.config.run_config import RunConfig
from janus.config.systems import decoding_settings, method_of, validation_decodings
from janus.config.tiers import runs, settings
from janus.model.config import TransformerConfig
from janus.model.flops import work_of_rows
from janus.planning.counting import Beside, Flow, beside, flow_of, network_of, parameters, shape
from janus.planning.texts import TextSize, size_of

# Batches are cut by the longest of both sides, and are not quite full: seen were 0.9 to 0.97.
_FULL = 0.95
# An update, in forward passes through a layer, as far as it waits and does not compute: both passes and the optimiser.
UPDATE_PASSES = 6
# Bytes of a weight in a checkpoint, with the two moments of Adam, and of one in training, with the gradient.
_CHECKPOINT_BYTES, _TRAINING_BYTES = 12, 16
# Activations kept for the backward pass, in values of a row's width a layer; and Python with its libraries, in bytes.
# From the peaks of results/reference/bench.
_ACTIVATIONS, _PROCESS = 27, 0.25 * 2**30
# Under autocast some of them stay in float32; what a card decides may be float32.
_ACTIVATION_BYTES = {"float32": 4, "bfloat16": 3, "fp16": 3, "auto": 4}


@dataclass(frozen=True)
class Work:
    """flop: operations, two for each multiply-add. waits: forward passes through one layer, which a device starts one
    after the other. starts: of a process.
    """

    flop: float = 0.0
    waits: float = 0.0
    starts: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.flop + other.flop, self.waits + other.waits, self.starts + other.starts)

    def times(self, count: float) -> "Work":
        """The work of `count` like this."""
        return Work(self.flop * count, self.waits * count, self.starts * count)


@dataclass(frozen=True)
class Training:
    """One training of each of `seeds`: of all of them together the work, on `gpus` GPUs (0: on a processor).

    parameters, checkpoint_bytes, disk: weights, bytes of a checkpoint, and bytes of what is kept of all seeds.
    memory: bytes that one device needs.
    """

    corpus: str
    system: str
    seeds: int
    updates: int
    epochs: float
    work: Work
    gpus: int
    parameters: int
    checkpoint_bytes: int
    disk: int
    memory: int


class Costs:
    """What the jobs of a checked config cost."""

    def __init__(self, config: RunConfig):
        self.config, self.tier, self.systems = config, config.tier, config.systems
        self.size = cache(lambda corpus: size_of(corpus, config.manifest))
        self.settings = cache(lambda corpus, system: settings(self.tier, corpus=corpus, system=system))

    def trainings(self) -> list[Training]:
        """Every training of the tier, pre-training first."""
        found = [self.training(corpus, system) for corpus, system in runs(self.tier, self.systems)]
        return sorted(found, key=lambda one: one.corpus not in self.config.manifest.texts)

    def training(self, corpus: str, system: str) -> Training:
        """One training."""
        run, size = self.settings(corpus, system), self.size(corpus)
        own, model = run["training"], self.shape(corpus, system)
        flow = flow_of(method_of(self.systems[system]), round(size.source), round(size.target))
        more = self._beside(corpus, system, decoding=False)
        devices = own["gpus"] if self.tier["device"] == "cuda" else 1
        sentences = batch_of(own["max_tokens"], size)
        an_update = own["update_freq"] * devices * sentences
        epoch = ceil(size.sentences["train"] / an_update) if size.sentences else None
        updates = min(own["max_update"], own["max_epoch"] * epoch) if own["max_epoch"] and epoch else own["max_update"]
        epochs = updates / epoch if epoch else 0.0
        layers = model.encoder_layers * flow.encoder_passes + model.decoder_layers * len(flow.passes) + more.layers
        flop = 2 * (flow.multiply_adds(model) + 3 * more.multiply_adds)
        update = Work(flop * an_update, UPDATE_PASSES * layers * own["update_freq"])
        validation = self._validation(corpus, system, flop / 3, layers, sentences)
        pretrained = corpus in self.config.manifest.texts
        # Pre-training is done once, with the first seed.
        seeds = 1 if pretrained else len(self.tier["seeds"])
        weights = parameters(network_of(method_of(self.systems[system])), model)
        one = update.times(updates) + validation.times(epochs / own["validate_interval"]) + Work(starts=1)
        saved = ceil(epochs / own["save_interval"]) if epoch else own["average_checkpoints"]
        kept = min(own["average_checkpoints"], saved)
        checkpoint = _CHECKPOINT_BYTES * weights
        return Training(
            corpus,
            system,
            seeds,
            updates,
            epochs,
            one.times(seeds),
            devices if self.tier["device"] == "cuda" else 0,
            weights,
            checkpoint,
            # The last ones, the best, the newest, and the mean, which holds no moments.
            round(seeds * ((kept + 2) * checkpoint + 4 * weights)),
            training_memory(flow, model, weights, sentences, own["precision"]),
        )

    def decodings(self) -> dict[tuple[str, str], Work]:
        """By corpus and system: the decodings of its test set for the tables and figures, of all seeds together."""
        found = {}
        for (corpus, system), modes in decoded_modes(self.tier, self.systems).items():
            if not decodes(self.systems[system]):
                continue
            size, run = self.size(corpus), self.settings(corpus, system)
            batch = max(1, int(run["decoding"]["batch_tokens"] / (size.source + 2)))
            one = [self._decoding(corpus, system, mode, size.sentences["test"], batch) for mode in modes]
            found[corpus, system] = sum((work + Work(starts=1) for work in one), Work()).times(len(self.tier["seeds"]))
        return found

    def latencies(self) -> dict[tuple[str, str], Work]:
        """By corpus and system: the measurements of speed, of all seeds together."""
        how, found = self.tier["latency"], {}
        for (corpus, system), modes in timed_modes(self.tier, self.systems).items():
            sentences = min(how["sentences"], self.size(corpus).sentences["test"]) * how["repeats"]
            one = [
                self._decoding(corpus, system, mode, sentences, batch) for mode in modes for batch in how["batch_sizes"]
            ]
            found[corpus, system] = (sum(one, Work()) + Work(starts=1)).times(len(self.tier["seeds"]))
        return found

    def distillations(self) -> dict[tuple[str, str], Work]:
        """By corpus and teacher: the translation of its training set."""
        found = {}
        for corpus, entry in self.tier["distilled"].items():
            raw, teacher = raw_of(corpus), entry["teacher"]
            size, run = self.size(raw), self.settings(raw, teacher)
            batch = max(1, int(run["decoding"]["batch_tokens"] / (size.source + 2)))
            asked = self._asked(raw, teacher, "ar") | {"beam": entry["beam"]}
            work = self._search(raw, teacher, asked, size.sentences["train"], batch)
            found[corpus, teacher] = work + Work(starts=entry["shards"])
        return found

    def shape(self, corpus: str, system: str) -> TransformerConfig:
        """The shape of a system's model on a corpus."""
        return shape(self.systems[system], self.settings(corpus, system)["model"], self.size(corpus).vocabulary)

    def _beside(self, corpus: str, system: str, *, decoding: bool) -> Beside:
        size, method = self.size(corpus), method_of(self.systems[system])
        lengths = round(size.source), round(size.target)
        return beside(method, self.shape(corpus, system), *lengths, decoding=decoding)

    def _validation(self, corpus: str, system: str, flop: float, layers: int, batch: float) -> Work:
        """The loss of the validation set, a forward pass of `flop` through `layers`, and BLEU of some sentences."""
        run, size = self.settings(corpus, system), self.size(corpus)
        sentences = size.sentences.get("valid", 0)
        work = Work(flop * sentences, layers * ceil(sentences / batch))
        decoded = min(run["training"]["valid_bleu_sentences"], sentences)
        if decoded and self.systems[system]["stage"] == "task":
            for asked in validation_decodings(self.systems[system], run):
                work += self._search(corpus, system, asked, decoded, batch)
        return work

    def _decoding(self, corpus: str, system: str, mode: str, sentences: int, batch: float) -> Work:
        manner, _, passes = mode.partition("-")
        return self._search(corpus, system, self._asked(corpus, system, manner, int(passes or 0)), sentences, batch)

    def _asked(self, corpus: str, system: str, manner: str, passes: int = 0) -> dict[str, Any]:
        run = self.settings(corpus, system)
        return decoding_settings(self.systems[system], run, manner=manner, passes=passes)

    def _search(self, corpus: str, system: str, asked: Mapping[str, Any], sentences: int, batch: float) -> Work:
        """A beam search with a step a token, or passes over canvases of several lengths."""
        size, model = self.size(corpus), self.shape(corpus, system)
        source, target = size.source + 2, size.target + 2
        if asked["manner"] == "ar":
            copies, passes, calls = asked.get("beam", 1), 1, target
            pairs = target * (target + 1) / 2
        else:
            copies, passes = asked.get("length_beam", 1), asked.get("passes", 1)
            calls, pairs = passes, target * target
        encoder, more = _forward(model, source, 0, 0), self._beside(corpus, system, decoding=True)
        decoder = copies * (passes * (_forward(model, source, target, pairs) - encoder) + more.multiply_adds)
        waits = model.encoder_layers + calls * model.decoder_layers + more.layers
        return Work(2 * sentences * (encoder + decoder), waits * ceil(sentences / batch))


def training_memory(flow: Flow, model: TransformerConfig, weights: int, sentences: float, precision: str) -> int:
    """Bytes that a training of a model with so many `weights` needs on one device for batches of `sentences`."""
    values = _ACTIVATIONS * max(model.encoder_layers, model.decoder_layers) * model.dimension * flow.rows
    return round(_PROCESS + _TRAINING_BYTES * weights + _ACTIVATION_BYTES[precision] * values * sentences)


def batch_of(tokens: int, size: TextSize) -> float:
    """Sentences of a batch with at most `tokens` tokens on the longer side."""
    return max(1.0, _FULL * tokens / (max(size.source, size.target) + 2))


def corpus_bytes(size: TextSize, per_token: float = 14.0) -> int:
    """Bytes of a prepared corpus: raw, tokenised, with subwords, and binarised; 14 a token were seen in the demo."""
    return round(per_token * sum(size.sentences.values()) * (size.source + size.target))


def _forward(model: TransformerConfig, source: float, target: float, pairs: float) -> float:
    """Multiply-adds of a forward pass over one sentence, whose every target row is read."""
    scale = 1000
    work = work_of_rows(
        model,
        sources=round(scale * source),
        source_pairs=round(scale * source * source),
        asking=round(scale * target),
        answering=round(scale * target),
        pairs=round(scale * (pairs + target * source)),
        read=round(scale * target),
        sentences=scale,
    )
    return work.forward / scale


def all_corpora(config: RunConfig) -> Iterator[str]:
    """The corpora of a tier and those that it distils."""
    yield from config.tier["corpora"]
    yield from config.tier["distilled"]
