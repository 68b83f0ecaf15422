"""The page of a run as HTML: one file that needs no other. All text is escaped; what a run holds is never markup."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_HERE = Path(__file__).parent
# What the script needs; all else stands in the page itself.
_SCRIPTED = ("numbers", "records", "refinements", "command")
_KINDS = {"csv": "text/csv", "json": "application/json"}


def render(data: Mapping[str, Any]) -> str:
    """The page of `data`, which `janus.report.page.gather` made."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["download"] = _download
    # An element of style or script ends at its first end tag, which none of these files holds.
    parts = {name: Markup((_HERE / file).read_text(encoding="utf-8")) for name, file in _PARTS.items()}
    script = Markup(_as_script({name: data[name] for name in _SCRIPTED}))
    return environment.get_template("page.html.jinja").render(data, data=script, **parts)


_PARTS = {"style": "page.css", "script": "page.js"}


def _download(text: str, kind: str) -> str:
    """An address that holds a file's text."""
    return f"data:{_KINDS[kind]};charset=utf-8;base64,{base64.b64encode(text.encode()).decode('ascii')}"


def _as_script(value: Any) -> str:
    """JSON that cannot end the element of a script that holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
