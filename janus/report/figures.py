"""Figures 4, 5 and 6 of the paper, each with its data as CSV and Markdown."""

# Imported first: it loads matplotlib without the user's settings.
from janus.iterations import iteration_of, passes_of
from janus.report.style import PALETTE, looks, panels, save, style

# isort: split
import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, MultipleLocator, NullFormatter, StrMethodFormatter

from janus.errors import InputError
from janus.files import atomic_writer
from janus.report import csvfile
from janus.report.layout import caption

FIGURE4_COLUMNS = (
    "system", "label", "manner", "passes", "bleu", "speed", "speed_low", "speed_high", "batch_size", "device",
)  # fmt: skip
TRADEOFF_COLUMNS = ("system", "label", "manner", "batch_size", "quality", "metric", "speed", "on_front", "device")
FIGURE5_COLUMNS = ("system", "label", "manner", "updates", "bleu", "seed")
FIGURE6_COLUMNS = ("system", "label", "epoch", "stream", "loss", "seed")

TITLES = {
    4: "Figure 4 of the paper: BLEU (solid, left) and speed (dotted, right) after each number of decoder passes",
    5: "Figure 5 of the paper: validation BLEU along the training (the paper plots test BLEU)",
    6: "Figure 6 of the paper: training loss of each stream",
}
_MANNERS = {"ar": "AR", "nar": "NAR"}
_MANNER_LOOKS = {"ar": (PALETTE[0], "o"), "nar": (PALETTE[1], "^")}
_STREAMS = {"ar": "AR", "nar": "NAR", "aux": "AUX"}
_NUMBERS = {"passes", "bleu", "quality", "speed", "speed_low", "speed_high", "batch_size", "updates", "epoch", "loss"}

Rows = Sequence[Mapping[str, Any]]


def figure4(rows: Rows, stem: Path, *, tier: str, generated: bool) -> None:
    """BLEU against decoder passes with sentences per second on the right axis, one panel per batch size.

    Rows have FIGURE4_COLUMNS; `speed` is a median in sentences per second, `speed_low` and `speed_high` its range. AR
    systems, which have no passes, are horizontal lines. Writes `<stem>` as svg, pdf, png, csv and md, as do the others.
    """
    _check(rows, FIGURE4_COLUMNS)
    sizes = sorted({row["batch_size"] for row in rows})
    with style():
        figure, axes = panels(len(sizes))
        look = looks([row["label"] for row in rows])
        for axis, size in zip(axes, sizes, strict=True):
            _iteration_panel(axis, [row for row in rows if row["batch_size"] == size], look)
            axis.set_title(f"batch size {size:g}")
        axes[0].set_ylabel("BLEU")
        _legend(figure, [*_iteration_handles(rows, look), *_axis_handles()])
        _write(figure, rows, FIGURE4_COLUMNS, stem, _devices(4, rows, tier, generated))


def figure5(rows: Rows, stem: Path, *, tier: str, generated: bool) -> None:
    """Validation BLEU against updates, one panel per manner; for several seeds the mean and the range."""
    _check(rows, FIGURE5_COLUMNS)
    manners = [manner for manner in _MANNERS if any(row["manner"] == manner for row in rows)]
    with style():
        figure, axes = panels(len(manners), share_y=False)
        look = looks([row["label"] for row in rows])
        for axis, manner in zip(axes, manners, strict=True):
            own = [row for row in rows if row["manner"] == manner]
            _curves(axis, own, x="updates", y="bleu", series="label", look=look)
            axis.set(title=_MANNERS[manner], xlabel="updates")
        axes[0].set_ylabel("validation BLEU")
        _legend(figure, [_handle(label, **style) for label, style in look.items()])
        _write(figure, rows, FIGURE5_COLUMNS, stem, caption(TITLES[5], tier, generated=generated))


def figure6(rows: Rows, stem: Path, *, tier: str, generated: bool) -> None:
    """Training loss of the AR, NAR and AUX streams against epochs, one panel per system."""
    _check(rows, FIGURE6_COLUMNS)
    labels = list(dict.fromkeys(row["label"] for row in rows))
    with style():
        figure, axes = panels(len(labels))
        look = {name: one for name, one in looks(list(_STREAMS)).items() if any(row["stream"] == name for row in rows)}
        for axis, label in zip(axes, labels, strict=True):
            own = [row for row in rows if row["label"] == label]
            _curves(axis, own, x="epoch", y="loss", series="stream", look=look)
            axis.set(title=label, xlabel="epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[0].set_ylabel("training loss")
        _legend(figure, [_handle(_STREAMS[name], **one) for name, one in look.items()])
        _write(figure, rows, FIGURE6_COLUMNS, stem, caption(TITLES[6], tier, generated=generated))


def tradeoff(rows: Rows, stem: Path, *, title: str, tier: str, generated: bool) -> None:
    """Quality against speed, one panel per batch size, with the Pareto front as a line.

    Rows have TRADEOFF_COLUMNS; `speed` is in sentences per second. Points are numbered as in the legend, best first.
    """
    _check(rows, TRADEOFF_COLUMNS)
    sizes = sorted({row["batch_size"] for row in rows})
    alone = sorted((row for row in rows if row["batch_size"] == sizes[0]), key=lambda row: -row["quality"])
    numbers = {row["label"]: number for number, row in enumerate(alone, 1)}
    with style():
        figure, axes = panels(len(sizes))
        for axis, size in zip(axes, sizes, strict=True):
            _tradeoff_panel(axis, [row for row in rows if row["batch_size"] == size], numbers)
            axis.set_title(f"batch size {size:g}")
        axes[0].set_ylabel(rows[0]["metric"])
        handles = [_handle(f"{number}  {label}", linestyle="") for label, number in numbers.items()]
        # The legend is one column.
        figure.set_figheight(max(figure.get_figheight(), 0.18 * len(handles) + 0.7))
        figure.legend(handles=handles, loc="outside right center", handlelength=0, fontsize=8)
        devices = ", ".join(dict.fromkeys(row["device"] for row in rows))
        text = f"{caption(title, tier, generated=generated)} Device: {devices}."
        _write(figure, rows, TRADEOFF_COLUMNS, stem, text)


def load_rows(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The tidy CSV of a figure with its numbers read.

    Raises InputError for a broken file or a field that is not a number.
    """
    return [
        {name: csvfile.number(row, name, path) if name in _NUMBERS and row[name] else row[name] for name in columns}
        for row in csvfile.read_rows(path, columns)
    ]


def _check(rows: Rows, columns: Sequence[str]) -> None:
    if not rows:
        raise InputError("no data to draw", where="figure", fix="name a system whose training logs what it shows")
    for row in rows:
        if missing := set(columns) - set(row):
            raise InputError(
                f"no {', '.join(sorted(missing))}", where=f"figure data {dict(row)}", fix="add the columns"
            )


def _iteration_panel(axis: Axes, rows: Rows, look: Mapping[str, Mapping[str, str]]) -> None:
    right = axis.twinx()
    right.grid(False)
    right.spines["top"].set_visible(False)
    for (label, manner), own in _grouped(rows, "label", "manner").items():
        draw = _level_lines if manner == "ar" else _pass_lines
        draw(axis, right, sorted(own, key=lambda row: row["passes"] or 0), look[label])
    passes = [row["passes"] for row in rows if row["manner"] == "nar"]
    axis.set_xlabel("decoder passes")
    axis.xaxis.set_major_locator(MultipleLocator(1))
    if passes:
        axis.set_xlim(min(passes) - 0.4, max(passes) + 0.4)
    _speed_axis(right)
    top = axis.secondary_xaxis("top", functions=(iteration_of, passes_of))
    top.set_xlabel("Iter of the paper", fontsize=8)
    top.tick_params(labelsize=8)
    top.xaxis.set_major_locator(MultipleLocator(1))


def _tradeoff_panel(axis: Axes, rows: Rows, numbers: Mapping[str, int]) -> None:
    front = sorted((row for row in rows if row["on_front"]), key=lambda row: row["speed"])
    axis.plot([row["speed"] for row in front], [row["quality"] for row in front], color="#999999", linewidth=1.1)
    for row in rows:
        colour, marker = _MANNER_LOOKS[row["manner"]]
        face = colour if row["on_front"] else "white"
        axis.plot(row["speed"], row["quality"], color=colour, marker=marker, markerfacecolor=face, linestyle="")
        place = {"xytext": (4, 3), "textcoords": "offset points", "fontsize": 7.5}
        axis.annotate(str(numbers[row["label"]]), (row["speed"], row["quality"]), **place)
    axis.set_xscale("log")
    axis.set_xlabel("sentences / second")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _speed_axis(right: Axes) -> None:
    right.set_yscale("log")
    right.set_ylabel("sentences / second")
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    right.yaxis.set_minor_formatter(NullFormatter())


def _pass_lines(axis: Axes, right: Axes, rows: Rows, look: Mapping[str, str]) -> None:
    passes = [row["passes"] for row in rows]
    axis.plot(passes, [row["bleu"] for row in rows], **look)
    right.plot(passes, [row["speed"] for row in rows], color=look["color"], linestyle=":", linewidth=1.3)
    low, high = ([row[name] for row in rows] for name in ("speed_low", "speed_high"))
    right.fill_between(passes, low, high, color=look["color"], alpha=0.1, linewidth=0)


def _level_lines(axis: Axes, right: Axes, rows: Rows, look: Mapping[str, str]) -> None:
    for row in rows:
        axis.axhline(row["bleu"], color=look["color"], linewidth=1.1)
        right.axhline(row["speed"], color=look["color"], linestyle=":", linewidth=1.1)


def _curves(axis: Axes, rows: Rows, *, x: str, y: str, series: str, look: Mapping[str, Mapping[str, str]]) -> None:
    for (name,), own in _grouped(rows, series).items():
        points = _grouped(own, x)
        places = sorted(place for (place,) in points)
        values = [[row[y] for row in points[place,]] for place in places]
        every = max(1, len(places) // 8)
        axis.plot(places, [statistics.fmean(one) for one in values], markevery=every, **look[name])
        if max(map(len, values)) > 1:
            low, high = ([bound(one) for one in values] for bound in (min, max))
            axis.fill_between(places, low, high, color=look[name]["color"], alpha=0.15, linewidth=0)


def _grouped(rows: Rows, *keys: str) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def _iteration_handles(rows: Rows, look: Mapping[str, Mapping[str, str]]) -> list[Line2D]:
    handles = []
    for label, manner in _grouped(rows, "label", "manner"):
        ours = dict(look[label]) | ({"marker": "", "linewidth": 1.1} if manner == "ar" else {})
        handles.append(_handle(f"{label}, {_MANNERS[manner]}", **ours))
    return handles


def _axis_handles() -> list[Line2D]:
    return [_handle("BLEU", color="#555555"), _handle("speed", color="#555555", linestyle=":")]


def _handle(label: str, **look: Any) -> Line2D:
    return Line2D([], [], label=label, **look)


def _legend(figure: Figure, handles: Sequence[Line2D]) -> None:
    figure.legend(
        handles=handles, loc="outside lower center", ncols=math.ceil(len(handles) / math.ceil(len(handles) / 5))
    )


def _devices(number: int, rows: Rows, tier: str, generated: bool) -> str:
    devices = ", ".join(dict.fromkeys(row["device"] for row in rows))
    return f"{caption(TITLES[number], tier, generated=generated)} Device: {devices}."


def _write(figure: Figure, rows: Rows, columns: Sequence[str], stem: Path, text: str) -> None:
    width = int(figure.get_figwidth() * 17.5)
    figure.suptitle("\n".join(textwrap.wrap(text, width)), fontsize=7.5, color="#444444", x=0.01, ha="left")
    save(figure, stem)
    head = f"**{csvfile.markdown_text(text)}**"
    body = {".csv": csvfile.to_csv(columns, rows), ".md": f"{head}\n\n{csvfile.to_markdown(columns, rows)}"}
    for suffix, content in body.items():
        with atomic_writer(stem.with_name(stem.name + suffix)) as stream:
            stream.write(content)
