"""The batches of an epoch: every sentence once, refused where one is too long, the same in every surrounding."""

import multiprocessing
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq import options, tasks, utils
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq_training import write_pairs, write_text

from janus.errors import InputError
from janus.plugin.batches import stop_loading

SIZES = ["--encoder-layers", "1", "--decoder-layers", "1", "--encoder-embed-dim", "16", "--decoder-embed-dim", "16"]
SIZES += ["--encoder-attention-heads", "2", "--decoder-attention-heads", "2"]
SMOOTHED = ["--criterion", "label_smoothed_cross_entropy"]
NOISE = ["--mask", "0.3", "--mask-length", "span-poisson", "--replace-length", "1", "--rotate", "0.3"]
BLOCKS = ["--tokens-per-sample", "24", "--sample-break-mode", "complete"]
TASKS = {
    "janus_ar_baseline": ["--arch", "transformer", "--share-all-embeddings", *SMOOTHED],
    "joint": ["--task", "janus", "--arch", "janus_transformer", "--criterion", "janus"],
    "janus_cmlm_baseline": ["--arch", "cmlm_transformer", "--criterion", "nat_loss", "--noise", "random_mask"],
    "denoising": [
        *("--task", "janus", "--method", "denoising", "--method-options", "{losses: {ar: 1, nar: 1, aux: 1}}"),
        *("--arch", "janus_bart_base", "--criterion", "janus", *BLOCKS),
    ],
    "janus_bart_baseline": ["--arch", "bart_base", *SMOOTHED, *NOISE, *BLOCKS],
}
TEXTS = ("denoising", "janus_bart_baseline")


def task_words(name: str) -> list[str]:
    """The words of a task of fairseq's by its name, or of a method of ours."""
    return TASKS[name] if "--task" in TASKS[name] else ["--task", name, *TASKS[name]]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("data")
    return {"pairs": write_pairs(root / "pairs", seed=5, count=53), "text": write_text(root / "text", seed=5, count=53)}


@pytest.fixture(scope="module")
def task_of(data):
    """A task by its name, made as fairseq-train makes it, with its configuration and its model."""
    made = {}

    def of(name: str):
        if name not in made:
            folder = data["text" if name in TEXTS else "pairs"]
            words = [str(folder), *task_words(name), *SIZES, "--seed", "3", "--optimizer", "adam"]
            parser = options.get_training_parser()
            config = convert_namespace_to_omegaconf(options.parse_args_and_arch(parser, words))
            task = tasks.setup_task(config.task)
            model = task.build_model(config.model)
            task.build_criterion(config.criterion)
            made[name] = task, model
        return made[name]

    return of


def iterator_of(task, model, split: str, *, epoch: int = 1, max_tokens: int = 60, workers: int = 0, **more):
    task.load_dataset(split, epoch=epoch)
    bounds = utils.resolve_max_positions(task.max_positions(), model.max_positions(), max_tokens)
    more = {"required_batch_size_multiple": 8, "data_buffer_size": 10, "ignore_invalid_inputs": True} | more
    options = {"max_tokens": max_tokens, "max_positions": bounds, "seed": 3, "num_workers": workers}
    return task.get_batch_iterator(task.dataset(split), **options, epoch=epoch, **more)


def splits_of(name: str) -> tuple[str, ...]:
    return ("train", "valid") if name in TEXTS else ("train", "valid", "test")


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("name", TASKS)
def test_an_epoch_has_every_sentence_once(task_of, name, shards):
    """Also where several processes share it: fairseq's own settings, two epochs."""
    task, model = task_of(name)
    for split in splits_of(name):
        iterators = [iterator_of(task, model, split, num_shards=shards, shard_id=i) for i in range(shards)]
        for _ in range(2):
            batches = [batch for iterator in iterators for batch in iterator.next_epoch_itr() if batch]
            seen = Counter(int(number) for batch in batches for number in batch["id"])
            assert seen == Counter(range(len(task.dataset(split)))), split


@pytest.mark.parametrize("name", TASKS)
def test_a_sentence_longer_than_a_batch_is_refused(task_of, name):
    task, model = task_of(name)
    for split in splits_of(name):
        task.load_dataset(split)
        sizes = np.asarray(task.dataset(split).sizes).reshape(len(task.dataset(split)), -1)
        limit = sizes[:, 0].max() - 2
        long = np.flatnonzero(sizes[:, 0] > limit)
        side = "text" if name in TEXTS else "source"
        message = f"sentence {long[0] + 1} of the {side} has {sizes[long[0], 0]} tokens, a batch's limit is {limit}"
        with pytest.raises(InputError, match=message) as error:
            iterator_of(task, model, split, max_tokens=int(limit))
        assert f"{split} split" in str(error.value) and "--max-tokens" in str(error.value)
        assert (f"({long.size} such sentences)" in str(error.value)) is (long.size > 1)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("skip", [True, False])
def test_a_sentence_longer_than_the_model_is_refused(task_of, name, skip):
    """As fairseq-generate asks, whether or not it may skip."""
    task, _ = task_of(name)
    split = splits_of(name)[-1]
    task.load_dataset(split)
    with pytest.raises(InputError, match="the model's limit is 5"):
        task.get_batch_iterator(task.dataset(split), max_tokens=60, max_positions=(5, 5), ignore_invalid_inputs=skip)


def test_a_target_longer_than_the_model_is_refused(task_of):
    task, _ = task_of("joint")
    task.load_dataset("valid")
    with pytest.raises(InputError, match="of the target has .* the model's limit is 6"):
        task.get_batch_iterator(task.dataset("valid"), max_positions=(50, 6))


def contents(iterator, epochs: int) -> list:
    """Every tensor of every batch of some epochs."""
    return [[_tensors(batch) for batch in iterator.next_epoch_itr()] for _ in range(epochs)]


def _tensors(value) -> list:
    if isinstance(value, dict):
        return [item for key in sorted(value) for item in _tensors(value[key])]
    return [value.tolist()] if isinstance(value, torch.Tensor) else []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["joint", "denoising", "janus_bart_baseline"])
def test_noise_is_that_of_the_seed_and_the_epoch(task_of, name):
    """In this process or in workers, whatever was drawn before; another one in each epoch."""
    task, model = task_of(name)
    torch.manual_seed(1)
    np.random.seed(1)
    first = contents(iterator_of(task, model, "train"), 3)
    torch.manual_seed(2)
    np.random.seed(2)
    assert contents(iterator_of(task, model, "train", workers=1), 3) == first
    assert contents(iterator_of(task, model, "train", workers=2, epoch=2), 2) == first[1:]
    noises = [sorted(map(repr, batches)) for batches in first]
    assert noises[0] != noises[1] != noises[2] != noises[0]


@pytest.mark.parametrize("name", ["joint", "denoising", "janus_bart_baseline"])
def test_making_a_batch_leaves_the_global_generators_alone(task_of, name):
    task, model = task_of(name)
    batches = iterator_of(task, model, "train").next_epoch_itr()
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    next(batches)
    assert torch.equal(torch.get_rng_state(), states[0]) and (np.random.get_state()[1] == states[1]).all()


@pytest.mark.parametrize("name", ["joint", "denoising", "janus_bart_baseline"])
def test_validation_keeps_its_noise(task_of, name):
    """Validation asks for epoch 1 each time and leaves the data set's epoch as it is."""
    task, model = task_of(name)
    iterator = iterator_of(task, model, "valid")
    passes = [
        [_tensors(batch) for batch in iterator.next_epoch_itr(shuffle=False, set_dataset_epoch=False)] for _ in range(2)
    ]
    assert passes[0] == passes[1]


def test_no_thread_collates(task_of):
    """fairseq's own buffer is a thread that the interpreter's shutdown can catch in the middle of a batch."""
    task, model = task_of("janus_bart_baseline")
    before = threading.active_count()
    next(iterator_of(task, model, "train", max_tokens=30).next_epoch_itr())
    assert threading.active_count() == before


@pytest.mark.slow
def test_an_epoch_left_early_leaves_no_worker_behind(task_of):
    """What the interpreter's exit calls first."""
    task, model = task_of("joint")
    iterator = iterator_of(task, model, "train", workers=2)
    next(iterator.next_epoch_itr())
    assert len(multiprocessing.active_children()) >= 2
    stop_loading()
    assert multiprocessing.active_children() == []
