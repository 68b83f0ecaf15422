"""Stands in for `python`: hands its command to the warm Python (`warm.py`) and ends as that does.

Run as `python -I -S warm_client.py SOCKET words…`; imports only what starts at once.
"""

import array
import json
import os
import signal
import socket
import sys


def main() -> None:
    """Send words, folder, environment and the three streams; pass signals on; take over the status."""
    address, words = sys.argv[1], sys.argv[2:]
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(address)
    request = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}
    request = json.dumps(request | {"parent": os.getppid()}).encode()
    streams = array.array("i", [0, 1, 2])
    channel.sendmsg([len(request).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    channel.sendall(request)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: channel.sendall(bytes([number])))
    answer = channel.recv(4, socket.MSG_WAITALL)
    # Where the warm Python is gone, so is what ran in it.
    status = int.from_bytes(answer, "big", signed=True) if len(answer) == 4 else -signal.SIGKILL
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


main()
