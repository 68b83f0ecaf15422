"""A training killed at any update and started again equals one that nothing disturbed, for every shipped system."""

import random
from pathlib import Path

import pytest
from fairseq_training import differences, run, tensors, write_pairs, write_text

from janus.config.system_entries import load_systems
from janus.config.systems import method_of, training_arguments
from janus.model.bart import write_start
from janus.model.checkpoints import read_checkpoint
from janus.training.finished import extends_exactly, is_finished, next_epoch_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SYSTEMS = load_systems(ROOT / "config/systems.yaml", ROOT / "workflow/schemas")
# The dictionary of the toy corpus is smaller than the beam of 64.
SYSTEMS["fairseq-crf"] |= {"crf_beam": 8}
# As many levels of its flow, with fewer steps in each; two where they repeat.
SYSTEMS["flowseq"] |= {"steps": 2, "last_steps": 1}
MODEL = {"layers": 2, "embed_dim": 16, "ffn_dim": 24, "heads": 2, "init": "scaled", "length_classes": 33}
TRAINING = {
    "valid_bleu_sentences": 0,
    "valid_bleu_passes": 2,
    "lr": 3e-3,
    "warmup_updates": 5,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "dropout": 0.2,
    "attention_dropout": 0.1,
    "label_smoothing": 0.1,
    "max_update": 13,
    "max_epoch": 0,
    "patience": 0,
    "max_tokens": 60,
    "update_freq": 1,
    "save_interval": 1,
    "average_checkpoints": 2,
    "validate_interval": 1,
    "precision": "float32",
    "gpus": 1,
}
DECODING = {"length_beam": 3, "length_candidates": "around", "length_score": "default"}
# tiny-bart's.
POSITIONS = ["--max-source-positions", "32", "--max-target-positions", "32"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[tuple[str, bool], str]:
    """By stage and whether it comes in shards: binarised folders, of four or five batches each."""
    root = tmp_path_factory.mktemp("data")
    folders = {}
    for stage, write in (("task", write_pairs), ("pretraining", write_text)):
        parts = [str(write(root / f"{stage}{i}", seed=i, count=24 + i)) for i in range(3)]
        folders[stage, False], folders[stage, True] = parts[0], ":".join(parts)
    return folders


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """The weights that tuned and further pre-trained systems start from."""
    path = tmp_path_factory.mktemp("start") / "model.pt"
    write_start(ROOT / "tests/model/tiny-bart", path, words=40)
    return path


@pytest.fixture
def words(data, start):
    """fairseq's options for a system, as the workflow makes them."""

    def made(name: str, *more: str, sharded: bool = False, **changes) -> list[str]:
        system = SYSTEMS[name]
        return [
            *training_arguments(
                system,
                {"model": MODEL, "training": TRAINING | changes, "decoding": DECODING},
                data=data[system["stage"], sharded],
                checkpoints=Path("unused"),
                source="aa",
                target="bb",
                block=20,
                start=start if system["start"] else None,
                seed=3,
                device="cpu",
                user_dir=ROOT / "janus/plugin",
            ),
            *(POSITIONS if "bart" in name else []),
            *more,
        ]

    return made


def assert_kills_change_nothing(words: list[str], folder: Path, kills: list[int]) -> None:
    """kills: updates at which a training is killed, one after another."""
    run(words, folder / "whole")
    for update in kills:
        run(words, folder / "broken", kill_at=update)
    run(words, folder / "broken")
    whole = tensors(folder / "whole")
    assert len(whole) > 100 and whole["/updates"] == TRAINING["max_update"]
    assert differences(tensors(folder / "broken"), whole) == []


def distinct_trainings() -> list[str]:
    """One system of each kind of training: those that differ in their start alone are trained alike."""
    kept = {}
    for name, system in SYSTEMS.items():
        method = method_of(system)
        kind = method.name, method.plain_options, system["stage"], bool(system["start"])
        kept.setdefault(repr(kind), name)
    return list(kept.values())


def test_every_kind_of_training_is_tried():
    names = set(distinct_trainings())
    joint = {"aux", "ar-nar", "ar-nar-kl", "janus-paper", "janus-release"}
    assert {"transformer", "cmlm", "cmlm-corr", "glat"} | joint <= names
    assert {"bart", "bart-cmlm", "bart-janus-paper", "bart-janus-release", "bart-base-ar", "bart-base-nar"} <= names


def cases():
    """Every kind of training, and the first of each method also on data that change with the epoch."""
    names = distinct_trainings()
    first = {method_of(SYSTEMS[name]).name: name for name in reversed(names)}
    return [(name, False) for name in names] + [(name, True) for name in names if name in first.values()]


@pytest.mark.parametrize(
    ("name", "sharded"), [pytest.param(*case, id=f"{case[0]}{', sharded' * case[1]}") for case in cases()]
)
def test_killed_equals_unbroken(words, tmp_path, name, sharded):
    """Killed twice in later epochs, away from the updates that are saved."""
    kills = sorted(random.Random(f"{name} {sharded}").sample(range(6, 13), 2))
    assert_kills_change_nothing(words(name, "--save-interval-updates", "3", sharded=sharded), tmp_path, kills)


VARIANTS = {
    "two batches an update": {"update_freq": 2, "max_tokens": 30},
    "bfloat16": {"precision": "bfloat16"},
    "validation by decoding": {"valid_bleu_sentences": 3},
    "saved at the end of epochs alone": {},
    "validated between": {},
    "two workers": {},
}
OPTIONS = {
    "saved at the end of epochs alone": [],
    "validated between": ["--validate-interval-updates", "2", "--save-interval-updates", "5"],
    "two workers": ["--num-workers", "2", "--save-interval-updates", "3"],
}


@pytest.mark.parametrize("name", ["janus-paper", "cmlm", "bart"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_that_could_matter(words, tmp_path, variant, name):
    if name == "bart" and variant == "validation by decoding":
        variant = "validated between"
    more = OPTIONS.get(variant, ["--save-interval-updates", "3"])
    kills = [random.Random(f"{variant} {name}").randrange(7, 13)]
    assert_kills_change_nothing(words(name, *more, **VARIANTS[variant]), tmp_path, kills)


@pytest.mark.parametrize("name", ["transformer", "janus-release"])
@pytest.mark.parametrize("first", [4, 7])
def test_a_longer_training_goes_on_exactly(words, tmp_path, name, first):
    """Asked for more updates after its end, in the middle of an epoch or (4) at the end of one."""
    run(words(name), tmp_path / "whole")
    run(words(name, max_update=first), tmp_path / "longer")
    assert tensors(tmp_path / "longer")["/updates"] == first
    run(words(name), tmp_path / "longer")
    assert differences(tensors(tmp_path / "longer"), tensors(tmp_path / "whole")) == []


@pytest.mark.parametrize(("more", "exact"), [([], False), (["--lr-period-updates", "8"], True)])
def test_a_schedule_that_plans_its_end_is_known(words, tmp_path, more, exact):
    """A cosine to another end is another training from its first update on; one of a given period is not."""
    planned = ["--lr-scheduler", "cosine", *more]
    run(words("transformer", *planned), tmp_path / "whole")
    run(words("transformer", *planned, max_update=7), tmp_path / "longer")
    run(words("transformer", *planned), tmp_path / "longer")
    assert (differences(tensors(tmp_path / "longer"), tensors(tmp_path / "whole")) == []) is exact
    assert extends_exactly(words("transformer", *planned)) is exact


def next_epoch(folder: Path) -> int:
    """The epoch that a training in `folder` goes on with."""
    last = folder / "checkpoint_last.pt"
    return next_epoch_of(read_checkpoint(last), last)


@pytest.mark.parametrize("name", ["janus-paper", "cmlm", "transformer"])
def test_patience_counts_on_after_a_kill(words, tmp_path, name):
    """With a learning rate of almost nothing no validation is better than the first."""
    settings = {"lr": 1e-9, "max_update": 50, "valid_bleu_sentences": 3}
    stopping, longer = (words(name, patience=patience, **settings) for patience in (2, 3))
    run(stopping, tmp_path / "whole")
    for update in (6, 9, 11):
        run(stopping, tmp_path / "broken", kill_at=update)
        assert not is_finished([*stopping, "--save-dir", str(tmp_path / "broken")])
    run(stopping, tmp_path / "broken")
    whole = tensors(tmp_path / "whole")
    # The third validation is the second without a gain.
    assert next_epoch(tmp_path / "whole") == 4 and whole["/updates"] < 20
    assert differences(tensors(tmp_path / "broken"), whole) == []
    assert is_finished([*stopping, "--save-dir", str(tmp_path / "broken")])
    # More patience goes on from there, by as many validations.
    assert not is_finished([*longer, "--save-dir", str(tmp_path / "broken")])
    run(longer, tmp_path / "broken")
    assert next_epoch(tmp_path / "broken") == 5


def test_two_trainings_of_one_seed_are_equal(words, tmp_path):
    """fairseq's BART, whose noise its own data set draws from a generator that nobody seeds."""
    for folder in ("one", "two"):
        run(words("bart"), tmp_path / folder)
    assert differences(tensors(tmp_path / "one"), tensors(tmp_path / "two")) == []


@pytest.mark.parametrize("name", ["janus-paper", "transformer"])
def test_half_precision(words, tmp_path, name):
    """The float32 weights behind those in half precision go on, and the loss scale, which changes every few updates.

    Flat weights need a GPU (fairseq asks for its number); here every parameter has its own.
    """
    half = ["--fp16", "--fp16-no-flatten-grads", "--fp16-scale-window", "4", "--save-interval-updates", "3"]
    assert_kills_change_nothing(words(name, *half), tmp_path, [8, 11])
    assert tensors(tmp_path / "whole")["/optimizer/loss_scale"] > 128
