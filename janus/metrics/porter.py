"""The Porter stemmer of ROUGE-1.5.5, which differs from Porter's original in its fourth step.

A word is [C](VC)^m[V], C and V being runs of consonants and vowels and m its measure (Porter 1980, An algorithm for
suffix stripping, Program 14(3)). ROUGE removes -ment and then -ent even after another suffix of step 4 was removed, and
removes -sion and -tion only if -ent did not apply; `rouge-score` and NLTK use the original.
"""

import re
from collections.abc import Iterable
from functools import cache

_CONSONANTS = "[^aeiou][^aeiouy]*"
_VOWELS = "[aeiouy][aeiou]*"

_HAS_VOWEL = re.compile(f"(?:{_CONSONANTS})?[aeiouy]")
_MEASURE_ABOVE_0 = re.compile(f"(?:{_CONSONANTS})?{_VOWELS}{_CONSONANTS}")
_MEASURE_1 = re.compile(f"(?:{_CONSONANTS})?{_VOWELS}{_CONSONANTS}(?:{_VOWELS})?")
_MEASURE_ABOVE_1 = re.compile(f"(?:{_CONSONANTS})?{_VOWELS}{_CONSONANTS}{_VOWELS}{_CONSONANTS}")
_SHORT = re.compile(f"{_CONSONANTS}[aeiouy][^aeiouwxy]")
_DOUBLE = re.compile(r"([^aeiouylsz])\1$")

_STEP_2 = {
    "ational": "ate",
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "izer": "ize",
    "bli": "ble",
    "alli": "al",
    "entli": "ent",
    "eli": "e",
    "ousli": "ous",
    "ization": "ize",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "iveness": "ive",
    "fulness": "ful",
    "ousness": "ous",
    "aliti": "al",
    "iviti": "ive",
    "biliti": "ble",
    "logi": "log",
}
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant"),
    *("ement", "ou", "ism", "ate", "iti", "ous", "ive", "ize"),
)


@cache
def stem(word: str) -> str:
    """The stem of a lower-case word of letters and digits; words of fewer than three characters are their own.

    >>> [stem(word) for word in ("relational", "departments", "hoping", "yellowed")]
    ['relat', 'depart', 'hope', 'yellow']
    """
    if len(word) < 3:
        return word
    # A capital letter is not a vowel: an initial y counts as a consonant.
    word = "Y" + word[1:] if word[0] == "y" else word
    for step in (_plural, _past, _final_y, _double_suffix, _single_suffix, _last_suffix, _final_e, _final_l):
        word = step(word)
    return "y" + word[1:] if word[0] == "Y" else word


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if re.search("[^s]s$", word) else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _MEASURE_ABOVE_0.match(word[:-3]) else word
    ending = re.search("(?:ed|ing)$", word)
    if not ending or not _HAS_VOWEL.match(word[: ending.start()]):
        return word
    word = word[: ending.start()]
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _DOUBLE.search(word):
        return word[:-1]
    return word + "e" if _SHORT.fullmatch(word) else word


def _final_y(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _HAS_VOWEL.match(word[:-1]) else word


def _double_suffix(word: str) -> str:
    return _replace(word, _STEP_2)


def _single_suffix(word: str) -> str:
    return _replace(word, _STEP_3)


def _replace(word: str, rules: dict[str, str]) -> str:
    suffix = _longest(word, rules)
    rest = word.removesuffix(suffix)
    return rest + rules[suffix] if suffix and _MEASURE_ABOVE_0.match(rest) else word


def _last_suffix(word: str) -> str:
    for suffix in (_longest(word, _STEP_4), "ment"):
        word = _strip(word, suffix)
    if word.endswith("ent"):
        return _strip(word, "ent")
    return _strip(word, "ion") if word.endswith(("sion", "tion")) else word


def _strip(word: str, suffix: str) -> str:
    rest = word.removesuffix(suffix)
    return rest if _MEASURE_ABOVE_1.match(rest) else word


def _longest(word: str, suffixes: Iterable[str]) -> str:
    return max((suffix for suffix in suffixes if word.endswith(suffix)), key=len, default="")


def _final_e(word: str) -> str:
    rest = word.removesuffix("e")
    if _MEASURE_ABOVE_1.match(rest) or (_MEASURE_1.fullmatch(rest) and not _SHORT.fullmatch(rest)):
        return rest
    return word


def _final_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _MEASURE_ABOVE_1.match(word) else word
