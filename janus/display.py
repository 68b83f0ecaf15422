"""Output that may fail without stopping the work: on a closed terminal, or in a log on a full disk."""

from typing import IO, Any


class Display:
    """A text stream that goes silent, without an exception, once the underlying stream cannot be written."""

    def __init__(self, stream: IO[str]):
        self._stream: IO[str] = stream
        self._broken = False

    def write(self, text: str) -> int:
        """Write `text` if that is still possible; returns its length in either case."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush the underlying stream."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Whether it is a terminal that is still open."""
        return not self._broken and bool(self._try(self._stream.isatty))

    def _try(self, call: Any, *words: Any) -> Any:
        if self._broken:
            return None
        try:
            return call(*words)
        except (OSError, ValueError):
            self._broken = True
            return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
