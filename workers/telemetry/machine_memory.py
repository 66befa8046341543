"""How much memory this machine has, and how much of it is free for the pages of its workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class MachineMemory:
    """Memory in KiB: all of it, and what is available without swapping."""

    total_kib: int
    available_kib: int


def read_machine_memory(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> MachineMemory | None:
    """Return the memory of this machine, or of this container where that has a limit; None without /proc (macOS).

    The limit is that of cgroup v2; what its files hold can be given back at once, as on the machine.
    """
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        machine = MachineMemory(_kib(lines["MemTotal"]), _kib(lines["MemAvailable"]))
    except (OSError, KeyError, ValueError, IndexError):
        return None
    try:
        limit = int((cgroup / "memory.max").read_text()) // 1024
        used = int((cgroup / "memory.current").read_text()) // 1024 - _file_kib(cgroup)
    except (OSError, ValueError):  # "max" is no limit
        return machine
    total = min(limit, machine.total_kib)
    return MachineMemory(total, max(0, min(total - used, machine.available_kib)))


def _kib(text: str) -> int:
    return int(text.split()[0])


def _file_kib(cgroup: Path) -> int:
    stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    return int(stat.get("inactive_file", 0)) // 1024
