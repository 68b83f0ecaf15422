"""The audit finds the contradictions known by hand, and those that a doctored table brings in."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from janus.__main__ import main
from janus.errors import InputError
from janus.report.audit import Finding, audit, write_findings
from janus.report.published import load_published
from janus.report.text_claims import AGREES, CONTRADICTS, LOOSE

PUBLISHED = Path(__file__).parents[2] / "workflow" / "published"
FINDINGS = audit(load_published(PUBLISHED))


def find(findings: list[Finding], place: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.place == place or finding.place.endswith(f", {place}")]
    return finding


@pytest.mark.parametrize(
    ("place", "computed"),
    [
        ("ablation-2", "36.08 in AR+NAR+KL"),
        ("ablation-4", "33.45 in AR+NAR+KL"),
        ("nar-cmlmc", "WMT14 En→De 26.40 = 26.40"),
        ("Table 2, BART-JANUS NAR iter 0, Speed-up", "8.805"),
        ("ar-gain-convolutional", "0.52"),
        ("personachat-bang-ar", "Distinct-1 1.2 < 1.4"),
        ("cost-ratio-transformer", "6.35"),
    ],
)
def test_known_contradictions_are_found(place: str, computed: str) -> None:
    finding = find(FINDINGS, place)
    assert finding.verdict == CONTRADICTS and computed in finding.computed


@pytest.mark.parametrize("place", ["ablation-1", "intro-ar-gain", "xsum-iter0", "gpu-days", "nar-corr"])
def test_true_claims_are_confirmed(place: str) -> None:
    assert find(FINDINGS, place).verdict == AGREES


def test_every_overall_is_a_mean_and_only_the_authors_rows_are_truncated() -> None:
    overall = [finding for finding in FINDINGS if finding.place.endswith("OVERALL") and "mean" in finding.computed]
    assert len(overall) == 42
    assert CONTRADICTS not in {finding.verdict for finding in overall}
    truncated = {finding.place.split(", ")[1] for finding in overall if finding.verdict == LOOSE}
    assert truncated and all(row.startswith(("BART-JANUS", "BART-base")) for row in truncated)


def test_tables_agree_where_they_print_one_run() -> None:
    pairs = [finding for finding in FINDINGS if finding.place.startswith("Table") and " in Table " in finding.computed]
    assert len(pairs) == 16 and {finding.verdict for finding in pairs} == {AGREES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUBLISHED, tmp_path / "published"))


def doctor(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("table2.csv", "BANG NAR,OVERALL,22.99", "BANG NAR,OVERALL,23.99", "Table 2, BANG NAR, OVERALL"),
        ("table2.csv", "iter 4,Speed-up,4.5", "iter 4,Speed-up,5.4", "Table 2, BART-JANUS NAR iter 4, Speed-up"),
        (
            "table6.csv",
            "\n6,AR,IWSLT14 De→En AR,34.74",
            "\n6,AR,IWSLT14 De→En AR,34.64",
            "Table 1, Transformer, IWSLT14 De→En",
        ),
        ("table7.csv", "BART-JANUS,METEOR,17.89", "BART-JANUS,METEOR,17.98", "Table 4, BART-JANUS NAR iter 0, METEOR"),
        ("table3.csv", "JANUS,Iter=4,1.43", "JANUS,Iter=4,1.83", "repetition"),
        ("table1.csv", "JANUS-AR,WMT16 En→Ro,36.01", "JANUS-AR,WMT16 En→Ro,33.01", "intro-ar-gain"),
    ],
)
def test_a_doctored_cell_is_caught(folder: Path, name: str, old: str, new: str, place: str) -> None:
    assert find(FINDINGS, place).verdict == AGREES
    doctor(folder, name, old, new)
    assert find(audit(load_published(folder)), place).verdict == CONTRADICTS


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("text.csv", "xsum-iter0,5.2", "xsum-iter0,5.2", None),
        ("text.csv", "gain equals", "gain is", "unknown relation 'gain is'"),
        ("text.csv", "text/pretrain-gpus", "text/pretrain-gpu", "no such claim"),
        ("text.csv", "3/CMLM/*", "x/CMLM/*", "no reference"),
        ("table2.csv", "(our impl),Speed-up,1.0", "(our impl),Speed-up,1.1", "no row printed as 1.0"),
    ],
)
def test_broken_claims_stop_with_their_place(folder: Path, name: str, old: str, new: str, message: str | None) -> None:
    doctor(folder, name, old, new)
    if message is None:
        assert audit(load_published(folder)) == FINDINGS
    else:
        with pytest.raises(InputError, match=re.escape(message)):
            audit(load_published(folder))


def test_findings_are_written_as_csv_and_markdown(tmp_path: Path) -> None:
    write_findings(FINDINGS, tmp_path / "audit")
    with open(tmp_path / "audit.csv", newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(FINDINGS)
    page = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert page.count("\n| ") == len(FINDINGS) + 2 and f"{len(FINDINGS)} checks" in page


def test_the_command_prints_one_line_a_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["audit", "--write", str(tmp_path / "audit")]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [finding for finding in FINDINGS if finding.verdict in (CONTRADICTS, LOOSE)]
    assert lines[:-1] == [str(finding) for finding in found]
    assert (tmp_path / "audit.md").is_file()


def test_the_command_stops_with_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["audit", "--published", str(tmp_path / "nowhere")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "nowhere" in captured.err


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("--all",)])
def test_a_full_disk_under_the_output_is_one_line(words: tuple[str, ...]) -> None:
    """Whether it is met while more is written than the buffer holds, or at the end."""
    command = [sys.executable, "-m", "janus", "audit", *words]
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert (
        done.stderr == "a file of this job: cannot be written (No space left on device); free space, then run again\n"
    )
