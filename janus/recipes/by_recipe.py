"""The modules of each recipe, imported when they are used.

Their names are strings, so that the code of a recipe does not belong to the import closure of others: changes of one
recipe do not cause other corpora to be prepared again (see `janus.closure`).
"""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

_DEMO_TASKS = ("demo_summary", "demo_question", "demo_reply")
_JUDGES = {"grammar": "janus.demo.grammar", **dict.fromkeys(_DEMO_TASKS, "janus.demo.tasks")}
# Each file of this folder is the recipe of its name; the generated corpora are in janus/demo.
_FILES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "by_recipe"))
_BUILDERS = {name: f"janus.recipes.{name}" for name in _FILES} | _JUDGES
RECIPES = tuple(sorted(_BUILDERS))
_TEXTS = {
    "documents": "janus.text.documents",
    "demo_text": "janus.demo.running_text",
    "sides": "janus.text.one_language",
}


def builder_name(recipe: str) -> str:
    """The module whose `build` prepares a corpus of this recipe."""
    return _BUILDERS[recipe]


def builder(recipe: str) -> ModuleType:
    """The same, imported."""
    return import_module(_BUILDERS[recipe])


def judge_name(recipe: str) -> str | None:
    """The module that knows every correct answer of a generated corpus; None for real text."""
    return _JUDGES.get(recipe)


def judge(recipe: str) -> ModuleType | None:
    """The same, imported."""
    return import_module(_JUDGES[recipe]) if recipe in _JUDGES else None


@cache
def checker(recipe: str, source: str, target: str) -> Callable | None:
    """The judge of outputs of a generated bilingual corpus, (source, output) -> Verdict; None for real text.

    The same arguments give the same object.
    """
    grammar = judge(recipe)
    return grammar and partial(grammar.check, source_language=source, target_language=target)


def text_name(recipe: str) -> str:
    """The module that a pre-training text of this recipe comes from."""
    return _TEXTS[recipe]


def text_source(recipe: str) -> ModuleType:
    """The same, imported."""
    return import_module(_TEXTS[recipe])
