"""Every score on one large record: seconds and peak memory of a fresh process, without imports.

The record is simulated (random logits of the right shapes through byrote's own columns and files), 64 runs x 20 steps x
60,000 examples by default, some 1.5 GB on disk. Influence is computed on 100 targets; attacks take every run as the target.
Where public code for a score is installed, the last column gives its time for the same result: see public_code.py.

    python benchmarks/every_score.py [--runs 64] [--steps 20] [--examples 60000] [--out DIRECTORY] [--scores NAME ...]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from public_code import PUBLIC
from scale import CLASSES, made_up
from side_by_side import machine, table

import byrote
from byrote.evidence.catalogue import find_score
from byrote.objectives import Classification
from byrote.record import (
    Layout,
    Observed,
    Step,
    run_path,
    writing_run,
)
from byrote.scores import SCORES


def write(directory: Path, runs: int, steps: int, examples: int) -> None:
    """Write a record with a training pass at every step, a clean pass over all examples at the last, and one probe."""
    import torch

    from byrote.objectives.classification import observe

    probes = {"names": ["input_gradient"], "every": 1}
    layout = Layout.of(Classification(), probes=["input_gradient"])
    rng, ids, labels, member = made_up(directory, runs, steps, examples, probes=probes, **layout.values())
    ease, everyone, y = rng.normal(1, 2, examples), np.arange(examples), torch.from_numpy(labels)
    for run in range(runs):
        with writing_run(run_path(directory, run), member[run], ids, {"run": run, "key": "0"}, layout) as put:
            noise = rng.normal(0, 1, (examples, CLASSES)).astype(np.float32)
            for step in range(1, steps + 1):
                logits = np.roll(noise, 997 * step, axis=0)
                logits[everyone, labels] += (ease + 4 * member[run] * step / steps).astype(np.float32)
                said = observe(torch.from_numpy(logits), y)
                clean = Observed(everyone, {**(said if step == steps else {}), "input_gradient": np.abs(said["loss"])})
                inside = np.flatnonzero(member[run])
                put(Step(step, clean, Observed(inside, {name: column[inside] for name, column in said.items()})))


def act(directory: Path, name: str) -> None:
    record, score = byrote.Record(directory), find_score(name)
    if score.key == ("run", "example"):
        byrote.guess(score, record)
    elif "target" in score.key:
        list(byrote.pairs(score, record, targets=np.arange(100)))
    else:
        byrote.evaluate(score, record)


def public(name: str, size: tuple[int, int, int]) -> str:
    """Return the time of public code, in a process of its own; nothing where there is none."""
    if name not in PUBLIC:
        return ""
    given = [f"--{axis}={n}" for axis, n in zip(("runs", "steps", "examples"), size, strict=True)]
    said = subprocess.run([sys.executable, __file__, "--public", name, *given], stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
    seconds = json.loads(said.stdout.splitlines()[-1])
    return "" if seconds is None else f"{seconds:.1f} ({PUBLIC[name][0]})"


def peak_memory() -> float:
    """Return the peak memory of this process in MB. (The value of getrusage for a child includes its parent.)"""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--scores", nargs="+", default=list(SCORES))
    parser.add_argument("--out", type=Path, help="where to put the record")
    parser.add_argument("--act", help=argparse.SUPPRESS)
    parser.add_argument("--public", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    size = asked.runs, asked.steps, asked.examples
    if asked.public:
        print(json.dumps(PUBLIC[asked.public][1](*size)))
        return
    if asked.act:
        start = time.perf_counter()
        act(asked.out, asked.act)
        print(json.dumps([time.perf_counter() - start, peak_memory()]))
        return
    with tempfile.TemporaryDirectory(dir=asked.out) as scratch:
        directory = Path(scratch) / "record"
        start = time.perf_counter()
        write(directory, *size)
        written = time.perf_counter() - start
        gigabytes = sum(file.stat().st_size for file in directory.rglob("*.parquet")) / 1e9
        rows: list[list[object]] = []
        for name in asked.scores:
            options = [
                "--act",
                f"{name}(step={min(5, asked.steps)})" if name == "el2n" else name,
                "--out",
                str(directory),
            ]
            said = subprocess.run([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, check=False)
            if said.returncode:
                rows.append([name, "failed", "", ""])
                continue
            seconds, peak = json.loads(said.stdout.splitlines()[-1])
            rows.append([name, f"{seconds:.1f}", f"{peak:.0f}", public(name, size)])
            print(f"{name}: {seconds:.1f} s, {peak:.0f} MB", file=sys.stderr, flush=True)
    print(
        f"\n{asked.runs} runs x {asked.steps} steps x {asked.examples} examples, {gigabytes:.2f} GB, written in {written:.0f} s\n"
    )
    print(table(["score", "seconds", "peak memory, MB", "public code, seconds"], rows))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
