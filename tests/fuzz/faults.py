"""Files with faults, drawn by hypothesis from valid ones: of a document's values, of its text, of its bytes.

A fault of the values replaces, removes, nests or copies one of them and writes the document again; a fault of the text
or the bytes is what editors, transfers and hands do to files, and what people write who mean harm.
"""

import io
import json
import pickle
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import torch
import yaml
from hypothesis import strategies as st

# Instead of any value of a document. Integers beyond 4,300 digits are those that Python does not read back.
_VALUES: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 1.5,
    lambda: 10**25,
    lambda: 10**4000,
    lambda: 1e308,
    lambda: float("inf"),
    lambda: float("nan"),
    lambda: "",
    lambda: "7",
    lambda: "1e5",
    lambda: "x" * 3000,
    lambda: "../../etc/passwd",
    lambda: "{0.__class__} {nothing} {} %s {",
    lambda: "line\nbreak\r\u2028\x85\0",
    lambda: "\U0001f600 e\u0301 \u202e",
    lambda: "nothing.py",
    lambda: "[(*",
    list,
    dict,
    lambda: [None],
    lambda: {"": None},
    lambda: {"a": {"b": [1, "c"]}},
    lambda: list(range(50)),
    lambda: _nested(40),
)
# Into any text: half of them what YAML, JSON or CSV reads in a way of its own.
_SNIPPETS = (
    "\0", "\r", "\r\n", "\n\n", "\t", "\x0b", "\u2028", "\x85", "\ufeff", "\u202e", "\U0001f600", "\\ud800", '"', "'",
    "{", "}", "[", "]", ",", ":", ";", "#", "@", "`", "%", "&a", "*a", "- ", "? ", "--- ", "...\n", "<<: ", "|", ">",
    "9" * 30, "9" * 5000, "1e999", "-0", "NaN", "-Infinity", ".inf", ".nan", "0x", "0b", "1:30", "010", "1_000", "~",
    "!!python/object/apply:os.system ['false'] ", "!!python/name:os.system ", "!!python/object/new:exit [1] ", "!x ",
    "!!int '' ", "!!int 0x ", "!!float '' ", "!!bool 3 ", "!!timestamp x ", "2001-13-45", "2001-01-01 25:61:61",
    "!!set {a}", "!!binary '#' ", "!!omap [a] ", "!!pairs [a] ", "!!null x ", "%YAML 9.9\n---\n", "%TAG ! !\n",
    "!<tag:yaml.org,2002:map> ", "&a [*a]", "{&a a: *a}", "? [a, b]\n: c\n", "? {a: b}\n: c\n", "'\\ud800'",
    '"\\ud800"', '"\\uZZZZ"', "{}[]", "=", "null",
)  # fmt: skip


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def _bombs() -> tuple[str, ...]:
    """Documents that grow when they are read: by aliases, by merged maps, by depth."""
    aliases = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    merges = ["a0: &a0 {x: 1}"]
    for level in range(1, 30):
        aliases.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
        merges.append(f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 9)}]}}")
    deep = [brackets[0] * depth + brackets[1] * depth for depth in (300, 900, 5000) for brackets in ("[]", "{}")]
    return "\n".join(aliases), "\n".join(merges), *deep, "- " * 3000, '{"a":' * 2000 + "1" + "}" * 2000, "[" * 100_000


_BOMBS = _bombs()
_WRAPS: tuple[Callable[[Any], Any], ...] = (
    str,
    lambda value: [value],
    lambda value: [value] * 3,
    lambda value: {"a": value},
)


@cache
def _parsed(content: bytes, kind: str) -> Any:
    return json.loads(content) if kind == "json" else yaml.safe_load(content)


def _places(value: Any, place: tuple = ()) -> Iterator[tuple]:
    """The place of every value inside a document, the document's own first."""
    yield place
    inside = value.__dict__ if isinstance(value, Namespace) else value
    if isinstance(inside, dict | list):
        for key, item in inside.items() if isinstance(inside, dict) else enumerate(inside):
            yield from _places(item, (*place, key))


def _at(value: Any, place: Sequence) -> Any:
    for step in place:
        value = value.__dict__[step] if isinstance(value, Namespace) else value[step]
    return value


def _changed(value: Any, place: Sequence, change: Callable[[Any], Any]) -> Any:
    """A copy of a document with `change` of the value at a place, which may be removed by raising KeyError."""
    if not place:
        return change(value)
    first, *rest = place
    if isinstance(value, Namespace):
        return Namespace(**_changed(value.__dict__, place, change))
    copied = value.copy()
    try:
        copied[first] = _changed(value[first], rest, change)
    except KeyError:
        if rest:
            raise
        del copied[first]
    return copied


def _removed(value: Any) -> Any:
    raise KeyError


@st.composite
def faulty_values(draw: st.DrawFn, document: Any) -> Any:
    """A document (maps, lists, scalars, Namespaces) with one faulty value; the fault is what its place lacks."""
    places = list(_places(document))
    place = draw(st.sampled_from(places))
    fault = draw(st.integers(0, 5))
    if fault == 0 and place:
        return _changed(document, place, _removed)
    if fault == 1:
        other = _at(document, draw(st.sampled_from(places)))
        return _changed(document, place, lambda value: other)
    if fault == 2:
        return _changed(document, place, draw(st.sampled_from(_WRAPS)))
    if fault == 3:
        key, item = draw(st.sampled_from(["", "new", "x" * 300, "a\nb", "\u202e", "méthode"])), draw(_odd())
        return _changed(document, place, lambda value: value | {key: item} if isinstance(value, dict) else item)
    if fault == 4:
        number = draw(st.integers() | st.floats())
        return _changed(document, place, lambda value: number)
    odd = draw(_odd())
    return _changed(document, place, lambda value: odd)


def _odd() -> st.SearchStrategy[Any]:
    return st.sampled_from(_VALUES).map(lambda make: make())


def _written(document: Any, kind: str) -> bytes:
    if kind == "json":
        return json.dumps(document, indent=1).encode("utf-8", "surrogatepass")
    return yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode("utf-8", "surrogatepass")


@st.composite
def faulty_text(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes of a text with one fault: a snippet, a line, an encoding, an end that is missing, a bomb."""
    fault = draw(st.integers(0, 11))
    place = draw(st.integers(0, len(content)))
    if fault <= 3:
        snippet = draw(st.sampled_from(_SNIPPETS)).encode("utf-8", "surrogatepass")
        length = draw(st.integers(0, 8)) if fault == 3 else 0
        return content[:place] + snippet + content[place + length :]
    if fault == 4:
        return content[:place]
    if fault == 5:
        return content[:place] + draw(st.binary(max_size=4)) + content[place + draw(st.integers(0, 4)) :]
    if fault == 6:
        text = content.decode("utf-8", "replace")
        forms = ("utf-16", "utf-32", "utf-16-le", "utf-8-sig", "latin-1")
        return text.encode(draw(st.sampled_from(forms)), "replace")
    if fault == 7:
        return content.replace(b"\n", draw(st.sampled_from([b"\r\n", b"\r", b"\n\n", b"", b" ", b"\0\n"])))
    lines = content.split(b"\n")
    line, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    if fault == 8:
        return b"\n".join([*lines[:line], lines[other], *lines[line:]])
    if fault == 9:
        return b"\n".join([*lines[:line], *lines[line + 1 :]])
    if fault == 10:
        words = lines[line].split(b" ")
        words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(_SNIPPETS)).encode("utf-8", "surrogatepass")
        return b"\n".join([*lines[:line], b" ".join(words), *lines[line + 1 :]])
    bomb = draw(st.sampled_from(_BOMBS)).encode()
    return draw(st.sampled_from([bomb, content + b"\n" + bomb, b"\n".join([*lines[:line], bomb, *lines[line:]])]))


@st.composite
def faulty_document(draw: st.DrawFn, contents: Sequence[bytes], kind: str) -> bytes:
    """One of several valid documents (kind: json, yaml) with up to three faults of values, and perhaps of its text."""
    content = draw(st.sampled_from(contents))
    how = draw(st.sampled_from(["values", "values", "text", "both"]))
    if how != "text":
        document = _parsed(content, kind)
        for _ in range(draw(st.integers(1, 3))):
            document = draw(faulty_values(document))
        content = _written(document, kind)
    if how != "values":
        content = draw(faulty_text(content))
    return content


@st.composite
def faulty_lines(draw: st.DrawFn, contents: Sequence[bytes]) -> bytes:
    """One of several valid texts with one to three faults."""
    content = draw(st.sampled_from(contents))
    for _ in range(draw(st.integers(1, 3))):
        content = draw(faulty_text(content))
    return content


class _Odd:
    """What a pickle should not hold."""

    def __reduce__(self) -> tuple:
        return exec, ("raise SystemExit('executed')",)


_OBJECTS: tuple[Callable[[], Any], ...] = (
    *_VALUES,
    _Odd,
    lambda: torch.zeros(0),
    lambda: torch.full((3,), torch.nan),
    lambda: torch.zeros(2, 2, dtype=torch.int8),
    lambda: torch.zeros(3, 5, 7),
    lambda: b"bytes",
    lambda: {1, 2},
    lambda: (1, "two"),
    lambda: Namespace(arch=None),
)


def saved(state: Any, *, zipped: bool = True) -> bytes:
    """The file of a checkpoint; not zipped, it is in torch's format before 1.6."""
    stream = io.BytesIO()
    torch.save(state, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


@st.composite
def faulty_checkpoint(draw: st.DrawFn, states: Sequence[Any]) -> bytes:
    """The file of a checkpoint with a faulty value, in zip or the old format, or with faulty bytes."""
    state = draw(st.sampled_from(states))
    how = draw(st.sampled_from(["values", "values", "bytes", "both"]))
    if how != "bytes":
        place = draw(st.sampled_from([place for place in _places(state) if place]))
        odd = draw(st.sampled_from(_OBJECTS).map(lambda make: make()))
        fault = draw(st.sampled_from([_removed, lambda value: odd, lambda value: [value], lambda value: {"a": value}]))
        state = _changed(state, place, fault)
    content = saved(state, zipped=draw(st.integers(0, 3)) > 0)
    return content if how == "values" else draw(_faulty_bytes(content))


@st.composite
def _faulty_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    fault = draw(st.integers(0, 5))
    place = draw(st.integers(0, len(content)))
    if fault == 0:
        return content[:place]
    if fault == 1:
        return draw(st.binary(max_size=200))
    if fault == 2:
        return pickle.dumps(_Odd() if draw(st.booleans()) else {"model": _Odd()})
    if fault == 3 and content.startswith(b"PK"):
        return _other_record(content, draw(st.binary(max_size=40)))
    return content[:place] + draw(st.binary(min_size=1, max_size=6)) + content[place + draw(st.integers(0, 6)) :]


def _other_record(content: bytes, record: bytes) -> bytes:
    """An archive that is whole, with correct checksums, but another pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            new.writestr(name, record if name.endswith("data.pkl") else old.read(name))
    return stream.getvalue()
