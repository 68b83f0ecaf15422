"""The cause of a failed training is what came first, not what came of it."""

import subprocess
import sys

import pytest

from janus.training.failure import cause_of

ENTRY = '2026-01-01 10:00:00 | INFO | train_inner | {"epoch": 1, "loss": "nan", "num_updates": "3"}'


def output_of(code: str) -> tuple[list[str], int]:
    """What Python itself prints of the exceptions of `code`, after an entry of the log."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return [ENTRY, *done.stderr.splitlines()], done.returncode


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            """
try:
    raise FloatingPointError("gradients are Nan/Inf")
except FloatingPointError:
    next(iter([]))
""",
            "FloatingPointError: gradients are Nan/Inf",
        ),
        (
            """
try:
    try:
        raise FloatingPointError("Minimum loss scale reached (0.0001).")
    except FloatingPointError:
        [][1]
except IndexError:
    {}["x"]
""",
            "FloatingPointError: Minimum loss scale reached (0.0001).",
        ),
        (
            """
try:
    raise OSError(28, "No space left on device")
except OSError:
    raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0")
""",
            "OSError: [Errno 28] No space left on device",
        ),
        (
            """
class OutOfMemoryError(RuntimeError): __module__ = "torch"
raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
""",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        ),
        ("raise RuntimeError('size mismatch:\\n\\tw: 3\\n\\tv: 4')", "RuntimeError: size mismatch: w: 3 v: 4"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        (
            """
try:
    raise FileNotFoundError(2, "gone", "dict.txt")
except OSError as error:
    raise ValueError("the dictionary is missing") from error
""",
            "ValueError: the dictionary is missing",
        ),
        # What the two had to do with each other is long past.
        ("import traceback\ntry: 1/0\nexcept Exception: traceback.print_exc()\nraise ValueError('x')", "ValueError: x"),
    ],
)
def test_the_first_exception_is_the_cause(code, expected):
    lines, status = output_of(code)
    assert cause_of(lines, status) == (expected, False)


@pytest.mark.parametrize("broken", ['{"a":' * 100_000, '{"loss": ' + "9" * 5000 + "}"])
def test_an_entry_of_the_log_that_no_parser_takes_is_no_entry(broken):
    lines = [f"2026-01-01 00:00:00 | INFO | train | {broken}", "ValueError: the cause"]
    assert cause_of(lines, 1) == ("ValueError: the cause", False)


def test_bad_input_is_told_from_a_crash():
    code = "from janus.errors import InputError\n{}"
    lines, status = output_of(code.format("raise InputError('is empty', where='train.de', fix='restore it')"))
    assert cause_of(lines, status) == ("janus.errors.InputError: train.de: is empty; restore it", True)
    wrapped = "try: 1/0\nexcept ZeroDivisionError: raise InputError('is empty', where='train.de', fix='restore it')"
    assert cause_of(*output_of(code.format(wrapped))) == (cause_of(lines, status)[0], True)
    usage = "import argparse; p = argparse.ArgumentParser('train.py'); p.add_argument('--a', choices='x'); p.parse_args"
    lines, status = output_of(usage + "(['--a', 'y'])")
    reason, bad_input = cause_of(lines, status)
    assert bad_input and "invalid choice: 'y'" in reason


def test_a_rank_speaks_for_the_process_that_reports_it():
    report = [
        "Traceback (most recent call last):",
        '  File "train.py", line 1, in <module>',
        "torch.multiprocessing.spawn.ProcessRaisedException: ",
        "",
        "-- Process 1 terminated with the following error:",
        "Traceback (most recent call last):",
        '  File "spawn.py", line 90, in _wrap',
        "FloatingPointError: gradients are Nan/Inf",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "spawn.py", line 99, in _wrap',
        "StopIteration",
        "",
    ]
    assert cause_of(report, 1) == ("FloatingPointError: gradients are Nan/Inf", False)


def test_ends_without_an_exception():
    aborted = [ENTRY, "terminate called after throwing an instance of 'c10::Error'", "  what():  no memory"]
    assert cause_of(aborted, -6) == (
        "terminate called after throwing an instance of 'c10::Error' what(): no memory",
        False,
    )
    assert cause_of([ENTRY], -9)[0] == "killed by SIGKILL, as the system does where memory runs out"
    assert cause_of([ENTRY, "Bus error in worker"], -7)[0] == "killed by SIGBUS; its last line: Bus error in worker"
    assert cause_of([ENTRY, "something", ""], 3) == ("something", False)
    assert cause_of([ENTRY], 3) == ("no output", False)
    assert len(cause_of(["x" * 5000], 1)[0]) == 300
