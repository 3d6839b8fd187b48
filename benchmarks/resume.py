"""From a complete audit to its report: `byrote audit fashion --runs 0`, which trains nothing, including the start of Python.

    python benchmarks/resume.py [--out DIRECTORY] [--runs 20] [--epochs 30] [--rounds 5]

If DIRECTORY does not contain the audit yet, it is collected first; this is not timed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import machine, spread, table

from byrote.record import finished_runs


def timed(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name("byrote"), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = asked.out or Path(scratch) / "audit"
        same = ["fashion", "--epochs", str(asked.epochs), "--out", str(directory)]
        if len(finished_runs(directory)) < asked.runs:
            print(
                f"collecting {asked.runs} runs of {asked.epochs} epochs: {timed('audit', *same, '--runs', str(asked.runs)):.0f} s",
                file=sys.stderr,
            )
        commands = {
            "byrote --help": ["--help"],
            "byrote audit fashion --runs 0": ["audit", *same, "--runs", "0"],
            "byrote report DIRECTORY": ["report", str(directory)],
            "byrote score DIRECTORY memorization --top 20": ["score", str(directory), "memorization", "--top", "20"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, arguments in commands.items():
                times[name].append(timed(*arguments))
        runs = len(finished_runs(directory))
        size = (directory / "report.html").stat().st_size / 1e6
    print(
        f"{runs} runs of {asked.epochs} epochs, report of {size:.1f} MB; {asked.rounds} rounds, median (smallest to largest)\n"
    )
    print(table(["command", "seconds"], [[name, spread(values)] for name, values in times.items()]))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
