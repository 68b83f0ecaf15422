"""The decoder that CONTRIBUTING adds, used by its name: it equals a beam search of one hypothesis."""

import subprocess
import sys
from pathlib import Path

from markdown_blocks import block, section

ROOT = Path(__file__).resolve().parents[2]
CODE = block(section((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "A decoder"), "python")
COMPARE = """
import torch
from janus.decoding.decoding import Decoding, decoder_names
from janus.decoding.vocabulary import make_source
from janus.model.config import TransformerConfig
from janus.model.transformer import JanusTransformer

torch.manual_seed(1)
shape = dict(dimension=32, encoder_layers=2, decoder_layers=2, encoder_ffn=48, decoder_ffn=48)
model = JanusTransformer(TransformerConfig(40, 40, length_classes=20, **shape)).eval()
source = make_source([[0, *range(4, 4 + n), 2] for n in (3, 9, 1, 5)], "cpu")
greedy, beam = Decoding.of(manner="ar", decoder="greedy", max_len_b=12), Decoding.of(manner="ar", beam=1, max_len_b=12)
assert "greedy" in decoder_names() and Decoding.of(**greedy.plain) == greedy
outputs = [[h[0].tokens.tolist() for h in one.decode(model, source)] for one in (greedy, beam)]
assert outputs[0] == outputs[1] and len({len(tokens) for tokens in outputs[0]}) >= 1, outputs
print("equal")
"""


def test_it_equals_a_beam_search_of_one_hypothesis(own):
    (own.folder / "janus/decoding/greedy.py").write_text(CODE, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", COMPARE], cwd=own.folder, capture_output=True, text=True)
    assert done.stdout == "equal\n", done.stderr
