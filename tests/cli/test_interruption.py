"""Signals, deaths and deleted directories, in real processes: a message, no process left over, and nothing lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cli.test_cli import BYROTE, byrote, start, write_task

pytestmark = pytest.mark.cluster


def begin(folder: Path, *options: str, until: int = 1, epochs: int = 300) -> "subprocess.Popen[str]":
    """Start an audit and return when `until` runs are finished."""
    write_task(folder, epochs=epochs)
    process = start(folder, "audit", "my_task.py", "--runs", "12", "--workers", "2", "--out", "out", *options)
    while len(list((folder / "out/runs").glob("*.parquet"))) < until:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return process


def left_over(group: int) -> list[psutil.Process]:
    """Return the processes of a session that are still there after a while."""
    deadline = time.monotonic() + 30
    while True:
        found = [each for each in psutil.process_iter() if _session(each.pid) == group and _lives(each)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(("name", "group"), [("SIGINT", False), ("SIGTERM", True), ("SIGHUP", True)])
def test_signals_end_an_audit_with_a_message(name: str, group: bool, tmp_path: Path) -> None:
    """A terminal and a service manager signal the whole group, `kill` the one process (SIGTERM: see the last test)."""
    process = begin(tmp_path)
    (os.killpg if group else os.kill)(process.pid, getattr(signal, name))
    ends_with_a_message(process)


def ends_with_a_message(process: "subprocess.Popen[str]") -> None:
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    assert told.count("byrote: Interrupted. What is finished is kept") == 1
    assert "emory" not in told, "workers that ended with their parent are not out of memory"
    assert not left_over(process.pid)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    process = begin(tmp_path)
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    assert "What is finished is kept; the same command goes on from there." in told
    assert not left_over(process.pid)


def test_under_nohup_the_end_of_the_terminal_changes_nothing(tmp_path: Path) -> None:
    code = "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    code += "from byrote.cli.interruption import interruptible\n"
    code += "with interruptible(): os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "goes on\n"


def test_workers_that_are_starting_end_with_their_parent(tmp_path: Path) -> None:
    """The parent is killed as soon as there is a worker, which is then at its imports and has no parent to remember."""
    write_task(tmp_path, epochs=300)
    command = [*BYROTE, "audit", "my_task.py", "--runs", "12", "--workers", "2", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    while not psutil.Process(process.pid).children():
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert not left_over(process.pid)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_directory_that_is_deleted_is_named(workers: str, tmp_path: Path) -> None:
    process = begin(tmp_path, "--workers", workers)
    while (tmp_path / "out").exists():
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    assert "out was deleted, or its record.json, while runs were trained into it. Run again to begin anew." in told
    assert not list((tmp_path / "out" / "runs").glob("*.parquet"))


def test_a_current_directory_that_is_deleted_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); {BYROTE[-1]}"
    found = subprocess.run(
        [sys.executable, "-c", code, "audit", "fashion", "--runs", "1", "--epochs", "1"], capture_output=True, text=True
    )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert "The current directory was deleted" in found.stderr


def test_after_an_interruption_the_same_command_goes_on(tmp_path: Path) -> None:
    process = begin(tmp_path, until=2, epochs=100)
    process.terminate()
    ends_with_a_message(process)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "out/runs").glob("*.parquet")}
    again = byrote("audit", "my_task.py", "--runs", 12, "--workers", 1, "--out", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert {name: (tmp_path / "out/runs" / name).read_bytes() for name in kept} == kept
