"""fairseq-generate with the plugin and the workflow's driver give the same outputs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from janus.decoding.driver import decode_file
from janus.files import read_lines

PLUGIN = Path(__file__).parents[2] / "janus" / "plugin"


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["--beam", "3", "--max-len-b", "12"], {"manner": "ar", "beam": 3, "max_len_b": 12}),
        (
            ["--decoding", "{manner: nar, passes: 4, length_beam: 3}"],
            {"manner": "nar", "passes": 4, "length_beam": 3},
        ),
        (
            ["--decoding", "{manner: nar, passes: 2, length_beam: 4, length_candidates: top, repredict: true}"],
            {"manner": "nar", "passes": 2, "length_beam": 4, "length_candidates": "top", "repredict": True},
        ),
    ],
)
def test_equals_the_driver(toy_corpus, trained, tmp_path, words, settings):
    checkpoint = trained / "checkpoint_last.pt"
    command = [
        sys.executable,
        "-m",
        "fairseq_cli.generate",
        str(toy_corpus / "bin"),
        "--user-dir",
        str(PLUGIN),
        "--task",
        "janus",
        "--path",
        str(checkpoint),
        "--gen-subset",
        "test",
        "--cpu",
        *words,
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    hypotheses = dict(re.findall(r"^H-(\d+)\t[^\t]*\t(.*)$", printed, re.MULTILINE))
    references = dict(re.findall(r"^T-(\d+)\t(.*)$", printed, re.MULTILINE))
    decode_file(
        checkpoint=checkpoint,
        source=toy_corpus / "bpe/test.aa",
        dictionary=toy_corpus / "bin/dict.aa.txt",
        output=tmp_path / "out",
        **settings,
    )
    assert [hypotheses[str(i)] for i in range(15)] == read_lines(tmp_path / "out")
    assert [references[str(i)] for i in range(15)] == read_lines(toy_corpus / "bpe/test.bb")
