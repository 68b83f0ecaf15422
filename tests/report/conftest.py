"""Score files of runs that never took place, and the paper's own numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from janus.files import write_json
from janus.report.published import Published, load_published

METRICS = ("bleu_tok", "bleu_split", "bleu_sacre", "chrfpp", "repetition")


@pytest.fixture(scope="session")
def published() -> Published:
    return load_published(Path(__file__).parents[2] / "workflow" / "published")


@pytest.fixture
def score_file(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a score file whose every metric has one value."""

    def write(name: str, value: float, **more: float) -> Path:
        scores = {metric: {"value": value, "signature": f"sig-{metric}"} for metric in METRICS}
        scores |= {metric: {"value": one, "signature": f"sig-{metric}"} for metric, one in more.items()}
        write_json(tmp_path / name, {"scores": scores, "provenance": {}})
        return tmp_path / name

    return write


@pytest.fixture
def significance_file(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the file of a significance test."""

    def write(name: str, delta: float, p_bootstrap: float, p_randomisation: float = 0.0001) -> Path:
        test = {"delta": delta, "p_bootstrap": p_bootstrap, "p_randomisation": p_randomisation}
        write_json(tmp_path / name, test)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def shown_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a tier with everything that a page shows, results/shown; to be read."""
    # It imports what most tests here do not need.
    from report.shown_run import write_shown

    return write_shown(tmp_path_factory.mktemp("shown"))
