"""Signals of processes that tests start and then signal."""

import signal


def heed_signals() -> None:
    """Let this process end at SIGHUP and SIGINT, which are ignored below nohup and in a shell's background."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
