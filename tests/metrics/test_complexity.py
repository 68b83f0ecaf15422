"""Complexity of parallel text: exact where it can be counted by hand, 0 for a lexicon of one translation a word."""

import math
import random

import pytest

from janus.errors import InputError
from janus.files import read_json, write_json, write_lines
from janus.metrics.complexity import complexity, divergence, entropy, measure_files, translations
from janus.report.complexity import write_complexity

LEXICON = {f"s{i}": f"t{i}" for i in range(20)}


def sentences(count, seed=1):
    draw = random.Random(seed)
    return [draw.sample(list(LEXICON), draw.randint(2, 5)) for _ in range(count)]


def test_a_deterministic_lexicon_has_no_entropy():
    sources = sentences(400)
    targets = [" ".join(LEXICON[word] for word in reversed(line)) for line in sources]
    found = translations([" ".join(line) for line in sources], targets)
    assert {source: list(counts) for source, counts in found.items()} == {s: [t] for s, t in LEXICON.items()}
    assert complexity(found) == {"by_word": 0.0, "by_token": 0.0}


def test_two_translations_of_each_word_have_one_bit():
    draw, sources = random.Random(2), sentences(2000)
    targets = [" ".join(f"{LEXICON[word]}{draw.choice('ab')}" for word in line) for line in sources]
    found = translations([" ".join(line) for line in sources], targets)
    assert complexity(found)["by_word"] == pytest.approx(math.log(2), abs=0.01)


def test_entropies_by_word_and_by_token():
    assert entropy({"x": 3, "y": 1}) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    found = {"a": {"x": 1, "y": 1}, "b": {"z": 6}}
    assert complexity(found) == {"by_word": pytest.approx(math.log(2) / 2), "by_token": pytest.approx(math.log(2) / 4)}


def test_divergence_is_zero_for_equal_texts_alone():
    one, other = {"a": {"x": 2, "y": 1}, "c": {"z": 1}}, {"a": {"x": 3}, "b": {"w": 1}}
    assert divergence(one, one) == 0.0
    # Of the shared word alone, each count raised by one: 3/5 and 2/5 against 4/5 and 1/5.
    assert divergence(one, other) == pytest.approx(0.6 * math.log(0.6 / 0.8) + 0.4 * math.log(0.4 / 0.2))


def test_files_are_measured_and_shown(tmp_path):
    draw, lines = random.Random(3), sentences(300)
    write_lines(tmp_path / "source", (" ".join(line) for line in lines))
    write_lines(tmp_path / "raw", (" ".join(LEXICON[w] + draw.choice("ab") for w in line) for line in lines))
    write_lines(tmp_path / "distilled", (" ".join(LEXICON[word] for word in line) for line in lines))
    facts = {"of": "demo", "teacher": "transformer", "settings": {"beam": 5}}
    write_json(tmp_path / "record.json", {"corpus": "demo+kd", "distilled": facts})
    names = ("source", "raw", "distilled")
    measure_files(
        **{name: tmp_path / name for name in names},
        record=tmp_path / "record.json",
        output=tmp_path / "out.json",
        sentences=250,
    )
    made = read_json(tmp_path / "out.json")
    assert made["provenance"]["pairs"] == 250
    assert made["texts"]["distilled"]["by_word"] == 0.0 < made["texts"]["raw"]["by_word"]
    assert made["texts"]["distilled"]["divergence"] > 0 and "divergence" not in made["texts"]["raw"]
    # The raw text of two distilled ones is shown once.
    write_complexity([tmp_path / "out.json", tmp_path / "out.json"], tmp_path / "table")
    table = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("|")[1].strip() for line in table if line.startswith("|")][2:] == ["demo", "demo+kd"]
    assert "| demo+kd | transformer | 5 | 250 |" in table[-1]
    write_json(tmp_path / "out.json", made | {"texts": made["texts"] | {"third": made["texts"]["raw"]}})
    with pytest.raises(InputError, match="third"):
        write_complexity([tmp_path / "out.json"], tmp_path / "table")
