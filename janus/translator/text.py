"""The text of a model: lines become subwords as its corpus was prepared, and outputs become readable lines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.files import one_line
from janus.recipes.by_recipe import RECIPES, builder
from janus.records.shapes import CORPUS, read_record
from janus.text.encode import Cutter
from janus.text.gpt2_bpe import Gpt2Bpe
from janus.text.of_corpus import MarkedBpe, encoder_of_corpus
from janus.text.subwords import remove_bpe
from janus.text.tokenise import detokenise, lowercase, tokenise
from janus.text.vocabulary import Encoder

# In which form lines are given, and outputs wanted.
FORMS = ("text", "tokens", "subwords")
# What a side is called whose text is English, and not named for its language.
_ENGLISH = ("src", "tgt")
# How subword codes are called beside a fairseq checkpoint.
_CODES = ("codes", "code", "bpecodes", "bpe.codes")


@dataclass(frozen=True)
class ModelText:
    """How lines become what a model reads, and back.

    tokens: the tokens of a line. encode, decode: from tokens to subwords, and back; None where the codes are unknown.
    language: of the outputs. dictionaries: of source and target. longest: subwords to which sources are cut, if any.
    """

    tokens: Callable[[str], str]
    encode: Callable[[str], str] | None
    decode: Callable[[str], str]
    language: str
    dictionaries: tuple[Path, Path]
    longest: int | None = None

    def subwords(self, line: str, form: str) -> tuple[str, int]:
        """The subwords of a line that is given in a form, and how many were cut off; empty for a line without any."""
        if form == "text":
            # Only separators are replaced: a recipe reads tabs between turns, and no-break spaces in numbers.
            line = self.tokens(one_line(line)) if line.strip() else ""
        line = " ".join(line.split())
        if form != "subwords":
            if self.encode is None:
                raise InputError("its subwords are not known", where="codes", fix="name the codes file of the BPE")
            line = self.encode(line) if line else ""
        cutter = Cutter(self.longest if form != "subwords" else None)
        [cut] = cutter([line])
        return cut, cutter.counts["subwords_lost"]

    def output(self, subwords: str, form: str) -> str:
        """An output in the form that is wanted."""
        if form == "subwords":
            return subwords
        tokens = " ".join(self.decode(subwords).split())
        return detokenise(tokens, self.language) if form == "text" else tokens


def text_of_corpus(folder: Path) -> ModelText:
    """The text of a corpus that the workflow prepared, from its folder.

    Raises InputError if the folder is none, or lacks its subwords or dictionary.
    """
    entries = ("source", "target", "recipe", "licence", "lowercase", "options")
    facts = read_record(folder / "corpus.json", CORPUS, "corpus", *entries)
    corpus = Corpus(**{key: facts[key] for key in entries}, name=facts["corpus"])
    encoder = encoder_of_corpus(folder)
    return ModelText(
        functools.partial(_form_of(corpus, folder), language=corpus.source, corpus=corpus),
        encoder.encode,
        encoder.decode,
        "en" if corpus.target in _ENGLISH else corpus.target,
        (_existing(folder / f"bin/dict.{corpus.source}.txt"), _existing(folder / f"bin/dict.{corpus.target}.txt")),
        corpus.options.get("longest_source"),
    )


def _form_of(corpus: Corpus, folder: Path) -> Callable[..., str]:
    """The recipe's own preparation of a line. Raises InputError if there is no such recipe, or it has none."""
    found = getattr(builder(corpus.recipe), "form", None) if corpus.recipe in RECIPES else None
    if found is None:
        raise InputError(
            f"the recipe {corpus.recipe!r} does not say how it prepares a line",
            where=folder / "corpus.json",
            fix="give its file a function `form`, or give tokens",
        )
    return found


def text_of_files(
    folder: Path,
    sides: tuple[str, str],
    *,
    dictionaries: tuple[Path, ...] = (),
    codes: Path | None = None,
    lowercased: bool = False,
) -> ModelText:
    """The text of a checkpoint of fairseq's: Moses' tokens, with the dictionaries and codes given or in its `folder`.

    sides: the languages of source and target. dictionaries: that of both, or of source and target. codes: subword-nmt's
    file, or a folder with GPT-2's encoder.json and vocab.bpe. Raises InputError if there is no dictionary, or a file is
    not what it should be.
    """
    source, target = sides
    named = dictionaries or tuple(_dictionary_beside(folder, side) for side in sides)
    encoder = _encoder_of_files(codes or _codes_beside(folder))
    return ModelText(
        lambda line: tokenise(lowercase(line) if lowercased else line, source or "en"),
        encoder and encoder.encode,
        encoder.decode if encoder else remove_bpe,
        target or "en",
        (_existing(named[0]), _existing(named[-1])),
    )


def _dictionary_beside(folder: Path, side: str) -> Path:
    for name in (f"dict.{side}.txt", "dict.txt"):
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"no dict.{side or 'LANGUAGE'}.txt beside the checkpoint", where=folder, fix="name the dictionary: --dictionary"
    )


def _codes_beside(folder: Path) -> Path | None:
    if (folder / "encoder.json").is_file() and (folder / "vocab.bpe").is_file():
        return folder
    return next((folder / name for name in _CODES if (folder / name).is_file()), None)


def _encoder_of_files(codes: Path | None) -> Encoder | None:
    if codes is None:
        return None
    if codes.is_dir():
        return Gpt2Bpe(_existing(codes / "encoder.json"), _existing(codes / "vocab.bpe"))
    return MarkedBpe(codes)


def _existing(path: Path) -> Path:
    if not Path(path).is_file():
        raise InputError("no such file", where=path, fix="correct the path, or prepare the corpus")
    return Path(path)
