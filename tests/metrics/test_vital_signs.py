"""Vital signs: each sign by hand, outputs that are alive, and each way of dying found whatever the size of the file."""

import random

import pytest

from janus.errors import InputError
from janus.files import read_json, sha256, write_lines
from janus.metrics.vital_signs import complaints, vital_signs, write_vital_signs

_TEXT = "the cat saw a dog and some bird near old house while rain fell on my green hat today"
WORDS = _TEXT.split()


def corpus(count, seed=0):
    """References and sources of 6 to 12 words, hardly two of them alike."""
    draw = random.Random(seed)
    lines = [" ".join(draw.choices(WORDS, k=draw.randint(6, 12))) for _ in range(2 * count)]
    return lines[:count], lines[count:]


def some_of(lines, share, change, seed=1):
    """`lines` with a share of them changed."""
    chosen = set(random.Random(seed).sample(range(len(lines)), round(share * len(lines))))
    return [change(line) if i in chosen else line for i, line in enumerate(lines)]


def weak(references, seed=2):
    """Outputs of a poor but living system: a third of the words wrong, some repeated, lengths off by one or two."""
    draw = random.Random(seed)
    lines = [[draw.choice(WORDS) if draw.random() < 0.33 else word for word in line.split()] for line in references]
    for line in lines:
        if draw.random() < 0.6:
            line.insert(1, line[0])
        if draw.random() < 0.4:
            del line[-2:]
    return [" ".join(line) for line in lines]


def test_each_sign_is_what_it_says():
    outputs = ["a b c d e", "", "the the the cat", "a b c d e", "x y x y x y x y"]
    references = ["a b c d e", "f g", "the cat", "h i j", "k l m"]
    sources = ["s t", "f g", "u", "a b c d e", "v"]
    fewer = ["a b c d e", "", "the cat", "q", "x y"]
    assert vital_signs(outputs, references, sources, fewer) == {
        "lines": 5,
        "empty": 1 / 5,
        "length_ratio": 22 / 15,
        "words": 22 / 5,
        "reference_words": 3,
        "distinct": 4 / 5,
        "reference_distinct": 1,
        "repetition": 2 / 22,
        # The last line has five runs of four words, two of which are different.
        "loops": 3 / 10,
        "copied": 1 / 5,
        "reference_copied": 1 / 5,
        "right": 1 / 5,
        "changed": pytest.approx(3 / 5),
    }


@pytest.mark.parametrize("count", [50, 300, 2000])
@pytest.mark.parametrize("seed", range(3))
def test_references_and_a_weak_system_are_alive(count, seed):
    references, sources = corpus(count, seed)
    for outputs in (references, weak(references, seed)):
        assert complaints(vital_signs(outputs, references, sources, weak(references, seed + 9))) == []


@pytest.mark.parametrize("count", [50, 300])
@pytest.mark.parametrize(
    ("die", "reason"),
    [
        (lambda r, s: some_of(weak(r), 0.02, lambda line: ""), "outputs are empty"),
        (lambda r, s: some_of(weak(r), 0.6, lambda line: "<unk> <unk>"), "outputs are empty"),
        (lambda r, s: [" ".join(line.split()[: len(line.split()) // 2]) for line in weak(r)], "references' words"),
        (lambda r, s: [f"{a} {b}" for a, b in zip(weak(r, 5), weak(r, 6), strict=True)], "references' words"),
        (lambda r, s: some_of(weak(r), 0.7, lambda line: "the cat saw a dog and some"), "distinct outputs"),
        (lambda r, s: [" ".join(w for w in line.split()[::2] for _ in (0, 1)) for line in weak(r)], "the one before"),
        (lambda r, s: [" ".join(2 * line.split()[:5]) for line in r], "runs of 4 words"),
        (
            lambda r, s: [b if i % 5 == 0 else a for i, (a, b) in enumerate(zip(weak(r), s, strict=True))],
            "are their source",
        ),
    ],
)
def test_each_way_of_dying_is_found(count, die, reason):
    references, sources = corpus(count)
    found = complaints(vital_signs(die(references, sources), references, sources))
    assert any(reason in line for line in found), found


def test_passes_that_change_nothing_are_found_unless_nothing_is_left_to_do():
    references, sources = corpus(300)
    outputs = weak(references)
    assert complaints(vital_signs(outputs, references, sources, outputs)) == ["more passes change 0.0% of the outputs"]
    moved = some_of(outputs, 0.02, lambda line: line + " today")
    assert complaints(vital_signs(moved, references, sources, outputs)) == []
    assert complaints(vital_signs(references, references, sources, references)) == []


def test_the_share_does_not_depend_on_the_order_of_the_lines():
    references, sources = corpus(80)
    rows = list(zip(weak(references), references, sources, weak(references, 7), strict=True))
    before = vital_signs(*zip(*rows, strict=True))
    random.Random(3).shuffle(rows)
    assert vital_signs(*zip(*rows, strict=True)) == pytest.approx(before)


def test_the_file_holds_signs_verdict_and_inputs(tmp_path):
    for name, lines in {
        "hyp": ["th@@ e cat", ""],
        "few": ["the cat", "x"],
        "ref": ["the cat", "b"],
        "src": ["c", "d"],
    }.items():
        write_lines(tmp_path / name, lines)
    sides = {"hypotheses": tmp_path / "hyp", "references": tmp_path / "ref", "sources": tmp_path / "src"}
    write_vital_signs(tmp_path / "signs.json", **sides, fewer=tmp_path / "few", facts={"mode": "nar-5"})
    record = read_json(tmp_path / "signs.json")
    assert record["signs"]["right"] == record["signs"]["changed"] == record["signs"]["empty"] == 0.5
    assert record["degenerate"] == ["50% of the outputs are empty"]
    assert record["provenance"]["mode"] == "nar-5"
    assert record["provenance"]["inputs"]["fewer"] == sha256(tmp_path / "few")


def test_sides_of_other_lengths_are_refused():
    with pytest.raises(InputError, match="references: 1 lines for 2"):
        vital_signs(["a", "b"], ["a"], ["a", "b"])
    with pytest.raises(InputError, match="fewer passes: 1 lines for 2"):
        vital_signs(["a", "b"], ["a", "b"], ["a", "b"], ["a"])
