"""The progress bar of a training; its errors never stop the training."""

import sys
from typing import IO

from tqdm import tqdm

from janus.display import Display
from janus.training.logs import parse_line


class Progress:
    """Shows the updates under `name` on `terminal` (stderr by default), if it is a terminal, from the lines of a log.

    A closed terminal only ends the display, and invalid lines are ignored.
    """

    def __init__(self, name: str, total: int | None, terminal: IO[str] | None = None):
        stream = Display(terminal or sys.stderr)
        self._bar = tqdm(total=total, desc=name, unit="update", file=stream, disable=None, leave=False)

    def show(self, line: str) -> None:
        """Advance to the update of a log line, if it has one."""
        try:
            kind, values = parse_line(line) or ("", {})
            if kind == "train_inner" and not self._bar.disable:
                self._bar.update(int(values["num_updates"]) - self._bar.n)
                self._bar.set_postfix(loss=values["loss"])
        except (KeyError, TypeError, ValueError, OverflowError):
            # An entry without these numbers; the next one will have them.
            return

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()
