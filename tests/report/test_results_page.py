"""The page of results: its tables are the run's, its costs and its limits come from the records."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from report.shown_run import SYSTEMS, tier

from janus.__main__ import main
from janus.config.run_config import RunConfig, load_config
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.files import read_json, write_json
from janus.planning.costs import Costs
from janus.report.results_page import costs_of, results_lines, write_results

ROOT = Path(__file__).resolve().parents[2]
TRACKED = ROOT / "results/reference/multi30k-cpu"


def log(updates: int) -> str:
    values = {"epoch": 1, "valid_loss": "4.5", "valid_num_updates": str(updates)}
    return f"2026-01-01 | INFO | valid | {json.dumps(values)}\n"


@pytest.fixture
def run(shown_run: Path, tmp_path: Path) -> Path:
    """The shown run with logs: seed 1 of each row ended after 300 updates, seed 2 after 100."""
    copy = tmp_path / "results/shown"
    shutil.copytree(shown_run, copy)
    for path in copy.glob("*/*/seed-*"):
        (path / "checkpoints").mkdir(exist_ok=True)
        (path / "checkpoints/log.jsonl").write_text(log(300 if path.name == "seed-1" else 100), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def config() -> RunConfig:
    return RunConfig(tier(), SYSTEMS, load_manifest(ROOT / "config/corpora.yaml"), [])


def section(lines: list[str], head: str) -> list[str]:
    start = lines.index(f"## {head}")
    rest = lines[start + 1 :]
    return rest[: next((place for place, line in enumerate(rest) if line.startswith("## ")), len(rest))]


def test_claims_come_first_with_their_counts_plot_and_table(run: Path, config: RunConfig, tmp_path: Path) -> None:
    lines = results_lines(run, config, tmp_path / "docs")
    heads = [line for line in lines if line.startswith("## ")]
    assert heads == ["## Claims", "## Table 1", "## What a training cost", "## What this does not show"]
    claims = section(lines, "Claims")
    assert claims[1].startswith("3 tests of claims: 2 supported, 1 not tested ([how they are judged](")
    [picture] = [line for line in claims if line.startswith("![")]
    target = re.search(r"\]\((.*)\)", picture)[1]
    assert (tmp_path / "docs" / target).resolve() == (run / "figures/claims.svg").resolve()
    table = (run / "tables/claims.md").read_text(encoding="utf-8").splitlines()
    assert "\n".join(table) in "\n".join(claims)
    assert "\n".join((run / "tables/table1.md").read_text(encoding="utf-8").splitlines()) in "\n".join(lines)
    # Table 2 has published numbers alone.
    assert "## Table 2" not in lines


def test_costs_are_means_over_seeds(run: Path, config: RunConfig) -> None:
    for path in run.glob("*/janus-paper/seed-*/train.json"):
        seconds = 100 if path.parent.name == "seed-1" else 300
        joules = {"gpu": 10.0 * seconds} | ({"processor": 5.0} if seconds == 100 else {})
        write_json(
            path, read_json(path) | {"wall_seconds": seconds, "resumed": seconds == 300, "energy_joules": joules}
        )
    costs = {(cost.corpus, cost.label): cost for cost in costs_of(run, config)}
    corpus = config.tier["corpora"][0]
    ours, other = costs[corpus, "JANUS (paper)"], costs[corpus, "Transformer"]
    assert (ours.seeds, ours.updates, ours.seconds, ours.resumed) == (2, 200, 200, True)
    assert ours.weights == 123456
    # The processor's is known of one seed alone.
    assert ours.joules == {"gpu": 2000.0} and other.joules == {} and not other.resumed
    plan = Costs(config).training(corpus, "janus-paper")
    assert ours.flop == pytest.approx(plan.work.flop / plan.seeds * 200 / plan.updates) and ours.most == plan.updates
    lines = section(results_lines(run, config, run), "What a training cost")
    [line] = [one for one in lines if one.startswith(f"| JANUS (paper) | {corpus} |")]
    assert f"| 2 | 200 of {plan.updates:,} | 3 min \\* |" in line and line.endswith("| gpu 2 kJ |")
    assert any(line.startswith("\\* A training of it was resumed") for line in lines)


def test_what_is_missing_is_said(run: Path, config: RunConfig) -> None:
    limits = "\n".join(section(results_lines(run, config, run), "What this does not show"))
    assert "- Anything about text other than demo.iwslt14.de-en and demo.wmt16.ro-en." in limits
    assert "- Anything about models of other sizes than 0.123 million weights." in limits
    assert "- Differences too small for 2 seeds" in limits
    assert "- Not tested: nar-flowseq, lacks rows Flowseq." in limits
    assert "Degenerate" not in limits and "not finished" not in limits
    vital = next(iter(run.glob("*/transformer/seed-1/decode/ar.vital.json")), None)
    place = vital or next(iter(run.glob("*/transformer/seed-1/decode"))) / "ar.vital.json"
    write_json(place, {"signs": {}, "degenerate": ["91% empty outputs"], "expected": None})
    for path in (run / config.tier["corpora"][1] / "janus-paper/seed-2/score").glob("*.json"):
        path.unlink()
    lines = results_lines(run, config, run)
    limits = "\n".join(section(lines, "What this does not show"))
    assert (
        "- Degenerate output, whose scores mean nothing: transformer on" in limits and "(91% empty outputs)" in limits
    )
    assert "- Rows that are not finished: JANUS (paper) on demo.wmt16.ro-en" in limits
    assert any("rows are finished.**" in line for line in lines[:6])


def test_the_tracked_run_is_shown_with_its_figures(tmp_path: Path) -> None:
    page = tmp_path / "docs/results.md"
    page.parent.mkdir()
    assert main(["results", str(TRACKED), "--write", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    for number in (1, 3, 6):
        assert (TRACKED / f"tables/table{number}.md").read_text(encoding="utf-8").strip() in text
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert [Path(one).stem for one in pictures] == ["figure4", "figure5", "figure6"]
    assert all((page.parent / one).is_file() for one in pictures)
    assert "| Transformer | multi30k.de-en | 1 | 3,300 of 3,300 | 27 min |" in text
    assert "- Whether a result would hold with other seeds: there is one." in text


def test_what_cannot_be_shown_is_one_line(run: Path, config: RunConfig, tmp_path: Path, capsys: Any) -> None:
    (run / config.tier["corpora"][0] / "janus-paper/seed-1/checkpoints/log.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no validation in it"):
        write_results(run, config, tmp_path / "page.md")
    assert not (tmp_path / "page.md").exists()
    (tmp_path / "demo").mkdir()
    with pytest.raises(InputError, match="no tables"):
        write_results(tmp_path / "demo", load_config([]), tmp_path / "page.md")
    assert main(["results", str(run), "--write", str(tmp_path / "no/page.md")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
