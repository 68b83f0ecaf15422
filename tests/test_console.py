"""Commands print their findings under every locale and encoding."""

import os
import subprocess
import sys

import pytest

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
