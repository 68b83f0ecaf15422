"""What the README and docs/ show comes from files that a run wrote, and what they name exists."""

import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml

from janus.config.system_entries import load_systems
from janus.config.tiers import check, read_yaml, runs
from janus.report.trials import read_trials, to_markdown
from janus.training.logs import read_curves

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "results/reference"
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "results/README.md")
PAGES = [*TOP, *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
TIERS = [str(yaml.safe_load(path.read_text(encoding="utf-8")).get("tier")) for path in (ROOT / "config").glob("*.yaml")]


def page(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


README = page("README.md")


def anchors(text: str) -> set[str]:
    """What a link to a heading of a page may end in, as a forge names it."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def status() -> dict[str, list[str]]:
    """The status table of the README: the other cells of a line by each name in its first."""
    lines = re.search(r"## Status\n\n(.*?)\n\n", README, re.DOTALL)[1].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: cells for first, *cells in rows for name in re.findall(r"`([^`]+)`", first) or [first]}


def test_the_readme_is_one_page():
    assert len(README.splitlines()) <= 150


def test_the_table_of_durations_comes_from_a_run():
    assert (REFERENCE / "demo/durations.md").read_text(encoding="utf-8") in page("docs/demo.md")
    run = (REFERENCE / "multi30k-cpu/durations.md").read_text(encoding="utf-8")
    assert run in page("docs/results-multi30k.md")


@pytest.mark.parametrize(
    ("study", "updates", "text"), [("study", 1365, "docs/study.md"), ("grammar", 960, "docs/grammar-study.md")]
)
def test_the_trials_of_a_study_come_from_their_runs(study, updates, text):
    folder = REFERENCE / f"{study}-grid"
    trials = read_trials(sorted(folder.glob(f"{study}-lr-*")), updates=updates, by=["lr"])
    assert "\n".join([*to_markdown(trials), ""]) == (folder / "trials.md").read_text(encoding="utf-8")
    assert (folder / "trials.md").read_text(encoding="utf-8") in page(text)


@pytest.mark.parametrize(("study", "updates"), [("study", 1365), ("grammar", 960)])
def test_the_rates_of_a_study_are_the_best_of_their_trials(study, updates):
    tier = read_yaml(ROOT / f"config/{study}.yaml")
    others = {name: one["training"] for one in tier["overrides"] for name in one["systems"]}
    trials = read_trials(sorted((REFERENCE / f"{study}-grid").glob(f"{study}-lr-*")), updates=updates, by=["lr"])
    for trial in trials:
        if trial.best:
            rate = others.get(trial.system, {}).get("lr", tier["training"]["lr"])
            assert float(trial.settings["lr"]) == rate, trial.system
    assert {trial.system for trial in trials} >= {*tier["tables"]["table6"]["systems"]} - {"transformer-long"}


def test_the_page_of_cmlm_cites_the_trials():
    trials = read_trials(sorted((REFERENCE / "study-grid").glob("study-lr-*")), updates=1365)
    best = {trial.system: trial for trial in trials if trial.best}
    assert f"has a validation BLEU of {best['cmlm-core'].bleu:.2f} at its best" in page("docs/cmlm.md")
    assert f"the NAR side of AR+NAR {best['ar-nar'].by_manner['nar']:.2f}" in page("docs/cmlm.md")


def test_what_the_pages_say_of_finished_rows_comes_from_their_records():
    row = REFERENCE / "study-rows/multi30k.de-en/transformer-core/seed-1"
    scores = json.loads((row / "score/ar.json").read_text(encoding="utf-8"))["scores"]
    assert f"Transformer, seed 1: {scores['bleu_tok']['value']:.2f} BLEU" in page("docs/study.md")
    assert max(curve["updates"] for curve in read_curves(row / "checkpoints/log.jsonl")) == 12_000
    row = REFERENCE / "cmlm-rows/multi30k.de-en/cmlm-core/seed-1"
    scores = json.loads((row / "score/nar-11.json").read_text(encoding="utf-8"))["scores"]
    text = " ".join(page("docs/cmlm.md").split())
    assert f"{scores['bleu_tok']['value']:.2f} BLEU, tokenised, and {scores['repetition']['value']:.2f} %" in text
    curve = {
        one["updates"]: one["value"]
        for one in read_curves(row / "checkpoints/log.jsonl")
        if (one["split"], one["name"]) == ("valid", "bleu")
    }
    said = f"is {curve[1092]:.2f} after 1,092 updates, {curve[3003]:.2f} after 3,003 and {curve[4000]:.2f} after 4,000"
    assert said in text
    row = REFERENCE / "cmlm-rows/multi30k.de-en/cmlm-span/seed-1"
    scores = json.loads((row / "score/nar-11.json").read_text(encoding="utf-8"))["scores"]
    assert f"{scores['bleu_tok']['value']:.2f} BLEU, {scores['repetition']['value']:.2f} % repetition" in text


@pytest.mark.parametrize("name", ["README.md", "docs/demo.md"])
def test_how_long_the_demo_takes_comes_from_a_run(name):
    run = json.loads((REFERENCE / "demo/durations.json").read_text(encoding="utf-8"))
    assert f"{run['wall_seconds'] / 60:.0f} minutes" in page(name)
    assert f"{run['seconds_of_jobs']['generation_half'] / sum(run['seconds_of_jobs'].values()):.0%}".replace(
        "%", " %"
    ) in page("docs/demo.md")


def test_the_demo_trains_as_many_models_as_they_say():
    schemas = ROOT / "workflow/schemas"
    tier = check(read_yaml(ROOT / "config/demo.yaml"), schemas / "tier.schema.yaml", where="demo")
    systems = load_systems(ROOT / "config/systems.yaml", schemas)
    tables = [systems[name]["stage"] for _, name in runs({**tier, "figures": {}, "overviews": {}}, systems)]
    assert f"trains {len(tables)} tiny models" in README
    text = " ".join(page("docs/demo.md").split())
    assert f"trains {tables.count('task')} tiny systems" in text
    assert f"`overviews` trains {len(runs(tier, systems)) - len(tables)} more" in text


def test_the_kills_of_the_demo_come_from_a_run():
    head, *lines = (REFERENCE / "kills/demo.txt").read_text(encoding="utf-8").splitlines()
    rules = Counter(rule for line in lines for rule in line.partition(" in ")[2].split(", ") if rule != "no rule")
    assert all("SIGKILL to the group in " in line for line in lines) and min(rules.values()) >= 3
    text = " ".join(page("docs/kills.md").split())
    assert (
        f"{len(lines)} kills, each a SIGKILL of the whole group, at least three in each of {len(rules)} kinds" in text
    )
    assert "nothing differed" in head


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_exist(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", page(name)):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.is_file(), f"{name}: {target}"
        assert not heading or heading in anchors(path.read_text(encoding="utf-8")), f"{name}: {target}"


def test_every_page_of_docs_is_linked_from_the_readme():
    assert {name for name in PAGES if name.startswith("docs/")} <= set(re.findall(r"\]\(([^)#]+)", README))


@pytest.mark.parametrize("name", PAGES)
def test_fences_are_closed_and_tables_are_even(name):
    text = page(name)
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) % 2 == 0
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    for table in re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


def test_config_files_exist():
    named = {file for name in PAGES for file in re.findall(r"--configfile (config/[^\s`]+)", page(name))}
    assert len(named) >= 6
    for file in named:
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("name", ["README.md", "docs/use.md"])
def test_the_row_it_adds_is_valid(name):
    from janus.config.tiers import check

    [row] = re.findall(r"```yaml\n(.*?)```", page(name), re.DOTALL)
    assert check(yaml.safe_load(row), ROOT / "workflow/schemas/systems.schema.yaml", where=name)


def test_the_example_in_python_runs():
    import torch

    [block] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict = {}
    torch.manual_seed(0)
    exec(compile(block, "README.md", "exec"), names)
    assert torch.isfinite(names["loss"]) and {"ar", "nar", "aux", "kl_ar_aux", "kl_nar_aux"} <= set(names["terms"])
    assert all(p.grad is not None for p in names["model"].parameters())
    for manner in ("left_to_right", "mask_predict"):
        outputs = names[manner]
        assert len(outputs) == 2 and all(len(hypotheses[0].tokens) > 1 for hypotheses in outputs)


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier != "None"])
def test_the_status_of_every_tier_is_what_is_tracked(tier):
    run, _hardware, tracked, _page = status()[tier]
    assert run.startswith("yes") == (REFERENCE / tier).is_dir()
    shown = {f"table{n}" for n in re.findall(r"\d", (re.search(r"Tables ([\d, ]+)", tracked) or "  ")[0])}
    filled = {
        path.stem
        for path in (REFERENCE / tier / "tables").glob("table?.md")
        if "reproduced" in path.read_text(encoding="utf-8")
    }
    assert shown == filled
    drawn = {f"figure{n}" for n in re.findall(r"\d", (re.search(r"Figures ([\d, ]+)", tracked) or "  ")[0])}
    assert drawn == {path.stem for path in (REFERENCE / tier / "figures").glob("*.svg")}


@pytest.mark.parametrize("name", ["README.md", "docs/results-multi30k.md"])
@pytest.mark.parametrize("table", ["multi30k-cpu/tables/table6.md"])
def test_the_tables_of_real_runs_come_from_them(table, name):
    assert (REFERENCE / table).read_text(encoding="utf-8").strip() in page(name)


@pytest.mark.parametrize(
    ("name", "table", "row", "numbers"),
    [
        ("results-multi30k", "multi30k-cpu/tables/table1.md", "CMLM+Corr", ["16.07"]),
        ("results-small", "small-cpu/tables/table2.md", "Transformer AR", ["34.76"]),
        ("results-small", "small-cpu/tables/table2.md", "BART-base AR (our impl)", ["41.46"]),
        ("results-small", "small-cpu/tables/table2.md", "BART-JANUS AR", ["41.60", "0.736"]),
        ("results-small", "small-cpu/tables/table4.md", "BART-JANUS AR", ["38.42", "0.087"]),
        ("results-small", "small-cpu/tables/table5.md", "Transformer AR", ["22.07"]),
        ("results-small", "small-cpu/tables/table2.md", "BART-JANUS NAR iter 0", ["26.14"]),
        ("results-small", "small-cpu/tables/table2.md", "BART-JANUS NAR iter 10", ["36.80"]),
        ("results-small", "small-cpu/tables/table4.md", "BART-JANUS NAR iter 4", ["41.15"]),
        ("results-small", "small-cpu/tables/table5.md", "floor: another example's reply", ["20.52"]),
        ("results-small", "small-cpu/tables/table5.md", "floor: the turn before, repeated", ["25.27"]),
        ("results-small", "small-cpu/tables/table8.md", "BART-CMLM", ["26.98"]),
        ("results-small", "small-cpu/tables/table8.md", "BART-JANUS", ["26.14", "0.003"]),
    ],
)
def test_what_it_says_of_other_tables_stands_in_them(name, table, row, numbers):
    text = (REFERENCE / table).read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    assert all(number in line and number in page(f"docs/{name}.md") for number in numbers)


def test_the_benchmarks_come_from_a_run():
    bench = (REFERENCE / "bench/bench-cpu.md").read_text(encoding="utf-8")
    training, goals = (re.search(rf"## {n}\n(.*?)(?=\n## |\Z)", bench, re.DOTALL)[1] for n in ("Training", "Goals"))
    shown = [*re.findall(r"(?:^\|.*\n)+", training, re.MULTILINE), goals.strip()]
    assert len(shown) == 3 and all(text in page("docs/speed.md") for text in shown)


@pytest.mark.parametrize("manner", ["ar", "nar"])
def test_what_bfloat16_costs_comes_from_a_test(manner):
    compare = REFERENCE / "multi30k-cpu/asides/precision/float32/compare"
    test = json.loads((compare / f"{manner}-janus-paper.json").read_text())
    words = f"{test['system']:.2f} (in float32 )?instead of {test['baseline']:.2f} .*\\(p = {test['p_value']:.3f}"
    assert re.search(words, page("docs/speed.md").replace("\n", " "))


def test_the_citation_names_this_version():
    citation = yaml.safe_load(page("CITATION.cff"))
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert citation["version"] == project["version"]
    assert {"cff-version", "message", "title", "authors", "references"} <= set(citation)
    assert "## [Unreleased]" in page("CHANGELOG.md")


def test_files_that_contributing_names_exist():
    text = page("CONTRIBUTING.md")
    named = re.findall(r"`((?:janus|tests|config|workflow|kernels)/[\w./-]+)`", text)
    assert len(named) > 20
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_page_of_the_zoo_has_every_row_of_its_tiers():
    text = (ROOT / "docs/zoo.md").read_text(encoding="utf-8")
    rows = {name for line in text.splitlines() if line.startswith("| `") for name in re.findall("`([a-z0-9-]+)`", line)}
    for name in ("demo", "zoo-cpu"):
        tier = read_yaml(ROOT / f"config/{name}.yaml")
        assert set(tier["overviews"]["zoo"]["systems"]) <= rows
