"""How quick `byrote view` is on a large audit: processor time to the first rows, memory, and milliseconds per page.

    python benchmarks/viewer.py [EXAMPLES] [DIRECTORY]

The record is made up, without training: pictures of 16 x 16 pixels, 20 runs of 5 epochs. It is made once, and kept in DIRECTORY.
"""

import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from byrote.objectives import Classification
from byrote.record import (
    TYPES,
    Layout,
    Observed,
    Population,
    Record,
    Step,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.record.display import Display
from byrote.viewer.example_table import ExampleTable
from byrote.viewer.query import Query

RUNS, EPOCHS, CLASSES, SIDE, PAGE = 20, 5, 10, 16, 60


def make(where: Path, count: int) -> None:
    """Write a record of so many examples, a tenth of them tests."""
    rng = np.random.default_rng(0)
    labels, layout = rng.integers(0, CLASSES, count), Layout.of(Classification())
    split = np.array(["train"] * (count - count // 10) + ["test"] * (count // 10))
    ids = np.array([f"{name}/{at}" for at, name in enumerate(split)])
    patterns = rng.integers(0, 256, (CLASSES, SIDE, SIDE))
    pictures = np.clip(patterns[labels] + rng.normal(0, 60, (count, SIDE, SIDE)), 0, 255).astype(np.uint8)
    where.mkdir(parents=True)
    write_population(where, Population.of(ids, split, labels, pictures, display=Display("picture", (), (SIDE, SIDE))))
    task = {"name": "made up", "classes": [f"class {at}" for at in range(CLASSES)], "model": ""}
    about = {"objective": f"classification(classes={CLASSES})", "inputs": [], "task": task, "key": "k", "recipe": {}}
    write_manifest(where, {**about, **layout.values(), "steps": {"unit": "epoch", "last": EPOCHS}, "blocks": [RUNS]})
    kinds = {name: TYPES[kind].to_pandas_dtype() for name, kind in Classification().columns().items()}
    hard = rng.beta(0.4, 2, count)
    for run in range(RUNS):
        member = (rng.random(count) < 0.7) & (split == "train")
        steps: list[Step] = []
        for step in range(1, EPOCHS + 1):
            right = np.where(member, 1 - 0.3 * hard * (EPOCHS - step) / EPOCHS, 1 - hard)
            confidence = np.clip(right + rng.normal(0, 0.05, count), 0.01, 0.99)
            correct = rng.random(count) < right
            said: dict[str, Any] = {
                "loss": -np.log(confidence), "margin": np.log(confidence / (1 - confidence)), "confidence": confidence,
                "residual": 1 - confidence, "correct": correct, "prediction": np.where(correct, labels, (labels + 1) % CLASSES),
            }  # fmt: skip
            who, every = np.flatnonzero(member), np.arange(count)
            seen, clean = (
                Observed(at, {name: values[at].astype(kinds[name]) for name, values in said.items()})
                for at in (who, every)
            )
            steps.append(Step(step, clean if step == EPOCHS else None, seen))
        write_run(run_path(where, run), steps, member, ids, {"run": run, "key": "k"}, layout)


def lap(what: str, began: float, more: str = "") -> None:
    """Print how much processor time something took, and the most memory so far."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what}: {time.process_time() - began:.2f} s, {memory:.2f} GB at most{more}", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    where = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(f"audits/made-up-{count}")
    if not where.exists():
        make(where, count)
    began = time.process_time()
    table = ExampleTable(Record(where))
    columns = table.first_columns()
    positions = table.positions(Query(sort=columns[0]))
    table.rows(positions[:PAGE].tolist(), columns)
    lap("open, and the first rows by memorization", began)
    spent: list[float] = []
    for start in np.random.default_rng(0).integers(0, len(positions) - PAGE, 200).tolist():
        page = time.process_time()
        table.rows(table.positions(Query(sort=columns[0]))[start : start + PAGE].tolist(), columns)
        spent.append(1000 * (time.process_time() - page))
    print(f"a page of {PAGE} rows anywhere: {median(spent):.1f} ms in the median, {max(spent):.1f} ms at most")
    for what, query in (
        ("another order of the same score", Query(sort=columns[0], turned=True)),
        ("sorted by another score, which is computed first", Query(sort="forgetting")),
        ("one class", Query(sort=columns[0], label=3)),
        ("a search in ids", Query(sort=columns[0], text="9999")),
    ):
        began = time.process_time()
        found = table.positions(query)
        lap(what, began, f", {len(found):,} rows")
    began = time.process_time()
    assert table.looks.picture(int(positions[0]))
    lap("the first picture", began)


if __name__ == "__main__":
    main()
