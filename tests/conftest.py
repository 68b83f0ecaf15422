"""What several test folders share: a binarised toy corpus and a model trained on it."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

# Helper modules lie beside the tests.
sys.path.insert(0, str(Path(__file__).parent))


# Files that take minutes: begun first, so that no process is still busy with one when the others have ended.
_LONGEST = ["test_on_slurm.py", "test_kills.py", "test_resume.py"]
# Each starts Snakemake or a program of fairseq.
_SLOW_FIXTURES = {"toy_corpus", "snakemake", "fresh_checkout"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; mark as slow what asks for a slow fixture, itself or through another one."""
    items.sort(key=lambda item: _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST))
    for item in items:
        if _SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def toy_corpus(tmp_path_factory) -> Path:
    """Each target is its source reversed, in other words. bpe/ holds text, bin/ what fairseq-preprocess makes of it."""
    root = tmp_path_factory.mktemp("corpus")
    (root / "bpe").mkdir()
    generator = random.Random(4)
    for split, count in (("train", 90), ("valid", 20), ("test", 15)):
        pairs = [[generator.randrange(12) for _ in range(generator.randint(1, 9))] for _ in range(count)]
        (root / f"bpe/{split}.aa").write_text("".join(" ".join(f"a{w}" for w in p) + "\n" for p in pairs))
        (root / f"bpe/{split}.bb").write_text("".join(" ".join(f"b{w}" for w in p[::-1]) + "\n" for p in pairs))
    command = [sys.executable, "-m", "fairseq_cli.preprocess", "--source-lang", "aa", "--target-lang", "bb"]
    for split in ("train", "valid", "test"):
        command += [f"--{split}pref", str(root / "bpe" / split)]
    subprocess.run([*command, "--destdir", str(root / "bin"), "--joined-dictionary"], check=True, capture_output=True)
    return root


@pytest.fixture(scope="session")
def training_options(toy_corpus):
    """What every training here shares; a function of the folder for checkpoints."""
    plugin = Path(__file__).parents[1] / "janus" / "plugin"

    def words(folder: Path, *more: str) -> list[str]:
        return [
            str(toy_corpus / "bin"),
            "--user-dir",
            str(plugin),
            "--save-dir",
            str(folder),
            "--seed",
            "3",
            "--cpu",
            "--optimizer",
            "fused_adamw",
            "--lr",
            "0.003",
            "--dropout",
            "0.1",
            "--max-tokens",
            "120",
            "--num-workers",
            "1",
            "--encoder-layers",
            "1",
            "--decoder-layers",
            "2",
            "--encoder-embed-dim",
            "16",
            "--decoder-embed-dim",
            "16",
            "--encoder-ffn-embed-dim",
            "16",
            "--decoder-ffn-embed-dim",
            "16",
            "--encoder-attention-heads",
            "2",
            "--decoder-attention-heads",
            "2",
            "--share-all-embeddings",
            "--valid-bleu-sentences",
            "6",
            "--log-interval",
            "1",
            "--no-epoch-checkpoints",
            *more,
        ]

    return words


JANUS = ("--task", "janus", "--arch", "janus_transformer", "--criterion", "janus")


@pytest.fixture(scope="session")
def trained(training_options, tmp_path_factory) -> Path:
    """A JANUS model after 14 updates, trained without a break."""
    from validation_words import validate

    from janus.training.run import train

    folder = tmp_path_factory.mktemp("unbroken")
    words = training_options(folder, *JANUS, *validate("ar", "nar"), "--max-update", "14")
    train(words, log=folder / "log.jsonl")
    return folder


@pytest.fixture
def corpus_entry():
    """A function that makes a corpus of a recipe from keyword changes."""
    from janus.fetching.manifest import Corpus, Download

    def make(recipe: str, names: tuple[str, ...] = (), **changes):
        entry = {
            "name": f"test.{changes.get('source', 'de')}-{changes.get('target', 'en')}",
            "source": "de",
            "target": "en",
            "recipe": recipe,
            "licence": "none",
            "lowercase": True,
            "merges": 10,
            "downloads": tuple(Download(name, name, (f"https://nowhere.invalid/{name}",)) for name in names),
        }
        return Corpus(**entry | changes)

    return make
