"""Values on the command line: types, whose names argparse shows, and the tasks."""

from typing import Any

import yaml

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
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ValueError(text)
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(text) from error


setting.__name__ = "KEY=VALUE"
