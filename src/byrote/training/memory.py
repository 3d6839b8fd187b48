"""Memory: how much there is, what an error about it looks like, and an allocator that keeps what it has."""

import ctypes
import re
import sys
from pathlib import Path

from byrote.errors import ByroteError
from byrote.record.free_memory import free_memory as free_memory

RESERVE = 0.1
"""Share of what is free that is left to others when no budget is given."""

UNITS = {
    "B": 1,
    **{f"{prefix}B": 1000**k for k, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}IB": 1024**k for k, prefix in enumerate("KMGT", 1)},
}
LARGEST = 1 << 60
"""Bytes that no machine has."""

FAILED = ("can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")

MMAP_MAX, TRIM_THRESHOLD = -4, -1  # of mallopt, in <malloc.h>


def parse_memory(text: str) -> int:
    """Read bytes from `8GB`, `500 MB` (powers of 1000) or `2GiB` (powers of 1024); raise ByroteError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text, re.IGNORECASE)
    size = float(found[1]) * UNITS.get(found[2].upper(), 0) if found else 0
    if not 1 <= size < LARGEST:
        given = text if len(text) <= 40 else f"{text[:40]}..."
        raise ByroteError(f"{given!r} is not an amount of memory. Write a number and its unit, like '8GB' or '500 MB'.")
    return int(size)


def spell_memory(size: float) -> str:
    """Return bytes as one reads them: `2.1 GB`."""
    exponent = 3 if size >= 1e9 else 2
    return f"{size / 1000**exponent:.{exponent - 2}f} {' KMG'[exponent]}B"


def available(device: str, memory: int | None = None) -> int:
    """Return the budget in bytes: `memory` when given, else what is free now on the device (cpu: in main memory), less a reserve.

    Where the system does not say what is free, half of the memory counts as free.
    """
    if memory is not None:
        return memory
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()  # what this process no longer needs is free
        return int((1 - RESERVE) * torch.cuda.mem_get_info(torch.device(device))[0])
    return int((1 - RESERVE) * free_memory(Path("/")))


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error says that memory ran out, of any device and any allocator."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(message in str(error) for message in FAILED)
    )


def prepare_process() -> None:
    """Let the allocator keep what was freed: pages given back are asked for again, and cleared, in the next update.

    Call it once per process that trains. It concerns glibc; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(MMAP_MAX, 0)
            mallopt(TRIM_THRESHOLD, -1)
