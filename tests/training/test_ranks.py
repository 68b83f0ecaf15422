"""The averaged gradients of two processes are those of one process with the same total batch, for every method."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from checked_tiers import SYSTEMS, checked
from fairseq_training import write_pairs
from rank_gradients import gradients

from janus.config.systems import training_arguments
from janus.config.tiers import settings
from janus.methods.base.method import Method
from janus.methods.base.registry import find_method, method_names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def first_rows():
    """A row of config/systems.yaml for each method of this suite's own models that needs no other training."""
    rows = {}
    for name, entry in SYSTEMS.items():
        if entry["stage"] == "task" and not entry["start"] and entry["method"] in method_names():
            rows.setdefault(entry["method"], name)
    return {method: row for method, row in rows.items() if issubclass(find_method(method), Method)}


ROWS = first_rows()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Options by row, and the gradients of each of two ranks by row."""
    folder = tmp_path_factory.mktemp("ranks")
    data = write_pairs(folder / "data", seed=1, count=40)
    tier = checked(
        lambda tier: tier.update(
            model={"layers": 1, "embed_dim": 16, "ffn_dim": 16, "heads": 2, "length_classes": 30},
            training=tier["training"] | {"max_tokens": 60, "valid_bleu_sentences": 0, "average_checkpoints": 1},
            figures={},
        )
    )
    words = {
        row: training_arguments(
            SYSTEMS[row],
            settings(tier, corpus="demo.iwslt14.de-en", system=row),
            data=data,
            checkpoints=folder / "none",
            source="aa",
            target="bb",
            seed=1,
            device="cpu",
            user_dir=ROOT / "janus/plugin",
        )
        for row in ROWS.values()
    }
    file = folder / "trainings.json"
    file.write_text(json.dumps({row: list(map(str, found)) for row, found in words.items()}), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, str(ROOT / "tests/rank_gradients.py")]
    logs = [folder / f"{rank}.log" for rank in range(2)]
    # Files, since a rank that waits for its pipe to be read keeps the other waiting.
    ranks = [
        subprocess.Popen([*command, str(rank), address, str(file)], stdout=log.open("wb"), stderr=subprocess.STDOUT)
        for rank, log in enumerate(logs)
    ]
    try:
        for rank, log in zip(ranks, logs):
            assert rank.wait() == 0, log.read_text()[-3000:]
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    return json.loads(file.read_text()), [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def test_every_kind_of_network_is_there():
    assert {"joint", "glat", "ctc", "dat", "cmlmc", "disco", "nat"} <= ROWS.keys()


@pytest.mark.parametrize("method", ROWS)
def test_two_processes_average_to_the_gradient_of_one(both, method):
    words, (first, second) = both
    row = ROWS[method]
    # One process sums what two processes do at once.
    frequency = words[row].index("--update-freq") + 1
    one = gradients([*words[row][:frequency], "2", *words[row][frequency + 1 :]])
    assert one and one.keys() <= first[row].keys() == second[row].keys()
    for name, gradient in first[row].items():
        assert torch.equal(gradient, second[row][name]), name
        # A weight that no loss reads has no gradient in one process, and zeros where ranks exchange them.
        alone = one.get(name, torch.zeros_like(gradient))
        torch.testing.assert_close(gradient, alone, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")
