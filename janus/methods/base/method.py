"""The interface of a method: what it trains on a batch, and how it decodes.

A method is a file of its own. It packs the decoder rows of a batch, computes a loss, may change the network, and names
the decoder of each manner. The trainer, the rules, the schema and the tables know a method only through this interface.

Axes: B sentences, S source places, T target places.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from janus.errors import InputError, require_none
from janus.methods.base.batch import Symbols
from janus.methods.base.decoder import Decoder
from janus.methods.base.options import NoOptions, read_options
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

# Manners by name, in the order of tables.
MANNERS = ("ar", "nar")


@dataclass(frozen=True)
class Use:
    """How a method decodes in a manner: a decoder (its name in janus/decoding, or an own one), and options that differ
    from the decoder's defaults and from the tier's.
    """

    decoder: str | Decoder
    options: Mapping[str, Any] = field(default_factory=dict)


AR = Use("beam")
MASK_PREDICT = Use("mask_predict")


@dataclass(frozen=True)
class Step:
    """What a loss may depend on besides the batch.

    update: updates done before this one. smoothing: label smoothing, the share spread over the vocabulary. training:
    False in validation, where a method should draw nothing that training draws by the update.
    """

    update: int
    smoothing: float
    training: bool


@dataclass(frozen=True)
class Loss:
    """total: the loss to differentiate, an average over `size` units (tokens, or 1 for a mean of the batch).

    The trainer weighs batches by `size`. terms: further averages to log, without gradient.
    """

    total: Tensor
    size: int
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class Training:
    """What the command line of a training depends on besides the method.

    stage: `task` or `pretraining`. model, training, decoding: blocks of `janus.config.tiers.settings`. source, target:
    the sides of a corpus of pairs. block: tokens of a block of running text, without bos and eos. start: the checkpoint
    that the weights start from, if any. validation: the decodings of validation BLEU (`Decoding.plain`).
    """

    stage: str
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    decoding: Mapping[str, Any]
    source: str = ""
    target: str = ""
    block: int = 0
    start: Path | None = None
    validation: tuple[Mapping[str, Any], ...] = ()


class BaseMethod(ABC):
    """What every row of a table has, also those that fairseq's own models train.

    name: as systems name it; set by the registry from the file. Options: a dataclass (`janus.methods.base.options`).
    decoders: the decoder of each manner that the method can decode in. stages: where it trains, on the pairs of a
    `task` or on the running text of a `pretraining`.
    bridge: the module whose `load_model` reads its checkpoints and whose models decode themselves (the decoder
    `refinement`), for a model that this suite's does not compute; empty where it does.
    """

    name: str = ""
    Options: ClassVar[type] = NoOptions
    decoders: ClassVar[Mapping[str, Use]]
    stages: ClassVar[tuple[str, ...]] = ("task",)
    bridge: ClassVar[str] = ""

    def __init__(self, options: Any = None):
        self.options = self.Options() if options is None else options

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> BaseMethod:
        """The method with options from a mapping. Raises InputError for options that do not fit together."""
        try:
            method = cls(read_options(cls.Options, options))
        except TypeError as error:
            raise InputError(str(error), where=f"method {cls.name}", fix="use the options of its class") from error
        require_none(method.problems())
        return method

    @property
    def plain_options(self) -> dict[str, Any]:
        """All options as nested dictionaries."""
        return asdict(self.options)

    def problems(self) -> Iterable[InputError]:
        """Why the options do not fit together."""
        return ()

    def check_stage(self, stage: str) -> None:
        """Raise InputError if the method does not train in a stage, `task` or `pretraining`."""
        if stage not in self.stages:
            raise InputError(
                f"the method {self.name} does not train in the stage {stage}", where="stage", fix="name another method"
            )

    @classmethod
    def length_classes(cls, model: Mapping[str, Any]) -> int:
        """The number of target lengths that a model with the block `model` of the settings can predict."""
        return int(model["length_classes"])

    @abstractmethod
    def arguments(self, training: Training) -> list[str]:
        """The words of `fairseq-train` for task, architecture, criterion and what belongs to them."""


class Method(BaseMethod):
    """A method in this suite's model; `plugin` trains it with the task, the data set and the criterion `janus`.

    data: what it trains on, `pairs` of a corpus or blocks of running `text`.
    network: the class of the model, built from a `TransformerConfig` alone.
    """

    data: ClassVar[str] = "pairs"
    network: ClassVar[type[JanusTransformer]] = JanusTransformer

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The config of the method's network, from the shape that the tier gives."""
        return config

    @abstractmethod
    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """What the loss reads of a batch, as plain containers of tensors; runs in data-loading workers.

        source: [B, S], target: [B, T], both bos … eos, padded; target on the right. All randomness is from `generator`,
        so that a resumed training equals an unbroken one. With `data` text, both are the block.
        """

    @abstractmethod
    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The loss of a packed batch. It may run the model several times."""

    def arguments(self, training: Training) -> list[str]:
        """The words of the task, the architecture and the criterion `janus`."""
        from janus.methods.base.words import core_words

        return core_words(self, training)
