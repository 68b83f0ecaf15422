"""What was unequal between two trainings, from command lines that were made for it and from records of real runs."""

import copy
from pathlib import Path
from typing import Any

import pytest

from janus.config.system_entries import load_systems
from janus.config.systems import training_arguments
from janus.config.tiers import averages, check, read_yaml, settings
from janus.errors import InputError
from janus.files import read_json, write_json
from janus.report.inequalities import differences, inequality_notes, parse_options, training_settings
from janus.report.origins import origin_notes, provenance_notes

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow/schemas"
SYSTEMS = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
RUN = ROOT / "results/reference/multi30k-cpu/multi30k.de-en"


def record(system: str, tier: str = "paper", corpus: str = "iwslt14.de-en") -> dict[str, Any]:
    """The record that a training of a shipped tier leaves."""
    config = check(read_yaml(ROOT / f"config/{tier}.yaml"), SCHEMAS / "tier.schema.yaml", where=tier)
    arguments = training_arguments(
        SYSTEMS[system],
        settings(config, corpus=corpus, system=system),
        data=Path("bin"),
        checkpoints=Path("checkpoints"),
        source="de",
        target="en",
        start=Path("results/t/text/bart/seed-1/averaged.pt") if SYSTEMS[system]["start"] else None,
        seed=1,
        device=config["device"],
        user_dir=Path("janus/plugin"),
    )
    digests = {"bin/dict.de.txt": "aa" * 20, "bin/train.de-en.de.bin": "bb" * 20, "bin/preprocess.log": "cc" * 20}
    return {"arguments": arguments, "data": digests, "revision": "1234567890", "device": "a processor"}


@pytest.fixture
def origin(tmp_path: Path):
    """A function that writes records, one a seed, and gives the origin that names them."""

    def write(name: str, *records: dict[str, Any], checkpoints: str = "mean", corpus: str = "c") -> dict[str, Any]:
        files = {}
        for seed, one in enumerate(records, 1):
            write_json(tmp_path / f"{name}-{seed}.json", one)
            files[seed] = str(tmp_path / f"{name}-{seed}.json")
        return {"corpus": corpus, "trainings": files, "decodings": {}, "checkpoints": checkpoints}

    return write


def changed(one: dict[str, Any], option: str, value: str) -> dict[str, Any]:
    """The same record with another value of an option, which the command line must have."""
    other = copy.deepcopy(one)
    other["arguments"][other["arguments"].index(f"--{option}") + 1] = value
    return other


def test_the_method_itself_is_no_inequality(origin) -> None:
    """Rows of one tier on one budget differ in losses, masking, queries, and in nothing that a note tells."""
    pairs = [("janus-paper", "janus-release"), ("janus-paper", "cmlm-corr"), ("ar-nar", "aux")]
    for one, other in pairs:
        ours, theirs = origin("a", record(one)), origin("b", record(other))
        assert differences(ours, theirs) == []
    assert inequality_notes(
        [{"variant": "A", "origin": ours, "comparisons": [{"against": "B", "origin": theirs}]}]
    ) == ["Each row was trained as the rows it is tested against."]


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("lr", "0.001", "learning rate 0.0005 and 0.001"),
        ("max-update", "100000", "updates 200,000 and 100,000"),
        ("max-epoch", "10", "updates 200,000 and 200,000 or 10 epochs"),
        ("max-tokens", "2048", "tokens an update 8,192 and 4,096"),
        ("update-freq", "2", "tokens an update 8,192 and 16,384"),
        ("warmup-updates", "4000", "warm-up 10000 and 4000"),
        ("lr-scheduler", "fixed", "schedule inverse_sqrt and fixed"),
        ("dropout", "0.1", "dropout 0.3 and 0.1"),
        ("attention-dropout", "0.1", "attention dropout 0 and 0.1"),
        ("weight-decay", "0.01", "weight decay 0.0001 and 0.01"),
        ("clip-norm", "1", "gradient clipping 0 and 1"),
        ("label-smoothing", "0", "label smoothing 0.1 and 0"),
        ("optimizer", "adam", "optimiser fused_adamw (0.9, 0.98) and adam (0.9, 0.98)"),
    ],
)
def test_each_setting_of_a_training_is_told(origin, option: str, value: str, told: str) -> None:
    one = record("janus-paper")
    assert differences(origin("a", one), origin("b", changed(one, option, value))) == [told]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--autocast", "bfloat16"], "precision fp16 and bfloat16"),
        ([], "precision fp16 and float32"),
    ],
)
def test_precision_is_told(origin, words: list[str], told: str) -> None:
    one, other = record("janus-paper"), record("janus-paper")
    other["arguments"] = [word for word in other["arguments"] if word != "--fp16"] + words
    assert differences(origin("a", one), origin("b", other)) == [told]


def test_size_start_data_seeds_revision_and_checkpoint_are_told(origin) -> None:
    one = record("janus-paper")
    narrow = changed(changed(one, "encoder-embed-dim", "64"), "decoder-embed-dim", "64")
    assert differences(origin("a", one), origin("b", narrow)) == [
        "size layers 6, width 512, inner width 1024, heads 4 and layers 6, width 64, inner width 1024, heads 4"
    ]
    started = one | {"arguments": [*one["arguments"], "--init-from", "results/t/text/bart-cmlm/seed-1/averaged.pt"]}
    assert differences(origin("a", one), origin("b", started)) == ["weights drawn from N(0, 0.02) and of bart-cmlm"]
    fresh = one | {"arguments": [word for word in one["arguments"] if word != "--apply-bert-init"]}
    assert differences(origin("a", one), origin("b", fresh)) == [
        "weights drawn from N(0, 0.02) and drawn as fairseq does by default"
    ]
    moved = {f"elsewhere/{Path(name).name}": digest for name, digest in one["data"].items()}
    assert differences(origin("a", one), origin("b", one | {"data": moved})) == []
    other = one | {"data": one["data"] | {"bin/train.de-en.de.bin": "dd" * 20}, "revision": "abcdef012"}
    assert differences(origin("a", one), origin("b", other, other, checkpoints="best")) == [
        "training data aaaaaaa bbbbbbb and aaaaaaa ddddddd",
        "revision 1234567 and abcdef0",
        "decoded checkpoint mean and best",
        "seeds 1 and 1, 2",
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (41_000_000, 36_700_000, ["parameters 41,000,000 and 36,700,000"]),
        (36_700_000, 41_000_000, ["parameters 36,700,000 and 41,000,000"]),
        (101_001, 100_000, ["parameters 101,001 and 100,000"]),
        (101_000, 100_000, []),
        (100_000, None, ["parameters 100,000 and not recorded"]),
        (None, None, []),
    ],
)
def test_a_model_that_is_a_hundredth_larger_is_told(origin, ours: int | None, theirs: int | None, told) -> None:
    one, other = (record("janus-paper") | {"parameters": count} for count in (ours, theirs))
    assert differences(origin("a", one, one), origin("b", other, other)) == told


def test_seeds_of_several_sizes_are_told(origin) -> None:
    one, other = (record("janus-paper") | {"parameters": count} for count in (100, 200))
    assert differences(origin("a", one, other), origin("b", one, one)) == ["parameters 100 or 200 and 100"]


def test_seeds_that_were_trained_differently_show_all_values(origin) -> None:
    one = record("janus-paper")
    assert differences(origin("a", one, changed(one, "lr", "0.001")), origin("b", one, one)) == [
        "learning rate 0.0005 or 0.001 and 0.0005"
    ]


@pytest.mark.slow
def test_the_authors_give_the_ablation_twice_the_updates_of_its_baselines(origin) -> None:
    """Transformer and CMLM alone are trained half as long; every row of Table 6 that is tested against them says so."""
    for row in ("aux", "ar-nar", "ar-nar-kl", "janus-paper", "janus-release"):
        for baseline in ("transformer", "cmlm"):
            found = differences(origin("a", record(row)), origin("b", record(baseline)))
            assert "updates 200,000 and 100,000" in found
    assert differences(origin("a", record("janus-paper")), origin("b", record("ar-nar-kl"))) == []
    (rate,) = differences(
        origin("a", record("janus-release", corpus="wmt16.ro-en")), origin("b", record("ar-nar", corpus="wmt16.ro-en"))
    )
    assert rate == "learning rate 0.0007 and 0.0005"


@pytest.mark.parametrize("corpus", ["iwslt14.de-en", "wmt16.ro-en"])
def test_the_equal_tier_is_equal(origin, corpus: str) -> None:
    """What remains between its rows is what fairseq's Transformer is: sinusoidal positions, weights of its own."""
    rows = ["transformer", "cmlm", "cmlm-corr", "aux", "ar-nar", "ar-nar-kl", "janus-paper", "janus-release"]
    first = training_settings(record("janus-paper", "paper-equal", corpus))
    for row in rows:
        found = training_settings(record(row, "paper-equal", corpus))
        unequal = {name for name, value in first.items() if found[name] != value}
        assert unequal <= ({"positions", "weights"} if row == "transformer" else set()), row
    tier = check(read_yaml(ROOT / "config/paper-equal.yaml"), SCHEMAS / "tier.schema.yaml", where="tier")
    assert all(averages(tier, SYSTEMS[row]) for row in rows) and not SYSTEMS["transformer"]["average"]


def test_a_pair_names_its_corpora_where_they_differ(origin) -> None:
    one, fast = record("janus-paper"), changed(record("janus-paper"), "lr", "0.001")
    base = [{"against": "B", "origin": origin("b", one)}]
    cells = [
        {"variant": "A", "origin": origin("a", one, corpus="x"), "comparisons": base},
        {"variant": "A", "origin": origin("c", fast, corpus="y"), "comparisons": base},
        {"variant": "A", "origin": origin("c", fast, corpus="y"), "comparisons": base},
        {"variant": "B", "origin": origin("b", one)},
    ]
    assert inequality_notes(cells) == ["Unequal, A and B on y: learning rate 0.001 and 0.0005."]
    assert inequality_notes(cells[1:]) == ["Unequal, A and B: learning rate 0.001 and 0.0005."]
    assert inequality_notes(cells[3:]) == []


def test_options_are_read_as_fairseq_reads_them() -> None:
    words = ["bin", "--lr", "0.1", "--cpu", "--adam-betas", "(0.9, 0.98)", "--threshold", "-1", "--lr=0.2", "--fp16"]
    assert parse_options(words) == {
        "lr": "0.2", "cpu": "", "adam-betas": "(0.9, 0.98)", "threshold": "-1", "fp16": "",
    }  # fmt: skip


# ---- the tracked run on Multi30k, whose rows were made at four revisions with two optimisers and two learning rates --


def real(system: str, mode: str) -> dict[str, Any]:
    run = RUN / system / "seed-1"
    return {
        "corpus": "multi30k.de-en",
        "trainings": {1: run / "train.json"},
        "decodings": {1: run / f"decode/{mode}.bpe.json"},
        "checkpoints": "of the best validation loss" if system == "transformer" else "mean of the last 5",
    }


def real_cell(label: str, system: str, mode: str, *others: tuple[str, str]) -> dict[str, Any]:
    return {
        "variant": label,
        "origin": real(system, mode),
        "score_files": {1: RUN / system / f"seed-1/score/{mode}.json"},
        "comparisons": [{"against": against, "origin": real(other, mode)} for against, other in others],
    }


def test_the_tracked_run_says_what_was_unequal() -> None:
    cells = [
        real_cell("Transformer", "transformer", "ar"),
        real_cell("CMLM", "cmlm", "nar-11"),
        real_cell("AR+NAR", "ar-nar", "ar", ("Transformer", "transformer")),
        real_cell("JANUS (paper)", "janus-paper", "ar", ("Transformer", "transformer"), ("AR+NAR", "ar-nar")),
        real_cell("JANUS (paper)", "janus-paper", "nar-11", ("CMLM", "cmlm"), ("AR+NAR", "ar-nar")),
    ]
    notes = origin_notes(cells)
    unequal = {note.split(":")[0]: note for note in notes if note.startswith("Unequal")}
    assert list(unequal) == [
        "Unequal, AR+NAR and Transformer",
        "Unequal, JANUS (paper) and Transformer",
        "Unequal, JANUS (paper) and AR+NAR",
        "Unequal, JANUS (paper) and CMLM",
    ]
    against_cmlm = unequal["Unequal, JANUS (paper) and CMLM"]
    assert "learning rate 0.003 and 0.0015" in against_cmlm
    assert "optimiser fused_adamw (0.9, 0.98) and adam (0.9, 0.98)" in against_cmlm
    assert "revision 00b135e and 5c38cfe" in against_cmlm and "updates" not in against_cmlm
    assert "mean of the last 5 and of the best validation loss" in unequal["Unequal, JANUS (paper) and Transformer"]
    assert unequal["Unequal, JANUS (paper) and AR+NAR"].endswith("revision 00b135e and 2b0d2e5.")
    (mixed,) = [note for note in notes if note.startswith("Not of one origin")]
    assert (
        "trained at revision ccfdb4f (Transformer), 5c38cfe (CMLM), 2b0d2e5 (AR+NAR), 00b135e (JANUS (paper))" in mixed
    )
    assert "trained by adam (Transformer, CMLM), fused_adamw (AR+NAR, JANUS (paper))" in mixed


@pytest.mark.parametrize("option", ["max-tokens", "lr"])
def test_a_record_without_an_option_is_refused_in_one_line(origin, option: str) -> None:
    broken = record("janus-paper")
    place = broken["arguments"].index(f"--{option}")
    del broken["arguments"][place : place + 2]
    with pytest.raises(InputError, match=rf"broken-1\.json: its arguments have no --{option}; train again"):
        differences(origin("whole", record("janus-paper")), origin("broken", broken))


def test_rows_of_one_origin_have_no_note() -> None:
    cells = [real_cell(name, name, "ar") for name in ("janus-paper", "janus-release")]
    assert provenance_notes(cells) == []


def test_versions_devices_and_uncommitted_changes_are_told(tmp_path: Path) -> None:
    base = read_json(RUN / "janus-paper/seed-1/train.json") | {"device": "GPU 1"}
    other = base | {"versions": base["versions"] | {"torch": "3.0"}, "device": "GPU 2", "revision": "abcdef0123-dirty"}
    cells = []
    for name, one in (("A", base), ("B", other)):
        write_json(tmp_path / f"{name}.json", one)
        write_json(tmp_path / f"{name}-score.json", {"scores": {}, "provenance": {"revision": base["revision"]}})
        origin = {"corpus": "c", "trainings": {1: tmp_path / f"{name}.json"}, "decodings": {}, "checkpoints": "best"}
        cells.append({"variant": name, "origin": origin, "score_files": {1: tmp_path / f"{name}-score.json"}})
    assert provenance_notes(cells) == [
        "Not of one origin: trained at revision 00b135e (A), abcdef0-dirty (B); trained on GPU 1 (A), GPU 2 (B); "
        "trained with torch 2.13.0+cpu (A), 3.0 (B).",
        "Made with uncommitted changes: abcdef0-dirty.",
    ]
    floor = {"variant": "no model", "score_files": {1: tmp_path / "A-score.json"}}
    assert provenance_notes([floor]) == []


@pytest.mark.parametrize("kind", ["checkpoint", "outputs"])
def test_a_given_row_has_the_origin_of_its_scores_and_of_decodings_made_here(kind: str) -> None:
    """The two rows were decoded at two revisions, which is told of a given checkpoint and not of given outputs."""
    cell, other = (real_cell(name, name, "nar-11") for name in ("cmlm", "janus-release"))
    decodings = cell["origin"]["decodings"]
    given = decodings if kind == "outputs" else {1: "model.pt"}
    cell["origin"] |= {"given": given, "trainings": {}}
    notes = " ".join(provenance_notes([cell, other]))
    assert "trained" not in notes and ("decoded at revision" in notes) == (kind == "checkpoint")
