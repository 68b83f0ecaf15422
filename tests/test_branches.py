"""No branch outside its own file names a method, a decoder, a system or the number of a table.

A branch is a comparison, a case, a prefix or an ending; so is a key of a map, which chooses what a comparison would,
and the import of a method's own module, whose classes `isinstance` could ask for.
"""

import ast
import re
from pathlib import Path

import pytest
import yaml

from janus.decoding.decoding import decoder_names
from janus.methods.base.registry import method_names

ROOT = Path(__file__).resolve().parents[1]
SYSTEMS = yaml.safe_load((ROOT / "config/systems.yaml").read_text(encoding="utf-8"))
NAMES = {*method_names(), *decoder_names(), *SYSTEMS}
# `beam` is a setting of several decoders too, and `aux` a stream of the decoder.
KEYS = NAMES - {"beam", "aux"}
FILES = sorted(
    path
    for folder, pattern in (("janus", "*.py"), ("kernels", "*.py"), ("workflow", "*.py"), ("workflow", "*.smk"))
    for path in (ROOT / folder).rglob(pattern)
)
ALLOWED = {
    # What foreign checkpoints call their architecture: they have no method.
    ("janus/model/checkpoints.py", "arch.startswith('cmlm')"),
    ("janus/model/hugging_face.py", "config.get('model_type', 'bart') != 'bart'"),
    # The models that the benchmarks make and time, which are no systems of a run.
    ("janus/bench/systems.py", "['janus-paper']"),
    ("janus/bench/systems.py", "['janus-release']"),
    ("janus/bench/workshop.py", "['janus-release']"),
    ("janus/bench/workshop.py", "['transformer']"),
    # A term of the loss that several methods may have.
    ("janus/methods/base/joint_loss.py", "['correction']"),
}
# Methods of a map that take a key first, and of a text that compare it with its end.
ASKED, COMPARED = ("get", "pop", "setdefault"), ("startswith", "endswith", "removeprefix", "removesuffix")
# Folders in which `number` is that of a table.
OF_TABLES = ("janus/report", "janus/claims", "workflow")


def branches(text: str, *, of_tables: bool = True) -> list[str]:
    """Comparisons of a Python text with a name in `NAMES`, and of a table's number with a constant; keys; imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if _compares(node, of_tables) or _imports(node):
            found.append(ast.unparse(node))
        found += [f"[{key!r}]" for key in _keys(node)]
    return found


def _keys(node: ast.AST) -> list[str]:
    """The names among the keys that a map is written with or asked for."""
    if isinstance(node, ast.Dict):
        keys = node.keys
    elif isinstance(node, ast.Subscript):
        keys = [node.slice]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ASKED:
        keys = node.args[:1]
    else:
        return []
    return [key.value for key in keys if isinstance(key, ast.Constant) and key.value in KEYS]


def _imports(node: ast.AST) -> bool:
    """Whether a node imports a method's own module, or a name from it."""
    own = {f"janus.methods.{name}" for name in method_names()}
    if isinstance(node, ast.ImportFrom):
        return node.module in own or any(f"{node.module}.{one.name}" in own for one in node.names)
    return isinstance(node, ast.Import) and any(one.name in own for one in node.names)


def _compares(node: ast.AST, of_tables: bool) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        words = {leaf.value for side in sides for leaf in ast.walk(side) if isinstance(leaf, ast.Constant)}
        numbered = of_tables and any(isinstance(side, ast.Name) and side.id in ("number", "table") for side in sides)
        return bool(words & NAMES) or (numbered and any(type(word) is int and word > 0 for word in words))
    if isinstance(node, ast.match_case):
        return any(isinstance(leaf, ast.Constant) and leaf.value in NAMES for leaf in ast.walk(node.pattern))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COMPARED:
        leaves = [leaf for word in node.args for leaf in ast.walk(word)]
        return any(isinstance(leaf, ast.Constant) and leaf.value in NAMES for leaf in leaves)
    return False


def branches_of_rules(text: str) -> list[str]:
    """The same of a file of rules, which is not Python, by its lines."""
    names = "|".join(map(re.escape, sorted(NAMES)))
    compared = rf"""(==|!=|\bin)\s*[\[({{]?\s*["']({names})["']|["']({names})["']\s*(==|!=|\bin\b)"""
    numbered = r"\b(number|table)\s*(==|!=)\s*\d"
    keys = "|".join(map(re.escape, sorted(KEYS)))
    keyed = rf"""(\[|\.(get|pop|setdefault)\()\s*["']({keys})["']|["']({keys})["']\s*:"""
    ends = rf"""\.({"|".join(COMPARED)})\(\s*\(?\s*["']({names})["']"""
    return [line.strip() for line in text.splitlines() if re.search(f"{compared}|{numbered}|{keyed}|{ends}", line)]


@pytest.mark.parametrize(
    "text",
    [
        "if system['method'] == 'glat': pass",
        "x = 1 if name in ('joint', 'other') else 2",
        "if number == 3: pass",
        "match name:\n    case 'beam': pass",
        "if arch.startswith('cmlm'): pass",
        "if name.endswith(('glat', 'other')): pass",
        "if system == 'janus-paper': pass",
        "x = {'glat': 1, 'other': 2}[name]",
        "x = SYSTEMS['bart-cmlm']",
        "x = labels.get('dag_beam')",
        "from janus.methods.glat import METHOD",
        "from janus.methods import glat",
        "import janus.methods.glat as own",
    ],
)
def test_a_branch_on_a_name_is_found(text):
    assert branches(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = {'beam': 5}['beam']",
        "x = streams.get('aux')",
        "x = labels.get('other', 'glat')",
        "from janus.methods.base.registry import find_method",
        "x = ['glat']",
    ],
)
def test_what_is_no_branch_is_not(text):
    assert branches(text) == []


@pytest.mark.parametrize(
    "line",
    [
        'x = 1 if SYSTEMS[name]["method"] == "glat" else 2',
        "number == 3",
        'x = SYSTEMS["janus-paper"]',
        'x = {"glat": 1}[name]',
        'x = name.endswith("glat")',
    ],
)
def test_a_branch_of_a_rule_is_found(line):
    assert branches_of_rules(f"    {line}\n    x = 1") == [line]


def test_a_rule_without_a_branch_has_none():
    assert not branches_of_rules('        "../scripts/decode.py"\n    if table == table:')


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_branch_names_a_method_a_decoder_a_system_or_a_table(path):
    name = str(path.relative_to(ROOT))
    text = path.read_text(encoding="utf-8")
    found = branches_of_rules(text) if path.suffix == ".smk" else branches(text, of_tables=name.startswith(OF_TABLES))
    own = path.parent.name in ("methods", "decoding") and path.stem in NAMES
    assert own or [one for one in found if (name, one) not in ALLOWED] == []


def test_what_is_allowed_still_stands_there():
    for name, branch in ALLOWED:
        assert branch in branches((ROOT / name).read_text(encoding="utf-8"))
