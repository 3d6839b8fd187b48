"""How the report of a record grows: seconds of processor and clock, and memory, of `byrote report`, stage by stage.

The records are made up, without training: examples of a few hidden dimensions, of which some are hard and so memorized, a sixth
of them tests, canaries of each usual kind, models that are right more often on what they were trained on. Each report is
written by a fresh process. The exponent is the slope of a line through the logarithms of seconds and examples: 1 is linear.

    python benchmarks/report.py [--examples 20000 80000 200000] [--classes 10] [--runs 20] [--epochs 3] [--out DIRECTORY]
    python benchmarks/report.py --examples 60000 --kind picture
    python benchmarks/report.py --examples 25000 --classes 5000

Records are kept in DIRECTORY where it is given, and then made only once.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import machine, table

import byrote
from byrote.objectives import Classification
from byrote.record import (
    TYPES,
    Layout,
    Observed,
    Population,
    Step,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.record.display import Display

HIDDEN, FEATURES, SIDE, TESTS, PLANTED = 12, 20, 28, 1 / 6, 0.01
"""Hidden dimensions, columns of a table, height and width of a picture, shares of tests and of each kind of canary."""


def make(where: Path, kind: str, count: int, classes: int, runs: int, epochs: int) -> None:
    """Write a record of this size."""
    rng = np.random.default_rng(0)
    tests, planted = int(TESTS * count), int(PLANTED * count)
    split = np.array(["train"] * (count - tests - 3 * planted) + ["test"] * tests + ["canary"] * 3 * planted)
    canary = np.array(
        [""] * (count - 3 * planted) + [name for name in ("mislabeled", "ordinary", "noise") for _ in range(planted)]
    )
    true = rng.integers(0, classes, count)
    labels = np.where((canary == "mislabeled") | (rng.random(count) < 0.02), (true + 1) % classes, true)
    ids = np.array([f"{name}/{at}" for at, name in enumerate(split)])
    hidden = rng.normal(0, 1.2, (classes, HIDDEN))[true] + rng.normal(0, 0.5, (count, HIDDEN))
    population = Population.of(
        ids, split, labels, shown(kind, hidden, rng), canary=canary, display=display(kind),
        true_label=np.where(canary == "mislabeled", true, -1), source=np.where(canary == "", "", "made up"),
    )  # fmt: skip
    where.mkdir(parents=True)
    write_population(where, population)
    layout, objective = Layout.of(Classification()), Classification(classes)
    about = {
        "objective": str(objective), **layout.values(), "key": "k", "inputs": [], "recipe": {}, "blocks": [runs],
        "task": {"name": "made up", "classes": [f"class {at}" for at in range(classes)], "model": ""},
        "steps": {"unit": "epoch", "last": epochs},
    }  # fmt: skip
    write_manifest(where, about)
    member = np.zeros((runs, count), np.bool_)
    trained = split != "test"
    member[:, trained] = byrote.Subsets(0.7).membership([runs], np.full(int(trained.sum()), ""), 0)
    hard = np.where((labels != true) | (canary == "noise"), 0.95, rng.beta(0.4, 2, count))
    for run in range(runs):
        steps = [
            simulated(rng, step, epochs, labels, true, hard, member[run], classes) for step in range(1, epochs + 1)
        ]
        write_run(run_path(where, run), steps, member[run], ids, {"run": run, "key": "k"}, layout)


def simulated(
    rng: np.random.Generator, step: int, epochs: int, labels: Any, true: Any, hard: Any, member: Any, classes: int
) -> Step:
    """Return what a model of one run says after an epoch: the harder an example, the rarer it is right without having seen it."""
    kinds = {name: TYPES[kind].to_pandas_dtype() for name, kind in Classification().columns().items()}
    right = np.where(member, 1 - 0.3 * hard * (epochs - step) / epochs, 1 - hard)
    confidence = np.clip(right + rng.normal(0, 0.05, len(labels)), 0.01, 0.99)
    correct = rng.random(len(labels)) < right
    other = np.where(labels != true, true, (labels + 1 + rng.integers(0, 2, len(labels))) % classes)
    said: dict[str, Any] = {
        "loss": -np.log(confidence), "margin": np.log(confidence / (1 - confidence)), "confidence": confidence,
        "residual": 1 - confidence, "correct": correct, "prediction": np.where(correct, labels, other),
    }  # fmt: skip
    seen, clean = (
        Observed(at, {name: values[at].astype(kinds[name]) for name, values in said.items()})
        for at in (np.flatnonzero(member), np.arange(len(labels)))
    )
    return Step(step, clean if step == epochs else None, seen)


def shown(kind: str, hidden: Any, rng: np.random.Generator) -> Any:
    """Return the inputs of examples: pictures, or the rows of a table."""
    if kind == "table":
        drawn = hidden @ rng.normal(0, 1, (HIDDEN, FEATURES)) + rng.normal(0, 0.3, (len(hidden), FEATURES))
        return drawn.astype(np.float32)
    waves = np.linspace(0, np.pi, SIDE)[:, None] * np.arange(1, 5)
    basis = np.einsum("ik,jl->klij", np.sin(waves), np.sin(waves)).reshape(16, SIDE, SIDE)[:HIDDEN]
    pictures = np.empty((len(hidden), SIDE, SIDE), np.uint8)
    for start in range(0, len(hidden), 10_000):
        part = hidden[start : start + 10_000]
        drawn = 120 + 25 * np.tensordot(part, basis, 1) + rng.normal(0, 6, (len(part), SIDE, SIDE))
        pictures[start : start + 10_000] = np.clip(drawn, 0, 255)
    return pictures


def display(kind: str) -> Display:
    return (
        Display("table", tuple(f"column {at}" for at in range(FEATURES)))
        if kind == "table"
        else Display("picture", (), (SIDE, SIDE))
    )


def report(where: Path) -> None:
    """Write the report as the command does, and print seconds, the peak memory and the seconds of each stage as JSON."""
    began, clock = time.process_time(), time.perf_counter()
    from byrote.evidence.cached_reads import read_once
    from byrote.record import Record
    from byrote.report import findings, read_panel, write_report

    stages: list[tuple[str, float]] = [("start and imports", began)]

    def stage(name: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"  {time.process_time() - began:6.1f} s, {peak:.2f} GB: {name}", file=sys.stderr, flush=True)
        stages.append((name, time.process_time()))

    record = Record(where)
    stage("scores")
    read = read_once(record)
    panel = read_panel(record, read)
    found = findings(record, panel=panel, read=read, stage=stage)
    write_report(record, where / "report.html", panel=panel, found=found, stage=stage)
    stage("end")
    laps = {name: after - at for (name, at), (_, after) in pairwise(stages)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    size = os.path.getsize(where / "report.html") / 1e6
    cpu, wall = time.process_time() - began, time.perf_counter() - clock
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak, "page": size, "stages": laps}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[20_000, 80_000, 200_000])
    parser.add_argument("--kind", choices=["table", "picture"], default="table")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        report(asked.write)
        return
    with tempfile.TemporaryDirectory() as scratch:
        measured: list[dict[str, Any]] = []
        for count in asked.examples:
            name = f"{asked.kind}-{count}-{asked.classes}-{asked.runs}-{asked.epochs}"
            where = (asked.out or Path(scratch)) / name
            if not where.exists():
                make(where, asked.kind, count, asked.classes, asked.runs, asked.epochs)
            command = [sys.executable, __file__, "--write", str(where)]
            said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            measured.append(json.loads(said.splitlines()[-1]))
            print(f"{name}: {said.splitlines()[-1]}", file=sys.stderr)
    parts = ("cpu", "wall", "peak", "page")
    print(
        f"report of {asked.runs} runs x {asked.epochs} epochs, {asked.classes} classes, examples are a {asked.kind}\n"
    )
    rows = [
        [f"{n:,}", *(f"{each[name]:.1f}" for name in parts)] for n, each in zip(asked.examples, measured, strict=True)
    ]
    print(table(["examples", "CPU s", "wall s", "peak GB", "page MB"], rows))
    print("\nCPU seconds of each stage\n")
    stages = [[name, *(f"{each['stages'][name]:.1f}" for each in measured)] for name in measured[0]["stages"]]
    print(table(["stage", *(f"{n:,}" for n in asked.examples)], stages))
    if len(measured) > 1:
        slope = np.polyfit(np.log(asked.examples), np.log([each["cpu"] for each in measured]), 1)[0]
        print(f"\nexponent of the CPU seconds by examples: {slope:.2f}")
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
