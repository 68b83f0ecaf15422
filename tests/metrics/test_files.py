"""Score files: what they hold, what bad files do."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from janus.errors import InputError
from janus.files import read_json, sha256, write_lines
from janus.metrics.files import compare_files, score_file


@pytest.fixture
def decoded(tmp_path: Path) -> dict[str, Path]:
    files = {
        "hypotheses": ["ein klei@@ nes klei@@ nes Haus steht da .", "das ist gut so ."],
        "references": ["ein kleines Haus steht da .", "das ist gut so ."],
        "raw_references": ["ein kleines Haus steht da.", "das ist gut so."],
        "sources": ["there is a small house .", "that is fine ."],
    }
    for name, lines in files.items():
        write_lines(tmp_path / name, lines)
    return {name: tmp_path / name for name in files}


def test_a_score_file_holds_scores_and_provenance(decoded: dict[str, Path], tmp_path: Path) -> None:
    score_file(
        **decoded,
        output=tmp_path / "score.json",
        language="de",
        lowercase=False,
        check=lambda source, output: SimpleNamespace(valid=True, mixed=False),
        facts={"seed": 3},
    )
    record = read_json(tmp_path / "score.json")
    assert record["scores"]["repetition"]["value"] == pytest.approx(100 / 12)
    assert record["scores"]["valid"]["value"] == 100
    assert record["provenance"]["seed"] == 3
    assert record["provenance"]["inputs"]["hypotheses"] == sha256(decoded["hypotheses"])


def test_a_comparison_file_holds_the_test(decoded: dict[str, Path], tmp_path: Path) -> None:
    compare_files(
        baseline=decoded["hypotheses"],
        system=decoded["references"],
        references=decoded["references"],
        output=tmp_path / "test.json",
    )
    record = read_json(tmp_path / "test.json")
    assert record["system"] == pytest.approx(100) and record["delta"] > 0
    assert record["samples"] == 1000 and "provenance" in record


def test_a_shorter_output_leaves_no_score(decoded: dict[str, Path], tmp_path: Path) -> None:
    write_lines(decoded["hypotheses"], ["nur eine Zeile"])
    with pytest.raises(InputError, match="references: 2 lines for 1 hypotheses in .*/hypotheses; "):
        score_file(**decoded, output=tmp_path / "score.json", language="de", lowercase=False)
    assert not (tmp_path / "score.json").exists()


@pytest.mark.parametrize("name", ["references", "raw_references"])
def test_an_empty_reference_is_named_by_file_and_line(name: str, decoded: dict[str, Path], tmp_path: Path) -> None:
    write_lines(decoded[name], ["etwas", " "])
    with pytest.raises(InputError, match=f"{tmp_path}/{name}:2: empty line"):
        score_file(**decoded, output=tmp_path / "score.json", language="de", lowercase=False)
    assert not (tmp_path / "score.json").exists()


@pytest.mark.parametrize("side", ["baseline", "system"])
def test_a_comparison_names_the_file_that_is_too_short(side: str, decoded: dict[str, Path], tmp_path: Path) -> None:
    write_lines(tmp_path / "short", ["nur eine Zeile"])
    files = dict.fromkeys(("baseline", "system"), decoded["hypotheses"]) | {side: tmp_path / "short"}
    with pytest.raises(InputError, match="references: 2 lines for 1 hypotheses in .*/short; "):
        compare_files(**files, references=decoded["references"], output=tmp_path / "test.json")
