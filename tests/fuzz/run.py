"""Give every reader of the suite files with faults (`make fuzz`; docs/security.md).

    PYTHONPATH=tests:. python -m fuzz.run --inputs 100000 --seed 1 [--only READER]

What fails is made smaller and printed, and the next reader follows. The command's own memory is limited, so that a bomb
ends it.
"""

import argparse
import resource
import sys
import time
import traceback

from fuzz.engine import fuzz
from fuzz.readers import READERS

# Bytes of memory for the whole command.
_MEMORY = 6 << 30
# Characters of a failure.
_SHOWN = 2000


def _told(error: BaseException) -> str:
    """Where and why a reader failed, and with which input, as far as a screen holds it."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_told, error.exceptions))
    notes, error.__notes__ = getattr(error, "__notes__", []), []
    return "".join(traceback.format_exception(error))[-_SHOWN:] + "\n".join(notes)[:_SHOWN]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[reader.name for reader in READERS], nargs="*", metavar="READER")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    chosen = [reader for reader in READERS if not options.only or reader.name in options.only]
    shares = sum(reader.share for reader in chosen)
    failed = []
    total = 0
    for reader in chosen:
        begun = time.monotonic()
        inputs = -(-int(options.inputs * reader.share) // int(max(shares, 1)))
        try:
            counts = fuzz(reader, inputs, options.seed)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(reader.name)
            print(f"{reader.name}: FAILED\n{_told(error)}", flush=True)
            continue
        total += sum(counts.values())
        seconds = time.monotonic() - begun
        print(f"{reader.name}: {counts['read']} read, {counts['refused']} refused, {seconds:.0f} s", flush=True)
    print(f"{total} inputs; failed: {', '.join(failed) or 'none'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
