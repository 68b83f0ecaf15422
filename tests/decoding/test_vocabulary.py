"""Symbols by number and back, as fairseq's dictionary has them."""

import torch
from fairseq_models import build

from janus.decoding.vocabulary import Vocabulary, make_source, pad_batch


def test_lines_and_numbers(tmp_path):
    _, theirs = build("transformer")
    theirs.save(str(tmp_path / "dict.txt"))
    ours = Vocabulary(tmp_path / "dict.txt")
    assert len(ours) == len(theirs)
    for line in ("w3 w29", "w0", "w1  nobody \t w1 "):
        numbers = theirs.encode_line(line, add_if_not_exist=False, append_eos=True).tolist()
        assert ours.encode(line, bos=False) == numbers and ours.encode(line, bos=True) == [0, *numbers]
        known = torch.tensor([0, *numbers, 1, 1])
        assert ours.decode(known) == theirs.string(known[1:], extra_symbols_to_ignore={1}).replace("  ", " ").strip()


def test_a_count_may_be_followed_by_fairseqs_flag(tmp_path):
    """It says that a line means to replace a symbol of the same name; a symbol may hold blanks."""
    (tmp_path / "dict.txt").write_text("w1 4\nw 2 17\nw3 5 #fairseq:overwrite\n")
    assert Vocabulary(tmp_path / "dict.txt").symbols[4:] == ["w1", "w 2", "w3"]


def test_batches_are_padded_behind():
    assert pad_batch([[4, 2], [5, 6, 2]]).tolist() == [[4, 2, 1], [5, 6, 2]]
    source = make_source([[4, 2], [5, 6, 2]], "cpu")
    assert source.token.tolist() == [4, 2, 5, 6, 2] and source.layout.counts().tolist() == [2, 3]
