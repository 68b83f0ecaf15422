"""No ten lines of code stand twice in the tree."""

from pathlib import Path

import pytest
from duplicates import Duplicate, code_lines, duplicates

ROOT = Path(__file__).resolve().parents[1]
LEAST = 10
SPANS, ROWS = "kernels/attention", "kernels/joint_loss"
_INTERFACE = "parameters of one interface, which several implementations have"
_KERNELS = "parameters and first lines of Triton kernels, which cannot share a signature"
# Both files, the first line of the block, the number of lines, and why the block stays.
KNOWN = {
    (f"{SPANS}/__init__.py", f"{SPANS}/native_spans.py", "d_out : Tensor ,", 11): _INTERFACE,
    (f"{SPANS}/__init__.py", f"{SPANS}/triton_spans.py", "d_out : Tensor ,", 11): _INTERFACE,
    (f"{SPANS}/native_spans.py", f"{SPANS}/triton_spans.py", "return out , lse", 13): _INTERFACE,
    (f"{ROWS}/native_rows.py", f"{ROWS}/rows.py", "def score_rows (", 13): _INTERFACE,
    (f"{ROWS}/native_rows.py", f"{ROWS}/triton_rows.py", "def score_rows (", 13): _INTERFACE,
    (f"{ROWS}/rows.py", f"{ROWS}/triton_rows.py", "def score_rows (", 13): _INTERFACE,
    (f"{SPANS}/triton_spans.py", f"{SPANS}/triton_spans.py", "rows ,", 13): _KERNELS,
    (f"{SPANS}/triton_spans.py", f"{SPANS}/triton_spans.py", "rows ,", 11): _KERNELS,
}

BLOCK = [f"total += weights[{number}] * scale" for number in range(10)]


def key(found: Duplicate) -> tuple[str, str, str, int]:
    one, other = (str(path.relative_to(ROOT)) for path, _ in (found.first, found.second))
    return one, other, found.code, found.length


def test_no_block_of_code_stands_twice():
    folders = (ROOT / "janus", ROOT / "kernels", ROOT / "workflow")
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".smk")]
    assert {path.suffix for path in paths} == {".py", ".smk"}
    found = {key(one): str(one) for one in duplicates(paths, least=LEAST)}
    assert [text for place, text in found.items() if place not in KNOWN] == []
    assert [place for place in KNOWN if place not in found] == [], "no longer there; take these out of KNOWN"


@pytest.mark.parametrize("name", ["other.py", "other.smk"])
def test_a_block_is_found_whatever_its_layout(name, tmp_path):
    one, other = tmp_path / "one.py", tmp_path / name
    one.write_text("import os\n\n" + "\n".join(BLOCK) + "\nprint(total)\n", encoding="utf-8")
    lines = [line for code in BLOCK for line in (f"    {code.replace(' * ', '*')}  # again", "    # More.", "")]
    lines[15] += "\n    import sys"
    other.write_text(
        'def more(total):\n    """Twice."""\n' + "\n".join(lines) + "\n    return total\n", encoding="utf-8"
    )
    (found,) = duplicates([one, other], least=LEAST)
    assert found == Duplicate(10, (one, 3), (other, 3), "total += weights [ 0 ] * scale")
    assert str(found).startswith(f"10 lines from {one}:3 stand again from {other}:3: total +=")
    other.write_text("\n".join(BLOCK[:9]), encoding="utf-8")
    assert duplicates([one, other], least=LEAST) == []


def test_a_block_that_stands_twice_in_a_file_is_found_once_and_as_long_as_it_is(tmp_path):
    path = tmp_path / "one.smk"
    rule = [
        "rule {}:",
        "    input:",
        '        "a"',
        "    shell:",
        '        """',
        "        cut -f 1 {{input}}",
        '        """',
    ]
    path.write_text("\n".join([*rule, *BLOCK, "first", *rule, *BLOCK]).format("one", "two"), encoding="utf-8")
    (found,) = duplicates([path], least=LEAST)
    assert (found.length, found.first[1], found.second[1]) == (16, 2, 20)


def test_a_block_is_not_its_own_duplicate(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("step()\n" * 19, encoding="utf-8")
    assert duplicates([path], least=LEAST) == []
    path.write_text("step()\n" * 20, encoding="utf-8")
    assert [found.length for found in duplicates([path], least=LEAST)] == [10]


def test_imports_docstrings_and_comments_are_no_code():
    text = (
        '"""Words\nof a file."""\n\nfrom a import (\n    b,\n    c,\n)\n\n\n'
        'def f():  # Because.\n    """Say it."""\n    x = """\n      kept\n    """\n    return "x"\n'
    )
    assert code_lines(text) == [(10, "def f ( ) :"), (12, 'x = """'), (13, "kept"), (14, '"""'), (15, 'return "x"')]
