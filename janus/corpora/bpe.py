"""Joint byte-pair encoding, learnt on the training text of both languages with subword-nmt."""

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import IO

from subword_nmt import learn_bpe as subword_learn
from subword_nmt.apply_bpe import BPE
from tqdm import tqdm

from janus.corpora.splits import SPLITS
from janus.errors import InputError
from janus.files import atomic_writer, iter_lines, read_json, read_lines, write_lines

_VERSION = "#version: 0.2"


def learn_and_apply(corpus_dir: Path, *, merges: int, progress: bool = True) -> None:
    """Learn at most `merges` joint operations on tok/train of both languages; write bpe/codes and bpe/<split>.<lang>.

    Fewer come out where no pair is left that occurs twice. The result depends on the text alone. Raises InputError
    where the corpus is not prepared or `merges` is not positive.
    """
    corpus_dir = Path(corpus_dir)
    if merges < 1:
        raise InputError(f"{merges} BPE merges", where="merges", mend="give a positive number")
    facts = read_json(corpus_dir / "corpus.json")
    languages = facts["source"], facts["target"]
    codes = corpus_dir / "bpe" / "codes"
    learn([corpus_dir / "tok" / f"train.{language}" for language in languages], codes, merges, progress=progress)
    encoder = load_codes(codes)
    for split in SPLITS:
        for language in languages:
            source = corpus_dir / "tok" / f"{split}.{language}"
            lines = tqdm(iter_lines(source), desc=f"BPE {source.name}", unit=" lines", disable=not progress)
            write_lines(corpus_dir / "bpe" / source.name, map(encoder.process_line, lines))


def learn(texts: list[Path], codes: Path, merges: int, *, progress: bool = True) -> None:
    """Learn operations on all `texts` together and write the codes file.

    Raises InputError for texts with no pair of letters to merge.
    """
    lines = [line + "\n" for text in texts for line in iter_lines(text)]
    if not any(len(word) > 1 for line in lines for word in line.split()):
        raise InputError("no word of two letters to learn from", where=texts[0], mend="give it a training text")
    # subword-nmt's own bar and remarks cannot be turned off; ours counts the operations that it writes.
    with atomic_writer(codes) as stream, tqdm(desc="BPE learning", total=merges, disable=not progress) as bar:
        with redirect_stderr(io.StringIO()):
            subword_learn.learn_bpe(lines, _Counted(stream, bar), merges)


def load_codes(codes: Path) -> BPE:
    """A subword-nmt encoder from a codes file.

    Raises InputError, with the line, where the file is not one: no version line, or a line that is not two symbols.
    """
    lines = read_lines(codes)
    if not lines or lines[0] != _VERSION:
        raise InputError(f"first line is not {_VERSION!r}", where=f"{codes}:1", mend="give a subword-nmt codes file")
    for number, line in enumerate(lines[1:], 2):
        if len(line.split(" ")) != 2:
            raise InputError("not two symbols", where=f"{codes}:{number}", mend="learn the codes again")
    return BPE(io.StringIO("\n".join(lines) + "\n"))


def remove_bpe(line: str) -> str:
    """The line with its subwords joined to words; a dangling continuation mark at its end goes too."""
    return (line + " ").replace("@@ ", "").rstrip()


class _Counted:
    """A stream that counts its writes on a progress bar."""

    def __init__(self, stream: IO[str], bar: tqdm):
        self._stream, self._bar = stream, bar

    def write(self, text: str) -> int:
        self._bar.update(not text.startswith("#"))
        return self._stream.write(text)
