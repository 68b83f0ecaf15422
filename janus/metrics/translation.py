"""BLEU as computed by the paper, its release and the field, and chrF++.

There are three numbers per output, since papers compare numbers that were computed differently:

- `bleu_tok`: BLEU-4 on tokens after joining BPE, as printed by `fairseq-generate --remove-bpe`; the release
  uses it for the AR manner of IWSLT14.
- `bleu_split`: the same after splitting hyphenated compounds on both sides; the release uses it for the NAR manner
  and for WMT.
- `bleu_sacre`: sacreBLEU on text detokenised by Moses against raw references, the number to compare across papers;
  Chinese, Japanese and Korean are counted in sacreBLEU's tokens of these languages.
"""

import re
from collections.abc import Sequence

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric

from janus.errors import InputError
from janus.metrics.repetition import repetition_scores
from janus.metrics.scores import Scores
from janus.text.tokenise import detokenise

# Bytes, not characters: the release's script is a Perl one-liner without Unicode, where \S is one byte.
_COMPOUND = re.compile(rb"(\S)-(\S)")
_UNKNOWN = "<unk>"
# sacreBLEU's tokenisers of languages whose words its usual one leaves together.
_TOKENISERS = {
    **dict.fromkeys(("zh", "zho", "cmn", "yue"), "zh"),
    **dict.fromkeys(("ja", "jpn"), "ja-mecab"),
    **dict.fromkeys(("ko", "kor"), "ko-mecab"),
}


def score_translation(
    hypotheses: Sequence[str],
    references: Sequence[str],
    raw_references: Sequence[str],
    *,
    language: str,
    lowercase: bool,
    subwords: Sequence[str] | None = None,
    plain: Sequence[str] | None = None,
) -> Scores:
    """All scores of one decoded test set, each with the signature that says how it was computed.

    `hypotheses` and `references` are tokenised and free of BPE; `raw_references` are untokenised; line i of each is
    sentence i. `language` is the target's code, for the detokeniser and sacreBLEU's tokeniser. `lowercase` ignores case
    in sacreBLEU and chrF++, as a corpus that was lower-cased must. `subwords`, the hypotheses before BPE was joined,
    adds the repetition counted on subwords. `plain` are the hypotheses untokenised, by default as Moses detokenises
    them.

    Returns {name: {"value", "signature"}} with the names bleu_tok, bleu_split, bleu_sacre, chrfpp (0 to 100), and
    the repetition measures of `janus.metrics.repetition`. Raises InputError where the counts of lines differ.
    """
    _check_aligned(hypotheses, references=references, raw_references=raw_references)
    note = "" if plain is not None else f"detok:moses-{language}"
    plain = [detokenise(line, language) for line in hypotheses] if plain is None else plain
    return {
        "bleu_tok": tokenised_bleu(hypotheses, references),
        "bleu_split": compound_split_bleu(hypotheses, references),
        "bleu_sacre": _score(sacre_bleu(lowercase, language), plain, raw_references, note=note),
        "chrfpp": _score(CHRF(word_order=2, lowercase=lowercase), plain, raw_references, note=note),
        **repetition_scores(hypotheses, subwords),
    }


def tokenised_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float | str]:
    """Corpus BLEU-4 on the given tokens without smoothing, as `fairseq-generate` and `fairseq-score` compute it."""
    return _score(token_bleu(), hypotheses, hide_unknown(references))


def compound_split_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, float | str]:
    """`tokenised_bleu` after both sides' compounds are split, as the release scores the NAR manner and WMT."""
    sides = [[split_compounds(line) for line in side] for side in (hypotheses, hide_unknown(references))]
    return _score(token_bleu(), *sides, note="split:compound")


def token_bleu() -> BLEU:
    """The metric behind `bleu_tok`: white space is the tokenisation and no count is smoothed."""
    return BLEU(tokenize="none", force=True, smooth_method="none")


def sacre_bleu(lowercase: bool, language: str = "en") -> BLEU:
    """The metric behind `bleu_sacre`: sacreBLEU with its defaults (13a, exponential smoothing).

    Chinese is counted in the tokens of sacreBLEU's `zh`, Japanese and Korean in those of MeCab or, where its packages
    are not installed, in characters; the signature says which.
    """
    tokeniser = _TOKENISERS.get(language, "13a")
    try:
        return BLEU(lowercase=lowercase, tokenize=tokeniser)
    except RuntimeError:  # sacreBLEU's, which wants pip install sacrebleu[ja] or [ko]
        return BLEU(lowercase=lowercase, tokenize="char")


def split_compounds(line: str) -> str:
    """Put `##AT##-##AT##` between the halves of each hyphenated compound.

    >>> split_compounds("a well-known fact")
    'a well ##AT##-##AT## known fact'
    """
    return _COMPOUND.sub(rb"\1 ##AT##-##AT## \2", line.encode()).decode()


def hide_unknown(references: Sequence[str]) -> list[str]:
    """References whose unknown words match no output, as in fairseq, which prints them as `<<unk>>`."""
    return [line.replace(_UNKNOWN, f"<{_UNKNOWN}>") for line in references]


def _score(
    metric: Metric, hypotheses: Sequence[str], references: Sequence[str], note: str = ""
) -> dict[str, float | str]:
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    signature = str(metric.get_signature())
    return {"value": value, "signature": f"{signature}|{note}" if note else signature}


def _check_aligned(hypotheses: Sequence[str], **others: Sequence[str]) -> None:
    for name, lines in others.items():
        if len(lines) != len(hypotheses):
            raise InputError(
                f"{len(lines)} lines for {len(hypotheses)} hypotheses",
                where=name.replace("_", " "),
                fix="decode the test set again, or give the references of this test set",
            )
    if not hypotheses:
        raise InputError("no sentences to score", where="hypotheses", fix="decode the test set again")
