"""What a training shows while it runs, a bar and a few lines; its errors never stop the training."""

import sys
import time
from typing import IO, Any

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


class Report:
    """Writes a line to `stream` for each validation, and at most one every `seconds` in between, from a log's lines.

    A stream that cannot be written only ends the report, and invalid lines are ignored.
    """

    def __init__(self, total: int | None, stream: IO[str], *, seconds: float = 30):
        self._of = f" of {total}" if total else ""
        self._stream, self._seconds, self._last = Display(stream), seconds, time.monotonic()

    def show(self, line: str) -> None:
        """Report a log line, if it is one to report."""
        kind, values = parse_line(line) or ("", {})
        if kind == "valid":
            known = {name.removeprefix("valid_"): value for name, value in values.items()}
            self._write("validation", known.get("num_updates"), _measures(known))
        elif kind == "train_inner" and time.monotonic() - self._last >= self._seconds:
            self._write("training", values.get("num_updates"), _measures(values))
            self._last = time.monotonic()

    def _write(self, part: str, update: Any, measures: str) -> None:
        if measures:
            self._stream.write(f"{part}, update {update}{self._of}: {measures}\n")
            self._stream.flush()


def _measures(values: dict[str, Any]) -> str:
    """Losses and BLEU by name, as fairseq logs them, those of the whole first."""
    named = {name: value for name, value in values.items() if name.startswith(("loss", "bleu", "nll_loss", "ups"))}
    return ", ".join(f"{name} {named[name]}" for name in sorted(named, key=lambda name: (name.count("_"), name)))
