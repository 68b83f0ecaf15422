"""What a training is granted is enough, and not many times what it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checked_tiers import SYSTEMS, checked
from fairseq_training import write_pairs

from janus.config.resources import LARGEST_VOCABULARY, default_resources, parameters, vocabulary_bound
from janus.config.systems import training_arguments
from janus.config.tiers import settings
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

ROOT = Path(__file__).resolve().parents[2]
# What a job and what it started hold, in MiB, without its Snakemake. getrusage tells of a process at least what its
# parent held when it started it, and the parent here has run other tests.
JOB = r"""
import json, re, resource, sys
from pathlib import Path
from janus.training.run import train
train(json.loads(sys.argv[1]), log=Path(sys.argv[2]))
own = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
print((own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024)
"""
# The grant is at least the measured peak and at most so many times as much.
FACTOR = 3


def granted(tier, *, corpus, system, vocabulary):
    return settings(tier, corpus=corpus, system=system, vocabulary=vocabulary)["training"]["memory"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "model", "tokens", "vocabulary"),
    [
        ("janus-paper", {}, 512, 1000),
        ("janus-paper", {"layers": 4, "embed_dim": 256, "ffn_dim": 512}, 4096, 8000),
        # fairseq's own loss, which computes the scores of all words at once.
        ("transformer", {"layers": 4, "embed_dim": 256, "ffn_dim": 512}, 4096, 8000),
    ],
)
def test_a_training_takes_what_it_is_granted(tmp_path, system, model, tokens, vocabulary):
    """The demo's model, and a larger one with a larger batch."""
    corpus = "demo.iwslt14.de-en"
    tier = checked(
        lambda tier: tier.update(
            model=tier["model"] | model,
            training=tier["training"] | {"max_tokens": tokens, "max_update": 2, "valid_bleu_sentences": 0},
            figures={},
        )
    )
    data = write_pairs(tmp_path / "data", seed=1, count=tokens // 10, longest=30, vocabulary=vocabulary)
    words = training_arguments(
        SYSTEMS[system],
        settings(tier, corpus=corpus, system=system),
        data=data,
        checkpoints=tmp_path / "checkpoints",
        source="aa",
        target="bb",
        seed=1,
        device="cpu",
        user_dir=ROOT / "janus/plugin",
    )
    command = [sys.executable, "-c", JOB, json.dumps(list(map(str, words))), str(tmp_path / "log")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    peak = float(done.stdout)
    grant = granted(tier, corpus=corpus, system=system, vocabulary=vocabulary)
    print(peak, grant)
    assert peak <= grant <= FACTOR * peak


@pytest.mark.parametrize("sides", [{}, {"encoder_layers": 3, "decoder_layers": 1}])
def test_the_parameters_are_those_of_the_model(sides):
    """But for biases and norms."""
    model = {"layers": 2, "embed_dim": 64, "ffn_dim": 128, "heads": 4, "length_classes": 100, **sides}
    config = TransformerConfig(
        source_vocabulary=3000,
        target_vocabulary=3000,
        dimension=64,
        encoder_ffn=128,
        decoder_ffn=128,
        encoder_layers=model.get("encoder_layers", 2),
        decoder_layers=model.get("decoder_layers", 2),
        length_classes=100,
    )
    exact = sum(weight.numel() for weight in JanusTransformer(config).parameters())
    assert 0.97 * exact < parameters(model, 3000) <= exact


def test_memory_grows_with_the_model_the_batch_and_the_gpus():
    model = {"layers": 6, "embed_dim": 512, "ffn_dim": 2048, "heads": 8}
    training = {"max_tokens": 4096, "gpus": 1}

    def memory(device="cuda", **changes):
        both = {key: block | {k: v for k, v in changes.items() if k in block} for key, block in
                (("model", model), ("training", training))}  # fmt: skip
        return default_resources(both["model"], both["training"], device=device)["memory"]

    assert memory() < memory(layers=12) and memory() < memory(embed_dim=768)
    assert memory(gpus=4) > 3 * memory()
    # The batch of a GPU lies on the card.
    assert memory(max_tokens=8192) == memory() and memory("cpu", max_tokens=8192) > memory("cpu")


def test_a_vocabulary_is_bounded_by_its_merges():
    assert vocabulary_bound(10_000) == 12_000
    assert vocabulary_bound(0) == LARGEST_VOCABULARY > 50_265
