"""Run a program that dies with its starter: `python guard.py PROGRAM ARGUMENT...`.

Between the starter and the broker, so that no broker is left behind when the starter is killed:
standard input is a pipe from the starter, and when it closes, the program is killed. The first line
on standard output is the program's process id, the exit status is the program's (negated signal
numbers as 128 + signal, as in a shell). A file that is run alone: it imports nothing of Tollgate.
"""

import os
import signal
import sys
import threading


def kill_when_the_starter_is_gone(process: int) -> None:
    """Wait for the end of the pipe; the process id stays ours until it has been waited for."""
    while os.read(0, 512):
        pass
    os.kill(process, signal.SIGKILL)


def main() -> None:
    """Start the program, tell its process id, and wait for it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    process = os.posix_spawn(
        sys.argv[1],
        sys.argv[1:],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, 2, 1)],
    )
    os.write(1, b"%d\n" % process)
    threading.Thread(target=kill_when_the_starter_is_gone, args=(process,), daemon=True).start()
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
