"""The checkpoint that fine-tuning starts from says which downloads it was made of."""

import hashlib
import json
from pathlib import Path

import pytest
from rule_scripts import run_script

from janus.model.checkpoints import read_checkpoint

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/model/tiny-bart"


def test_a_start_has_its_record(tmp_path):
    words = [f"w{number} 1" for number in range(35)]
    (tmp_path / "dict.txt").write_text("\n".join(words) + "\n")
    downloads = [TINY / "config.json", TINY / "model.safetensors"]
    output = {"checkpoint": tmp_path / "model.pt", "facts": tmp_path / "model.json"}
    done = run_script(
        "write_start",
        output,
        tmp_path,
        config={"corpora_file": str(ROOT / "config/corpora.yaml")},
        input={"downloads": [str(path) for path in downloads], "vocabulary": str(tmp_path)},
        params={},
        wildcards={"model": "facebook-bart-base"},
    )
    assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    assert read_checkpoint(output["checkpoint"])["model"]
    facts = json.loads(output["facts"].read_text())
    assert facts["downloads"] == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in downloads}
    assert facts["checkpoint"] == hashlib.sha256(output["checkpoint"].read_bytes()).hexdigest()
    assert facts["model"] == "facebook-bart-base" and "revision" in facts
