import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError
from byrote.training.memory import available, free_memory, is_out_of_memory, parse_memory, spell_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8_000_000_000),
        ("500 MB", 500_000_000),
        ("2GiB", 2 * 2**30),
        (" 1.5 gb ", 1_500_000_000),
        ("64kib", 2**16),
        ("1TB", 10**12),
        ("100B", 100),
    ],
)
def test_memory_is_read(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "8", "GB", "-1GB", "8 G", "8 bananas", "0GB", "8GB 2MB", "1e9B", "nanGB", "9" * 320 + "GB", "9" * 20 + "TB"],
)
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ByroteError, match=r"is not an amount of memory\. Write a number and its unit"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("size", "text"), [(2_140_000_000, "2.1 GB"), (499_600_000, "500 MB"), (12_000_000_000, "12.0 GB"), (3e6, "3 MB")]
)
def test_memory_is_spelled(size: float, text: str) -> None:
    assert spell_memory(size) == text
    assert parse_memory(text) == pytest.approx(size, rel=0.05)


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": "MemTotal: 16000 kB\nMemAvailable:    8000 kB\n", **contents}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


GROUP = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("contents", "free"),
    [
        ({}, 8_192_000),
        ({"proc/self/cgroup": "0::/\n"}, 8_192_000),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                f"{GROUP}/a/b/memory.max": "max\n",
                f"{GROUP}/a/b/memory.current": "5000\n",
                f"{GROUP}/a/b/memory.stat": "anon 5000\ninactive_file 0\n",
                f"{GROUP}/a/memory.max": "6000\n",
                f"{GROUP}/a/memory.current": "5000\n",
                f"{GROUP}/a/memory.stat": "anon 4000\ninactive_file 1000\n",
            },
            2000,
        ),
        (
            {
                "proc/self/cgroup": "0::/\n",
                f"{GROUP}/memory.max": "100\n",
                f"{GROUP}/memory.current": "500\n",
                f"{GROUP}/memory.stat": "inactive_file 7\n",
            },
            0,
        ),
        (
            {
                "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n",
                f"{GROUP}/memory/job/memory.limit_in_bytes": "9000\n",
                f"{GROUP}/memory/job/memory.usage_in_bytes": "4000\n",
                f"{GROUP}/memory/job/memory.stat": "total_inactive_file 500\n",
                f"{GROUP}/memory/memory.limit_in_bytes": "9223372036854771712\n",
                f"{GROUP}/memory/memory.usage_in_bytes": "4000\n",
                f"{GROUP}/memory/memory.stat": "total_inactive_file 0\n",
            },
            5500,
        ),
    ],
    ids=["no group", "no limit", "version 2, of the parent", "spent", "version 1"],
)
def test_free_memory_is_that_of_the_machine_or_of_the_control_group(
    tmp_path: Path, contents: dict[str, str], free: int
) -> None:
    assert free_memory(files(tmp_path, contents)) == free


def test_without_any_word_half_of_the_memory_is_free(tmp_path: Path) -> None:
    half = free_memory(tmp_path)
    assert half == free_memory(files(tmp_path, {"proc/meminfo": "MemTotal: 16000 kB\n"}))
    assert half > 2**28


def test_a_reserve_is_left_of_what_is_free_but_not_of_what_is_given() -> None:
    assert available("cpu", 12345) == 12345
    assert 0.5 < available("cpu") / free_memory(Path("/")) < 0.95


def test_running_out_of_memory_is_told_from_other_errors() -> None:
    failed: list[BaseException] = []
    for attempt in (lambda: torch.empty(2**50), lambda: np.empty(2**50), lambda: torch.zeros(2) @ torch.zeros(3)):
        try:
            attempt()
        except Exception as error:
            failed.append(error)
    assert [is_out_of_memory(error) for error in failed] == [True, True, False]
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."))
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="concerns glibc")
@pytest.mark.parametrize("prepared", [True, False])
def test_a_prepared_process_keeps_what_it_has_freed(prepared: bool) -> None:
    code = (
        "import resource, torch\n"
        "from byrote.training.memory import prepare_process\n"
        f"{'prepare_process()' if prepared else ''}\n"
        "def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def work(): torch.ones(25_000_000)\n"
        "for _ in range(5): work()\n"
        "before = faults()\n"
        "for _ in range(20): work()\n"
        "print((faults() - before) * resource.getpagesize() / 2e9)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (float(said.stdout) < 0.5) is prepared  # the share of the allocated bytes that were new to the process
