"""No branch outside its own file names a method, a decoder or the number of a table."""

import ast
import re
from pathlib import Path

import pytest

from janus.decoding.decoding import decoder_names
from janus.methods.base.registry import method_names

ROOT = Path(__file__).resolve().parents[1]
NAMES = {*method_names(), *decoder_names()}
FILES = sorted(
    path
    for folder, pattern in (("janus", "*.py"), ("kernels", "*.py"), ("workflow", "*.py"), ("workflow", "*.smk"))
    for path in (ROOT / folder).rglob(pattern)
)
# What foreign checkpoints call their architecture: they have no method.
ALLOWED = {
    ("janus/model/checkpoints.py", "arch.startswith('cmlm')"),
    ("janus/model/hugging_face.py", "config.get('model_type', 'bart') != 'bart'"),
}
# Folders in which `number` is that of a table.
OF_TABLES = ("janus/report", "janus/claims", "workflow")


def branches(text: str, *, of_tables: bool = True) -> list[str]:
    """Comparisons of a Python text with a name in `NAMES`, and of a table's number with a constant."""
    return [ast.unparse(node) for node in ast.walk(ast.parse(text)) if _compares(node, of_tables)]


def _compares(node: ast.AST, of_tables: bool) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        words = {leaf.value for side in sides for leaf in ast.walk(side) if isinstance(leaf, ast.Constant)}
        numbered = of_tables and any(isinstance(side, ast.Name) and side.id in ("number", "table") for side in sides)
        return bool(words & NAMES) or (numbered and any(type(word) is int and word > 0 for word in words))
    if isinstance(node, ast.match_case):
        return any(isinstance(leaf, ast.Constant) and leaf.value in NAMES for leaf in ast.walk(node.pattern))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
        return any(isinstance(word, ast.Constant) and word.value in NAMES for word in node.args)
    return False


def branches_of_rules(text: str) -> list[str]:
    """The same of a file of rules, which is not Python, by its lines."""
    names = "|".join(map(re.escape, sorted(NAMES)))
    compared = rf"""(==|!=|\bin)\s*[\[({{]?\s*["']({names})["']|["']({names})["']\s*(==|!=|\bin\b)"""
    numbered = r"\b(number|table)\s*(==|!=)\s*\d"
    return [line.strip() for line in text.splitlines() if re.search(f"{compared}|{numbered}", line)]


@pytest.mark.parametrize(
    "text",
    [
        "if system['method'] == 'glat': pass",
        "x = 1 if name in ('joint', 'other') else 2",
        "if number == 3: pass",
        "match name:\n    case 'beam': pass",
        "if arch.startswith('cmlm'): pass",
    ],
)
def test_a_branch_on_a_name_is_found(text):
    assert branches(text)


def test_a_branch_of_a_rule_is_found():
    assert branches_of_rules('    x = 1 if SYSTEMS[name]["method"] == "glat" else 2\n    number == 3')
    assert not branches_of_rules('        "../scripts/decode.py"\n    if table == table:')


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_branch_names_a_method_a_decoder_or_a_table(path):
    name = str(path.relative_to(ROOT))
    text = path.read_text(encoding="utf-8")
    found = branches_of_rules(text) if path.suffix == ".smk" else branches(text, of_tables=name.startswith(OF_TABLES))
    own = path.parent.name in ("methods", "decoding") and path.stem in NAMES
    assert own or [one for one in found if (name, one) not in ALLOWED] == []


def test_what_is_allowed_still_stands_there():
    for name, branch in ALLOWED:
        assert branch in branches((ROOT / name).read_text(encoding="utf-8"))
