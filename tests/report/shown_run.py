"""The results of a small tier that was never trained, with everything that a page shows, rendered by the real code.

Outputs are damaged references (tests/claims/finished_run.py); scores, tests, tables, claims and the overview are
computed from them. Names and texts hold what HTML would read as markup.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claims.finished_run import CORPORA, IWSLT, PUBLISHED, ROOT, SCHEMAS, STATEMENTS, WMT, comparisons_of, write_run
from claims.finished_run import SYSTEMS as REAL

from janus.claims.evaluate import evaluate
from janus.claims.forest import draw_forest
from janus.claims.table import build_claims_table
from janus.config.tiers import check, read_yaml
from janus.files import read_json, sha256, write_json
from janus.metrics.files import score_file
from janus.report.cells import bleu_cells
from janus.report.collect import collect
from janus.report.comparison_table import build_comparison_table
from janus.report.figures import tradeoff
from janus.report.layout import build_table
from janus.report.ledger import write_reproduced
from janus.report.metric_table import build_metric_table
from janus.report.overview import figure_rows, overview_cells, overview_rows, overview_table
from janus.report.products import Products
from janus.report.tables import write_table
from janus.report.vital_signs import marked

TIER = "shown"
REVISION = "0123456789abcdef0123456789abcdef01234567"
EVIL = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
# What every record of a job holds.
FACTS = {
    "revision": REVISION,
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "device": "AMD EPYC (2 cores)",
    "wall_seconds": 754.25,
    "finished": "2026-11-20T19:25:11+00:00",
}
SYSTEMS = {**REAL, "cmlm": {**REAL["cmlm"], "label": f"CMLM {EVIL}"}}


def tier() -> dict[str, Any]:
    """The checked tier: two seeds, three systems on one pair and two on another, an overview."""
    raw = read_yaml(ROOT / "config/demo.yaml")
    systems = ["transformer", "cmlm", "janus-paper"]
    raw = {key: raw[key] for key in ("model", "training", "decoding", "latency")} | {
        "tier": TIER,
        "corpora": [IWSLT, WMT],
        "seeds": [1, 2],
        "tables": {
            "table1": {"systems": systems, "columns": {IWSLT: "IWSLT14 De→En", WMT: {"new": "A | new_pair"}}},
        },
        "claims": {"ids": ["ar-gain", "nar-gain", "nar-flowseq"], "resamples": 100},
        "overviews": {"zoo": {"title": "A small zoo", "corpus": IWSLT, "baseline": "transformer", "systems": systems}},
    }
    return check(raw, SCHEMAS / "tier.schema.yaml", where="shown.yaml")


def write_shown(folder: Path) -> Path:
    """Write the run below `folder` and return it, results/shown."""
    results, config = f"results/{TIER}", tier()
    write_run(config, results, folder)
    run = folder / results
    for corpus in (IWSLT, WMT):
        write_json(run / corpus / "corpus/corpus.json", _corpus(corpus) | FACTS)
    for path in sorted(run.glob("*/*/seed-*")):
        _write_records(path)
    _write_tables(config, run)
    return run


def _corpus(name: str) -> dict[str, Any]:
    digests = {f"tok/{split}.de": f"{place}" * 64 for place, split in enumerate(("train", "valid", "test"))}
    return {"corpus": name, "recipe": "grammar", "licence": "CC0", "lines": {"train": 2000}, "sha256": digests}


def _write_records(run: Path) -> None:
    corpus, system, seed = run.parts[-3], run.parts[-2], run.name.removeprefix("seed-")
    named = {"corpus": corpus, "system": system, "seed": seed}
    train = read_json(run / "train.json")
    data = {f"results/{TIER}/{corpus}/corpus/bin/train.de-en.de.bin": "d" * 64}
    options = {"code": "0a1b2c3d", "data": data, "parameters": 123456, "resumed": False}
    # An absolute path of a machine, which no reader needs to see.
    train["arguments"][0] = f"/home/somebody/work/results/{TIER}/{corpus}/corpus/bin"
    write_json(run / "train.json", {**named, "arguments": train["arguments"], **options, **FACTS})
    write_json(
        run / "averaged.json", {**named, "checkpoints": {"checkpoint5.pt": "e" * 64}, "sha256": "f" * 64, **FACTS}
    )
    write_json(run / "latency.json", _latency(system) | FACTS)
    references = run.parents[1] / "corpus/tok" / f"test.{CORPORA[corpus].target}"
    for output in sorted((run / "decode").glob("*.bpe")):
        mode = output.stem
        settings = {"passes": 11} if mode != "ar" else {"beam": 5}
        decoding = {"manner": mode[:2], "settings": settings, "checkpoint": "f" * 64, "source": sha256(references)}
        write_json(output.with_name(f"{output.name}.json"), {**decoding, "sentences": 120, **FACTS})
        score_file(
            hypotheses=output,
            references=references,
            raw_references=references,
            output=run / f"score/{mode}.json",
            language="en",
            lowercase=False,
            facts=named | {"mode": mode},
        )
        if mode != "ar":
            lines = "".join(json.dumps(sentence, ensure_ascii=False) + "\n" for sentence in sentences())
            (run / f"decode/{mode}.steps.jsonl").write_text(lines, encoding="utf-8")


def sentences() -> list[dict[str, Any]]:
    """What `janus translate --show-steps --json` prints of two lines."""
    first = {
        "subwords": [EVIL, "dog", "dog"],
        "probabilities": [0.9, 0.51234, 0.25],
        "masked": [True, True, True],
        "changed": [False, False, False],
    }
    second = {
        "subwords": [EVIL, "dog", "runs"],
        "probabilities": [0.9, 0.51234, 0.75],
        "masked": [False, False, True],
        "changed": [False, False, True],
    }
    return [
        {"line": number, "source": text, "outputs": [{"text": f"{EVIL} dog runs", "passes": [first, second]}]}
        for number, text in enumerate(("der hund läuft", f"noch einer {EVIL}"), 1)
    ]


def _latency(system: str) -> dict[str, Any]:
    rows = [
        {
            "manner": manner,
            "passes": 11 if manner == "nar" else 0,
            "batch_size": size,
            "milliseconds_per_sentence": {"median": time / size, "low": time, "high": time},
            "sentences_per_second": {"median": 1000 * size / time, "low": 1.0, "high": 2.0},
        }
        for manner, time in (("ar", 60.0), ("nar", 22.0 + len(system)))
        if manner in SYSTEMS[system]["manners"]
        for size in (1, 32)
    ]
    return {"rows": rows, "sentences": 32, "repeats": 3, "warmup": 1, "threads": 1}


def _write_tables(config: Mapping[str, Any], run: Path) -> None:
    results, facts = f"results/{TIER}", {"tier": TIER, "generated": True}
    root, products = run.parents[1], Products(results, config, SYSTEMS, CORPORA)

    def scores(corpus: str, system: str, manner: str, passes: int | None = None) -> dict[int, str]:
        mode = manner if manner == "ar" else f"nar-{passes or 11}"
        return {seed: f"{root}/{one}/score/{mode}.json" for seed, one in products.runs(corpus, system).items()}

    def tests(corpus: str, system: str, manner: str, baseline: str) -> dict[int, str]:
        made = {}
        for seed, one in products.runs(corpus, system).items():
            made[seed] = f"{root}/{one}/compare/{manner}-{baseline}.json"
            named = {"corpus": corpus, "system": system, "seed": seed, "baseline": baseline}
            test = {"baseline": 20.0, "system": 30.0, "delta": 10.0, "p_bootstrap": 0.001, "p_randomisation": 0.0001}
            write_json(Path(made[seed]), {**test, "signature": "made", "provenance": {**named, **FACTS}})
        return made

    def origin(corpus: str, system: str, manner: str, passes: int | None = None) -> Mapping[str, Any]:
        found = products.origin(corpus, system, manner, passes)
        absolute = {
            kind: {seed: f"{root}/{path}" for seed, path in found[kind].items()} for kind in ("trainings", "decodings")
        }
        return {**found, **absolute}

    common = {"score_files": scores, "origin_of": origin, "passes": lambda corpus, system: 11}
    cells = bleu_cells(1, config["tables"]["table1"], SYSTEMS, comparison_files=tests, **common)
    records = collect(cells)
    table = build_table(1, PUBLISHED, records, added_columns=["A | new_pair"], **facts)
    for one in (
        table,
        build_metric_table(1, records, **facts),
        build_comparison_table(1, records, **facts),
        build_table(2, PUBLISHED, **facts),
    ):
        write_table(marked(one, cells), run / "tables" / one.name)
    write_reproduced(records, run / "tables/table1-cells.csv")
    write_json(run / "tables/table1.json", {"table": 1, "cells": cells, **facts, **FACTS})
    _write_overview(config, run, common, facts, lambda corpus, system: {
        seed: f"{root}/{one}/latency.json" for seed, one in products.runs(corpus, system).items()
    })  # fmt: skip
    comparisons = comparisons_of(config, run)
    outcomes = evaluate(comparisons, STATEMENTS, resamples=100)
    write_table(build_claims_table(outcomes, PUBLISHED, **facts, resamples=100), run / "tables/claims")
    draw_forest(outcomes, PUBLISHED, run / "figures/claims", **facts)
    write_json(run / "tables/claims.json", {"table": "claims", "comparisons": comparisons, **facts, **FACTS})


def _write_overview(
    config: Mapping[str, Any], run: Path, common: Mapping[str, Any], facts: Mapping[str, Any], latencies: Any
) -> None:
    block = config["overviews"]["zoo"]
    cells = overview_cells("zoo", block, SYSTEMS, latency_files=latencies, **common)
    rows = overview_rows(cells, "translation")
    named = {"title": block["title"], "task": "translation", "baseline": block["baseline"]}
    write_table(overview_table("zoo", cells, rows, **named, **facts), run / "tables/zoo")
    points = figure_rows(cells, rows, "translation")
    tradeoff(points, run / "figures/zoo", title=block["title"], **facts)
    write_json(run / "tables/zoo.json", {"overview": "zoo", "cells": cells, **facts, **FACTS})
