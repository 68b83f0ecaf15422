"""Stands in for `python`: hands its command to the warm Python (`warm.py`) and ends as that does.

Run as `python -I -S warm_client.py SOCKET words…`; imports only what starts at once.
"""

import array
import json
import os
import signal
import socket
import sys


def _open_descriptors() -> list[int]:
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    # The listing itself was one of them.
    return sorted(number for number in numbers if os.path.exists(f"/proc/self/fd/{number}"))


def main() -> None:
    """Send words, folder, environment and open files; pass signals on; take over the status."""
    address, words = sys.argv[1], sys.argv[2:]
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # From its folder, since the address of a socket may have 107 bytes.
    folder = os.getcwd()
    os.chdir(os.path.dirname(address))
    channel.connect(os.path.basename(address))
    os.chdir(folder)
    # The three streams, and what the parent passes on, such as a lock.
    numbers = [number for number in _open_descriptors() if number != channel.fileno()]
    request = {"words": words, "folder": folder, "environment": dict(os.environ), "descriptors": numbers}
    request = json.dumps(request | {"parent": os.getppid()}).encode()
    rights = array.array("i", numbers)
    channel.sendmsg([len(request).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
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
