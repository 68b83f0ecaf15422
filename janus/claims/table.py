"""The table of the claims: published and measured effect, interval, seeds, verdict; one line a claim and corpus."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from janus.claims.effects import Effect
from janus.claims.evaluate import Outcome
from janus.claims.statements import Statement, published_effects
from janus.report.layout import Group, Table, caption
from janus.report.names import METRICS
from janus.report.published import Published

MEAN = "mean of corpora"
_LABELS = ("Claim", "Verdict", "Left", "Right", "Corpus")
_HEADS = ("Metric", "Claimed", "Published", "Effect", "95 % interval", "Seeds", "Note")
_RECORD_COLUMNS = (
    "claim", "section", "left", "right", "corpus", "metric", "direction", "bound", "published", "effect", "low", "high",
    "seeds", "corpora", "seed_error", "sentence_error", "verdict", "reason", "note",
)  # fmt: skip
_READING = (
    "Effect: left minus right in the metric's own points, the mean over seeds and, in the first line of a claim, over "
    "corpora; of latency, how many times faster left is than right. Published: the same from the paper's tables; over "
    "all of its columns beside a mean and beside text that is none of the paper's.",
    "Interval: seeds, paired, and test sentences, paired and the same for every seed, as docs/claims.md says. With one "
    "seed it covers the sentences alone, and nothing is decided. Supported: the interval lies wholly beyond the bound "
    "on the claimed side; contradicted: wholly on the other. Claims are judged one by one: of twenty without an effect "
    "one is expected to be judged wrongly.",
)


def build_claims_table(
    outcomes: Sequence[Outcome], published: Published, *, tier: str, generated: bool, resamples: int
) -> Table:
    """All claims of the paper, also those that a tier does not test, as a table with the statements in its notes."""
    lines = [line for outcome in outcomes for line in _lines(outcome, published)]
    return Table(
        name="claims",
        caption=caption("The claims of the paper", tier, generated=generated and any(one.effects for one in outcomes)),
        notes=(*_READING, f"Resamples of the sentences: {resamples}.", *_legends(outcomes)),
        labels=_LABELS,
        groups=tuple(Group(head, ("",)) for head in _HEADS),
        lines=tuple(_text_of(line) for line in lines),
        record_columns=_RECORD_COLUMNS,
        records=tuple(_record_of(line) for line in lines),
    )


def _lines(outcome: Outcome, published: Published) -> Iterator[dict[str, Any]]:
    """The line of the verdict, and one a corpus below it where there are several."""
    statement = outcome.statement
    known = published_effects(statement, published)
    common = {"outcome": outcome, "statement": statement}
    corpora = [one.corpus for one in outcome.effects]
    yield common | {
        "corpus": corpora[0] if len(corpora) == 1 else MEAN if corpora else "",
        "corpora": len(corpora),
        "published": published_mean(outcome, known),
        "effect": outcome.pooled,
        "verdict": outcome.verdict,
    }
    if len(corpora) > 1:
        for one in outcome.effects:
            # The only text of a table of one corpus is named nowhere in its columns.
            value = known.get(one.published) if one.published else None
            yield common | {
                "corpus": one.corpus,
                "corpora": 1,
                "published": value,
                "effect": one.effect,
                "verdict": None,
            }


def published_mean(outcome: Outcome, known: Mapping[str, Decimal]) -> Decimal | None:
    """The published effect beside an outcome: of its corpus, where that is the only one and a text of the paper's, or
    else the mean of what the paper prints, `known` of `published_effects`; None where it prints none."""
    texts = [one.published for one in outcome.effects]
    if len(texts) == 1 and texts[0] in known:
        return known[texts[0]]
    return sum(known.values(), Decimal()) / len(known) if known else None


def _text_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    outcome, statement, effect, verdict = line["outcome"], line["statement"], line["effect"], line["verdict"]
    return (
        statement.id,
        "" if verdict is None else str(verdict),
        outcome.left or str(statement.left),
        outcome.right or str(statement.right),
        line["corpus"],
        metric_text(statement),
        claimed_text(statement),
        "–" if line["published"] is None else effect_text(float(line["published"]), statement),
        "–" if effect is None else effect_text(effect.point, statement),
        interval_text(effect, statement),
        "" if effect is None else str(effect.seeds),
        "" if verdict is None else "; ".join(outcome.notes),
    )


def _record_of(line: Mapping[str, Any]) -> dict[str, object]:
    outcome, statement, effect, verdict = line["outcome"], line["statement"], line["effect"], line["verdict"]

    def of_effect(name: str) -> float | None:
        value = None if effect is None else getattr(effect, name)
        return None if value is None else round(value, 4)

    return {
        "claim": statement.id,
        "section": statement.section,
        "left": outcome.left or str(statement.left),
        "right": outcome.right or str(statement.right),
        "corpus": line["corpus"],
        "metric": statement.metric,
        "direction": statement.direction,
        "bound": statement.bound if statement.tested else None,
        "published": None if line["published"] is None else round(float(line["published"]), 4),
        "effect": of_effect("point"),
        "low": of_effect("low"),
        "high": of_effect("high"),
        "seeds": None if effect is None else effect.seeds,
        "corpora": line["corpora"],
        "seed_error": of_effect("seed_error"),
        "sentence_error": of_effect("sentence_error"),
        "verdict": verdict.word if verdict else None,
        "reason": verdict.reason if verdict else None,
        "note": "; ".join(outcome.notes) if verdict else None,
    }


def metric_text(statement: Statement) -> str:
    """The name of a statement's metric."""
    return METRICS.get(statement.metric, statement.metric) if not statement.is_ratio else "speed, batch 1"


def claimed_text(statement: Statement) -> str:
    """What a statement says of its effect, such as `> 0.00`."""
    if not statement.tested:
        return ""
    return f"{'>' if statement.sign > 0 else '<'} {effect_text(statement.bound, statement).removeprefix('+')}"


def effect_text(value: float, statement: Statement) -> str:
    """An effect with its sign, or a ratio."""
    return f"{value:.2f} ×" if statement.is_ratio else f"{value:+.2f}".replace("-", "−")


def interval_text(effect: Effect | None, statement: Statement) -> str:
    """Both ends of an interval; a dash where there is none."""
    if effect is None or effect.low is None or effect.high is None:
        return "–"
    return f"{effect_text(effect.low, statement)} to {effect_text(effect.high, statement)}"


def _legends(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Each sentence of the paper once, with the claims that it was made into."""
    claims: dict[tuple[str, str], dict[str, str]] = {}
    for statement in (one.statement for one in outcomes):
        own = claims.setdefault((statement.section, statement.statement), {})
        own[statement.id] = f"{statement.id} ({statement.note})" if statement.note else statement.id
    for (section, sentence), names in claims.items():
        yield f"Section {section}: “{sentence}”. {'; '.join(names.values())}."
