"""Values on the command line: types, whose names argparse shows, the tasks, and the files and words of a config."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from janus.files import named_folder

TASKS = ("translation", "summary", "question", "reply")


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


positive.__name__ = "positive number"


def setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE, the value as YAML reads it."""
    # Importing jsonschema takes a moment, which a command without settings need not spend.
    from janus.config.yaml_file import parse_yaml
    from janus.errors import InputError

    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ValueError(text)
    try:
        return key, parse_yaml(value, lambda line: key)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


setting.__name__ = "KEY=VALUE"


def run_folder(text: str) -> Path:
    """The folder of a run, whose name is that of the tier even where it is given as `.`."""
    return named_folder(text)


run_folder.__name__ = "folder of a run"


def language(text: str) -> str:
    """A code of two or three letters, such as de; said where Moses has no abbreviations of that language."""
    if not re.fullmatch("[a-z]{2,3}", text):
        raise ValueError(text)
    # It takes a second to import, which help and other commands would wait for.
    from janus.text.moses import LANGUAGES

    if text not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        print(
            f"{text}: Moses has no abbreviations of this language, so English ones are used (it has {known})",
            file=sys.stderr,
        )
    return text


language.__name__ = "code of a language, such as de,"


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """The files and words of a config, as Snakemake takes them."""
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="TIER", help="tier files; by default the demo"
    )
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="settings laid over them")
