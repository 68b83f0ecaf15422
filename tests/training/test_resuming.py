"""The folder of one training: what may be continued, what is set aside, what is decoded."""

from pathlib import Path

import pytest

from janus.config.system_entries import load_systems
from janus.config.systems import training_arguments
from janus.config.tiers import check, read_yaml, settings
from janus.records.identity import training_identity
from janus.training.resuming import open_run

ROOT = Path(__file__).parents[2]
WORDS = ["corpus/bin", "--save-dir", "run/checkpoints", "--lr", "0.005", "--lr-scheduler", "inverse_sqrt"]


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "corpus" / "bin"
    folder.mkdir(parents=True)
    for name in ("train.aa-bb.aa.bin", "train.aa-bb.aa.idx", "dict.aa.txt", "preprocess.log"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def begun(tmp_path, data) -> Path:
    """The folder of a training that has a checkpoint."""
    folder = tmp_path / "checkpoints"
    assert not open_run(folder, identity(data))
    (folder / "checkpoint_last.pt").write_text("trained")
    return folder


def identity(data, *more, code="a"):
    words = [*WORDS, *(more or ("--max-update", "200"))]
    return training_identity(words, code=code, folders=[data])


def test_the_same_training_is_continued(begun, data):
    assert open_run(begun, identity(data))
    assert (begun / "checkpoint_last.pt").read_text() == "trained"


def test_what_fairseq_preprocess_logged_decides_nothing(begun, data):
    (data / "preprocess.log").write_text("Namespace(workers=1)")
    assert open_run(begun, identity(data))
    (data / "preprocess.log").unlink()
    assert open_run(begun, identity(data))


@pytest.mark.parametrize(
    "more",
    [
        ("--max-update", "650"),
        ("--max-update", "0"),
        (),
        ("--max-update", "200", "--log-interval", "7"),
        ("--max-update", "200", "--no-progress-bar"),
        ("--max-update", "200", "--save-dir", "elsewhere"),
        ("--max-update", "200", "--user-dir", "/moved/janus/plugin"),
        ("--max-update=200",),
    ],
)
def test_a_later_end_another_log_and_another_place_continue(begun, data, more):
    assert open_run(begun, training_identity([*WORDS, *more], code="a", folders=[data]))
    assert not list(begun.parent.glob("*.before-*"))


def test_the_longest_end_is_remembered(begun, data):
    assert open_run(begun, identity(data, "--max-update", "650"))
    assert not open_run(begun, identity(data, "--max-update", "300"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--max-update", "100"), "--max-update was 200 and is 100"),
        (("--max-update", "200", "--lr", "0.001"), "--lr was 0.005 and is 0.001"),
        (("--max-update", "200", "--max-epoch", "3"), "--max-epoch was not given and is 3"),
        (("--max-update", "200", "--patience", "3"), "--patience was not given and is 3"),
        (("--max-update", "200", "--fp16"), "--fp16 was not given and is given"),
        (("--max-update", "650", "--lr-scheduler", "cosine"), "--lr-scheduler was inverse_sqrt and is cosine"),
        (("--max-update", "200", "--keep-last-epochs", "5", "--a-new-option"), "--a-new-option was not given"),
    ],
)
def test_what_decides_the_training_sets_it_aside(begun, data, capsys, more, reason):
    assert not open_run(begun, identity(data, *more))
    assert [path.name for path in begun.iterdir()] == ["identity.json"]
    aside = begun.with_name("checkpoints.before-1")
    assert (aside / "checkpoint_last.pt").read_text() == "trained"
    (line,) = capsys.readouterr().err.splitlines()
    assert "set aside as checkpoints.before-1" in line and reason in line
    # Nothing is lost the second time either.
    (begun / "checkpoint_last.pt").write_text("again")
    assert not open_run(begun, identity(data, "--max-update", "200", "--lr", "9"))
    assert (begun.with_name("checkpoints.before-2") / "checkpoint_last.pt").read_text() == "again"
    assert (aside / "checkpoint_last.pt").read_text() == "trained"


def test_data_and_code_decide(begun, data, capsys):
    assert not open_run(begun, identity(data, code="b"))
    assert "the code differs" in capsys.readouterr().err
    (data / "dict.aa.txt").write_text("another")
    (begun / "checkpoint_last.pt").write_text("trained")
    assert not open_run(begun, identity(data, code="b"))
    assert "bin/dict.aa.txt differs" in capsys.readouterr().err


def test_an_end_decides_where_the_learning_rate_knows_it(tmp_path, data):
    for scheduler, continued in (("fixed", True), ("cosine", False), ("polynomial_decay", False)):
        folder = tmp_path / scheduler
        words = ["--lr-scheduler", scheduler, "--max-update"]
        open_run(folder, training_identity([*words, "200"], code="a", folders=[data]))
        (folder / "checkpoint_last.pt").touch()
        assert open_run(folder, training_identity([*words, "650"], code="a", folders=[data])) == continued, scheduler


def test_fewer_checkpoints_may_be_kept_and_no_more(tmp_path, data):
    folder = tmp_path / "checkpoints"
    for count, continued in ((5, False), (2, True), (5, False), (-1, False), (5, True)):
        words = [*WORDS, "--keep-last-epochs", str(count)]
        assert open_run(folder, training_identity(words, code="a", folders=[data])) == continued, count
        (folder / "checkpoint_last.pt").touch()


def test_a_longer_max_update_of_a_tier_continues(data, tmp_path):
    """Through the arguments that a tier really gives, where other options are derived from `max_update`."""
    schemas = ROOT / "workflow" / "schemas"
    tier = check(read_yaml(ROOT / "config/demo.yaml"), schemas / "tier.schema.yaml", where="demo")
    systems = load_systems(ROOT / "config/systems.yaml", schemas)

    def arguments(name, **changes):
        own = settings(tier, corpus="demo.iwslt14.de-en", system=name)
        own = {**own, "training": {**own["training"], **changes}}
        return training_arguments(
            systems[name], own, data=data, checkpoints=tmp_path, seed=1, device="cpu", user_dir="janus/plugin"
        )

    def resumed(folder, *words):
        answers = []
        for each in words:
            answers.append(open_run(folder, training_identity(each, code="a", folders=[data])))
            (folder / "checkpoint_last.pt").touch()
        return answers

    for name in ("transformer", "cmlm", "janus-paper"):
        short, long = arguments(name, max_update=200), arguments(name, max_update=650)
        assert resumed(tmp_path / name, short, long, short) == [False, True, False]
        assert resumed(tmp_path / f"{name}-lr", short, arguments(name, max_update=200, lr=1.0)) == [False, False]


def test_a_folder_without_identity_is_not_trusted(tmp_path, data):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "checkpoint_last.pt").touch()
    assert not open_run(folder, identity(data))
    assert not (folder / "checkpoint_last.pt").exists()
    assert (folder.with_name("checkpoints.before-1") / "checkpoint_last.pt").exists()
