"""What other processes cost, from /proc: CPU time, memory, and how busy the machine is besides.

Other work on the same cores moves every rate; CPU time an event moves little. So figures are told
with the load beside them.
"""

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name in parentheses, which may hold anything.
_USER, _SYSTEM = 11, 12
# Of the first line of /proc/stat after the word: idle and waiting for a disk.
_IDLE, _IO_WAIT = 3, 4


class Thread(NamedTuple):
    """One thread's name and CPU seconds."""

    name: str
    cpu_s: float


def cpu_s(process: int) -> float:
    """Seconds of CPU that a process has used, user and system."""
    return _used_s(Path(f"/proc/{process}/stat").read_text())


def threads(process: int) -> dict[int, Thread]:
    """The same of each of its threads, by thread id."""
    found = {}
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            name, used = (task / "comm").read_text().strip(), (task / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between listing and reading
        found[int(task.name)] = Thread(name, _used_s(used))
    return found


def memory_peak_mb(process: int) -> float:
    """The most memory a process has had resident, in MB of a million bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def machine_busy_s() -> float:
    """Seconds of CPU that all cores together have been busy since boot."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0]
    times = [int(word) for word in first.split()[1:9]]  # what follows is counted in these already
    return (sum(times) - times[_IDLE] - times[_IO_WAIT]) / _TICKS_A_SECOND


def _used_s(stat: str) -> float:
    rest = stat.rpartition(")")[2].split()
    return (int(rest[_USER]) + int(rest[_SYSTEM])) / _TICKS_A_SECOND
