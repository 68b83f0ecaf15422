"""Joint pre-training as a user runs it: blocks, both recipes, resuming, a start from BART, bad input."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from janus.errors import InputError
from janus.methods.base.loading import load_model
from janus.model.bart import load_bart, write_start
from janus.model.checkpoints import read_checkpoint
from janus.training.logs import read_curves
from janus.training.run import train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TINY_BART = ROOT / "tests" / "model" / "tiny-bart"
# The sizes of tiny-bart, whose dictionary has 36 words and four symbols, the last word being the mask.
WORDS = 40
SIZES = {"layers": 2, "embed-dim": 16, "ffn-embed-dim": 24, "attention-heads": 2}
PAPER = ["--method-options", "{losses: {ar: 1, nar: 1, aux: 1, kl_ar_aux: 2, kl_nar_aux: 2}, reduction: sum}"]
RELEASE = [
    "--method-options",
    "{losses: {ar: 0.5, nar: 0.5, aux: 0.5, kl_ar_aux: 0.5, kl_nar_aux: 0.5}, reduction: sum, query_position: previous,"
    " noise: {budget: 0.3, shared: 0.5, rotated: 0.5}}",
    *("--label-smoothing", "0"),
]


OURS = ("--task", "janus", "--method", "denoising", "--criterion", "janus", "--arch", "janus_bart_base")


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    """Sentences that go round eight of the words, in documents; binarised."""
    root = tmp_path_factory.mktemp("text")
    generator = random.Random(2)
    for split, documents in (("train", 60), ("valid", 8)):
        lines = []
        for _ in range(documents):
            for _ in range(generator.randint(1, 4)):
                first = generator.randrange(8)
                lines.append(" ".join(f"w{(first + i) % 8}" for i in range(generator.randint(2, 9))))
            lines.append("")
        (root / split).write_text("\n".join(lines[:-1]) + "\n")
    (root / "dict.txt").write_text("".join(f"w{i} 1\n" for i in range(35)))
    command = [sys.executable, "-m", "fairseq_cli.preprocess", "--only-source", "--srcdict", str(root / "dict.txt")]
    command += ["--trainpref", str(root / "train"), "--validpref", str(root / "valid"), "--destdir", str(root / "bin")]
    subprocess.run(command, check=True, capture_output=True)
    return root / "bin"


def words(text: Path, folder: Path, *more: str, task=OURS) -> list[str]:
    sizes = [word for side in ("encoder", "decoder") for n, v in SIZES.items() for word in (f"--{side}-{n}", str(v))]
    return [
        *(str(text), "--user-dir", str(ROOT / "janus" / "plugin"), "--save-dir", str(folder), "--cpu", "--seed", "3"),
        *(*task, *sizes),
        *("--tokens-per-sample", "24", "--max-source-positions", "32", "--max-target-positions", "32"),
        *("--optimizer", "fused_adamw", "--lr", "0.003", "--max-tokens", "120", "--num-workers", "1"),
        *("--log-interval", "1", "--no-epoch-checkpoints", *more),
    ]


@pytest.mark.parametrize("recipe", [PAPER, RELEASE], ids=["paper", "release"])
def test_it_learns(text, tmp_path, recipe):
    train(words(text, tmp_path, *recipe, "--max-update", "30", "--lr", "0.01"), log=tmp_path / "log.jsonl")
    rows = read_curves(tmp_path / "log.jsonl")
    valid = [row["value"] for row in rows if row["split"] == "valid" and row["name"] == "loss"]
    assert valid[-1] < 0.97 * valid[0]
    names = {row["name"] for row in rows if row["split"] == "train"}
    assert {"loss_ar", "loss_nar", "loss_aux", "loss_kl_ar_aux", "loss_kl_nar_aux"} <= names
    assert load_model(tmp_path / "checkpoint_last.pt").config.layernorm_embedding


def test_resumed_equals_unbroken(text, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(words(text, whole, *PAPER, "--max-update", "9"), log=whole / "log.jsonl")
    for updates in ("4", "9"):
        train(words(text, broken, *PAPER, "--max-update", updates), log=broken / "log.jsonl")
    ours, theirs = (read_checkpoint(folder / "checkpoint_last.pt")["model"] for folder in (broken, whole))
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_it_starts_from_a_bart(text, tmp_path):
    """After an update that moves nothing, the weights are BART's; the table of lengths is fresh."""
    more = [*PAPER, "--init-from", str(TINY_BART), "--max-update", "1", "--lr", "0"]
    train(words(text, tmp_path, *more), log=tmp_path / "log.jsonl")
    ours = read_checkpoint(tmp_path / "checkpoint_last.pt")["model"]
    bart = load_bart(TINY_BART).state_dict()
    assert set(ours) - set(bart) == {"decoder.embed_length.weight"}
    assert all(torch.equal(ours[name], tensor) for name, tensor in bart.items())


@pytest.fixture(scope="module")
def start(text, tmp_path_factory) -> Path:
    """tiny-bart as what trainings start from."""
    path = tmp_path_factory.mktemp("start") / "model.pt"
    write_start(TINY_BART, path, words=WORDS)
    return path


BART = [
    *("--task", "janus_bart_baseline", "--arch", "bart_base", "--criterion", "label_smoothed_cross_entropy"),
    *("--mask", "0.3", "--mask-length", "span-poisson", "--replace-length", "1", "--rotate", "0"),
    *("--sample-break-mode", "complete"),
]


def bart_words(text: Path, folder: Path, *more: str) -> list[str]:
    """The words of `words`, with fairseq's own BART and noise in the place of ours."""
    return words(text, folder, *more, task=BART)


def test_fairseqs_own_bart_is_pretrained_and_resumed(text, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(bart_words(text, whole, "--max-update", "30", "--lr", "0.01"), log=whole / "log.jsonl")
    rows = read_curves(whole / "log.jsonl")
    valid = [row["value"] for row in rows if row["split"] == "valid" and row["name"] == "loss"]
    assert valid[-1] < 0.97 * valid[0]
    assert load_model(whole / "checkpoint_last.pt").config.ar_readout == "content"
    for updates in ("4", "9"):
        train(bart_words(text, broken, "--max-update", updates), log=broken / "log.jsonl")
    assert read_checkpoint(broken / "checkpoint_last.pt")["optimizer_history"][-1]["num_updates"] == 9


@pytest.fixture(scope="module")
def pairs(text, tmp_path_factory) -> Path:
    """Sentence pairs over the same dictionary, which has no mask; binarised."""
    root = tmp_path_factory.mktemp("pairs")
    for split in ("train", "valid"):
        for side in ("aa", "bb"):
            (root / f"{split}.{side}").write_text("w1 w2 w3\nw4 w5\n" * 10)
    command = [sys.executable, "-m", "fairseq_cli.preprocess", "--source-lang", "aa", "--target-lang", "bb"]
    command += ["--srcdict", str(text / "dict.txt"), "--joined-dictionary", "--destdir", str(root / "bin")]
    command += ["--trainpref", str(root / "train"), "--validpref", str(root / "valid")]
    subprocess.run(command, check=True, capture_output=True)
    return root / "bin"


def tuning_words(pairs: Path, folder: Path, *more: str) -> list[str]:
    """fairseq's own BART on sentence pairs."""
    task = ("--task", "janus_ar_baseline", "--arch", "bart_base", "--share-all-embeddings")
    options = words(pairs, folder, task=task)
    at = options.index("--tokens-per-sample")
    return [*options[:at], *options[at + 2 :], "--criterion", "label_smoothed_cross_entropy", *more]


@pytest.mark.parametrize("kind", ["text", "pairs"])
def test_fairseqs_bart_goes_on_from_a_start(text, pairs, start, tmp_path, kind):
    """An update that moves nothing leaves the start's weights, with the mask for a text and without it for a task;
    the next call goes on from its own checkpoint."""
    options = bart_words(text, tmp_path) if kind == "text" else tuning_words(pairs, tmp_path)
    options += ["--finetune-from-model", str(start)]
    train([*options, "--max-update", "1", "--lr", "0"], log=tmp_path / "log.jsonl")
    ours, theirs = (read_checkpoint(path)["model"] for path in (tmp_path / "checkpoint_last.pt", start))
    assert ours["decoder.embed_tokens.weight"].size(0) == (WORDS if kind == "text" else WORDS - 1)
    assert all(
        torch.equal(tensor, theirs[name][: tensor.size(0)]) for name, tensor in ours.items() if tensor.dim() == 2
    )
    train([*options, "--max-update", "2", "--lr", "0.1"], log=tmp_path / "log.jsonl")
    again = read_checkpoint(tmp_path / "checkpoint_last.pt")
    assert again["optimizer_history"][-1]["num_updates"] == 2
    assert not torch.equal(again["model"]["encoder.layers.0.fc1.weight"], theirs["encoder.layers.0.fc1.weight"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method-options", "{losses: {ar: 1, length: 0.1}}"], "pre-training predicts no lengths"),
        ([*PAPER, "--tokens-per-sample", "40"], "blocks of 40 tokens do not fit 32 positions"),
        ([*PAPER, "--init-from", str(TINY_BART), "--encoder-layers", "3"], "it has no encoder.layers.2"),
        ([*PAPER, "--init-from", str(TINY_BART), "--encoder-ffn-embed-dim", "20"], "fc1.weight is"),
        ([*PAPER, "--init-from", "nowhere.pt"], "no such checkpoint"),
    ],
)
def test_bad_input(text, tmp_path, more, message, capfd):
    with pytest.raises(InputError, match=message.split(" is")[0]):
        train(words(text, tmp_path, *more, "--max-update", "2"), log=tmp_path / "log.jsonl")
