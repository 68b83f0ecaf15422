"""Decoding files: order, batches, and every input that does not fit."""

import pytest
import torch
from fairseq_models import REMEMBERED, build, sources

from janus.decoding.driver import batches_by_length, decode_file, passes_taken
from janus.decoding.latency import measure_latency
from janus.decoding.vocabulary import Vocabulary
from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.methods.base.decoder import Hypothesis


@pytest.fixture
def files(tmp_path):
    return make_files(tmp_path)


def make_files(tmp_path, **sizes):
    model, words = build("janus_transformer", **sizes)
    torch.save({"cfg": {"model": REMEMBERED | sizes}, "model": model.state_dict()}, tmp_path / "model.pt")
    words.save(str(tmp_path / "dict.txt"))
    lines = [" ".join(words[t] for t in sentence[1:-1]) for sentence in sources(14, bos=True)]
    (tmp_path / "source").write_text("\n".join(lines) + "\n")
    return {"checkpoint": tmp_path / "model.pt", "source": tmp_path / "source", "dictionary": tmp_path / "dict.txt"}


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"manner": "ar", "beam": 3, "max_len_b": 15}, {"manner": "nar", "passes": 4}])
def test_outputs_follow_the_input_whatever_the_batches(files, tmp_path, options):
    for tokens in (5, 60, 4096):
        decode_file(**files, output=tmp_path / f"out{tokens}", batch_tokens=tokens, **options)
    outputs = [read_lines(tmp_path / f"out{tokens}") for tokens in (5, 60, 4096)]
    assert outputs[0] == outputs[1] == outputs[2]
    assert len(outputs[0]) == 14
    lines = read_lines(files["source"])
    files["source"].write_text("\n".join(reversed(lines)) + "\n")
    decode_file(**files, output=tmp_path / "reversed", **options)
    assert read_lines(tmp_path / "reversed") == outputs[0][::-1]
    facts = read_json(tmp_path / "out60.json")
    assert facts["manner"] == options["manner"] and facts["sentences"] == 14 and facts["revision"]


def test_the_record_has_the_passes_that_sentences_took_if_a_decoder_counts_them():
    counted, other = (Hypothesis(torch.tensor([2]), torch.zeros(1), 0.0, passes=passes) for passes in (3, 4))
    assert passes_taken([counted, other]) == {"passes_taken": {"mean": 3.5, "most": 4}}
    assert passes_taken([Hypothesis(torch.tensor([2]), torch.zeros(1), 0.0)]) == {}


def test_parts_join_to_the_whole(files, tmp_path):
    options = {"manner": "nar", "passes": 1}
    decode_file(**files, output=tmp_path / "whole", **options)
    for number in range(3):
        decode_file(**files, output=tmp_path / f"part{number}", part=(number, 3), **options)
    parts = [read_lines(tmp_path / f"part{number}") for number in range(3)]
    assert [len(part) for part in parts] == [4, 5, 5]
    assert [line for part in parts for line in part] == read_lines(tmp_path / "whole")
    assert read_json(tmp_path / "part1.json")["part"] == [1, 3] and "part" not in read_json(tmp_path / "whole.json")
    # A line is named by its number in the whole file.
    files["source"].write_text("w1\nw2\nw3\n\n")
    with pytest.raises(InputError, match=":4: empty line"):
        decode_file(**files, output=tmp_path / "out", part=(1, 2), **options)


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (lambda f: f["source"].write_text("w1 w2\n\nw3\n"), ":2: empty line"),
        (lambda f: f["source"].write_text("w1 " * 80), "at most 64"),
        (lambda f: f["source"].write_bytes(b"w1\nw\xff2\n"), ":2: not UTF-8"),
        (lambda f: f["dictionary"].write_text("w1 4\nw2 3\n"), "the dictionary"),
        (lambda f: f["dictionary"].write_text("w1\n"), ":1: .w1. is not a symbol and a count"),
        (lambda f: f["checkpoint"].write_bytes(f["checkpoint"].read_bytes()[:3000]), "not a readable checkpoint"),
        (lambda f: f["checkpoint"].unlink(), "no such checkpoint"),
        (lambda f: torch.save({"model": {}, "cfg": None}, f["checkpoint"]), "no model options"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(files, tmp_path, break_it, complaint):
    break_it(files)
    with pytest.raises(InputError, match=complaint) as error:
        decode_file(**files, output=tmp_path / "out", manner="ar")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("options", [{"manner": "ar"}, {"manner": "nar", "passes": 2}])
def test_weights_that_are_no_numbers_are_one_line_that_names_the_file(files, tmp_path, value, options):
    state = torch.load(files["checkpoint"])
    state["model"]["decoder.layers.1.fc2.bias"][3] = value
    torch.save(state, files["checkpoint"])
    complaint = "model.pt: its weights are not numbers .decoder.layers.1.fc2.bias"
    with pytest.raises(InputError, match=complaint) as error:
        decode_file(**files, output=tmp_path / "out", **options)
    assert "\n" not in str(error.value)
    limits = {"batch_sizes": [1], "sentences": 2, "repeats": 1, "warmup": 0}
    with pytest.raises(InputError, match=complaint):
        measure_latency(**files, output=tmp_path / "latency", decodings=[options], **limits)
    assert not (tmp_path / "out").exists() and not (tmp_path / "latency").exists()


@pytest.mark.parametrize("options", [{"manner": "ar"}, {"manner": "nar", "passes": 2}])
def test_weights_too_large_to_compute_with_are_one_line_too(files, tmp_path, options):
    state = torch.load(files["checkpoint"])
    for name in ("encoder", "decoder"):
        state["model"][f"{name}.embed_tokens.weight"].fill_(3e38)
    torch.save(state, files["checkpoint"])
    with pytest.raises(InputError, match="model.pt: its probabilities are not numbers") as error:
        decode_file(**files, output=tmp_path / "out", **options)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(files, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(InputError, match="No space left"):
        decode_file(**files, output=tmp_path / "out", manner="nar", passes=1)
    assert not list(tmp_path.glob("*out*"))


def test_batches_hold_every_sentence_once():
    sentences = sources(50, bos=True)
    batches = list(batches_by_length(sentences, 40))
    assert sorted(i for batch in batches for i in batch) == list(range(50))
    assert all(len(b) == 1 or len(b) * max(len(sentences[i]) for i in b) <= 40 for b in batches)


def test_dictionary_is_fairseqs(tmp_path):
    _, words = build("transformer")
    words.save(str(tmp_path / "d"))
    ours = Vocabulary(tmp_path / "d")
    assert ours.symbols == words.symbols
    assert ours.encode("w3 w29 nothing", bos=True) == [0, words.index("w3"), words.index("w29"), 3, 2]


def test_one_decoder_layer_is_decoded_and_timed(tmp_path):
    """A checkpoint whose encoder is deeper than its decoder, in both manners."""
    files = make_files(tmp_path, encoder_layers=4, decoder_layers=1)
    decodings = [{"manner": "ar", "beam": 2, "max_len_b": 5}, {"manner": "nar", "passes": 2}]
    decode_file(**files, output=tmp_path / "out", **decodings[0])
    assert len(read_lines(tmp_path / "out")) == 14
    limits = {"batch_sizes": [1], "sentences": 2, "repeats": 1, "warmup": 0}
    measure_latency(**files, output=tmp_path / "latency", decodings=decodings, **limits)
    assert len(read_json(tmp_path / "latency")["rows"]) == 2


@pytest.mark.slow
def test_latency_rows(files, tmp_path):
    measure_latency(
        **files,
        output=tmp_path / "latency.json",
        decodings=[{"manner": "ar", "beam": 2, "max_len_b": 5}, {"manner": "nar", "passes": 2}],
        batch_sizes=[1, 4],
        sentences=6,
        repeats=3,
        warmup=1,
    )
    record = read_json(tmp_path / "latency.json")
    assert [(r["manner"], r["batch_size"]) for r in record["rows"]] == [("ar", 1), ("ar", 4), ("nar", 1), ("nar", 4)]
    for row in record["rows"]:
        speed = row["sentences_per_second"]
        assert 0 < speed["low"] <= speed["median"] <= speed["high"]
