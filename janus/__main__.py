"""`janus`: the commands of janus/cli; `janus --help` lists them."""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import janus.cli
from janus.console import tolerate_any_encoding
from janus.errors import InputError, JobError
from janus.room import disk_errors_as_one_line

# docs/use.md says the same.
_EPILOG = (
    "Exit status: 0 when it is done; 1 when the input or the machine is at fault, which standard error explains in "
    "a line for each fault, or when a check finds one; 2 when the command line cannot be read. "
    "`janus COMMAND --help` explains a command; `janus completion SHELL` completes them in a shell."
)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, as `janus --help` explains it."""
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
    return 0


def _discard_output() -> None:
    """Keep Python from flushing its buffer at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="janus", description="Reproduce the JANUS paper from corpus to table.", epilog=_EPILOG
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, module in _commands():
        about = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=about[0].lower() + about[1:].rstrip("."), description=module.__doc__)
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
