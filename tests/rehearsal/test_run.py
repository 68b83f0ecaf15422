"""A rehearsal, whole: from made downloads to a rendered table, in the precision of the paper's tier."""

import csv
import json
import re

import pytest
import torch
import yaml
from rehearsals import PROCESSOR, ROOT
from tier_files import TIERS

from janus.__main__ import main
from janus.config.tiers import read_yaml
from janus.model.checkpoints import read_checkpoint
from janus.rehearsal.command import tier_files
from janus.rehearsal.run import rehearse


def tier_with(folder, system, **changes):
    """The paper's tier with one row of Table 1 on IWSLT14, as a file."""
    tier = read_yaml(ROOT / "config/paper.yaml") | {"corpora": ["iwslt14.de-en"], "pretraining": None, "figures": {}}
    tier["tables"] = {"table1": {"systems": [system], "columns": {"iwslt14.de-en": "IWSLT14 De→En"}}}
    known = {"corpora": ["iwslt14.de-en"]}
    tier["overrides"] = [block for block in tier["overrides"] if block["corpora"] == known["corpora"]]
    path = folder / "one-row.yaml"
    path.write_text(yaml.safe_dump(tier | changes, allow_unicode=True), encoding="utf-8")
    return path


# Its sinusoidal positions and its half-precision weights once ended the first validation.
@pytest.mark.slow
@pytest.mark.parametrize("system", ["transformer"])
def test_a_row_of_the_paper_in_half_precision(tmp_path, system):
    outcome = rehearse(tier_with(tmp_path, system), tmp_path / "made", machine=PROCESSOR)
    report = "\n".join(outcome.lines())
    assert outcome.status == 0, report
    assert outcome.finished == outcome.planned and outcome.planned["train"] == 1
    assert "fp16 without a GPU" in report and "trainings on up to 2 GPUs" not in report and report.endswith("passed")
    results = tmp_path / "made/results/paper-rehearsal"
    run = results / f"iwslt14.de-en/{system}/seed-1"
    weights = read_checkpoint(run / "averaged.pt")["model"]
    # fairseq writes float32 whatever it trains in, but the numbers are those of half precision.
    for name, tensor in weights.items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor.half().float(), tensor), name
    log = [json.loads(line.partition("{")[1] + line.partition("{")[2]) for line in _valid_lines(run)]
    assert len(log) == 2 and all("valid_bleu_ar" in entry for entry in log)
    with open(results / "tables/table1.csv", encoding="utf-8") as stream:
        cells = [row for row in csv.DictReader(stream) if row["system"] == "Transformer" and row["reproduced"]]
    assert len(cells) == 1


def _valid_lines(run):
    lines = (run / "checkpoints/log.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if '"valid_loss"' in line]


@pytest.mark.slow
def test_a_stage_that_fails_is_named(tmp_path):
    systems = read_yaml(ROOT / "config/systems.yaml")
    systems["transformer"]["options"] = ["--no-such-option"]
    (tmp_path / "systems.yaml").write_text(yaml.safe_dump(systems), encoding="utf-8")
    path = tier_with(tmp_path, "transformer", systems_file=str(tmp_path / "systems.yaml"))
    outcome = rehearse(path, tmp_path / "made", machine=PROCESSOR)
    assert outcome.status and outcome.failed == {"train": 1}
    report = list(outcome.lines())
    assert any(line.split() == ["train", "0", "of", "1", "failed"] for line in report)
    assert any(line.split() == ["decode", "0", "of", "1", "not", "reached"] for line in report)
    assert "no-such-option" in outcome.log.read_text() and str(outcome.log) in report[-1]


def test_every_tier_file_is_rehearsed_unless_one_is_named():
    assert {path.stem for path in tier_files()} == set(TIERS)


def test_continuous_integration_knows_every_tier():
    [loop] = re.findall(r"^for tier in (.*); do$", (ROOT / ".ci/run").read_text(), re.M)
    assert sorted(loop.split()) == sorted(TIERS)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    words = ["rehearse", "--configfile", str(ROOT / "config/demo.yaml"), "--folder", str(tmp_path / "file")]
    assert main(words) == 1
    said = f"{tmp_path}/file/log: cannot be written ({tmp_path}/file is not a folder); name another place\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("cores", ["0", "-1", "two"])
def test_a_rehearsal_has_a_core(cores, capsys):
    with pytest.raises(SystemExit):
        main(["rehearse", "--cores", cores])
    assert f"--cores: invalid positive number value: '{cores}'" in capsys.readouterr().err
