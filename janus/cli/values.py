"""Values on the command line: types, whose names argparse shows, the tasks, and the files and words of a config."""

import argparse
from pathlib import Path

TASKS = ("translation", "summary", "question", "reply")


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


positive.__name__ = "positive number"


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """The files and words of a config, as Snakemake takes them."""
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="TIER", help="tier files; by default the demo"
    )
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="settings laid over them")
