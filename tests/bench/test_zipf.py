from collections import Counter

from janus.bench.zipf import write_corpus
from janus.files import read_lines


def test_the_text_is_zipfian_and_the_same_each_time(tmp_path):
    for name in ("one", "two"):
        write_corpus(tmp_path / name, 2000, held_out=5)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
    lines = read_lines(tmp_path / "one/tok/train.de")
    words = [word for line in lines for word in line.split(" ")]
    counts = [count for _, count in Counter(words).most_common()]
    assert len(lines) == 2000 and 21 < len(words) / len(lines) < 23
    assert 5 < counts[0] / counts[20] < 50 and counts[2000:] and counts[-1] == 1
    assert read_lines(tmp_path / "one/tok/valid.en") != read_lines(tmp_path / "one/tok/valid.de")
