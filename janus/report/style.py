"""The style and the output of all figures: the same input gives the same bytes.

The user's matplotlib settings have no effect: no matplotlibrc, style sheet, MPLBACKEND, LaTeX or installed font.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from janus.files import atomic_path

_DATA = Path(importlib.util.find_spec("matplotlib").origin).parent / "mpl-data"
# Read when matplotlib is imported: the import fails with a backend that is not installed, as set by notebooks, and with
# a matplotlibrc that is not UTF-8. The file in the current folder comes first; _DATA contains the defaults.
_backend = os.environ.pop("MPLBACKEND", None)
with chdir(_DATA):
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
if _backend is not None:
    os.environ["MPLBACKEND"] = _backend

# Okabe and Ito's palette, which is distinguishable with any colour vision; its yellow is too pale for lines.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

# matplotlib's own copy of DejaVu Sans, under a name that matches no other installed version.
_FAMILY = "DejaVu Sans of matplotlib"
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")

_RC = {
    "font.family": _FAMILY,
    # Texts are names given by users: shown literally, including dollar signs.
    "text.parse_math": False,
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
    """Draw in the house style within the block, based on matplotlib's defaults instead of the user's settings."""
    _know_fonts()
    # The backend is not part of the style: each format has its own canvas, without a display.
    defaults = {name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"}
    with matplotlib.rc_context(defaults | _RC):
        yield


@cache
def _know_fonts() -> None:
    for name in _FONTS:
        font = font_manager.ttfFontProperty(font_manager.get_font(_DATA / "fonts" / "ttf" / name))
        font_manager.fontManager.ttflist.append(replace(font, name=_FAMILY))


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
