import pytest

from janus.errors import InputError
from janus.text.clean import Cleaner, read_pairs, require_text


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("", "b"), "empty"),
        (("a", " \t"), "empty"),
        (("a " * 6, "b " * 6), "too long"),
        (("a", "b"), "too short"),
        (("a a a a", "b b"), "length ratio"),
        (("a a", "b b b b"), "length ratio"),
        (("a " + "x" * 1001, "b b"), "word too long"),
    ],
)
def test_a_pair_goes_for_one_counted_reason(pair, reason):
    cleaner = Cleaner(ratio=1.5, shortest=2, longest=5)
    assert list(cleaner([("a a", "b b b"), pair])) == [("a a", "b b b")]
    assert cleaner.report() == {"ratio": 1.5, "shortest": 2, "longest": 5, "kept": 1, "removed": {reason: 1}}


def test_limits_are_inclusive():
    cleaner = Cleaner(ratio=1.5, shortest=2, longest=3)
    assert list(cleaner([("a a a", "b b")])) and not cleaner.removed


def test_bars_are_deleted_as_in_moses_unless_the_first_line_has_one():
    assert list(Cleaner()([("a", "b"), ("a|c", "| b")])) == [("a", "b"), ("ac", "b")]
    assert list(Cleaner()([("a|N", "b|N"), ("a|c", "b")])) == [("a|N", "b|N"), ("a|c", "b")]


def test_white_space_collapses():
    assert list(Cleaner()([(" a  b ", "c\u00a0d")])) == [("a b", "c d")]


@pytest.mark.parametrize("texts", [("a\nb\n", "a\n"), ("a\n", "a\nb\n")])
def test_unequal_files_stop_at_the_line(texts, tmp_path):
    files = [tmp_path / "x.de", tmp_path / "x.en"]
    for path, text in zip(files, texts):
        path.write_text(text)
    short = files[len(texts[0]) > len(texts[1])]
    with pytest.raises(InputError, match=f"{short.name}:2: the file ends here.*goes on; give both files"):
        list(read_pairs(*files))


def test_an_empty_line_stops_at_the_line(tmp_path):
    with pytest.raises(InputError, match=r"x\.en:2: empty line"):
        list(require_text([("a", "b"), ("c", " ")], tmp_path / "x.de", tmp_path / "x.en"))


def test_text_that_is_not_utf8_stops_at_the_line(tmp_path):
    (tmp_path / "x.de").write_bytes(b"gut\nsch\xf6n\n")
    (tmp_path / "x.en").write_text("good\nnice\n")
    with pytest.raises(InputError, match=r"x\.de:2: not UTF-8"):
        list(read_pairs(tmp_path / "x.de", tmp_path / "x.en"))
