"""`--task janus_denoising`: joint pre-training on running text (paper section 3.3); and BART's own pre-training."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import torch
from fairseq.data import (
    AppendTokenDataset,
    Dictionary,
    FairseqDataset,
    PrependTokenDataset,
    StripTokenDataset,
    TokenBlockDataset,
    data_utils,
)
from fairseq.dataclass import ChoiceEnum, FairseqDataclass
from fairseq.tasks import FairseqTask, register_task
from fairseq.tasks.denoising import DenoisingConfig, DenoisingTask
from omegaconf import II, MISSING
from torch import Tensor

from janus.denoising import Noise, add_noise
from janus.dictionary import MASK
from janus.errors import InputError
from janus.masking import batch_generator
from janus.plugin.criterion import weights_of
from janus.plugin.dataset import as_dict
from janus.plugin.seeded_noise import SeededNoise
from janus.plugin.shared import AutocastOption, AutocastTask, JointTask
from janus.ragged import Source
from janus.streams import pack_streams


@dataclass(frozen=True)
class NoisePacking:
    """The conversion of a batch of blocks to a noised source and decoder rows.

    mask: the symbol for a hidden span in the source. decoder_mask: the symbol for a hidden token in the decoder, unk as
    everywhere in this suite and in the release. ar, nar, aux: the streams a loss reads.
    """

    seed: int
    pad: int
    mask: int
    decoder_mask: int
    noise: Noise
    ar: bool
    nar: bool
    aux: bool
    query_position: str
    ar_readout: str

    def pack(self, target: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """Everything the criterion feeds the model, for blocks [B, T] bos … eos, right-padded."""
        noised = add_noise(target, self.noise, pad=self.pad, mask=self.mask, generator=generator)
        streams = pack_streams(
            target,
            noised.hidden,
            pad=self.pad,
            mask=self.decoder_mask,
            ar=self.ar,
            nar=self.nar,
            aux=self.aux,
            query_position=self.query_position,
            ar_readout=self.ar_readout,
        )
        return {
            "source": as_dict(Source.of(noised.source, self.pad)),
            "streams": asdict(streams),
            "lengths": target.ne(self.pad).sum(1),
        }


class BlockDataset(FairseqDataset):
    """Blocks bos … eos of running text; each epoch has new noise, a function of (seed, epoch, first block)."""

    def __init__(self, blocks: FairseqDataset, packing: NoisePacking, *, fixed: bool):
        """fixed: draw the same noise in every epoch, so that validation losses are comparable."""
        super().__init__()
        self.blocks, self.packing, self.fixed, self.epoch = blocks, packing, fixed, 1
        self.sizes = blocks.sizes

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One block and its number."""
        return {"id": index, "tokens": self.blocks[index]}

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self.blocks)

    def num_tokens(self, index: int) -> int:
        """Tokens of a block, for batches of bounded size."""
        return int(self.sizes[index])

    def size(self, index: int) -> int:
        """Tokens of a block, for filters."""
        return int(self.sizes[index])

    def ordered_indices(self) -> np.ndarray:
        """A random order, sorted by length, so that batches contain blocks of similar length."""
        order = np.random.permutation(len(self)) if not self.fixed else np.arange(len(self))
        return order[np.argsort(self.sizes[order], kind="mergesort")]

    def prefetch(self, indices: list[int]) -> None:
        """Read blocks ahead if the storage supports it."""
        self.blocks.prefetch(indices)

    @property
    def supports_prefetch(self) -> bool:
        """Whether the storage supports reading ahead."""
        return getattr(self.blocks, "supports_prefetch", False)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch for the noise of the next batches."""
        super().set_epoch(epoch)
        self.epoch = epoch

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """The packed streams of a batch."""
        if not samples:
            return {}
        ids = torch.tensor([sample["id"] for sample in samples])
        target = data_utils.collate_tokens([sample["tokens"] for sample in samples], self.packing.pad)
        generator = batch_generator(self.packing.seed, 0 if self.fixed else self.epoch, int(ids.min()))
        return {
            "id": ids,
            "nsentences": len(samples),
            "ntokens": int(target.ne(self.packing.pad).sum()),
            "net_input": {"src_tokens": target},
            "packed": self.packing.pack(target, generator),
        }


@dataclass
class JanusDenoisingConfig(AutocastOption, FairseqDataclass):
    """The text, how it is split, and its noise; the defaults of the noise are the paper's."""

    data: str = field(default=MISSING, metadata={"help": "folders of binarised text, one per epoch, joined by colons"})
    seed: int = II("common.seed")
    tokens_per_sample: int = field(default=512, metadata={"help": "tokens of a block, bos and eos included"})
    sample_break_mode: ChoiceEnum(["none", "complete", "complete_doc"]) = field(
        default="complete_doc", metadata={"help": "what a block may split: anything, no sentence, no document, …"}
    )
    noise_budget: float = field(default=0.5, metadata={"help": "share of a block that spans add up to (section 4.2)"})
    noise_poisson: float = field(default=3.0, metadata={"help": "mean span length"})
    noise_shared: float = field(default=0.6, metadata={"help": "share of the spans hidden from the encoder too"})
    noise_rotated: float = field(default=0.0, metadata={"help": "share of the sources that are rotated (release: 0.5)"})
    max_source_positions: int = field(default=1024, metadata={"help": "longest block the model reads"})
    max_target_positions: int = field(default=1024, metadata={"help": "longest block the model writes"})
    train_subset: str = II("dataset.train_subset")
    dataset_impl: Any = II("dataset.dataset_impl")


@register_task("janus_denoising", dataclass=JanusDenoisingConfig)
class JanusDenoisingTask(JointTask, AutocastTask, FairseqTask):
    """Second-phase pre-training: every stream of the joint model restores the blocks."""

    packing: NoisePacking | None = None

    def __init__(self, cfg: JanusDenoisingConfig, dictionary: Dictionary):
        super().__init__(cfg)
        self.dictionary = dictionary

    @classmethod
    def setup_task(cls, cfg: JanusDenoisingConfig, **unused: Any) -> Self:
        """Read the dictionary of the text and add the mask symbol."""
        dictionary = cls.load_dictionary(f"{cfg.data.split(':')[0]}/dict.txt")
        dictionary.add_symbol(MASK)
        return cls(cfg, dictionary)

    @property
    def source_dictionary(self) -> Dictionary:
        """Encoder and decoder share one."""
        return self.dictionary

    @property
    def target_dictionary(self) -> Dictionary:
        """Encoder and decoder share one."""
        return self.dictionary

    def build_criterion(self, cfg, from_checkpoint: bool = False):
        """Build the loss, whose streams determine those of the batches."""
        weights = weights_of(cfg)
        if weights.length or weights.correction:
            raise InputError(
                "pre-training predicts no lengths and corrects nothing",
                where="--length-weight, --correction-weight",
                fix="set both to 0",
            )
        self.packing = NoisePacking(
            seed=self.cfg.seed,
            pad=self.dictionary.pad(),
            mask=self.dictionary.index(MASK),
            decoder_mask=self.dictionary.unk(),
            noise=Noise(self.cfg.noise_budget, self.cfg.noise_poisson, self.cfg.noise_shared, self.cfg.noise_rotated),
            ar=weights.reads_ar,
            nar=weights.reads_nar,
            aux=weights.reads_aux,
            query_position=self.query_position,
            ar_readout=self.ar_readout,
        )
        return super().build_criterion(cfg, from_checkpoint)

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **unused: Any) -> None:
        """Split the text into blocks. Raises InputError if it does not exist or blocks exceed the positions."""
        bound = min(self.cfg.max_source_positions, self.cfg.max_target_positions)
        if self.cfg.tokens_per_sample > bound:
            raise InputError(
                f"blocks of {self.cfg.tokens_per_sample} tokens do not fit {bound} positions",
                where="--tokens-per-sample",
                fix="use smaller blocks",
            )
        folders = self.cfg.data.split(":")
        folder = folders[(epoch - 1) % len(folders)] if split == self.cfg.train_subset else folders[0]
        text = data_utils.load_indexed_dataset(f"{folder}/{split}", self.dictionary, self.cfg.dataset_impl, combine)
        if text is None:
            raise InputError(f"no text for {split}", where=folder, fix="prepare and binarise the corpus first")
        bos, eos = self.dictionary.bos(), self.dictionary.eos()
        blocks = TokenBlockDataset(
            StripTokenDataset(text, eos),
            text.sizes - 1,
            self.cfg.tokens_per_sample - 2,
            pad=self.dictionary.pad(),
            eos=eos,
            break_mode=str(self.cfg.sample_break_mode),
            document_sep_len=0,
        )
        if len(blocks) and blocks.sizes.max() + 2 > bound:
            raise InputError(
                f"a sentence of {blocks.sizes.max()} tokens does not fit {bound} positions",
                where=f"{folder}/{split}",
                fix="cut the text when preparing it, or use --sample-break-mode none",
            )
        framed = PrependTokenDataset(AppendTokenDataset(blocks, eos), bos)
        self.datasets[split] = BlockDataset(framed, self.packing, fixed=split != self.cfg.train_subset)

    def max_positions(self) -> tuple[int, int]:
        """Longest source and target, in tokens."""
        return self.cfg.max_source_positions, self.cfg.max_target_positions


@dataclass
class BartBaselineConfig(AutocastOption, DenoisingConfig):
    """fairseq's denoising options."""


@register_task("janus_bart_baseline", dataclass=BartBaselineConfig)
class BartBaselineTask(AutocastTask, DenoisingTask):
    """fairseq's `denoising`, with autocast, whole epochs and reproducible noise."""

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **options: Any) -> None:
        """Split the text into blocks, with new noise in each epoch."""
        super().load_dataset(split, epoch, combine, **options)
        self.datasets[split] = SeededNoise(self.datasets[split], self.cfg.seed)
