"""The metric that CONTRIBUTING adds: its patch fits, and every score file then holds it."""

import subprocess
import sys
from pathlib import Path

from markdown_blocks import block, section

ROOT = Path(__file__).resolve().parents[2]
PATCH = block(section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "A metric"), "diff")
SCORE = """
from janus.metrics.translation import score_translation
from janus.report.names import METRICS

lines = ["The cat sat on the mat .", "Yes ."]
scores = score_translation(lines, lines, ["The cat sat on a mat.", "Yes."], language="en", lowercase=False)
assert 0 < scores["ter"]["value"] < 50 and "moses-en" in scores["ter"]["signature"] and METRICS["ter"] == "TER"
print("scored")
"""


def test_its_patch_adds_a_metric(own):
    subprocess.run(["git", "apply", "-"], input=PATCH, text=True, cwd=own.folder, check=True)
    done = subprocess.run([sys.executable, "-c", SCORE], cwd=own.folder, capture_output=True, text=True)
    assert done.stdout == "scored\n", done.stderr
