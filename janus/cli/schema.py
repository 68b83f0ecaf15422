"""Write the schema of systems.yaml, with the options of all methods.

Examples:
  janus schema --write workflow/schemas/systems.schema.yaml
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--write", type=Path, metavar="FILE", help="the output file; by default standard output")


def run(options: argparse.Namespace) -> None:
    """Write or print the schema."""
    from janus.config.system_entries import schema_text
    from janus.console import write_data_in_utf8
    from janus.data import SCHEMAS
    from janus.files import atomic_writer, require_writable

    text = schema_text(SCHEMAS)
    if options.write:
        require_writable(options.write)
        with atomic_writer(options.write) as stream:
            stream.write(text)
    else:
        write_data_in_utf8()
        print(text, end="")
