"""Commands print their findings under every locale and encoding."""

import io
import json
import os
import subprocess
import sys

import pytest

from janus.console import json_text
from janus.errors import without_control

LOCALES = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: ",".join(f"{k}={v}" for k, v in locale.items()))
def test_the_audit_prints_everything_under_any_encoding(locale: dict[str, str]) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    words = [sys.executable, "-m", "janus", "audit", "--all"]
    done = subprocess.run(words, env=own | locale, capture_output=True)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    plain = subprocess.run(words, env=own | {"PYTHONIOENCODING": "utf-8"}, capture_output=True, check=True).stdout
    encoding = locale.get("PYTHONIOENCODING", "ascii")
    assert done.stdout == plain.decode("utf-8").encode(encoding, "backslashreplace")
    assert not plain.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_where_the_terminal_lacks_its_characters(encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr("sys.stdout", stream)
    print(json_text({"text": "schön → ok"}), file=stream, flush=True)
    written = stream.buffer.getvalue().decode(encoding)
    assert json.loads(written) == {"text": "schön → ok"}
    assert ("→" in written) == (encoding == "utf-8")


@pytest.mark.parametrize("locale", LOCALES[:3], ids=lambda locale: ",".join(f"{k}={v}" for k, v in locale.items()))
@pytest.mark.parametrize("words", [["compare", "a", "b", "--json"], ["schema"]])
def test_data_is_utf8_under_any_encoding(locale, words, tmp_path):
    for name, line in (("a", "schön ."), ("b", "schöner .")):
        (tmp_path / name).write_text(f"{line}\n", encoding="utf-8")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONIO"))}
    command = [sys.executable, "-m", "janus", *words]
    written = [
        subprocess.run(command, env=own | more, cwd=tmp_path, capture_output=True, check=True).stdout.decode("utf-8")
        for more in (locale, {"PYTHONIOENCODING": "utf-8"})
    ]
    assert written[0] == written[1]
    if "--json" in words:
        assert "schöner" in json.dumps(json.loads(written[0]), ensure_ascii=False)


def test_a_closed_input_is_one_line_and_closed_outputs_are_no_failure(tmp_path):
    (tmp_path / "model.pt").touch()

    def ran(words: str) -> tuple[int, str]:
        line = f"{sys.executable} -m janus {words}"
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stderr

    assert ran("translate model.pt <&-") == (
        1,
        "stdin: is closed; give the text by a pipe, or name a file: --input\n",
    )
    assert ran("doctor --configfile model.pt >&-")[0] == 1
    (tmp_path / "a").write_text("a b\n")
    assert ran("compare a a >&-") == ran("compare a a") == (0, "")
    assert ran("score no no 2>&- >&-") == (1, "")


def test_control_characters_do_not_reach_a_terminal():
    assert without_control("a\x1b[2Jb\rc\u2028d ä") == r"a\x1b[2Jb\rc\u2028d ä"
