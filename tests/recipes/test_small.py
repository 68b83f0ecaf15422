"""The three recipes of the small tier, on text written here and on the real files where they lie by the checkout."""

import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from real_data import BESIDE, needs

from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import load_manifest
from janus.files import read_json, read_lines
from janus.recipes.dialogue import exchanges, split_of
from janus.text.one_language import parts_of
from janus.text.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "config" / "corpora.yaml"
SPLITS = ("train", "test")
SMALL = ("package-summaries", "fairytaleqa", "chitchat")
SIDES = {"package-summaries": ("src", "tgt"), "fairytaleqa": ("answer", "src", "tgt")}
DIALOGUES = ["Hi!\tHello  there\tYou OK?\tFine."] + [f"Dialogue {i}\tYes\tNo" for i in range(200)]


@pytest.fixture
def small(tmp_path):
    """A function that writes a corpus' downloads from lines by file and prepares it."""

    def make(name, lines, **options):
        corpus = load_manifest(MANIFEST).corpora[f"{name}.src-tgt"]
        for download in corpus.downloads:
            text = "".join(f"{line}\n" for line in lines(download.name))
            (tmp_path / download.name).write_bytes(lzma.compress(text.encode()))
        changed = {key: getattr(corpus, key) for key in ("name", "source", "target", "recipe", "licence", "lowercase")}
        options = {**corpus.options, **options}
        downloads = tuple(replace(download, sha256=None) for download in corpus.downloads)
        prepare(type(corpus)(**changed, downloads=downloads, options=options), tmp_path, tmp_path / "out")
        return {path.name: read_lines(path) for path in (tmp_path / "out" / "tok").iterdir()}

    return make


def test_summaries_are_tokenised_and_lowercased(small, tmp_path):
    tok = small("package-summaries", lambda name: ["It's a Library.", "B"] if ".src" in name else ["C++ library", "x"])
    assert tok["train.src"] == ["it 's a library .", "b"] and tok["test.tgt"] == ["c + + library", "x"]
    assert read_lines(tmp_path / "out" / "raw" / "test.src") == ["It's a Library.", "B"]


def test_a_question_is_asked_of_answer_and_section(small, tmp_path):
    text = {"answer": ["The Sun", " "], "src": ["The Sun set.", "b"], "tgt": ["Who set?", "c"]}
    tok = small("fairytaleqa", lambda name: text[name.split(".")[1]][: 2 if "train" in name else 1])
    assert tok["train.src"] == ["the sun [SEP] the sun set ."] and tok["train.tgt"] == ["who set ?"]
    assert read_lines(tmp_path / "out" / "raw" / "test.src") == ["The Sun [SEP] The Sun set."]
    assert read_json(tmp_path / "out" / "cleaning.json")["train"]["removed"] == {"empty source": 1}


def test_a_separator_in_the_text_is_refused(small):
    with pytest.raises(InputError, match=r"fairytaleqa-train\.answer\.xz:1: holds \[SEP\]"):
        small("fairytaleqa", lambda name: ["a [SEP] b"])


def test_an_empty_answer_in_the_test_set_is_refused(small):
    with pytest.raises(InputError, match=r"fairytaleqa-val\.src\.xz:1: empty line"):
        small("fairytaleqa", lambda name: [""] if name == "fairytaleqa-val.answer.xz" else ["text"])


def test_files_of_different_length_are_refused(small):
    with pytest.raises(InputError, match=r"train\.tgt\.xz:2: the file ends here"):
        small("package-summaries", lambda name: ["a"] if "tgt" in name else ["a", "b"])


def test_every_turn_but_the_first_is_a_reply(small, tmp_path):
    tok = small("chitchat", lambda name: DIALOGUES, history=2)
    train = dict(zip(tok["train.tgt"], tok["train.src"]))
    assert train["fine ."] == "hello there [SEP] you ok ?" and train["hello there"] == "hi !"
    cleaning = read_json(tmp_path / "out" / "cleaning.json")
    assert sum(cleaning[split]["dialogues"] for split in ("train", "valid", "test")) == len(DIALOGUES)
    assert sum(len(tok[f"{split}.tgt"]) for split in ("train", "valid", "test")) == 3 + 2 * 200


def test_empty_turns_are_counted_and_left_out(small, tmp_path):
    tok = small("chitchat", lambda name: [*DIALOGUES, "One\t \tTwo"])
    split = split_of("One\t \tTwo")
    assert ("one", "two") in zip(tok[f"{split}.src"], tok[f"{split}.tgt"])
    assert read_json(tmp_path / "out" / "cleaning.json")[split]["empty turns removed"] == 1


def test_the_split_depends_on_the_dialogue_alone():
    # Values of Python's hashlib, which no hash seed changes; a new rule would move test replies into training.
    assert [split_of(text) for text in ("Dialogue 1\tYes\tNo", "b", "c")] == ["train", "train", "train"]
    share = [split_of(str(i)) for i in range(5000)]
    assert share.count("valid") == pytest.approx(100, abs=35) and share.count("test") == pytest.approx(100, abs=35)


@pytest.mark.parametrize("history", [1, 3, 9])
def test_sources_hold_the_turns_before(history):
    turns = list("abcdef")
    for i, (source, reply) in enumerate(exchanges(turns, history), 1):
        assert parts_of(source) == turns[max(0, i - history) : i] and reply == turns[i]


DIGESTED = "their digests are of the whole files"
FOLDERS = {"package-summaries": "package-summaries", "fairytaleqa": "fairytaleqa-qg", "chitchat": "chitchat"}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=needs(FOLDERS[name], DIGESTED), id=name) for name in SMALL]
)
def real(request, tmp_path_factory):
    """A real corpus, prepared: its entry and its folder."""
    corpus = load_manifest(MANIFEST).corpora[f"{request.param}.src-tgt"]
    folder = tmp_path_factory.mktemp(request.param)
    for download in corpus.downloads:
        fetch(download, folder, mirror=str(BESIDE), progress=False)
    prepare(corpus, folder, folder / "out")
    return corpus, folder / "out"


@pytest.mark.slow
def test_the_real_files_have_their_digests_and_their_known_size(real):
    corpus, out = real
    facts = read_json(out / "corpus.json")
    assert facts["lines"] == corpus.lines and sum(corpus.lines.values()) > 10_000
    assert {item["trust"] for item in facts["downloads"].values()} == {"manifest"}


@pytest.mark.slow
def test_no_real_test_pair_stands_in_training(real):
    _, out = real
    pairs = {split: list(zip(*(read_lines(out / "tok" / f"{split}.{s}") for s in ("src", "tgt")))) for split in SPLITS}
    train = set(pairs["train"])
    # One library described twice, and greetings with their returns, which come up in several dialogues.
    assert sum(pair in train for pair in pairs["test"]) < 10
