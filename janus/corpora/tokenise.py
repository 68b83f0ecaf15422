"""Tokens and back: the Moses tokenizer, its punctuation normaliser and its detokenizer.

The tokenizer is our own (`moses.py`), because a recipe must come out byte for byte; the other two are sacremoses'.
"""

from functools import lru_cache

from sacremoses import MosesDetokenizer, MosesPunctNormalizer

from janus.corpora.moses import MosesTokenizer


def tokenise(line: str, language: str, *, aggressive: bool = False) -> str:
    """The line as `tokenizer.perl -l <language>` leaves it, special characters escaped; `aggressive` is its `-a`."""
    return _tokenizer(language, aggressive)(line)


def normalise(line: str, language: str) -> str:
    """The line as `normalize-punctuation.perl -l <language>` leaves it (sacremoses in its Perl-parity setting)."""
    return _normaliser(language).normalize(line)


def detokenise(line: str, language: str) -> str:
    """The tokenised line as readable text: spaces closed up, escapes and `@-@` undone."""
    return _detokenizer(language).detokenize(line.split(" "))


def lowercase(line: str) -> str:
    """Lower-case as Moses' lowercase.perl: letter by letter, so that a final sigma keeps its inner form."""
    return line.lower() if "Σ" not in line else "".join(letter.lower() for letter in line)


@lru_cache
def _tokenizer(language: str, aggressive: bool) -> MosesTokenizer:
    return MosesTokenizer(language, aggressive=aggressive)


@lru_cache
def _normaliser(language: str) -> MosesPunctNormalizer:
    return MosesPunctNormalizer(lang=language, perl_parity=True)


@lru_cache
def _detokenizer(language: str) -> MosesDetokenizer:
    return MosesDetokenizer(lang=language)
