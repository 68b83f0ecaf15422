"""Figure 2, right side: the decoder's attention matrix, drawn from the training code."""

# Imported first: it loads matplotlib without the user's settings.
from janus.report.style import PALETTE, save, style

# isort: split
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from janus.model.streams import AR_CONTENT, AR_QUERY, AUX_QUERY, GOLD, MASKED, OBSERVED, pack_streams, visible

KINDS = {
    AR_CONTENT: "AR content",
    AR_QUERY: "AR query",
    OBSERVED: "observed",
    MASKED: "masked",
    GOLD: "gold",
    AUX_QUERY: "AUX query",
}
READ_AS = {AR_QUERY: "AR", MASKED: "NAR", AUX_QUERY: "AUX"}
_PAD, _MASK = -1, -2


@dataclass(frozen=True)
class Matrix:
    """sees: [P, C] boolean, the content positions that each decoder position sees; kinds and labels of both sides."""

    sees: Tensor
    row_kinds: list[int]
    row_labels: list[str]
    column_kinds: list[int]
    column_labels: list[str]


def attention_matrix(length: int = 6, masked: tuple[int, ...] = (2, 3, 5)) -> Matrix:
    """The matrix of one sentence b y_1 … y_length e; the default is the example of the paper's section 3.1."""
    target = torch.arange(length + 2)[None]
    hidden = torch.zeros_like(target, dtype=torch.bool)
    hidden[0, list(masked)] = True
    streams = pack_streams(target, hidden, pad=_PAD, mask=_MASK)
    kinds, places = streams.kind, streams.place
    content = slice(streams.content)
    sees = visible(kinds[:, None], places[:, None], kinds[None, content], places[None, content])
    order = sorted(range(len(kinds)), key=lambda row: (int(kinds[row]), int(places[row])))
    columns = [row for row in order if row < streams.content]
    words = ["b", *(f"y{_lowered(i)}" for i in range(1, length + 1)), "e"]

    def label(row: int) -> str:
        kind, place = int(kinds[row]), int(places[row])
        if kind not in READ_AS:
            return words[place]
        predicted = place + 1 if kind == AR_QUERY else place
        return f"m → {words[predicted]}"

    return Matrix(
        sees[order][:, columns],
        [int(kinds[row]) for row in order],
        [label(row) for row in order],
        [int(kinds[row]) for row in columns],
        [words[int(places[row])] if kinds[row] != MASKED else f"m{_lowered(places[row])}" for row in columns],
    )


def _lowered(index: int | Tensor) -> str:
    """An index in subscript characters, which the font contains without mathematics."""
    return str(int(index)).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def figure2(stem: Path) -> None:
    """Draw the matrix to `<stem>.svg`, `.pdf` and `.png`: a filled cell is visible, in the colour of its kind."""
    matrix = attention_matrix()
    kinds = sorted(set(matrix.column_kinds))
    colours = {kind: PALETTE[index] for index, kind in enumerate(kinds)}
    shown = torch.where(matrix.sees, torch.tensor([1 + kinds.index(kind) for kind in matrix.column_kinds]), 0)
    with style():
        figure = Figure(figsize=(6.4, 7.6), layout="constrained")
        axes = figure.subplots()
        palette = ListedColormap(["#F4F4F4", *(colours[kind] for kind in kinds)])
        axes.pcolormesh(shown.numpy(), cmap=palette, vmin=0, vmax=len(kinds), edgecolors="white", linewidth=1.2)
        axes.set_xticks([i + 0.5 for i in range(len(matrix.column_labels))], matrix.column_labels)
        axes.set_yticks([i + 0.5 for i in range(len(matrix.row_labels))], matrix.row_labels)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.invert_yaxis()
        axes.xaxis.tick_top()
        for side in axes.spines.values():
            side.set_visible(False)
        _separate(axes, matrix.row_kinds, axes.axhline)
        _separate(axes, matrix.column_kinds, axes.axvline)
        for kind, middle in _middles(matrix.row_kinds):
            read = f"\nread as {READ_AS[kind]}" if kind in READ_AS else ""
            axes.text(len(matrix.column_labels) + 0.3, middle, KINDS[kind] + read, va="center")
        handles = [Patch(color=colours[kind], label=f"sees {KINDS[kind]}") for kind in kinds]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(kinds))
        save(figure, stem)


def _separate(axes, kinds: list[int], line) -> None:
    for index in range(1, len(kinds)):
        if kinds[index] != kinds[index - 1]:
            line(index, color="#555555", linewidth=0.8)


def _middles(kinds: list[int]) -> list[tuple[int, float]]:
    """Each kind with the middle of its rows."""
    return [
        (kind, sum(i + 0.5 for i, k in enumerate(kinds) if k == kind) / kinds.count(kind))
        for kind in dict.fromkeys(kinds)
    ]
