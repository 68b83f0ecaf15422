"""Sentence pairs for the task: the dictionaries, and the splits with bos before both sides."""

from __future__ import annotations

from typing import Any

from fairseq.data import LanguagePairDataset
from fairseq.tasks.translation import TranslationTask, load_langpair_dataset


def load_pairs(task: TranslationTask, split: str, epoch: int, combine: bool) -> LanguagePairDataset:
    """fairseq's own loader, with bos before source and target as NAR models need it."""
    paths = task.cfg.data.split(":")
    path = paths[(epoch - 1) % len(paths)] if split == task.cfg.train_subset else paths[0]
    return load_langpair_dataset(
        path,
        split,
        task.cfg.source_lang,
        task.src_dict,
        task.cfg.target_lang,
        task.tgt_dict,
        combine=combine,
        dataset_impl=task.cfg.dataset_impl,
        upsample_primary=task.cfg.upsample_primary,
        left_pad_source=task.cfg.left_pad_source,
        left_pad_target=task.cfg.left_pad_target,
        max_source_positions=task.cfg.max_source_positions,
        max_target_positions=task.cfg.max_target_positions,
        prepend_bos=True,
        shuffle=split != "test",
    )


def pairs_to_decode(task: TranslationTask, tokens: list[Any], lengths: list[int]) -> LanguagePairDataset:
    """Raw sources for fairseq-interactive, bos added."""
    return LanguagePairDataset(tokens, lengths, task.source_dictionary, append_bos=True)
