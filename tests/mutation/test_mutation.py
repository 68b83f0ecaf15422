"""The changes that `make mutants` makes, and that a run which was stopped goes on."""

import ast
import json
import re
from pathlib import Path

import pytest
from mutation import run as tool
from mutation.changes import changes_of

SOURCE = '''"""Text: 1 < 2."""
from x import y


@decorated(1)
def f(a: int = 4, *, b: bool = True) -> list[1]:
    """Text: not this."""
    total = (a + 1) * 2 if not b else 0.5
    total += 3
    rows[0] = -total
    if a <= 2 or (b | a) == 1:
        raise ValueError(f"{a + 1} is too much", 7)
    call(total)
    return max(x.clamp(min=2).sum(1, keepdim=True), 1e-3)
'''


def test_each_kind_of_change():
    made = {re.sub(r"^(\d+):\d+", r"\1", str(change)) for change in changes_of(SOURCE)}
    assert made >= {
        "6: 4 -> 5",
        "6: True -> False",
        "8: a + 1 -> -",
        "8: not b -> (b)",
        "8: 0.5 -> 1.0",
        "9: total += 3 -> total -= 3",
        "9: total += 3 -> pass",
        "10: rows[0] = -total -> pass",
        "10: -total -> (total)",
        "11: a <= 2 -> <",
        "11: a <= 2 or (b | a) == 1 -> ((a <= 2) and ((b | a) == 1))",
        "13: call(total) -> pass",
        "14: max -> min",
        "14: x.clamp(min=2) -> x",
        "14: keepdim=True -> ",
    }
    assert not {change.line for change in changes_of(SOURCE)} & {1, 2, 5, 7, 12}
    assert not any("list[" in change.old for change in changes_of(SOURCE))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["model/streams.py", "decoding/beam.py", "model/attention.py", "metrics/rouge155.py"])
def test_a_change_is_another_program_in_one_place(path):
    source = (Path(tool.ROOT) / "janus" / path).read_text()
    changes = changes_of(source)
    assert len(changes) > 30 and len({change.apply(source) for change in changes}) == len(changes)
    whole = ast.dump(ast.parse(source))
    for change in changes:
        changed = change.apply(source)
        assert ast.dump(ast.parse(changed)) != whole
        assert changed.startswith(source[: source.index(source.splitlines()[change.line - 1])])


MODULES = ["model/streams", "model/layers", "decoding/driver", "metrics/porter", "metrics/files"]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_tests_that_exist(module):
    tests = tool.tests_of(module)
    assert tests and all((tool.ROOT / path).exists() for path in tests)


def test_a_stopped_run_goes_on(tmp_path, monkeypatch):
    """What was tried is not tried again; survivors are, where asked; a larger share holds the smaller."""
    tried, source = [], (tool.ROOT / "janus/model/ragged.py").read_text()

    def outcome(module, text, tests, seconds, log):
        tried.append(text)
        return "survived" if text == source or len(tried) % 3 == 1 else "tests/test_x.py::test_x"

    monkeypatch.setattr(tool, "_fork", outcome)
    arguments = (tmp_path / "outcomes.jsonl", tmp_path / "log")
    first = tool.run(["model/ragged"], 0.2, False, *arguments)
    number = len(first["model/ragged"])
    assert len(tried) == 1 + number, "once without a change"
    assert tool.run(["model/ragged"], 0.2, False, *arguments) == first and len(tried) == 1 + number
    more = tool.run(["model/ragged"], 0.5, False, *arguments)
    assert first["model/ragged"].items() <= more["model/ragged"].items() and len(more["model/ragged"]) > number
    survivors = sum(outcome == "survived" for outcome in more["model/ragged"].values())
    before = len(tried)
    tool.run(["model/ragged"], 0.5, True, *arguments)
    assert survivors and len(tried) == before + 1 + survivors
    entries = [json.loads(line) for line in arguments[0].read_text().splitlines()]
    assert all(entry["module"] == "model/ragged" for entry in entries)
