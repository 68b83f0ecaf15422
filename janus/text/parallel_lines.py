"""A function over the lines of a file, or over files, in several processes, in order and with bounded memory."""

import itertools
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_CHUNK = 2_000
_AHEAD = 3
_function: Callable[[str], str] | None = None


def map_lines(make: Callable[[], Callable[[str], str]], lines: Iterable[str], *, workers: int = 1) -> Iterator[str]:
    """Stream the results of the function returned by `make` for each line, in order.

    Each of the `workers` processes makes its own function. At most `3 * workers` chunks of 2,000 lines are read ahead.
    """
    if workers == 1:
        yield from map(make(), lines)
        return
    lines, pending = iter(lines), deque()
    with _pool(workers, _start_lines, make) as pool:
        while True:
            while len(pending) < _AHEAD * workers and (chunk := list(itertools.islice(lines, _CHUNK))):
                pending.append(pool.submit(_apply, chunk))
            if not pending:
                return
            yield from pending.popleft().result()


def map_calls(function: Callable[..., Any], calls: Iterable[tuple], *, workers: int = 1) -> list[Any]:
    """function(*arguments) for each of `calls`, in order, in at most `workers` processes."""
    calls = list(calls)
    if workers == 1 or len(calls) == 1:
        return list(itertools.starmap(function, calls))
    with _pool(min(workers, len(calls)), _end_with_parent) as pool:
        return [future.result() for future in [pool.submit(function, *arguments) for arguments in calls]]


def _pool(workers: int, start: Callable[..., None], *arguments: Any) -> ProcessPoolExecutor:
    """An executor, which, unlike multiprocessing's Pool, raises an error if a worker is killed."""
    # Forked: a spawned worker would run the caller's script again, and workflow scripts have no guard against that.
    context = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=start, initargs=arguments)


def _start_lines(make: Callable[[], Callable[[str], str]]) -> None:
    global _function
    _end_with_parent()
    _function = make()


def _end_with_parent() -> None:
    """End this worker when its parent ends, for whatever reason; a waiting worker would otherwise stay."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _apply(chunk: list[str]) -> list[str]:
    return list(map(_function, chunk))
