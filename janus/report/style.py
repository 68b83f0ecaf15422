"""How every figure looks, and how it is written: the same input gives the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from janus.files import atomic_path

# Okabe and Ito's palette, which readers with any colour vision tell apart; its yellow is too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.labelsize": 10,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.hashsalt": "janus",
}
# Dates and versions would make two runs differ.
_METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style within the block."""
    with matplotlib.rc_context(_RC):
        yield


def panels(count: int, *, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels side by side, drawn without a display."""
    figure = Figure(figsize=(max(6.2, 4.6 * count), 4.4), layout="constrained")
    axes = figure.subplots(1, count, sharey=share_y, squeeze=False)
    return figure, list(axes[0])


def looks(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """A colour and a marker for each distinct name, in order of appearance."""
    return {
        name: {"color": PALETTE[index % len(PALETTE)], "marker": MARKERS[index % len(MARKERS)]}
        for index, name in enumerate(dict.fromkeys(names))
    }


def save(figure: Figure, stem: Path) -> None:
    """Write `<stem>.svg`, `<stem>.pdf` and `<stem>.png`, each complete or not at all."""
    for kind, metadata in _METADATA.items():
        with atomic_path(stem.with_name(f"{stem.name}.{kind}")) as partial:
            figure.savefig(partial, format=kind, metadata=metadata)
