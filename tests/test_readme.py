"""What the README shows comes from files that a run wrote, and what it names exists."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_durations_comes_from_a_run():
    assert (ROOT / "results/reference/demo/durations.md").read_text(encoding="utf-8") in README


def test_links_and_pictures_exist():
    local = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]
    assert local
    for target in local:
        file, _, heading = target.partition("#")
        assert not file or (ROOT / file).is_file(), target
        assert not heading or f"# {heading.replace('-', ' ')}\n" in README.lower(), target


def test_config_files_exist():
    for name in re.findall(r"--configfile (\S+)", README):
        assert (ROOT / name).is_file(), name


def test_the_row_it_adds_is_valid():
    import yaml

    from janus.tiers import check

    [row] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert check(yaml.safe_load(row), ROOT / "workflow/schemas/systems.schema.yaml", where="README.md")


@pytest.mark.parametrize(
    "table", ["multi30k-cpu/tables/table6.md", "small-cpu/tables/table2.md", "small-cpu/tables/table8.md"]
)
def test_the_tables_of_real_runs_come_from_them(table):
    assert (ROOT / "results/reference" / table).read_text(encoding="utf-8").strip() in README


@pytest.mark.parametrize(
    ("table", "row", "numbers"),
    [
        ("multi30k-cpu/tables/table1.md", "CMLM+Corr", ["16.07"]),
        ("small-cpu/tables/table4.md", "BART-JANUS AR", ["37.82", "44.70", "0.140"]),
        ("small-cpu/tables/table4.md", "BART-JANUS NAR iter 0", ["39.65", "44.99"]),
        ("small-cpu/tables/table5.md", "Transformer AR", ["20.70"]),
        ("small-cpu/tables/table5.md", "floor: another example's reply", ["20.52"]),
    ],
)
def test_what_it_says_of_other_tables_stands_in_them(table, row, numbers):
    text = (ROOT / "results/reference" / table).read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    assert all(number in line and number in README for number in numbers)


def test_the_benchmarks_come_from_a_run():
    bench = (ROOT / "results/reference/bench/bench-cpu.md").read_text(encoding="utf-8")
    training, goals = (re.search(rf"## {n}\n(.*?)(?=\n## |\Z)", bench, re.DOTALL)[1] for n in ("Training", "Goals"))
    shown = [*re.findall(r"(?:^\|.*\n)+", training, re.MULTILINE), goals.strip()]
    assert len(shown) == 3 and all(text in README for text in shown)


@pytest.mark.parametrize("manner", ["ar", "nar"])
def test_what_bfloat16_costs_comes_from_a_test(manner):
    compare = ROOT / "results/reference/multi30k-cpu/asides/precision/float32/compare"
    test = json.loads((compare / f"{manner}-janus-paper.json").read_text())
    words = f"{test['system']:.2f} (in float32 )?instead of {test['baseline']:.2f} .*\\(p = {test['p_value']:.3f}"
    assert re.search(words, README.replace("\n", " "))
