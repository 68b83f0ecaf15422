"""`janus claims`: on a finished run, on one under way, and where something is wrong."""

from pathlib import Path

import pytest
import yaml
from claims.finished_run import IWSLT, WMT, tier, write_run

from janus.__main__ import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """results/made below the working directory, with config/made.yaml."""
    monkeypatch.chdir(tmp_path)
    config = tier()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/made.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    write_run(config, "results/made")
    return Path("results/made")


def test_it_prints_the_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", str(run)]) == 0
    out = capsys.readouterr().out
    assert "| ar-gain | supported | JANUS (paper) AR | Transformer AR | mean of corpora |" in out
    assert "not tested: lacks rows Flowseq" in out and "no evidence about the paper" in out


@pytest.mark.slow
def test_it_writes_table_and_plot(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", str(run), "--write", "out/claims"]) == 0
    suffixes = {path.suffix for path in Path("out").iterdir()}
    assert suffixes == {".csv", ".md", ".tex", ".html", ".svg", ".pdf", ".png"}
    assert Path("out/claims.md").read_text(encoding="utf-8") == capsys.readouterr().out


def test_a_run_under_way_is_judged_by_what_is_there(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / IWSLT / "transformer/seed-2/decode/ar.bpe").unlink()
    for seed in (1, 2, 3):
        (run / WMT / f"transformer/seed-{seed}/train.json").unlink()
        (run / IWSLT / f"ar-nar/seed-{seed}/decode/ar.vital.json").unlink()
    assert main(["claims", str(run)]) == 0
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    [gain] = [line for line in lines if line[0] == "| ar-gain"]
    assert gain[4] == IWSLT and gain[10] == "2"
    [joint] = [line for line in lines if line[0] == "| kl-ar"]
    assert joint[1] == "not tested: nothing of it is decoded yet"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["results/nowhere"], "results/nowhere: no such folder; give the folder of a run"),
        (["results/made", "--configfile", "config/other.yaml"], "config/other.yaml: cannot be read"),
        (
            ["results/made", "--configfile", "config/demo.yaml"],
            "config/demo.yaml: belongs to the tier demo; give the file of",
        ),
    ],
)
def test_bad_input_is_one_line(run: Path, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path("config") / "demo.yaml").write_text(
        Path("config/made.yaml").read_text(encoding="utf-8").replace("tier: made", "tier: demo"), encoding="utf-8"
    )
    assert main(["claims", *words]) == 1
    err = capsys.readouterr().err
    assert err.startswith(complaint) and err.count("\n") == 1
