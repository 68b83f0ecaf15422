"""`janus plan`: what it counts against other counts, and what it reckons against runs that were timed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from markdown_blocks import blocks

from janus.__main__ import main
from janus.config.run_config import check_config, read_config
from janus.config.system_entries import load_systems
from janus.config.systems import method_of
from janus.config.tiers import read_yaml
from janus.data import SCHEMAS
from janus.errors import InputError
from janus.fetching.manifest import load_manifest
from janus.files import read_json
from janus.model.config import TransformerConfig
from janus.model.flops import CMLM, JANUS, TRANSFORMER, necessary_work
from janus.model.latent import LatentTransformer
from janus.model.transformer import JanusTransformer
from janus.planning import machine
from janus.planning.costs import Costs, training_memory
from janus.planning.counting import flow_of, network_of, parameters, shape
from janus.planning.jobs import planned_jobs
from janus.planning.machine import Machine, measure
from janus.planning.plan import download_lines, downloads_of, lines_of, make_plan, measured, number_text, time_text
from janus.planning.texts import size_of
from janus.text.binarise import binarise

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "results/reference"
SYSTEMS = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
# One training on a core of the machine of the tracked runs (docs/use.md names it).
TRACKED_GFLOPS = 65


def tracked(name, **changes):
    """A tier of config/ with what its tracked run had: some rows and figures of the demo are younger."""
    config = read_config([ROOT / f"config/{name}.yaml"])
    config["tables"].get("table1", {}).pop("more", None)
    return check_config({**config, "overviews": {}, **changes}, where=name)


def jobs_of(folder):
    """The jobs of a tracked run by their names in durations.md."""
    rows = [line.split("|")[1:3] for line in (folder / "durations.md").read_text().splitlines()[2:]]
    return {name.strip(): int(count) for name, count in rows}


def seconds_of(folder):
    rows = [line.split("|")[3] for line in (folder / "durations.md").read_text().splitlines()[2:]]
    return sum(map(int, rows))


# The demo's run was of its tables alone.
@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), [("demo", {"figures": {}}), ("multi30k-cpu", {})])
def test_a_total_is_within_thirty_percent_of_the_tracked_run_at_one_rate(name, changes):
    folder = REFERENCE / name
    jobs = jobs_of(folder)
    others = {"measure_latency" if rule == "latency" else rule: count for rule, count in jobs.items()}
    plan = make_plan(tracked(name, **changes), Machine(TRACKED_GFLOPS), others)
    assert len(plan["trainings"]) == jobs["train"]
    assert sum(plan["seconds"].values()) == pytest.approx(seconds_of(folder), rel=0.3)
    assert plan["seconds"]["trainings"] == pytest.approx(_train_seconds(folder), rel=0.3)


def test_which_trainings_are_further_off():
    """As docs/use.md says: fairseq's own models take longer than reckoned, JANUS less."""
    plan = make_plan(tracked("multi30k-cpu"), Machine(TRACKED_GFLOPS), {})
    reckoned = {row["system"]: row["seconds"] for row in plan["trainings"]}
    taken = {
        name: read_json(REFERENCE / f"multi30k-cpu/multi30k.de-en/{name}/seed-1/train.json")["wall_seconds"]
        for name in reckoned
    }
    assert all(reckoned[name] < 0.95 * taken[name] for name in ("transformer", "cmlm"))
    assert all(reckoned[name] > 1.2 * taken[name] for name in ("janus-paper", "janus-release"))


def _train_seconds(folder):
    [line] = [line for line in (folder / "durations.md").read_text().splitlines() if line.startswith("| train |")]
    return int(line.split("|")[3])


@pytest.mark.parametrize(
    ("system", "kinds", "frame"), [("transformer-core", TRANSFORMER, 2), ("transformer", TRANSFORMER, 1)]
)
def test_a_transformer_is_counted_as_the_benchmarks_count_it(system, kinds, frame):
    config = TransformerConfig(100, 100, dimension=32, length="none")
    flow = flow_of(method_of(SYSTEMS[system]), 6, 9)
    one = [torch.tensor([count]) for count in (6 + frame, 10, 0)]
    assert flow.multiply_adds(config) == necessary_work(config, kinds, *one).update


def test_joint_training_is_counted_with_the_masks_that_it_draws():
    config = TransformerConfig(100, 100, dimension=32)
    flow = flow_of(method_of(SYSTEMS["janus-paper"]), 6, 9)
    [one] = flow.passes
    # AR content and queries, observed, masked, gold, AUX: 10 + 10 + (11 - m) + 3 m rows, of which 10 + 2 m are read.
    masked = (one.asking - 31) / 2
    assert 4 < masked < 9 and one.read == 10 + 2 * masked
    few, many = (necessary_work(config, JANUS, *map(torch.tensor, ([8], [10], [m]))).update for m in (4, 9))
    assert few < flow.multiply_adds(config) < many


@pytest.mark.parametrize(
    ("system", "learns"),
    [("glat", [False, True]), ("cmlm-corr", [False, True]), ("cmlm-core", [True]), ("ar-ctc", [True, True])],
)
def test_passes_without_a_gradient_are_seen(system, learns):
    assert sorted(one.learns for one in flow_of(method_of(SYSTEMS[system]), 6, 9).passes) == learns


def test_a_canvas_may_be_longer_than_the_target():
    [one] = flow_of(method_of(SYSTEMS["ctc"]), 12, 5).passes
    assert one.asking == 2 * (12 + 2)


def test_the_second_encoder_pass_of_the_release_is_counted():
    passes = [flow_of(method_of(SYSTEMS[name]), 6, 9).encoder_passes for name in ("janus-paper", "janus-release")]
    assert passes == [1, 2]


@pytest.mark.parametrize("system", ["flowseq", "dat", "cmlmc", "janus-paper"])
def test_the_weights_are_those_of_the_method_s_own_network(system):
    method = method_of(SYSTEMS[system])
    model = {"embed_dim": 16, "ffn_dim": 32, "layers": 1, "heads": 2, "length_classes": 20}
    config = shape(SYSTEMS[system], model, 50)
    built = method.network(config)
    assert parameters(network_of(method), config) == sum(weight.numel() for weight in built.parameters())
    assert isinstance(built, LatentTransformer) == (system == "flowseq")


def test_weights_and_memory_against_the_benchmark():
    """Its rows have 37.9 M parameters, and batches of 2,070 target tokens in 46 to 99 sentences."""
    found = read_json(REFERENCE / "bench/training-cpu.json")["results"]
    config = TransformerConfig(10_152, 10_152)
    weights = parameters(JanusTransformer, config)
    assert weights == found["parameters"]
    sentences = sum(found["sentences"]) / len(found["sentences"])
    words = round(found["tokens"] / sentences) - 1
    rows = {"transformer": "transformer-core", "cmlm": "cmlm-core", "janus-paper": "janus-paper"}
    for row, system in rows.items():
        for suffix, precision in (("", "float32"), ("-bfloat16", "bfloat16")):
            flow = flow_of(method_of(SYSTEMS[system]), words, words)
            reckoned = training_memory(flow, config, weights, sentences, precision)
            assert reckoned == pytest.approx(found["peaks"][row + suffix], rel=0.2), row + suffix


def test_more_updates_seeds_and_gpus_cost_more():
    def seconds(**training):
        config = read_config([ROOT / "config/multi30k-cpu.yaml"])
        config["tables"] = {"table3": {"corpus": "multi30k.de-en", "systems": ["cmlm-core"], "passes": [2]}}
        config = config | {"figures": {}, "seeds": training.pop("seeds", [1])}
        config["training"] |= training
        [one] = Costs(check_config(config, where="tier")).trainings()
        return Machine(60).seconds(one.work)

    once = seconds()
    assert seconds(max_update=6600) == pytest.approx(2 * once, rel=0.01)
    assert seconds(seeds=[1, 2, 3]) == pytest.approx(3 * once)
    assert seconds(max_epoch=5) == pytest.approx(5 / 13 * once, rel=0.03)


def test_own_files_are_read_and_guesses_are_said(tmp_path):
    entry = {"source": "de", "target": "en", "recipe": "plain", "licence": "mine", "lowercase": True, "merges": 500}
    for language, line in (("de", "ein kleiner hund\n"), ("en", "a small dog barks\n")):
        for split, count in (("train", 30), ("valid", 4), ("test", 5)):
            (tmp_path / f"{split}.{language}").write_text(line * count, encoding="utf-8")
    corpora = {
        "mine.de-en": entry | {"options": {"files": "{split}.{language}"}},
        "theirs.de-en": {**entry, "recipe": "tatoeba", "downloads": []},
    }
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump({"corpora": corpora}), encoding="utf-8")
    manifest = load_manifest(tmp_path / "corpora.yaml")
    mine, theirs = size_of("mine.de-en", manifest), size_of("theirs.de-en", manifest)
    assert mine.sentences == {"train": 30, "valid": 4, "test": 5} and not mine.assumed
    assert (mine.source, mine.target, mine.vocabulary) == (pytest.approx(3.9), pytest.approx(5.2), 504)
    assert "1,000,000 pairs" in theirs.assumed and "25 and 25 tokens" in theirs.assumed


@pytest.fixture
def own(tmp_path):
    """A tier and a corpus of one's own of which both sides are one pair of files, and their names."""
    entry = {"source": "de", "target": "en", "recipe": "plain", "licence": "mine", "lowercase": True, "merges": 500}
    entry |= {"options": {"files": "all.{language}", "valid": 4, "test": 5}, "lines": {"train": 30}}
    entry |= {"sizes": {"source": 9, "target": 9}}
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump({"corpora": {"mine.de-en": entry}}), encoding="utf-8")
    tier = yaml.safe_load(blocks((ROOT / "docs/own-corpus.md").read_text(encoding="utf-8"), "yaml")[2])
    tier |= {"corpora_file": str(tmp_path / "corpora.yaml")}
    (tmp_path / "tier.yaml").write_text(yaml.safe_dump(tier, allow_unicode=True), encoding="utf-8")
    return tmp_path


def test_files_that_are_not_there_are_said(own, capsys):
    words = ["plan", "--configfile", str(own / "tier.yaml"), "--gflops", "60", "--no-jobs"]
    assert main(words) == 0
    said = capsys.readouterr().out
    for side in ("de", "en"):
        assert f"Assumed: mine.de-en: there is no file {own}/all.{side}; the run will not start without it" in said


def test_of_one_pair_of_files_the_end_is_not_trained_on_and_separators_are_read(own):
    for side in ("de", "en"):
        (own / f"all.{side}").write_text("a\u2028b c\n" * 39, encoding="utf-8")
    size = size_of("mine.de-en", load_manifest(own / "corpora.yaml"))
    assert size.sentences == {"train": 30, "valid": 4, "test": 5}


def test_binarised_data_are_counted(tmp_path):
    for split, count in (("train", 7), ("valid", 2), ("test", 3)):
        for side, line in (("de", "a b@@ c\n"), ("en", "a c\n")):
            (tmp_path / "bpe").mkdir(exist_ok=True)
            (tmp_path / f"bpe/{split}.{side}").write_text(line * count, encoding="utf-8")
    binarise(tmp_path / "bpe", tmp_path / "bin", source="de", target="en")
    entry = {"source": "de", "target": "en", "recipe": "binarised", "licence": "", "lowercase": False, "bin": "bin"}
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump({"corpora": {"c.de-en": entry}}), encoding="utf-8")
    size = size_of("c.de-en", load_manifest(tmp_path / "corpora.yaml"))
    assert size.sentences == {"train": 7, "valid": 2, "test": 3} and not size.assumed
    words = len((tmp_path / "bin/dict.de.txt").read_text(encoding="utf-8").splitlines())
    assert (size.source, size.target, size.vocabulary) == (3, 2, words + 4)


@pytest.fixture
def small(tmp_path):
    """A tier of one row."""
    tier = read_yaml(ROOT / "config/multi30k-cpu.yaml")
    tier |= {"figures": {}, "tables": {"table6": {**tier["tables"]["table6"], "systems": ["transformer-core"]}}}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(tier, allow_unicode=True), encoding="utf-8")
    return path


def test_the_command_prints_a_table_or_json(small, capsys):
    words = ["plan", "--configfile", str(small), "--gflops", "60", "--no-jobs"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert text.startswith("multi30k-cpu: ") and "at 60 GFLOP/s (stated)" in text
    for part in ("transformer-core", "Downloads: 6 files, 1.24 MiB", "checkpoints", "Memory: the largest training"):
        assert part in text
    assert main([*words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [row["system"] for row in plan["trainings"]] == ["transformer-core"] and plan["trainings"][0][
        "updates"
    ] == 3300


@pytest.mark.parametrize(
    "words",
    [["--gflops", "0"], ["--gflops", "nan"], ["--gflops", "inf"], ["--configfile", "no.yaml"], ["--config", "seeds"]],
)
def test_a_mistake_is_one_line(words, capsys):
    assert main(["plan", "--no-jobs", *words]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_terms_are_shown_with_what_accepts_them():
    config = check_config(read_config([ROOT / "config/paper.yaml"]), where="paper")
    found = downloads_of(config)
    assert found["files"] == 55 and "dl.fbaipublicfiles.com" in found["hosts"]
    text = "\n".join(download_lines(found))
    assert "terms of glge" in text and "not accepted yet: --config accept='[\"glge\"]'" in text
    accepted = check_config(read_config([ROOT / "config/paper.yaml"], ["accept=[glge]"]), where="paper")
    assert [one["accept"] for one in downloads_of(accepted)["terms"] if not one["accepted"]] == ["bookcorpus"]


def test_an_epoch_of_a_text_is_a_shard_and_ends_pretraining():
    """As docs/clusters.md counts it: 8.6 million blocks in 64 shards, 1024 blocks an update, 128 epochs."""
    config = check_config(read_config([ROOT / "config/paper.yaml"]), where="paper")
    text, costs = config.manifest.texts["wikipedia-bookcorpus"], Costs(config)
    one = costs.training(text.name, "bart-cmlm")
    assert one.updates == pytest.approx(16_896, rel=0.06) and one.epochs == 128
    config.manifest.texts[text.name] = replace(text, sizes={})
    plan = make_plan(config, Machine(30_000), {})
    assert [row["updates"] for row in plan["trainings"] if row["corpus"] == text.name] == [1_000_000] * 3
    [said] = [one for one in plan["assumed"] if "bart-cmlm" in one]
    assert said.startswith("wikipedia-bookcorpus: ") and "sizes.blocks" in said


def test_given_outputs_cost_nothing(tmp_path):
    (tmp_path / "outputs.txt").write_text("a dog .\n")
    config = read_config([ROOT / "config/multi30k-cpu.yaml"])
    entry = {"label": "Theirs", "manners": ["nar"]}
    entry["hypotheses"] = {"files": str(tmp_path / "outputs.txt"), "tokenised": True, "passes": 10}
    table = {"title": "Given", "columns": {"multi30k.de-en": "Captions"}}
    changes = {"figures": {}, "overviews": {}, "systems": {"theirs": entry}}

    def plan(*systems):
        tables = {"mine": table | {"systems": list(systems)}}
        return make_plan(check_config({**config, **changes, "tables": tables}, where="tier"), Machine(60), {})

    both, own, given = plan("theirs", "cmlm-core"), plan("cmlm-core"), plan("theirs")
    assert both["seconds"] == own["seconds"] and [row["system"] for row in both["trainings"]] == ["cmlm-core"]
    assert given["hours"] == 0 and not any("Memory" in line for line in lines_of(given))
    with pytest.raises(InputError, match="trains nothing .* state a rate: --gflops N"):
        measured(check_config({**config, **changes, "tables": {"mine": table | {"systems": ["theirs"]}}}, where="tier"))


def test_numbers_are_written_out():
    assert [number_text(value) for value in (0.1234, 99.9, 24_613.4)] == ["0.123", "99.9", "24,613"]
    assert time_text(24_613 * 3600) == "24,613 h"


def test_downloads_without_an_address_and_from_a_mirror_are_said_shortly():
    found = downloads_of(check_config(read_config([ROOT / "config/small-cpu.yaml"]), where="small-cpu"))
    text = list(download_lines(found))
    assert text[0] == "Downloads: 16 files, 8.28 MiB"
    assert text[-1].startswith("  without a public address: package-summaries-train.src.xz and 15 more; ")
    config = check_config(read_config([ROOT / "config/small-cpu.yaml"], ["mirror=/data/mirror"]), where="small-cpu")
    text = list(download_lines(downloads_of(config)))
    assert text[0].endswith(", from /data/mirror") and not any("without" in line for line in text)


@pytest.mark.slow
def test_jobs_are_those_that_snakemake_plans(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = planned_jobs([small], ["seeds=[1,2]"])
    assert (jobs["fetch"], jobs["prepare"], jobs["train"], jobs["average"], jobs["decode"]) == (6, 1, 2, 2, 2)
    assert not {"all", "total"} & set(jobs) and not list(tmp_path.glob("results"))


@pytest.mark.slow
def test_jobs_that_are_done_are_told_from_all(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("svg", "pdf", "png"):
        path = tmp_path / f"results/multi30k-cpu/figures/figure2.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    whole = planned_jobs([small], [], target="figure2")
    assert whole == {"draw_figure2": 1} and planned_jobs([small], [], target="figure2", done=True) == {}


@pytest.mark.slow
def test_the_plan_says_how_many_jobs_are_done(small, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def planned(files, words, *, accept, done=False):
        return {"train": 1, "decode": 1} if done else {"train": 1, "decode": 2, "fetch": 6}

    monkeypatch.setattr("janus.planning.jobs.planned_jobs", planned)
    words = ["plan", "--configfile", str(small), "--gflops", "60"]
    assert main(words) == 0
    assert "Jobs: 9\n" in capsys.readouterr().out
    (tmp_path / "results/multi30k-cpu").mkdir(parents=True)
    assert main(words) == 0
    assert "Jobs: 9, 7 of them done here\n" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["jobs done"] == 7


def test_a_rate_is_measured_with_real_updates(monkeypatch):
    monkeypatch.setattr(machine, "_SECONDS", 0.05)
    config = TransformerConfig(50, 50, dimension=32, encoder_layers=1, decoder_layers=1, length="none")
    found = measure(config, 600, "float32", "cpu")
    assert 0.01 < found.gflops < 1000 and 0 <= found.wait < 0.1 and "measured here" in found.source


def test_a_precision_that_the_device_decides_is_planned_and_measured(small, capsys, monkeypatch):
    monkeypatch.setattr(machine, "_SECONDS", 0.01)
    words = [
        "plan",
        "--configfile",
        str(small),
        "--no-jobs",
        "--config",
        "training={precision: auto, max_update: 3300}",
    ]
    assert main(words) == 0
    assert "measured here: cpu, float32" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_rate_of_a_gpu_must_be_stated_where_there_is_none():
    with pytest.raises(InputError, match="state a rate: --gflops"):
        measure(TransformerConfig(50, 50), 100, "fp16", "cuda")


def test_cmlm_of_fairseq_masks_half():
    [one] = flow_of(method_of(SYSTEMS["cmlm"]), 6, 9).passes
    config = TransformerConfig(100, 100, dimension=32, length="none")
    work = necessary_work(config, CMLM, *map(torch.tensor, ([7], [10], [5])))
    assert flow_of(method_of(SYSTEMS["cmlm"]), 6, 9).multiply_adds(config) == work.update and one.read == 5
