"""The digest that rules carry changes where the code they run changes, and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest

from janus.closure import digest_of_code, import_closure
from janus.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(path.name for path in (ROOT / "workflow/scripts").glob("[!_]*.py"))

FILES = {
    "script.py": "def run():\n    from janus.a import work\n    return work()\n",
    "janus/__init__.py": "",
    "janus/a.py": '"""A."""\n\nimport os\n\nfrom janus.inner import b\n\nwork = b.answer\nCOUNT = len(os.sep)\n',
    "janus/inner/__init__.py": "from . import c\n",
    "janus/inner/b.py": 'def answer():\n    """Say it."""\n    # Because.\n    return "# 41"\n',
    "janus/inner/c.py": "import janus.d as d\n",
    "janus/d.py": "VALUE = 1\n",
    "janus/inner/fast.cpp": "int value = 1;\n",
    "janus/unused.py": "VALUE = 2\n",
}


@pytest.fixture
def base(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_closure_follows_imports_in_functions_packages_and_relative_ones(base):
    names = {str(path.relative_to(base)) for path in import_closure(base, "script.py")}
    assert names == FILES.keys() - {"janus/unused.py"}


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"janus/unused.py"}))
def test_an_edit_of_any_module_of_the_closure_changes_the_digest(base, name):
    before = digest_of_code(base, "script.py")
    (base / name).write_text(FILES[name] + "ADDED = 1\n")
    assert digest_of_code(base, "script.py") != before


def test_an_edit_of_another_module_does_not(base):
    before = digest_of_code(base, "script.py")
    (base / "janus/unused.py").write_text("VALUE = 3\n")
    assert digest_of_code(base, "script.py") == before
    assert digest_of_code(base, "script.py", "janus.unused") != before


def test_comments_docstrings_and_blank_lines_count_for_nothing_strings_do(base):
    path = base / "janus/inner/b.py"
    before = digest_of_code(base, "script.py")
    edit(path, "Say it.", "Say it\n    at length.")
    edit(path, "# Because.", "# For a reason.\n")
    edit(base / "janus/a.py", '"""A."""', '"""Another text."""')
    assert digest_of_code(base, "script.py") == before
    edit(path, '"# 41"', '"# 42"')
    assert digest_of_code(base, "script.py") != before


def test_a_blank_line_counts_within_a_string_only(base):
    path = base / "janus/d.py"
    path.write_text('VALUE = 1\nTEXT = """a\nb"""\n')
    before = digest_of_code(base, "script.py")
    path.write_text('VALUE = 1\n\n\nTEXT = """a\nb"""\n')
    assert digest_of_code(base, "script.py") == before
    path.write_text('VALUE = 1\nTEXT = """a\n\nb"""\n')
    assert digest_of_code(base, "script.py") != before


def test_a_docstring_that_is_the_whole_body_is_kept(base):
    (base / "janus/d.py").write_text('class D(Exception):\n    """Alone."""\n')
    assert len(digest_of_code(base, "script.py")) == 16


def test_a_root_that_does_not_exist_is_named(base):
    with pytest.raises(InputError, match=r"nothing\.py: no such script or module; correct the name"):
        digest_of_code(base, "nothing.py")
    with pytest.raises(InputError, match=r"janus\.nothing: no such script or module"):
        digest_of_code(base, "janus.nothing")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_closure_of_a_real_script_holds_every_module_that_it_loads(script):
    """Run the imports of each script in a process of its own and compare with what was loaded."""
    path = ROOT / "workflow/scripts" / script
    program = (
        "import ast, sys\n"
        f"tree = ast.parse(open({str(path)!r}, encoding='utf-8').read())\n"
        "for node in ast.walk(tree):\n"
        "    if isinstance(node, ast.ImportFrom) and node.module.startswith('janus'):\n"
        "        exec(compile(ast.Module([node], []), 'imports', 'exec'))\n"
        "files = [m.__file__ for n, m in sys.modules.items() if n.split('.')[0] in ('janus', 'kernels')]\n"
        "print('\\n'.join(f for f in files if f))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split("\n") if line.strip()}
    closure = set(import_closure(ROOT, f"workflow/scripts/{script}"))
    assert loaded
    # Children is what provenance asks git with; where a product depends on it, another import leads there.
    apart = {ROOT / f"janus/{name}.py" for name in ("children", "devices", "display", "errors")}
    apart |= {ROOT / f"janus/{name}.py" for name in ("model/unreadable", "records/__init__")}
    apart |= {ROOT / f"janus/records/{name}.py" for name in ("energy", "provenance")}
    assert {path for path in loaded if path.is_relative_to(ROOT)} - apart <= closure
