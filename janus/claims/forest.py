"""The forest plot of the claims: effects with their intervals, every corpus and the published effect, on one page."""

# Imported first: it loads matplotlib without the user's settings.
from janus.report.style import looks, save, style

# isort: split
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from janus.claims.effects import Effect
from janus.claims.evaluate import Outcome
from janus.claims.statements import Statement, published_effects
from janus.claims.table import metric_text, published_mean
from janus.errors import InputError
from janus.report.layout import caption
from janus.report.published import Published

# Corpus -> its colour and marker
_Looks = Mapping[str, Mapping[str, str]]

_WIDTH = 11.0
# Inches: of a claim with one corpus, of each further corpus, and of axis and head of a panel.
_LINE, _CORPUS, _PANEL = 0.3, 0.09, 0.75
# If the widest effect is many times larger, the axis is linear only between -_LINEAR and _LINEAR.
_LINEAR, _MANY = 2.0, 8.0
_TICKS = (-50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50)
_MEAN = {"color": "#000000", "marker": "D"}
_PUBLISHED = {"color": "#000000", "marker": "o", "markerfacecolor": "white", "linestyle": "none"}
_BOUND = {"color": "#777777", "marker": "|", "markersize": 11, "linestyle": "none"}


def draw_forest(outcomes: Sequence[Outcome], published: Published, stem: Path, *, tier: str, generated: bool) -> None:
    """Write `<stem>.svg`, `<stem>.pdf` and `<stem>.png`: a panel for each unit of effects, a line for each claim and
    pair of systems.

    Claims that were not tested are named in the caption. Raises InputError where none was tested.
    """
    tested = [one for one in outcomes if one.effects]
    if not tested:
        raise InputError(
            "no claim is tested", where=f"tier {tier}", fix="name rows of the paper's claims in its tables"
        )
    units = {_unit(one.statement): None for one in tested}
    groups = {unit: [one for one in tested if _unit(one.statement) == unit] for unit in units}
    heights = [sum(map(_height, group)) + _PANEL for group in groups.values()]
    look = looks([effect.corpus for one in tested for effect in one.effects])
    with style():
        figure = Figure(figsize=(_WIDTH, sum(heights) + 1.2), layout="constrained")
        axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, (unit, group) in zip(axes, groups.items(), strict=True):
            _panel(axis, group, published, look)
            axis.set_xlabel(unit + (f" (logarithmic beyond ±{_LINEAR:g})" if axis.get_xscale() == "symlog" else ""))
        figure.legend(handles=_handles(look), loc="outside lower center", ncols=4)
        text = _caption(outcomes, tier, generated)
        figure.suptitle("\n".join(textwrap.wrap(text, 190)), fontsize=7.5, color="#444444", x=0.01, ha="left")
        save(figure, stem)


def _panel(
    axis: Axes, outcomes: Sequence[Outcome], published: Published, look: Mapping[str, Mapping[str, str]]
) -> None:
    ratio = outcomes[0].statement.is_ratio
    top, places, extremes = 0.0, [], [0.0]
    for outcome in outcomes:
        height = _height(outcome)
        centre = top - height / 2
        places.append(centre)
        extremes += _line(axis, outcome, published, look, centre)
        axis.text(1.01, centre, outcome.verdict.word, transform=axis.get_yaxis_transform(), va="center", fontsize=8)
        top -= height
    axis.axvline(1 if ratio else 0, color="#999999", linewidth=0.8)
    axis.set_yticks(places, [_name(one) for one in outcomes], fontsize=8)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(top - 0.05, 0.05)
    axis.grid(axis="y", visible=False)
    if max(map(abs, extremes)) > _MANY and not ratio:
        axis.set_xscale("symlog", linthresh=_LINEAR)
        axis.xaxis.set_major_locator(FixedLocator(_TICKS))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _line(axis: Axes, outcome: Outcome, published: Published, look: _Looks, centre: float) -> list[float]:
    """Draw one claim around `centre`: the mean, the corpora below one another, bound and published effect. Returns all
    places that were drawn."""
    axis.plot([outcome.statement.bound], [centre], **_BOUND)
    series = [(effect.effect, look[effect.corpus], 4.0) for effect in outcome.effects]
    if len(series) > 1 and outcome.pooled is not None:
        series.insert(0, (outcome.pooled, _MEAN, 5.0))
    first = centre + _CORPUS * (len(series) - 1) / 2
    drawn = [outcome.statement.bound]
    for index, (effect, how, size) in enumerate(series):
        drawn += _interval(axis, effect, first - index * _CORPUS, how, size)
    value = published_mean(outcome, published_effects(outcome.statement, published))
    if value is not None:
        axis.plot([float(value)], [first], markersize=5, zorder=3, **_PUBLISHED)
        drawn.append(float(value))
    return drawn


def _interval(axis: Axes, effect: Effect, place: float, how: Mapping[str, str], size: float) -> list[float]:
    axis.plot([effect.point], [place], markersize=size, linestyle="none", zorder=2, **how)
    if effect.low is None or effect.high is None:
        return [effect.point]
    axis.plot([effect.low, effect.high], [place, place], color=how["color"], linewidth=1.1, zorder=1)
    return [effect.low, effect.high]


def _height(outcome: Outcome) -> float:
    """The height of a claim in inches: its corpora and their mean are drawn below one another."""
    return _LINE + _CORPUS * (len(outcome.effects) if len(outcome.effects) > 1 else 0)


def _name(outcome: Outcome) -> str:
    return f"{outcome.statement.id}: {outcome.left}\nagainst {outcome.right}"


def _unit(statement: Statement) -> str:
    if statement.is_ratio:
        return "times as fast, batch 1"
    return f"difference in {metric_text(statement)}, points"


def _handles(look: _Looks) -> list[Line2D]:
    corpora = [Line2D([], [], label=name, linewidth=1.1, **how) for name, how in look.items()]
    mean = [Line2D([], [], label="mean of corpora", linewidth=1.1, **_MEAN)] if len(look) > 1 else []
    return [
        *corpora,
        *mean,
        Line2D([], [], label="published", **_PUBLISHED),
        Line2D([], [], label="bound of the claim", **_BOUND),
    ]


def _caption(outcomes: Sequence[Outcome], tier: str, generated: bool) -> str:
    text = caption("The claims of the paper: effects with 95 % intervals", tier, generated=generated)
    missing = [one.statement.id for one in outcomes if not one.effects]
    return text + (f" Not tested: {', '.join(missing)}." if missing else "")
