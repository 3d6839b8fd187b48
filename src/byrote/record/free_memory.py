"""Free memory: how many bytes of main memory may still be used."""

import os
import sys
from pathlib import Path


def free_memory(root: Path) -> int:
    """Return the free bytes of main memory as the file system at `root` says: of the machine, or its control group if less."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
    except OSError:
        return _half()
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    free = 1024 * int(sizes["MemAvailable"].split()[0]) if "MemAvailable" in sizes else _half()
    return min([free, *_control_groups(root)])


def _half() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def _control_groups(root: Path) -> list[int]:
    """Return how much each control group that this process is in still allows, in both versions of what Linux calls so."""
    try:
        memberships = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    room: list[int] = []
    for _, controllers, path in memberships:
        if not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = top / path.strip("/")
        while group.is_relative_to(top):
            room += _room(group, *names)
            group = group.parent
    return room


def _room(group: Path, limit: str, usage: str, cache: str) -> list[int]:
    """Return what one group still allows, files that it can drop from its cache included; nothing when it has no limit."""
    try:
        allowed, used = (group / limit).read_text().strip(), int((group / usage).read_text())
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return []
    return [] if allowed == "max" else [max(0, int(allowed) - used + int(kept.get(cache, 0)))]
