"""Reading the files of fairseq-preprocess (`--dataset-impl mmap`, its default) without fairseq.

An index, `<prefix>.idx`, has the number type and the lengths of all sentences; `<prefix>.bin` their symbols, one
sentence after the other, each with its eos.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from janus.dictionary import SPECIAL
from janus.errors import InputError

_MAGIC = b"MMIDIDX\x00\x00"
# Version, number type, sentences.
_HEAD = struct.Struct("<QBQ")
_TYPES = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float32, 7: np.double, 8: np.uint16}
_BOS, _PAD, _EOS, _UNK = range(len(SPECIAL))


def iter_sentences(prefix: Path, symbols: Sequence[str]) -> Iterator[str]:
    """The sentences of `<prefix>.idx` and `<prefix>.bin` as text: symbols separated by spaces, without bos and eos.

    symbols: those of the dictionary, the special ones first. Raises InputError if the files are not of this format,
    do not belong together, or have symbols that the dictionary does not.
    """
    index, data = Path(f"{prefix}.idx"), Path(f"{prefix}.bin")
    kind, lengths = _read_index(index)
    numbers = np.fromfile(data, kind)
    if lengths.sum() != len(numbers):
        raise InputError(f"does not belong to {data.name}, or is cut off", where=index, fix="binarise again")
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < len(symbols):
        raise InputError(
            f"has the symbol {numbers.max()}, the dictionary has {len(symbols)}",
            where=data,
            fix="give the folder whose dictionary it was binarised with",
        )
    end = 0
    for length in lengths.tolist():
        sentence = numbers[end : end + length].tolist()
        end += length
        yield " ".join(symbols[one] for one in sentence if one not in (_BOS, _PAD, _EOS))


def sentence_lengths(prefix: Path) -> np.ndarray:
    """The number of symbols of each sentence of `<prefix>.idx`, without eos. Raises InputError for another file."""
    return _read_index(Path(f"{prefix}.idx"))[1] - 1


def _read_index(index: Path) -> tuple[np.dtype, np.ndarray]:
    """The type of the symbols of an index, and the number of each sentence's, with eos."""
    raw = index.read_bytes()
    start = len(_MAGIC) + _HEAD.size
    if raw[: len(_MAGIC)] != _MAGIC or len(raw) < start:
        raise InputError(
            "no index of fairseq-preprocess", where=index, fix="binarise again with --dataset-impl mmap, the default"
        )
    version, code, count = _HEAD.unpack(raw[len(_MAGIC) : start])
    kind = np.dtype(_TYPES.get(code, np.float32))
    lengths = np.frombuffer(raw, np.int32, count=min(count, (len(raw) - start) // 4), offset=start)
    if version != 1 or kind.kind == "f" or len(lengths) != count:
        name = index.with_suffix(".bin").name
        raise InputError(f"does not belong to {name}, or is cut off", where=index, fix="binarise again")
    return kind, lengths
