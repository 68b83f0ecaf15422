"""Tokens and back: the Moses tokenizer, its punctuation normaliser and its detokenizer.

The tokenizer is our own (`moses.py`), because recipes must be reproduced byte for byte; the other two are sacremoses'.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from janus.text.moses import MosesTokenizer

# It takes a second to import, which every plan of the workflow would wait for.
if TYPE_CHECKING:
    from sacremoses import MosesDetokenizer, MosesPunctNormalizer


def tokenise(line: str, language: str, *, aggressive: bool = False) -> str:
    """The output of `tokenizer.perl -l <language>`, with special characters escaped; `aggressive` is its `-a`."""
    return _tokenizer(language, aggressive)(line)


def normalise(line: str, language: str) -> str:
    """The output of `normalize-punctuation.perl -l <language>` (sacremoses in its Perl-parity setting)."""
    return _normaliser(language).normalize(line)


def detokenise(line: str, language: str) -> str:
    """The tokenised line as readable text, without extra spaces, escapes and `@-@`."""
    return _detokenizer(language).detokenize(line.split())


def lowercase(line: str) -> str:
    """Lower-case as in Moses' lowercase.perl: letter by letter, so that a final sigma keeps its medial form."""
    return line.lower() if "Σ" not in line else "".join(letter.lower() for letter in line)


@lru_cache
def _tokenizer(language: str, aggressive: bool) -> MosesTokenizer:
    return MosesTokenizer(language, aggressive=aggressive)


@lru_cache
def _normaliser(language: str) -> MosesPunctNormalizer:
    from sacremoses import MosesPunctNormalizer

    return MosesPunctNormalizer(lang=language, perl_parity=True)


@lru_cache
def _detokenizer(language: str) -> MosesDetokenizer:
    from sacremoses import MosesDetokenizer

    return MosesDetokenizer(lang=language)
