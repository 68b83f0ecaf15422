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
from janus.errors import InputError
from janus.masking import batch_generator
from janus.plugin.criterion import weights_of
from janus.plugin.dataset import as_dict
from janus.plugin.shared import AutocastOption, AutocastTask, JointTask
from janus.ragged import Source
from janus.streams import pack_streams

MASK = "<mask>"


@dataclass(frozen=True)
class NoisePacking:
    """How a batch of blocks becomes a noised source and decoder rows.

    mask: what stands in the source for a hidden span. decoder_mask: what stands in the decoder for a hidden token,
    unk as everywhere in this suite and in the release. ar, nar, aux: the streams a loss reads.
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
        )
        return {
            "source": as_dict(Source.of(noised.source, self.pad)),
            "streams": asdict(streams),
            "lengths": target.ne(self.pad).sum(1),
        }


class BlockDataset(FairseqDataset):
    """Blocks bos … eos of running text; a batch is noised anew in each epoch, by (seed, epoch, first block)."""

    def __init__(self, blocks: FairseqDataset, packing: NoisePacking, *, fixed: bool):
        """fixed: draw the same noise in every epoch, for validation losses that can be compared."""
        super().__init__()
        self.blocks, self.packing, self.fixed, self.epoch = blocks, packing, fixed, 1
        self.sizes = blocks.sizes

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One block and its number."""
        return {"id": index, "tokens": self.blocks[index]}

    def __len__(self) -> int:
        """How many blocks there are."""
        return len(self.blocks)

    def num_tokens(self, index: int) -> int:
        """Tokens of a block, for batches of bounded size."""
        return int(self.sizes[index])

    def size(self, index: int) -> int:
        """Tokens of a block, for filters."""
        return int(self.sizes[index])

    def ordered_indices(self) -> np.ndarray:
        """A random order, by length within it, so that batches hold blocks of like lengths."""
        order = np.random.permutation(len(self)) if not self.fixed else np.arange(len(self))
        return order[np.argsort(self.sizes[order], kind="mergesort")]

    def prefetch(self, indices: list[int]) -> None:
        """Read blocks ahead where the storage can."""
        self.blocks.prefetch(indices)

    @property
    def supports_prefetch(self) -> bool:
        """Whether the storage reads ahead."""
        return getattr(self.blocks, "supports_prefetch", False)

    def set_epoch(self, epoch: int) -> None:
        """Remember the epoch for the noise of the batches to come."""
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
    """Where the text lies, how it is cut, and its noise; the defaults of the noise are the paper's."""

    data: str = field(default=MISSING, metadata={"help": "folders of binarised text, one an epoch, joined by colons"})
    seed: int = II("common.seed")
    tokens_per_sample: int = field(default=512, metadata={"help": "tokens of a block, bos and eos included"})
    sample_break_mode: ChoiceEnum(["none", "complete", "complete_doc"]) = field(
        default="complete_doc", metadata={"help": "what a block may break: anything, no sentence, no document, …"}
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
        """Read the dictionary beside the text and give it the mask symbol."""
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
        """Build the loss and decide which streams the batches hold: those it reads."""
        weights = weights_of(cfg)
        if weights.length or weights.correction:
            raise InputError(
                "pre-training predicts no lengths and corrects nothing",
                where="--length-weight, --correction-weight",
                mend="set both to 0",
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
        )
        return super().build_criterion(cfg, from_checkpoint)

    def load_dataset(self, split: str, epoch: int = 1, combine: bool = False, **unused: Any) -> None:
        """Cut a split into blocks. Raises InputError where it does not exist or blocks exceed the positions."""
        bound = min(self.cfg.max_source_positions, self.cfg.max_target_positions)
        if self.cfg.tokens_per_sample > bound:
            raise InputError(
                f"blocks of {self.cfg.tokens_per_sample} tokens do not fit {bound} positions",
                where="--tokens-per-sample",
                mend="give smaller blocks",
            )
        folders = self.cfg.data.split(":")
        folder = folders[(epoch - 1) % len(folders)] if split == self.cfg.train_subset else folders[0]
        text = data_utils.load_indexed_dataset(f"{folder}/{split}", self.dictionary, self.cfg.dataset_impl, combine)
        if text is None:
            raise InputError(f"no text for {split}", where=folder, mend="prepare and binarise the corpus first")
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
                mend="cut the text when preparing it, or use --sample-break-mode none",
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
    """fairseq's `denoising`, with autocast and batches of any size."""
