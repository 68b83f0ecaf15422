"""The tables of the paper as data: what stands in their rows and columns, and which metrics they show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from janus.report.published import ITERATION, LATENCY, SPEEDUP


@dataclass(frozen=True)
class PaperTable:
    """One table.

    title: what its caption says; {text} is the text of its numbers.
    task: that of its corpora, as in janus.fetching.manifest.
    columns: what they are: corpora, numbers of passes, or metrics of one corpus.
    shown: the metric of all columns, or of each.
    text: the text of all columns, as named in config/corpora.yaml under `published`; None if the heads name texts.
    by_manner: each corpus has a column for AR and one for NAR, so that a row shows both.
    nar_alone: AR has no place in it.
    iterations: NAR rows say after how many iterations, in a cell of their own.
    floors: it also has rows of replies that answer nothing (janus.metrics.trivial_baselines).
    notes: what has to be known about all of its numbers.
    """

    title: str
    task: str
    columns: Literal["corpora", "passes", "metrics"]
    shown: str | Mapping[str, str]
    text: str | None = None
    by_manner: bool = False
    nar_alone: bool = False
    iterations: bool = False
    floors: bool = False
    notes: tuple[str, ...] = ()

    def title_on(self, others: Iterable[str]) -> str:
        """Its title; `others` are the texts that were reproduced on in the place of the paper's."""
        names = ", ".join(dict.fromkeys(others))
        return self.title.format(text=f"{names} (the paper: {self.text})" if names else self.text)

    @property
    def timed(self) -> bool:
        """Whether it has latency and speed-up."""
        return LATENCY in self.shown

    @property
    def one_manner_a_row(self) -> bool:
        """Whether the name of a row has to say in which manner it is decoded."""
        return not self.by_manner and not self.nar_alone

    @property
    def decoded_by_column(self) -> bool:
        """Whether the columns are manners or passes, so that a row alone does not say how it is decoded."""
        return self.by_manner or self.columns == "passes"

    @property
    def tested(self) -> str:
        """The metric that is tested for significance: that of the table, or of its first column."""
        return self.shown if isinstance(self.shown, str) else next(iter(self.shown.values()))


_ROUGE = {"ROUGE-1": "rouge1_155", "ROUGE-2": "rouge2_155", "ROUGE-L": "rougeL_155", "OVERALL": "overall"}
_QUESTIONS = {"ROUGE-L": "rougeL_coco", "BLEU-4": "bleu4_coco", "METEOR": "meteor", "OVERALL": "overall"}
_REPLIES = {
    "BLEU-1": "bleu1_nltk35",
    "BLEU-2": "bleu2_nltk35",
    "Distinct-1": "distinct1",
    "Distinct-2": "distinct2",
    "OVERALL": "overall",
}
_SPEED = {ITERATION: "iterations", LATENCY: "latency", SPEEDUP: "speedup"}

PAPER_TABLES = {
    1: PaperTable("Translation, BLEU", "translation", "corpora", "bleu_tok", iterations=True),
    2: PaperTable("Summarisation on {text}", "summary", "metrics", _ROUGE | _SPEED, text="XSum"),
    # The paper does not name the text; its other analyses of translation use this one.
    3: PaperTable(
        "Token repetition after 1, 4 and 10 iterations, %",
        "translation",
        "passes",
        "repetition",
        text="IWSLT14 De→En",
        nar_alone=True,
    ),
    4: PaperTable("Question generation on {text}", "question", "metrics", _QUESTIONS | _SPEED, text="SQuAD 1.1"),
    5: PaperTable(
        "Dialogue on {text}",
        "reply",
        "metrics",
        _REPLIES | _SPEED,
        text="PersonaChat",
        floors=True,
        notes=(
            "BLEU as GLGE's scorer gives it under NLTK 3.5, to which the published numbers point. What it gives to "
            "replies that answer nothing: workflow/report/personachat.md. BLEU under other NLTKs: the companion table.",
        ),
    ),
    6: PaperTable("Ablation of the losses on translation, BLEU", "translation", "corpora", "bleu_tok", by_manner=True),
    7: PaperTable("{text} after different pre-trainings", "question", "metrics", _QUESTIONS, text="SQuAD 1.1"),
    8: PaperTable("{text} after different pre-trainings", "summary", "metrics", _ROUGE, text="XSum"),
}
