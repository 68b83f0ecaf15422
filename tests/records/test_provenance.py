"""The revision of a product is this tree's, whatever git is told around."""

import shutil
import subprocess
from pathlib import Path

import pytest

from janus.records import provenance
from janus.records.provenance import code_revision


def repository(folder: Path) -> str:
    """A repository with one commit; its revision."""
    folder.mkdir()
    (folder / "file").write_text("1\n", encoding="utf-8")
    words = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "file"], ["commit", "-qm", "one"]):
        subprocess.run([*words, *command], check=True)
    return subprocess.run([*words, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_the_revision_is_of_this_tree_and_of_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = repository(tmp_path / "ours")
    repository(tmp_path / "theirs")
    monkeypatch.setattr(provenance, "_ROOT", tmp_path / "ours")
    # As a hook of git, or a shell that works on another repository, leaves them.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "theirs/.git/index"))
    assert code_revision() == ours
    (tmp_path / "ours/file").write_text("2\n", encoding="utf-8")
    assert code_revision() == f"{ours}-dirty"


def test_a_copy_inside_another_repository_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "outer")
    (tmp_path / "outer/copy").mkdir()
    monkeypatch.setattr(provenance, "_ROOT", tmp_path / "outer/copy")
    assert code_revision() == "unknown"


def test_outside_git_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    assert code_revision() == "unknown"
    assert "git ended with status 128 (fatal: not a git repository" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None and code_revision() == "unknown"
    assert "git cannot be started" in capsys.readouterr().err
