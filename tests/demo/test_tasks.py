import random
import statistics
import subprocess
import sys

import pytest

from janus.demo import tasks as demo_tasks
from janus.demo.judge import Verdict
from janus.demo.tasks import TASKS, check, pairs, raw, targets, verdicts
from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.text.one_language import parts_of
from janus.text.prepare import prepare

VALID = Verdict(valid=True, mixed=False)
SOURCES = {
    "summary": "the dog needs to seek the cats . the old king has struck the horse who observes the man frequently . "
    "the women are to praise the child .",
    "question": "the dog [SEP] the king has struck the old dog .",
    "reply": "i strike the cats . i adore the old dog . i seek the king . [SEP] whom do you adore ?",
}
TARGETS = {
    "summary": [
        "the king has struck the horse .",
        "the king has beaten the horse .",
        "the horse has been struck by the king .",
        "the horse has been beaten by the king .",
    ],
    "question": [
        "whom has the king struck ?",
        "who has the king beaten ?",
        "who has been struck by the king ?",
        "who has been beaten by the king ?",
    ],
    "reply": [
        "i adore the old dog .",
        "i love the old dog .",
        "the old dog is adored by me .",
        "the old dog is loved by me .",
    ],
}
MIXED = {
    "summary": "the king has beaten the horse by",
    "question": "whom has the king beaten ?",
    "reply": "i adore the old dog is loved by me .",
}
WRONG = {
    "summary": "the women are to praise the child .",
    "question": "who has struck the dog ?",
    "reply": "i seek the king .",
}


@pytest.fixture(scope="module", params=TASKS)
def sample(request):
    return request.param, list(pairs(request.param, 400, seed=3, vocabulary=0.5))


@pytest.mark.parametrize("task", TASKS)
def test_targets_written_by_hand(task):
    assert [" ".join(words) for words in targets(task, SOURCES[task]).values()] == TARGETS[task]
    assert all(check(task, SOURCES[task], target) == VALID for target in TARGETS[task])


@pytest.mark.parametrize("task", TASKS)
def test_mixed_and_wrong_outputs_written_by_hand(task):
    assert check(task, SOURCES[task], MIXED[task]) == Verdict(valid=False, mixed=True)
    assert not check(task, SOURCES[task], WRONG[task]).valid
    assert check(task, SOURCES[task], "") == Verdict(valid=False, mixed=False)


def test_generated_targets_are_valid_and_others_are_not(sample):
    task, text = sample
    sources, outputs = zip(*text)
    assert verdicts(task, sources, outputs) == [VALID] * len(text)
    found = verdicts(task, sources, outputs[1:] + outputs[:1])
    # Two replies or summaries of neighbouring sources may be the same by chance.
    assert sum(verdict.valid for verdict in found) <= 3


def test_choosing_the_mode_word_by_word_mixes(sample):
    task, text = sample
    rng = random.Random(1)
    found = []
    for source, _ in text:
        active, passive = (list(targets(task, source).values())[i] for i in (0, 2))
        words = [rng.choice(pair) for pair in zip(active, passive)]
        found.append(check(task, source, " ".join(words)))
    assert statistics.mean(verdict.mixed for verdict in found) > 0.5


@pytest.mark.parametrize("dial", [0.0, 0.5, 1.0])
def test_the_dial_sets_how_often_the_mode_is_another(sample, dial):
    task, _ = sample
    text = list(pairs(task, 1200, seed=1, multimodality=dial))
    plain = [" ".join(next(iter(targets(task, source).values()))) == target for source, target in text]
    assert statistics.mean(plain) == pytest.approx(1 - 0.75 * dial, abs=0.05)


def test_every_mode_is_another_target_and_no_source_comes_twice(sample):
    task, text = sample
    assert len({source for source, _ in text}) == len(text)
    # Some words, as `dog`, and some verbs serve both registers; voice always shows.
    assert all(len(set(targets(task, source).values())) >= 2 for source, _ in text)


def test_sources_have_the_promised_shape(sample):
    task, text = sample
    for source, target in text:
        parts = parts_of(source)
        assert len(parts) == (1 if task == "summary" else 2)
        assert (source.count(" .") == 3) == (task != "question")
        assert 4 <= len(target.split()) <= 20 and len(source.split()) <= 60


def test_a_summary_leaves_out_what_modifies():
    lengths = [(len(source.split()), len(target.split())) for source, target in pairs("summary", 300, seed=2)]
    assert all(target <= 9 for _, target in lengths) and statistics.mean(s for s, _ in lengths) > 25


@pytest.mark.parametrize("task", TASKS)
def test_the_seed_alone_decides(task):
    assert list(pairs(task, 30, seed=1)) == list(pairs(task, 30, seed=1)) != list(pairs(task, 30, seed=2))


@pytest.mark.slow
def test_pythons_hash_seed_changes_nothing():
    code = "from janus.demo.tasks import TASKS, pairs; print([list(pairs(t, 20, seed=1)) for t in TASKS])"
    setting = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], env=setting, capture_output=True, check=True, text=True)
    assert found.stdout == f"{[list(pairs(task, 20, seed=1)) for task in TASKS]}\n"


@pytest.mark.parametrize(
    ("task", "source"),
    [
        ("summary", "the dog sees ."),
        ("summary", "the dog needs to seek the cats ."),
        ("question", SOURCES["summary"]),
        ("question", "the cat [SEP] the king has struck the dog ."),
        ("reply", SOURCES["summary"]),
        ("reply", "i strike the cats . [SEP] whom do you adore ?"),
        ("reply", "nobody . [SEP] whom do you adore ?"),
        ("question", "a [SEP] b [SEP] c"),
        ("reply", "i strike the cats . [SEP]"),
        ("reply", ""),
    ],
)
def test_a_source_of_no_such_task_is_refused(task, source):
    with pytest.raises(InputError):
        check(task, source, "x")


def test_an_unknown_task_lists_the_known():
    with pytest.raises(InputError, match="no demo task 'story'; use one of summary, question, reply"):
        targets("story", "x")


def test_outputs_must_be_as_many_as_sources():
    with pytest.raises(InputError, match="1 outputs for 2 sources"):
        verdicts("reply", [SOURCES["reply"]] * 2, ["x"])


def test_a_vocabulary_too_small_is_an_error(monkeypatch):
    monkeypatch.setitem(
        TASKS, "reply", demo_tasks.Task(lambda *_: tuple(SOURCES["reply"].split()), TASKS["reply"].answers)
    )
    with pytest.raises(InputError, match="gave 1 different sources of 2; raise `vocabulary`"):
        list(pairs("reply", 2, seed=1))


def test_stops_close_up_in_raw_text():
    assert raw("i strike . [SEP] who ?") == "i strike. [SEP] who?"


@pytest.mark.parametrize("task", TASKS)
def test_a_prepared_demo_has_disjoint_splits(task, corpus_entry, tmp_path):
    options = {"train": 300, "valid": 40, "test": 50, "vocabulary": 0.5, "longest_source": 62}
    prepare(corpus_entry(f"demo_{task}", source="src", target="tgt", options=options), tmp_path, tmp_path / "out")
    tok = {split: read_lines(tmp_path / "out" / "tok" / f"{split}.src") for split in ("train", "valid", "test")}
    assert len(set().union(*tok.values())) == 390
    assert read_json(tmp_path / "out" / "cleaning.json") == {"train": {"kept": 300, "removed": {}}}
    outputs = read_lines(tmp_path / "out" / "tok" / "test.tgt")
    assert verdicts(task, tok["test"], outputs) == [VALID] * 50
    assert read_lines(tmp_path / "out" / "raw" / "test.tgt") == list(map(raw, outputs))
