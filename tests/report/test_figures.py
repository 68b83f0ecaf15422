"""Figures: every format, the same bytes twice, what is drawn, what is refused."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from janus.errors import InputError
from janus.report import figures
from janus.report.figures import FIGURE4_COLUMNS, FIGURE5_COLUMNS, FIGURE6_COLUMNS, figure4, figure5, figure6, load_rows

Rows = list[dict[str, Any]]
SYSTEMS = {
    "transformer": ("Transformer", ["ar"]), "cmlm": ("CMLM", ["nar"]), "ar-nar": ("AR+NAR", ["ar", "nar"]),
    "janus-paper": ("JANUS (paper)", ["ar", "nar"]), "janus-release": ("JANUS (release)", ["ar", "nar"]),
}  # fmt: skip


def iteration_rows() -> Rows:
    return [
        {
            "system": system, "label": label, "manner": manner, "passes": passes,
            "bleu": 30 + index - 5 / (passes or 12), "speed": size * 50 / (passes or 12),
            "speed_low": size * 45 / (passes or 12), "speed_high": size * 60 / (passes or 12),
            "batch_size": size, "device": "a CPU (2 cores)",
        }
        for index, (system, (label, manners)) in enumerate(SYSTEMS.items())
        for manner in manners
        for passes in ([None] if manner == "ar" else range(1, 12))
        for size in (1, 32)
    ]  # fmt: skip


def bleu_rows() -> Rows:
    return [
        {
            "system": system,
            "label": label,
            "manner": manner,
            "updates": updates,
            "bleu": 30 - 9000 / updates + seed,
            "seed": seed,
        }
        for system, (label, manners) in SYSTEMS.items()
        for manner in manners
        for updates in range(500, 5001, 500)
        for seed in (1, 2, 3)
    ]


def loss_rows() -> Rows:
    return [
        {
            "system": system,
            "label": SYSTEMS[system][0],
            "epoch": epoch,
            "stream": stream,
            "loss": 4 + offset + 3 / epoch,
            "seed": 1,
        }
        for system in ("janus-paper", "janus-release")
        for offset, stream in enumerate(("ar", "nar", "aux"))
        for epoch in range(1, 20)
    ]


CASES = [
    pytest.param(figure4, iteration_rows(), FIGURE4_COLUMNS, id="figure4"),
    pytest.param(figure5, bleu_rows(), FIGURE5_COLUMNS, id="figure5"),
    pytest.param(figure6, loss_rows(), FIGURE6_COLUMNS, id="figure6"),
]
Draw = Callable[..., None]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved, instead of their files."""
    kept: list[Figure] = []
    monkeypatch.setattr(figures, "save", lambda figure, stem: kept.append(figure))
    return kept


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "rows", "columns"), CASES)
def test_every_format_is_written_and_two_runs_are_equal(
    draw: Draw, rows: Rows, columns: tuple[str, ...], tmp_path: Path
) -> None:
    digests = []
    for name in ("one", "two"):
        draw(rows, tmp_path / name / "figure", tier="demo", generated=True)
        files = sorted((tmp_path / name).iterdir())
        assert [path.suffix for path in files] == [".csv", ".md", ".pdf", ".png", ".svg"]
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    assert digests[0] == digests[1]
    assert b"no evidence about the paper" in (tmp_path / "one" / "figure.md").read_bytes()


@pytest.mark.parametrize(("draw", "rows", "columns"), CASES)
def test_the_data_survive_the_file(
    draw: Draw, rows: Rows, columns: tuple[str, ...], tmp_path: Path, drawn: list[Figure]
) -> None:
    draw(rows, tmp_path / "figure", tier="multi30k", generated=False)
    loaded = load_rows(tmp_path / "figure.csv", columns)
    for before, after in zip(rows, loaded, strict=True):
        for name in columns:
            assert after[name] == ("" if before[name] is None else before[name]) or str(after[name]) == str(
                before[name]
            )
    draw(loaded, tmp_path / "again", tier="multi30k", generated=False)
    assert len(drawn) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "rows", "columns"), CASES)
def test_nothing_overlaps_and_every_series_is_named(
    draw: Draw, rows: Rows, columns: tuple[str, ...], tmp_path: Path, drawn: list[Figure]
) -> None:
    draw(rows, tmp_path / "figure", tier="demo", generated=True)
    (figure,) = drawn
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert all(not box.overlaps(axis.get_tightbbox()) for axis in figure.axes)
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
    names = [text.get_text() for text in legend.get_texts()]
    assert len(names) == len(set(names))
    colours = {to_hex(line.get_color()) for axis in figure.axes for line in axis.get_lines()}
    assert colours <= {to_hex(handle.get_color()) for handle in legend.legend_handles}


def test_figure4_has_a_panel_a_batch_size_and_level_lines_for_ar(tmp_path: Path, drawn: list[Figure]) -> None:
    figure4(iteration_rows(), tmp_path / "figure", tier="demo", generated=True)
    titles = [axis.get_title() for axis in drawn[0].axes if axis.get_title()]
    assert titles == ["batch size 1", "batch size 32"]
    left, right = drawn[0].axes[0], drawn[0].axes[2]
    level = [line for line in left.get_lines() if len(set(line.get_ydata())) == 1]
    assert len(level) == 4 and len(left.get_lines()) == 8
    assert {line.get_linestyle() for line in left.get_lines()} == {"-"}
    assert {line.get_linestyle() for line in right.get_lines()} == {":"}
    assert right.get_yscale() == "log"


def test_seeds_become_mean_and_band(tmp_path: Path, drawn: list[Figure]) -> None:
    figure5(bleu_rows(), tmp_path / "figure", tier="demo", generated=True)
    ar = drawn[0].axes[0]
    assert math.isclose(ar.get_lines()[0].get_ydata()[-1], 30 - 9000 / 5000 + 2)
    assert len(ar.collections) == len(ar.get_lines()) == 4


@pytest.mark.parametrize(("draw", "rows", "columns"), CASES)
def test_data_that_cannot_be_drawn_is_refused(draw: Draw, rows: Rows, columns: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data to draw"):
        draw([], tmp_path / "figure", tier="demo", generated=True)
    with pytest.raises(InputError, match=f"no {columns[-1]}"):
        draw([{name: rows[0][name] for name in columns[:-1]}], tmp_path / "figure", tier="demo", generated=True)
    assert not list(tmp_path.iterdir())
