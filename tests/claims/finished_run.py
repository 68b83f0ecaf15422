"""The results of a small tier that was never trained: outputs are damaged references, with all records beside them."""

import random
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tier_files import SMALLEST

from janus.claims.plan import Comparison, Planner
from janus.claims.statements import Statement, load_statements
from janus.config.system_entries import load_systems
from janus.config.systems import training_arguments
from janus.config.tiers import check, settings
from janus.fetching.manifest import Corpus, Vocabulary, load_manifest
from janus.files import read_lines, write_json, write_lines
from janus.report.published import Published, load_published
from janus.text.vocabulary import load_encoder, make_subword

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow/schemas"
SYSTEMS = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
CORPORA: Mapping[str, Corpus] = load_manifest(ROOT / "config/corpora.yaml").corpora
PUBLISHED: Published = load_published(ROOT / "workflow/published")
STATEMENTS: list[Statement] = load_statements(ROOT / "workflow/published/claims.csv")
REFERENCES = {
    "translation": read_lines(ROOT / "tests/metrics/tatoeba/tok.de")[:120],
    "summary": read_lines(ROOT / "tests/metrics/xsum/references.txt")[:60],
}
IWSLT, WMT, XSUM = "demo.iwslt14.de-en", "demo.wmt16.ro-en", "demo.xsum.src-tgt"

# The share of words that a system gets wrong in AR and in NAR after one pass; each further pass takes 0.02 off.
ERRORS = {
    "transformer": (0.20, 0.0),
    "cmlm": (0.0, 0.40),
    "janus-paper": (0.10, 0.30),
    "ar-nar": (0.20, 0.35),
    "ar-nar-kl": (0.20, 0.35),
    "bart-base-ar": (0.20, 0.0),
    "bart-janus-paper-ar": (0.20, 0.0),
    "bart-janus-paper-nar": (0.0, 0.30),
}
# Milliseconds a sentence: AR, and one pass of NAR.
_AR, _PASS = 60.0, 2.0


def tier(**changes: Any) -> dict[str, Any]:
    """A checked tier of three seeds with two pairs to translate and one task, with some keys changed."""
    raw = {
        "tier": "made",
        "corpora": [IWSLT, WMT, XSUM],
        "seeds": [1, 2, 3],
        "pretraining": {"text": "demo", "base": "bart"},
        "model": SMALLEST["model"],
        "training": SMALLEST["training"] | {"max_update": 9},
        "decoding": SMALLEST["decoding"] | {"passes": 11},
        "overrides": [{"systems": ["cmlm"], "training": {"lr": 0.0005}}],
        "tables": {
            "table1": {
                "systems": ["transformer", "cmlm", "janus-paper"],
                "columns": {IWSLT: "IWSLT14 De→En", WMT: "WMT16 Ro→En"},
            },
            "table2": {
                "corpus": XSUM,
                "systems": ["bart-base-ar", "bart-janus-paper-ar", "bart-janus-paper-nar"],
                "passes": [1, 11],
                "baseline": "bart-base-ar",
            },
            "table6": {"systems": ["ar-nar", "ar-nar-kl"], "columns": {IWSLT: "IWSLT14 De→En"}},
        },
        "claims": {"resamples": 400},
    }
    return check(raw | changes, SCHEMAS / "tier.schema.yaml", where="made.yaml")


def comparisons_of(config: Mapping[str, Any], results: Path | str) -> list[Comparison]:
    """What the planner finds in the tier."""
    return Planner(config, SYSTEMS, CORPORA, str(results)).comparisons(STATEMENTS)


def write_run(config: Mapping[str, Any], results: Path | str, folder: Path = Path()) -> None:
    """Write everything below `results`, a path seen from `folder`, that the claims of a tier are judged from."""
    trials = [trial for one in comparisons_of(config, results) for trial in one.get("trials", ())]
    for trial in trials:
        _write_test_set(trial["test_set"], folder)
    for trial in trials:
        for side in (trial["left"], trial["right"]):
            _write_side(config, trial["corpus"], trial["test_set"], side, folder)


def _write_test_set(test_set: Mapping[str, Any], folder: Path) -> None:
    lines = REFERENCES[test_set["task"]]
    for name in ("references", "sources"):
        write_lines(folder / test_set[name], lines)
    if test_set["vocabulary"] and not (folder / test_set["vocabulary"]).exists():
        text = (folder / test_set["references"]).with_name("text")
        write_lines(text, lines)
        demo = Vocabulary("demo", "subword", "free", text="demo", merges=60)
        make_subword(demo, [text], [], folder / test_set["vocabulary"], progress=False)


def _write_side(
    config: Mapping[str, Any], corpus: str, test_set: Mapping[str, Any], side: Mapping[str, Any], folder: Path
) -> None:
    for seed, path in side["files"].items():
        run = next(parent for parent in (folder / path).parents if parent.name.startswith("seed-"))
        system = run.parent.name
        if path.endswith("latency.json"):
            _write_latency(folder / path, system, seed)
        else:
            outputs = _outputs(system, side["manner"], side["passes"], seed, REFERENCES[test_set["task"]])
            if test_set["vocabulary"]:
                outputs = list(map(load_encoder(folder / test_set["vocabulary"]).encode, outputs))
            write_lines(folder / path, outputs)
            write_json(folder / side["vital"][seed], {"signs": {}, "degenerate": []})
        _write_training(config, corpus, system, seed, folder / side["origin"]["trainings"][seed])


def _outputs(system: str, manner: str, passes: int | None, seed: int, lines: Sequence[str]) -> list[str]:
    """The references with words replaced: the same sentences for all passes of a run, so that passes only help."""
    ar, nar = ERRORS[system]
    rate = ar if manner == "ar" else nar - 0.02 * min(5, (passes or 1) - 1)
    # A seed is a little better or worse.
    generator = random.Random(zlib.crc32(f"{system} {seed}".encode()))
    rate += 0.01 * (generator.random() - 0.5)
    return [" ".join("wrong" if generator.random() < rate else word for word in line.split()) for line in lines]


def _write_latency(path: Path, system: str, seed: int) -> None:
    times = {("ar", None): _AR + seed} | {("nar", passes): _PASS * passes for passes in (1, 2, 4, 5, 11)}
    rows = [
        {
            "manner": manner,
            "passes": passes,
            "batch_size": 1,
            "milliseconds_per_sentence": {"median": time, "low": time, "high": time},
        }
        for (manner, passes), time in times.items()
        if manner in SYSTEMS[system]["manners"]
    ]
    write_json(path, {"rows": rows, "device": "a processor"})


def _write_training(config: Mapping[str, Any], corpus: str, system: str, seed: int, path: Path) -> None:
    words = training_arguments(
        SYSTEMS[system],
        settings(config, corpus=corpus, system=system),
        data=Path("bin"),
        checkpoints=Path("checkpoints"),
        source="a",
        target="b",
        start=Path("start/averaged.pt") if SYSTEMS[system]["start"] else None,
        seed=seed,
        device="cpu",
        user_dir=Path("plugin"),
    )
    write_json(path, {"arguments": words, "revision": "0123456789"})
