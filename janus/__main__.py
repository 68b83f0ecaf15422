"""`janus`: the commands of janus/cli; `janus --help` lists them.

The exit status of every command is 0 when it has done its work; 1 for bad input, work that failed, or a check that
found something, with a line on stderr that says what; 2 for a wrong command line; 130 when it is interrupted.
"""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import janus.cli
from janus.console import replace_closed_output, tolerate_any_encoding
from janus.disk_errors import disk_errors_as_one_line
from janus.errors import InputError, JobError
from janus.library import version

# What shells report of a program that Ctrl-C ended.
_INTERRUPTED = 130
_STATUS = (
    "Exit status: 0 done; 1 bad input or failed work (one line says what), or a check found something; 2 wrong usage."
)
_EXAMPLES = "\nExamples:\n"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, as described above."""
    replace_closed_output()
    tolerate_any_encoding()
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        # A shell asks how the line goes on; it is told, and the process ends.
        argcomplete.autocomplete(parser)
    options = parser.parse_args(words)
    try:
        with disk_errors_as_one_line():
            status = options.run_command(options) or 0
            # On a full disk, Python would otherwise report the error at exit, with a traceback.
            print(end="", flush=True)
            return status
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except JobError as error:
        print(error, file=sys.stderr)
        _discard_output()
        return 1
    except BrokenPipeError:
        # The reader closed the pipe, as in `janus audit | head`.
        _discard_output()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        _discard_output()
        return _INTERRUPTED
    return 0


def _discard_output() -> None:
    """Keep Python from flushing its buffer at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Help(argparse.HelpFormatter):
    """Wraps paragraphs of text to the terminal, and leaves examples, which are indented, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            one if "\n  " in one else super(_Help, self)._fill_text(one, width, indent) for one in paragraphs
        )


def _parser() -> argparse.ArgumentParser:
    about = (
        "Reproduce the JANUS paper from corpus to table.\n`janus COMMAND --help` explains a command, with examples. "
        "`janus completion SHELL` completes them in a shell."
    )
    parser = argparse.ArgumentParser(prog="janus", description=about, epilog=_STATUS, formatter_class=_Help)
    parser.add_argument("--version", action="version", version=f"janus {version()}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, module in _commands():
        text, _, examples = (module.__doc__ or "").partition(_EXAMPLES)
        first = text.splitlines()[0]
        command = commands.add_parser(
            name,
            help=first[0].lower() + first[1:].rstrip("."),
            description=text.strip(),
            epilog=f"examples:\n{examples.rstrip()}\n\n{_STATUS}",
            formatter_class=_Help,
        )
        module.add_arguments(command)
        command.set_defaults(run_command=module.run)
    return parser


def _commands() -> Iterator[tuple[str, ModuleType]]:
    for found in pkgutil.iter_modules(janus.cli.__path__):
        module = importlib.import_module(f"janus.cli.{found.name}")
        if hasattr(module, "add_arguments"):
            yield found.name.replace("_", "-"), module


if __name__ == "__main__":
    sys.exit(main())
