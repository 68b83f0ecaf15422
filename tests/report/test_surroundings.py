"""Figures and the user's own matplotlib: the same bytes whatever is set up around, names as they were written."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from janus.report import figures
from janus.report.figures import figure6

# What a user's session may have done before: another backend, LaTeX, a style, another font that answers to the name.
DRAW = """
import sys
from pathlib import Path
if sys.argv[2] == "dirty":
    import os
    backend = os.environ.pop("MPLBACKEND")
    import matplotlib
    from matplotlib import font_manager
    matplotlib.rcParams.update({"text.usetex": True, "lines.linewidth": 9, "axes.facecolor": "red"})
    other = [font for font in font_manager.fontManager.ttflist if font.fname.endswith("STIXGeneral.ttf")][0]
    other = type(other)(fname=other.fname, name="DejaVu Sans", weight=400, stretch="normal")
    font_manager.fontManager.ttflist[:] = [other]
    os.environ["MPLBACKEND"] = backend
from janus.report.figures import FIGURE4_COLUMNS, FIGURE5_COLUMNS, FIGURE6_COLUMNS, figure4, figure5, figure6
from janus.report.visibility import figure2
folder = Path(sys.argv[1])
rows = [dict(system="a", label="A $x$", manner="nar", passes=p, bleu=p, speed=9 / p, speed_low=8 / p, speed_high=10 / p,
             batch_size=1, device="d", updates=p, seed=1, epoch=p, stream="ar", loss=1 / p) for p in (1, 2)]
for number, draw, columns in (
    (4, figure4, FIGURE4_COLUMNS), (5, figure5, FIGURE5_COLUMNS), (6, figure6, FIGURE6_COLUMNS)
):
    own = [{name: row[name] for name in columns} for row in rows]
    draw(own, folder / f"figure{number}", tier="demo", generated=False)
figure2(folder / "figure2")
"""
RC = """text.usetex: True
svg.fonttype: none
lines.linewidth: 9
savefig.bbox: tight
font.family: serif
axes.formatter.use_locale: True
mathtext.fontset: cm
path.sketch: 1, 100, 2
pdf.fonttype: 3
"""


def drawn(folder: Path, state: str, **environment: str) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "MATPLOTLIB"))}
    words = [sys.executable, "-c", DRAW, str(folder / "out"), state]
    done = subprocess.run(words, cwd=folder, env=clean | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    files = drawn(tmp_path_factory.mktemp("clean") / "x", "clean")
    assert len(files) == 3 * 5 + 3
    return files


@pytest.mark.slow
def test_a_matplotlibrc_and_a_backend_of_a_notebook_change_nothing(expected: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "own").write_text(RC, encoding="utf-8")
    backend = "module://matplotlib_inline.backend_inline"
    own = {"MATPLOTLIBRC": str(tmp_path / "own"), "MPLBACKEND": backend, "LANG": "de_DE.UTF-8"}
    assert drawn(tmp_path / "x", "clean", **own) == expected


@pytest.mark.slow
def test_a_broken_matplotlibrc_beside_the_run_and_no_home_change_nothing(
    expected: dict[str, bytes], tmp_path: Path
) -> None:
    config = tmp_path / "config" / "matplotlib"
    config.mkdir(parents=True)
    (config / "matplotlibrc").write_bytes(b"font.family: \xe9\xff\n")
    # A file in the place of a folder, which root cannot write into either.
    (tmp_path / "home").touch()
    own = {"XDG_CONFIG_HOME": str(config.parent), "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": "/dev/null"}
    assert drawn(tmp_path / "x", "clean", **own) == expected


@pytest.mark.slow
def test_what_a_session_set_before_changes_nothing(expected: dict[str, bytes], tmp_path: Path) -> None:
    assert drawn(tmp_path / "x", "dirty", MPLBACKEND="none such") == expected


@pytest.mark.slow
@pytest.mark.parametrize("label", [r"a $\frac$ b", "cost $5 vs $6", "_x_^y", r"50 % \& {#}", "x & y | z <b>"])
def test_a_label_is_shown_as_written(label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Figure] = []
    save = figures.save
    monkeypatch.setattr(figures, "save", lambda figure, stem: (kept.append(figure), save(figure, stem)))
    row: dict[str, Any] = {"system": "a", "label": label, "epoch": 1.0, "stream": "ar", "loss": 1.0, "seed": 1}
    figure6([row], tmp_path / "figure", tier="$t$", generated=False)
    [figure] = kept
    texts = [axis.title for axis in figure.axes] + [figure._suptitle]
    assert [text.get_text() for text in texts][0] == label
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
