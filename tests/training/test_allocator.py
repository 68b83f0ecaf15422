"""The allocator of trainings: jemalloc where there is one, and the same results with it."""

import ctypes.util
import subprocess
import sys

import torch

from janus import children
from janus.model.checkpoints import read_checkpoint
from janus.training import allocator as module
from janus.training import run
from janus.training.allocator import allocator, jemalloc

JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")


def maps(settings: dict[str, str]) -> str:
    """The libraries of a child process."""
    command = [sys.executable, "-c", "print(open('/proc/self/maps').read())"]
    return subprocess.run(
        command, env=children.environment(**settings), capture_output=True, text=True, check=True
    ).stdout


def test_a_training_on_a_processor_has_the_jemalloc_that_is_installed():
    assert ("jemalloc" in maps(allocator(processor=True))) == (jemalloc() is not None)
    assert "jemalloc" not in maps(allocator(processor=False))


def test_the_one_of_this_environment_comes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(module.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: "libjemalloc.so.2")
    assert allocator(processor=True)["LD_PRELOAD"] == "libjemalloc.so.2"
    own = tmp_path / "lib" / "libjemalloc.so.2"
    own.parent.mkdir()
    own.touch()
    assert allocator(processor=True)["LD_PRELOAD"] == str(own)


def test_without_jemalloc_glibc_keeps_its_heap(monkeypatch, tmp_path):
    monkeypatch.setattr(module.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    settings = allocator(processor=True)
    assert settings == allocator(processor=False)
    assert "LD_PRELOAD" not in settings and "MALLOC_MMAP_THRESHOLD_" in settings


def test_weights_do_not_depend_on_it(training_options, tmp_path, monkeypatch):
    """Those of the allocator that trainings have here, and of the C library as it is."""
    weights = []
    for name, settings in (("chosen", allocator(processor=True)), ("plain", {})):
        monkeypatch.setattr(run, "allocator", lambda *, processor, settings=settings: settings)
        folder = tmp_path / name
        folder.mkdir()
        run.train([*training_options(folder, *JANUS), "--max-update", "4"], log=folder / "log.jsonl")
        weights.append(read_checkpoint(folder / "checkpoint_last.pt")["model"])
    ours, theirs = weights
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)
