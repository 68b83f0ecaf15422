"""Running text for the task: the dictionary with a mask, and the splits as blocks."""

from typing import Any

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
from fairseq.tasks import FairseqTask

from janus.dictionary import MASK
from janus.errors import InputError


def read_text_dictionary(data: str) -> Dictionary:
    """The dictionary of binarised text, with the mask symbol added. data: its folders, joined by colons."""
    dictionary = FairseqTask.load_dictionary(f"{data.split(':')[0]}/dict.txt")
    dictionary.add_symbol(MASK)
    return dictionary


class BlockDataset(FairseqDataset):
    """Blocks bos … eos of running text, which are both sides of a pair."""

    def __init__(self, blocks: FairseqDataset, pad: int, *, fixed: bool):
        """fixed: keep the order of the text, as validation does."""
        super().__init__()
        self.blocks, self.pad, self.fixed = blocks, pad, fixed
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

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of blocks, as fairseq's tools read a batch of pairs."""
        if not samples:
            return {}
        target = data_utils.collate_tokens([sample["tokens"] for sample in samples], self.pad)
        return {
            "id": torch.tensor([sample["id"] for sample in samples]),
            "nsentences": len(samples),
            "ntokens": int(target.ne(self.pad).sum()),
            "net_input": {"src_tokens": target},
            "target": target,
        }


def load_blocks(task: FairseqTask, split: str, epoch: int, combine: bool) -> BlockDataset:
    """Split the text into blocks. Raises InputError if it does not exist or blocks exceed the positions."""
    bound = min(task.cfg.max_source_positions, task.cfg.max_target_positions)
    if task.cfg.tokens_per_sample > bound:
        raise InputError(
            f"blocks of {task.cfg.tokens_per_sample} tokens do not fit {bound} positions",
            where="--tokens-per-sample",
            fix="use smaller blocks",
        )
    folders = task.cfg.data.split(":")
    folder = folders[(epoch - 1) % len(folders)] if split == task.cfg.train_subset else folders[0]
    text = data_utils.load_indexed_dataset(f"{folder}/{split}", task.target_dictionary, task.cfg.dataset_impl, combine)
    if text is None:
        raise InputError(f"no text for {split}", where=folder, fix="prepare and binarise the corpus first")
    bos, eos = task.target_dictionary.bos(), task.target_dictionary.eos()
    blocks = TokenBlockDataset(
        StripTokenDataset(text, eos),
        text.sizes - 1,
        task.cfg.tokens_per_sample - 2,
        pad=task.target_dictionary.pad(),
        eos=eos,
        break_mode=str(task.cfg.sample_break_mode),
        document_sep_len=0,
    )
    if len(blocks) and blocks.sizes.max() + 2 > bound:
        raise InputError(
            f"a sentence of {blocks.sizes.max()} tokens does not fit {bound} positions",
            where=f"{folder}/{split}",
            fix="cut the text when preparing it, or use --sample-break-mode none",
        )
    framed = PrependTokenDataset(AppendTokenDataset(blocks, eos), bos)
    return BlockDataset(framed, task.target_dictionary.pad(), fixed=split != task.cfg.train_subset)
