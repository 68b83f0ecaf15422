"""The subwords of a corpus that the workflow prepared, from its folder."""

from __future__ import annotations

from pathlib import Path

from janus.errors import InputError
from janus.records.shapes import TRUNCATION, read_record
from janus.text.bpe import Segmenter
from janus.text.subwords import remove_bpe
from janus.text.vocabulary import Encoder, load_encoder


class MarkedBpe:
    """The BPE of one corpus, which marks where a word goes on. Raises InputError for a file that holds no codes."""

    def __init__(self, codes: Path):
        self.encode = Segmenter(codes).encode

    def decode(self, subwords: str) -> str:
        """The words of a line of subwords."""
        return remove_bpe(subwords)


def has_own_bpe(folder: Path) -> bool:
    """Whether a corpus has learnt a BPE of its own, as only corpora of pairs to translate do."""
    return (folder / "bpe/codes").is_file()


def encoder_of_corpus(folder: Path) -> Encoder:
    """The encoder of a corpus: its own BPE, or the vocabulary that it shares. Raises InputError if it has neither."""
    if has_own_bpe(folder):
        return MarkedBpe(folder / "bpe/codes")
    record = folder / "bpe/truncation.json"
    if not record.is_file():
        raise InputError("the corpus has no subwords", where=folder, fix="prepare it: run the workflow again")
    vocabulary = read_record(record, TRUNCATION, "vocabulary")["vocabulary"]["vocabulary"]
    return load_encoder(folder.resolve().parents[1] / "vocabularies" / vocabulary)
