"""GLGE's repair of predictions before questions are scored: from BERT's tokens back to those of the references.

BERT splits at every punctuation mark; the references have the Penn Treebank's tokens ("do n't", "co-discoverer",
"3,000", brackets and quotes spelt out). GLGE's scorer (`eval_on_unilm_qg.py`) repairs only predictions, each token by
the first matching rule. Its oddities are reproduced, since they are part of the published numbers.
"""

import string
from collections.abc import Sequence

_SPELT = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
    "[UNK]": "UNK",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
}
_CLITICS = ("s", "d", "ll")


def repair_prediction(line: str) -> str:
    """A predicted question in the references' tokens, as GLGE's scorer rewrites it; not lower-cased yet.

    >>> repair_prediction("what isn ' t a co - founder ' s 3 , 000 ( paid )")
    "what is n't a co-founder 's 3,000 -lrb- paid -rrb-"
    """
    repair = _Repair(_split(line))
    while repair.ahead:
        repair.step()
    return " ".join(repair.done)


def lower(line: str) -> str:
    """`line` in lower case, letters of ASCII alone: the scorer ran on Python 2's bytes."""
    return line.encode().lower().decode()


def _split(line: str) -> list[str]:
    return [token.decode() for token in line.encode().split()]


class _Repair:
    """The tokens already written (`done`) and those still to read (`ahead`, next one first)."""

    def __init__(self, tokens: Sequence[str]):
        self.done: list[str] = []
        self._tokens, self._next = tokens, 0
        self._double_open = self._single_open = self._after_hyphen = False

    @property
    def ahead(self) -> Sequence[str]:
        return self._tokens[self._next :]

    def step(self) -> None:
        """Read one token, or the few that one rule takes."""
        after_hyphen, self._after_hyphen = self._after_hyphen, False
        token = self._tokens[self._next]
        if token in _SPELT:
            self._write(_SPELT[token])
        elif token == '"':
            self._write("''" if self._double_open else "``")
            self._double_open = not self._double_open
        elif token == "'":
            self._apostrophe()
        elif token == "." and self._peek(1) == "." and self._peek(2) == ".":
            self._write("...", taken=3)
        elif token == "," and _is_amount(self._last) and _is_amount(self._peek(1)):
            self._append("," + self._peek(1), taken=2)
        elif token == "." and _is_number(self._last) and _is_number(self._peek(1)):
            self._append("." + self._peek(1), taken=2)
        elif token == "." and _is_initial(self._last) and _is_initial(self._peek(1)) and self._peek(2) == ".":
            # The whole acronym is written, but only its first two tokens are skipped.
            self._append("".join(self.ahead[: self._acronym_end()]), taken=2)
        elif token == "-":
            self._hyphen()
        elif after_hyphen and token[0] not in string.punctuation:
            self._append(token)
        else:
            self._write(token)

    def _apostrophe(self) -> None:
        following = self._peek(1)
        if following == "t" and self._last.endswith("n"):
            self.done[-1] = self._last[:-1]
            self._write("n't", taken=2)
        elif following in _CLITICS:
            self._write("'" + following, taken=2)
        else:
            self._write("'" if self._single_open else "`")
            self._single_open = not self._single_open

    def _hyphen(self) -> None:
        following = self._peek(1)
        if following == "-":
            self._write("--", taken=2)
        elif (
            following and self.done and self._last not in string.punctuation and following[0] not in string.punctuation
        ):
            self._append("-")
            self._after_hyphen = True
        else:
            self._write("-")

    def _acronym_end(self) -> int:
        # The scorer looks one token too far for the next letter, so it rarely finds one.
        end = 3
        while _is_initial(self._peek(end + 1)) and self._peek(end + 2) == ".":
            end += 2
        return end

    @property
    def _last(self) -> str:
        return self.done[-1] if self.done else ""

    def _peek(self, distance: int) -> str:
        place = self._next + distance
        return self._tokens[place] if place < len(self._tokens) else ""

    def _write(self, text: str, taken: int = 1) -> None:
        self.done.append(text)
        self._next += taken

    def _append(self, text: str, taken: int = 1) -> None:
        self.done[-1] += text
        self._next += taken


def _is_amount(token: str) -> bool:
    return bool(token) and all(sign in string.digits + "," for sign in token)


def _is_number(token: str) -> bool:
    return bool(token) and all(sign in string.digits for sign in token)


def _is_initial(token: str) -> bool:
    return len(token) == 1 and token in string.ascii_uppercase
