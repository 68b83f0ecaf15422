"""Text of subwords to the indexed files that fairseq trains on, byte-identical to those of fairseq-preprocess.

They are written with fairseq's dictionary and writer. Added are the line handling of `janus.files`, writing in several
processes, and a comparison of the result with the text, sentence by sentence.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from fairseq.data import Dictionary, indexed_dataset

from janus.dictionary import SPECIAL, read_dictionary, word_indices
from janus.errors import InputError
from janus.files import iter_lines, write_json
from janus.text.bpe import count_words
from janus.text.parallel_lines import map_calls
from janus.text.split_writer import SPLITS

_EOS, _UNK = SPECIAL.index("</s>"), SPECIAL.index("<unk>")
_COUNTS = "sentences.json"


class _Task(NamedTuple):
    """A text file, and the path of its .bin and .idx without their ending."""

    text: Path
    prefix: Path


def binarise(
    bpe: Path, out: Path, *, source: str, target: str, dictionary: Path | None = None, workers: int = 1
) -> dict[str, dict[str, int]]:
    """Binarise train, valid and test of `bpe` into `out`, as `fairseq-preprocess --joined-dictionary`.

    Both sides share one dictionary, since all embeddings are shared: the given one, or all subwords of the training
    text. Returned, and written to sentences.json, are sentences, tokens (including eos) and unknown words of each file.
    At most `workers` processes run. Raises InputError for an invalid line (see `janus.files.iter_lines`), different
    line counts of the two sides, or a result that differs from the text.
    """
    bpe, out, sides = Path(bpe), Path(out), (source, target)
    out.mkdir(parents=True, exist_ok=True)
    if dictionary is None:
        _learn_dictionary([bpe / f"train.{side}" for side in sides], out / f"dict.{source}.txt", workers)
    else:
        _copy_dictionary(dictionary, out / f"dict.{source}.txt")
    _copy_dictionary(out / f"dict.{source}.txt", out / f"dict.{target}.txt")
    tasks = [
        _Task(bpe / f"{split}.{side}", out / f"{split}.{source}-{target}.{side}") for split in SPLITS for side in sides
    ]
    counts = _binarise(tasks, out / f"dict.{source}.txt", out, workers)
    for split in SPLITS:
        _require_equal(*(bpe / f"{split}.{side}" for side in sides), counts)
    return counts


def binarise_text(
    train: Path, valid: Path, out: Path, *, dictionary: Path, workers: int = 1
) -> dict[str, dict[str, int]]:
    """Binarise one shard of running text and its validation text into `out`, as `fairseq-preprocess --only-source`.

    Returns and raises as `binarise` does.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    _copy_dictionary(dictionary, out / "dict.txt")
    return _binarise([_Task(Path(train), out / "train"), _Task(Path(valid), out / "valid")], dictionary, out, workers)


def _learn_dictionary(texts: Iterable[Path], path: Path, workers: int) -> None:
    """fairseq's joint dictionary of texts: by frequency, then name, padded to a multiple of eight."""
    words = Dictionary()
    for word, count in sorted(count_words(texts, workers=workers).items()):
        words.add_symbol(word, count)
    words.finalize()
    words.save(str(path))


def _copy_dictionary(dictionary: Path, path: Path) -> None:
    read_dictionary(dictionary)
    Dictionary.load(str(dictionary)).save(str(path))


def _binarise(tasks: list[_Task], dictionary: Path, out: Path, workers: int) -> dict[str, dict[str, int]]:
    symbols = read_dictionary(dictionary)
    # Long files first, so that the processes finish at about the same time.
    order = sorted(tasks, key=lambda task: -task.text.stat().st_size if task.text.is_file() else 0)
    size, index = len(symbols) + len(SPECIAL), word_indices(symbols)
    found = map_calls(_binarise_file, [(task, size, index) for task in order], workers=workers)
    counts = {task.text.name: count for task, count in zip(order, found, strict=True)}
    write_json(out / _COUNTS, {task.text.name: counts[task.text.name] for task in tasks})
    return counts


def _binarise_file(task: _Task, size: int, index: Mapping[str, int]) -> dict[str, int]:
    counts = {"sentences": 0, "tokens": 0, "unknown": 0}
    lengths: list[int] = []
    data, positions = map(Path, (f"{task.prefix}.bin", f"{task.prefix}.idx"))
    try:
        builder = indexed_dataset.make_builder(str(data), impl="mmap", vocab_size=size)
        for line in iter_lines(task.text):
            numbers = [index.get(word, _UNK) for word in line.split()]
            counts["unknown"] += numbers.count(_UNK)
            builder.add_item(torch.tensor([*numbers, _EOS], dtype=torch.int32))
            lengths.append(len(numbers) + 1)
        builder.finalize(str(positions))
    except OSError as error:
        fix = "free space or permissions, then run again"
        raise InputError(f"cannot be written ({error.strerror or error})", where=data, fix=fix) from error
    _require_lengths(task, lengths, size)
    return counts | {"sentences": len(lengths), "tokens": sum(lengths)}


def _require_lengths(task: _Task, lengths: list[int], size: int) -> None:
    """Raise InputError unless the files hold sentences of these lengths, in this order, and nothing else."""
    written = _written_lengths(task) if lengths else np.zeros(0)
    if not np.array_equal(written, lengths):
        raise _not_the_text(task, f"{len(written):,} sentences for {len(lengths):,} lines of other lengths")
    expected = sum(lengths) * np.dtype(indexed_dataset.best_fitting_int_dtype(size)).itemsize
    found = Path(f"{task.prefix}.bin").stat().st_size
    if found != expected:
        raise _not_the_text(task, f"{found:,} bytes where {expected:,} are due")


def _written_lengths(task: _Task) -> np.ndarray:
    dataset = indexed_dataset.MMapIndexedDataset(str(task.prefix))
    # Its own array is in the mapped file, which is closed with it.
    return np.array(dataset.sizes)


def _not_the_text(task: _Task, what: str) -> InputError:
    return InputError(f"holds {what}", where=f"{task.prefix}.idx", fix=f"remove it and binarise {task.text} again")


def _require_equal(source: Path, target: Path, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Raise InputError, at the line after the end of the shorter side, if the sides have different lengths."""
    lines = {path: counts[path.name]["sentences"] for path in (source, target)}
    short, long = sorted(lines, key=lines.get)
    if lines[short] != lines[long]:
        raise InputError(
            f"the file ends here, {long} has {lines[long]:,} lines",
            where=f"{short}:{lines[short] + 1}",
            fix="make both sides of the split again",
        )
