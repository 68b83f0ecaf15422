"""A log that other processes, a full disk or a kill ran through still gives its whole entries, and stops nothing."""

import io
import os
import random
from pathlib import Path

import pytest

from janus.display import Display
from janus.training.logs import parse_line, read_curves, read_parameters
from janus.training.progress import Progress, Report

HEAD = "2026-01-01 10:00:00 | INFO | "
INNER = HEAD + 'train_inner | {"epoch": 1, "update": 0.5, "loss": "5.5", "num_updates": "3"}'
VALID = HEAD + 'valid | {"epoch": 1, "valid_loss": "4.5", "valid_bleu_ar": "12.5", "valid_num_updates": "6"}'
TRAIN = HEAD + 'train | {"epoch": 1, "train_loss": "5", "train_lr": "0.1", "train_num_updates": "6"}'
GARBLED = [
    # Cut short by a full disk or a kill.
    VALID[:-20],
    VALID[: VALID.index("{") + 1],
    # Another process's message in the middle of it.
    VALID[:60] + "[W socket.cpp:123] warning: {broken}\n" + VALID[60:],
    # Without what a row needs, or with what is not a number.
    HEAD + 'valid | {"epoch": 1, "valid_loss": "4.5"}',
    HEAD + 'valid | {"valid_loss": "4.5", "valid_num_updates": "6"}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": "4.5", "valid_num_updates": "six"}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": "4.5", "valid_num_updates": null}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": NaN, "valid_num_updates": 6}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": "nan", "valid_num_updates": 6}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": Infinity, "valid_num_updates": Infinity}',
    HEAD + 'valid | {"epoch": 1, "valid_loss": ["4.5"], "valid_num_updates": "6"}',
    HEAD + "valid | {" * 3,
    HEAD + "valid | {]",
    HEAD + "valid | " + '{"a":' * 100_000,
    HEAD + 'valid | {"epoch": 1, "valid_loss": ' + "9" * 5000 + ', "valid_num_updates": "6"}',
    HEAD + "train_inner | {}",
    HEAD + 'train_inner | {"num_updates": {}, "loss": 1}',
    HEAD + 'train_inner | {"num_updates": "3"}',
    HEAD + 'train_inner | {"num_updates": "1e999", "loss": 1}',
    "\0\0\0\0",
    "",
]
ROWS = [
    {"updates": 6, "epoch": 1, "split": "valid", "name": "loss", "value": 4.5},
    {"updates": 6, "epoch": 1, "split": "valid", "name": "bleu_ar", "value": 12.5},
    {"updates": 6, "epoch": 1, "split": "train", "name": "loss", "value": 5.0},
]


@pytest.mark.parametrize("garbled", GARBLED)
def test_a_garbled_line_has_no_row_and_spoils_no_other(tmp_path, garbled):
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join([INNER, garbled, VALID, garbled, TRAIN, garbled]), encoding="utf-8")
    assert read_curves(log) == ROWS
    bar, report = Progress("x", 6, io.StringIO()), Report(6, io.StringIO(), seconds=0)
    for line in garbled.split("\n"):
        bar.show(line)
        report.show(line)


def test_two_entries_on_one_line_are_both_read(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text(INNER[:70] + VALID + TRAIN + " and more\n")
    assert read_curves(log) == ROWS
    assert parse_line(VALID + TRAIN)[0] == "valid"


def test_bytes_that_are_not_utf8_spoil_their_line_alone(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\xff\xfe " + INNER.encode() + b"\n\x80\x81\n" + f"{VALID}\n{TRAIN}\n".encode())
    assert read_curves(log) == ROWS


def test_no_cut_and_no_flip_raises(tmp_path):
    log = tmp_path / "log.jsonl"
    whole = f"{INNER}\n{VALID}\n{TRAIN}\n".encode()
    draw = random.Random(2)
    for _ in range(300):
        content = bytearray(whole[: draw.randrange(len(whole))] + whole)
        for _ in range(draw.randrange(4)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        log.write_bytes(content)
        assert all(set(row) == set(ROWS[0]) for row in read_curves(log))


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Closed(Terminal):
    """A terminal whose window was closed: every call fails with EIO, or with EPIPE."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


def test_the_bar_counts_updates():
    terminal = Terminal()
    bar = Progress("toy", 6, terminal)
    bar.show(INNER)
    bar.close()
    assert "toy" in terminal.getvalue() and "3/6" in terminal.getvalue() and "loss=5.5" in terminal.getvalue()


def test_the_report_has_a_line_for_each_validation_and_few_in_between():
    every, few = io.StringIO(), io.StringIO()
    for report in (Report(6, every, seconds=0), Report(None, few, seconds=3600)):
        for line in (INNER, VALID, "anything else", TRAIN):
            report.show(line)
    assert every.getvalue() == (
        "training, update 3 of 6: loss 5.5\nvalidation, update 6 of 6: loss 4.5, bleu_ar 12.5\n"
    )
    assert few.getvalue() == "validation, update 6: loss 4.5, bleu_ar 12.5\n"


@pytest.mark.parametrize("error", [OSError(5, "I/O error"), BrokenPipeError(32, "Broken pipe"), ValueError("closed")])
def test_a_closed_terminal_stops_nothing(error):
    for terminal in (Closed(error), Display(Closed(error))):
        bar = Progress("toy", 6, terminal)
        bar.show(INNER)
        bar.show(INNER.replace('"3"', '"4"'))
        bar.close()


def test_a_display_says_nothing_more_once_it_is_broken():
    read, write = os.pipe()
    stream = Display(os.fdopen(write, "w", buffering=1))
    print("shown", file=stream, flush=True)
    assert os.read(read, 100) == b"shown\n"
    os.close(read)
    for _ in range(3):
        print("not shown", file=stream, flush=True)
    assert not stream.isatty()


def test_the_number_of_parameters_is_what_fairseq_said_last(tmp_path):
    log = tmp_path / "log.jsonl"
    said = HEAD.replace("INFO", "INFO | fairseq_cli.train") + "num. shared model params: {} (num. trained: {})\n"
    log.write_text(INNER + "\n" + said.format("1,234", "34")[:-20])
    assert read_parameters(log) is None
    log.write_text(said.format("1,234", "34") + INNER + "\n" + said.format("2,234,567", "5") + VALID + "\n")
    assert read_parameters(log) == 2_234_567


def test_a_real_log_says_it():
    run = Path(__file__).parents[2] / "results/reference/multi30k-cpu/multi30k.de-en/cmlm/seed-1"
    assert read_parameters(run / "checkpoints/log.jsonl") == 2_139_648
