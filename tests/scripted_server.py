"""Real HTTP servers: one that answers as it is told, one answer after the other, and one with a handler."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """A server with `handler`: its address is `base`; `requests`, which the handler shares, begins empty."""
    recording = type("Recording", (handler,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), recording) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        running.base, running.requests = f"http://127.0.0.1:{running.server_port}", recording.requests
        yield running
        running.shutdown()
        thread.join()


@dataclass
class Answer:
    """status, headers, body: what is sent. length: the Content-Length, by default the body's; None sends none.

    ranges: whether a request for a range gets that part of the body. pause: seconds before each byte of it.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1
    ranges: bool = False
    pause: float = 0.0


class Server:
    """Serves `answers` in turn, the last one for ever, whatever is asked; `requests` holds the headers of each."""

    def __init__(self, answers: Sequence[Answer] = ()):
        self.answers, self.requests = list(answers), []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(dict(self.headers) | {"path": self.path})
                outer.send(self, outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0])

            def log_message(self, *words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        """Send one answer."""
        status, body, headers = answer.status, answer.body, dict(answer.headers)
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        if answer.ranges and asked and condition in (None, headers.get("ETag"), headers.get("Last-Modified")):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            status, whole = (206, len(body)) if start < len(body) else (416, len(body))
            place = f"bytes {start}-{whole - 1}/{whole}" if status == 206 else f"bytes */{whole}"
            headers, body = headers | {"Content-Range": place}, body[start:] if status == 206 else b""
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if answer.length is not None:
            handler.send_header("Content-Length", str(len(body) if answer.length == -1 else answer.length))
        handler.end_headers()
        try:
            for byte in [body] if not answer.pause else [body[i : i + 1] for i in range(len(body))]:
                time.sleep(answer.pause)
                handler.wfile.write(byte)
                handler.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass
