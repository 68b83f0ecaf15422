"""dict.txt is read as fairseq reads it, and what fairseq refuses is refused in one line."""

import pytest
from fairseq.data import Dictionary

from janus.decoding.vocabulary import Vocabulary
from janus.dictionary import RESERVED, SPECIAL, read_dictionary
from janus.errors import InputError


def test_the_special_symbols_are_fairseqs():
    assert list(SPECIAL) == Dictionary().symbols and {*SPECIAL, "<mask>"} == RESERVED


@pytest.mark.parametrize(
    "content",
    [
        "a 3\nb 2\n#fairseq:overwrite 1\nmadeupword0000 0\n",
        "a 3\r\nb 2\r\n",
        "a 3\na 2 #fairseq:overwrite\n<unk> 5 #fairseq:overwrite\nb 1",
    ],
)
def test_symbols_are_numbered_as_in_fairseq(content, tmp_path):
    (tmp_path / "dict.txt").write_bytes(content.encode())
    theirs, ours = Dictionary.load(str(tmp_path / "dict.txt")), Vocabulary(tmp_path / "dict.txt")
    assert ours.symbols == theirs.symbols
    for word in ("a", "b", "#fairseq:overwrite", "madeupword0000", "unseen"):
        assert ours.encode(word, bos=False) == theirs.encode_line(word, add_if_not_exist=False).tolist()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("<unk> 7", "'<unk>' is a special symbol"),
        ("</s> 7", "'</s>' is a special symbol"),
        ("a 7", "'a' is there already"),
        ("lonely", "'lonely' is not a symbol and a count"),
        ("a many", "'a many' is not a symbol and a count"),
    ],
)
def test_what_fairseq_refuses_is_refused_with_its_line(line, message, tmp_path):
    (tmp_path / "dict.txt").write_text(f"a 3\n{line}\n")
    with pytest.raises((RuntimeError, ValueError)):
        Dictionary.load(str(tmp_path / "dict.txt"))
    with pytest.raises(InputError, match=rf"dict\.txt:2: {message}"):
        read_dictionary(tmp_path / "dict.txt")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_special_symbol_in_subwords_is_an_unknown_word(name, tmp_path):
    (tmp_path / "dict.txt").write_text("a 3\n<mask> 1\n")
    assert Vocabulary(tmp_path / "dict.txt").encode(f"a {name} a", bos=False) == [4, 3, 4, 2]
