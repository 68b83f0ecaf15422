"""Readers of text and of what segments and numbers it."""

import json
import tempfile
from pathlib import Path

import torch
from fuzz.engine import Reader, all_of

from janus.decoding.vocabulary import Vocabulary
from janus.fetching.opening import read_lines
from janus.files import iter_lines
from janus.metrics.outputs import Outputs, is_tokenised
from janus.text.bpe import Segmenter
from janus.text.clean import Cleaner
from janus.text.documents import read_documents
from janus.text.gpt2_bpe import Gpt2Bpe

_WORDS = "a walking dog , naïve co-op <unk> 東京 walked\u2009walking"
_TEXT = "ein hund läuft über die straße .\n\nzwei männer [SEP] reden\nkatze\n".encode()
_DICTIONARY = "a 9\nthe 8\nä@@ 7\n<mask> 1\nx 2 #fairseq:overwrite\n".encode()


def _codes() -> bytes:
    from janus.text.bpe import learn

    with tempfile.TemporaryDirectory() as folder:
        learn({"walking": 9, "walked": 8, "dog": 7, "talking": 5}, Path(folder) / "codes", 12, where="", progress=False)
        return (Path(folder) / "codes").read_bytes()


def _read_codes(path: Path) -> None:
    segmenter = Segmenter(path, glossaries=[r"\[SEP\]"])
    segmenter.encode(_WORDS)


def _gpt2() -> tuple[bytes, bytes]:
    from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

    letters = [*bytes_to_unicode().values(), "th", "the"]
    numbers = {letter: number for number, letter in enumerate(letters)}
    return json.dumps(numbers).encode(), b"#version: 0.2\nt h\nth e\n"


def _read_encoder(path: Path) -> None:
    (path.parent / "vocab.bpe").write_bytes(_gpt2()[1])
    bpe = Gpt2Bpe(path, path.parent / "vocab.bpe")
    bpe.decode(bpe.encode("the naïve dog"))


def _read_merges(path: Path) -> None:
    (path.parent / "encoder.json").write_bytes(_gpt2()[0])
    bpe = Gpt2Bpe(path.parent / "encoder.json", path)
    bpe.decode(bpe.encode("the naïve dog"))


def _read_dictionary(path: Path) -> None:
    vocabulary = Vocabulary(path)
    vocabulary.decode(torch.tensor(vocabulary.encode(_WORDS, bos=True)))


def _read_text(path: Path) -> None:
    lines = list(iter_lines(path))
    is_tokenised(lines)
    Outputs("translation", lines, ["x"] * len(lines))


def _read_raw(path: Path) -> None:
    """As downloads are read: cleaned, in documents."""
    cleaner = Cleaner(longest=250)
    for _ in cleaner((line, line) for line in read_lines(path)):
        pass
    for _ in read_documents(path):
        pass


def _documents() -> bytes:
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in ("One.\nTwo.", "Three", ""))


def _read_documents(path: Path) -> None:
    for _ in read_documents(path):
        pass


def _corpus() -> bytes:
    record = {
        "corpus": "a",
        "source": "de",
        "target": "en",
        "options": {"longest_source": 5},
        "sha256": {"tok/train.de": ""},
    }
    return json.dumps(record, indent=1).encode()


def _read_corpus(path: Path) -> None:
    from janus.text.bpe import learn_and_apply
    from janus.text.encode import encode_corpus

    (path.parent / "vocabulary").mkdir(exist_ok=True)
    for name, whole in (
        ("vocabulary.json", b'{"kind": "subword", "vocabulary": "v", "sha256": {}}'),
        ("codes", _codes()),
    ):
        (path.parent / "vocabulary" / name).write_bytes(whole)
    (path.parent / "tok").mkdir(exist_ok=True)
    for split in ("train", "valid", "test"):
        for side in ("de", "en"):
            (path.parent / f"tok/{split}.{side}").write_text("ein hund\nzwei hunde\n")
    all_of(
        lambda: learn_and_apply(path.parent, merges=2, progress=False),
        lambda: encode_corpus(path.parent, path.parent / "vocabulary", progress=False),
    )


READERS = (
    Reader("codes", "codes", "lines", lambda: [_codes()], _read_codes),
    Reader("gpt2-encoder", "encoder.json", "json", lambda: [_gpt2()[0]], _read_encoder, 0.4),
    Reader("gpt2-merges", "vocab.bpe", "lines", lambda: [_gpt2()[1]], _read_merges, 0.4),
    Reader("dictionary", "dict.txt", "lines", lambda: [_DICTIONARY], _read_dictionary),
    Reader("text", "train.de", "lines", lambda: [_TEXT], _read_text),
    Reader("raw-text", "raw.txt", "lines", lambda: [_TEXT], _read_raw),
    Reader("documents", "text.jsonl", "lines", lambda: [_documents()], _read_documents),
    Reader("corpus", "corpus.json", "json", lambda: [_corpus()], _read_corpus, 0.3),
)
