"""`python fairseq_exits.py COUNT FOLDER WORDS…`: train COUNT times in processes of their own, print how each ended.

Each process is a fork of this one, which spares importing fairseq anew, and ends as a program does: by running off its
end, with the interpreter's shutdown. One that is not gone after five minutes is stopped by an alarm (status -14).
"""

import os
import signal
import sys

from fairseq_training import run


def main() -> None:
    """Print the exit statuses, negative for signals, as one line; children return to the end of the program."""
    count, folder, *words = sys.argv[1:]
    statuses = []
    for number in range(int(count)):
        child = os.fork()
        if not child:
            signal.alarm(300)
            sys.stdout = open(os.devnull, "w", encoding="utf-8")
            run(words, f"{folder}/{number}")
            return
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(*statuses)


if __name__ == "__main__":
    main()
