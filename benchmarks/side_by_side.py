"""Shared by all benchmarks: medians with their spread, a markdown table, and a line about the machine."""

import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the smallest and largest value."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def median_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median and its 90 % interval from 10,000 resamples."""
    drawn = np.random.default_rng(0).choice(values, (10_000, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.05, 0.95])
    return statistics.median(values), float(low), float(high)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine() -> str:
    """Return processor, cores, versions and load, as one line."""
    import os

    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in ("byrote", "torch", "numpy", "pyarrow"))
    load = f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}; {load}"
