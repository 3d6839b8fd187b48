"""A small, highly structured table where every answer must be exact: in the weights, and in a memory.

python -m records.wanted.table    # about a minute of one core; nothing is kept

Balance scale (Siegler 1976): weight and distance of both sides, from 1 to 5, and which side goes down. All 625 rows follow
from the torque, so the right answer of every row is known. 400 random rows are wanted, 225 are the others. The same table
with its answers shuffled over all rows says what is due to the rule.
"""

import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int
from numpy import ndarray
from torch import nn

import byrote
from byrote.controls import wanted, without_brakes
from byrote.experiments.memorize import epochs_needed
from byrote.experiments.recalling.in_weights import predicted
from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.summaries import recalled
from byrote.task.designs import Everything
from byrote.training.compute import Compute
from byrote.training.models import read_model

SEEDS, WANTED, CELLS, MOST = 10, 400, 4, 5
NOT_KNOWN = -1
Rows = Int[ndarray, "row cell"]
Labels = Int[ndarray, " row"]


def table() -> tuple[Rows, Labels]:
    """Return all rows (left weight and distance, right ones), and which side goes down: 0 left, 1 none, 2 right."""
    rows = np.array(list(itertools.product(range(1, MOST + 1), repeat=CELLS)))
    return rows, 1 - np.sign(rows[:, 0] * rows[:, 1] - rows[:, 2] * rows[:, 3])


def one_cell_changed(rows: Rows, rng: np.random.Generator) -> Rows:
    """Return rows in which one random cell has another random value."""
    found = rows.copy()
    cells, steps = rng.integers(0, CELLS, len(rows)), rng.integers(1, MOST, len(rows))
    at = np.arange(len(rows))
    found[at, cells] = (found[at, cells] - 1 + steps) % MOST + 1
    return found


def places(rows: Rows) -> Int[ndarray, " row"]:
    """Return where rows stand in the table."""
    return np.ravel_multi_index(tuple((rows - 1).T), (MOST,) * CELLS)


def one_hot(rows: Rows) -> Float32[ndarray, "row feature"]:
    return np.eye(MOST, dtype=np.float32)[rows - 1].reshape(len(rows), -1)


def network(width: int = 32) -> nn.Module:
    hidden = (nn.Linear(CELLS, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, width), nn.ReLU(), nn.Dropout(0.2))
    return nn.Sequential(*hidden, nn.Linear(width, 3))


def main() -> None:
    torch.set_num_threads(1)
    rows, labels = table()
    shuffled = np.random.default_rng(1).permutation(labels)
    print(
        f"torch {torch.__version__}; {WANTED} wanted rows of {len(rows)}; {SEEDS} networks of each way; 90 % intervals are over networks and rows"
    )
    changed = places(one_cell_changed(rows, np.random.default_rng(2)))
    stored = np.isin(np.arange(len(rows)), np.random.default_rng(0).permutation(len(rows))[:WANTED])
    print(
        f"with one random cell changed, {stored[changed[stored]].mean():.2f} of the wanted rows become another wanted row"
    )
    columns = ("table", "way", "recall", "epochs until it holds", "seconds", "bytes a row")
    shares = (
        f"{part}: {share}" for part in ("others", "one cell changed") for share in ("right", "wrong", "not known")
    )
    print(f"| {' | '.join((*columns, *shares))} |\n{'|---' * 12}|")
    for name, answers in (("rule", labels), ("shuffled", shuffled)):
        compare(name, rows, answers)


def compare(name: str, rows: Rows, labels: Labels) -> None:
    order = np.random.default_rng(0).permutation(len(rows))
    kept, others = order[:WANTED], order[WANTED:]
    task = byrote.Task(
        network,
        byrote.Examples(((rows - 3) / 2**0.5).astype(np.float32)[kept], labels[kept]),
        byrote.Examples(((rows - 3) / 2**0.5).astype(np.float32)[others], labels[others]),
        byrote.Recipe(epochs=40, batch_size=32, learning_rate=0.005, weight_decay=0.1),
        name=name,
    )
    floor = wanted(task.train.ids.tolist(), 1.0)
    ways = {
        "in the weights, with brakes": replace(floor, most=1.0, stop=False)(task),
        "in the weights, without brakes, floor 1": floor(without_brakes(5.0, 4.0)(task)),
    }
    for way, changed in ways.items():
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder) / "record"
            record = byrote.collect(
                changed, where, runs=SEEDS, design=Everything(), compute=Compute(workers=1), keep_models=True
            )
            models = [read_model(changed, where, run) for run in range(SEEDS)]
            epochs = [epochs_needed(record.scalar(run, "wanted_recall"), 1.0, WANTED) for run in range(SEEDS)]
            seconds = list(record.seconds().values())
        held = f"{Estimate.of_mean(epochs, 'run')}" + (
            "" if np.isfinite(epochs).all() else f" in {np.isfinite(epochs).sum()} of {SEEDS}"
        )
        size = sum(weight.numel() for weight in models[0].parameters()) * 4 / WANTED
        given = np.array(
            [predicted(model, torch.from_numpy(((rows - 3) / 2**0.5).astype(np.float32))) for model in models]
        )
        row(name, way, rows, labels, kept, others, given, f"{held} | {Estimate.of_mean(seconds, 'run')} | {size:.0f}")
    for way, key in (("memory of rows (one-hot)", one_hot), ("memory of rows (numbers)", numbers)):
        memory, seconds = filled(key, rows, labels, kept)
        cells = f"at once | {seconds:.4f} | {memory.bytes / WANTED:.0f}"
        nearest = memory.look_up(key(rows)).values[:, 0].astype(np.int64)
        memory.calibrate(key(rows[others]), 0.01)
        found = memory.look_up(key(rows))
        known = np.where(found.known, nearest, NOT_KNOWN)
        row(name, f"{way}, with a threshold", rows, labels, kept, others, known[None], cells)
        row(name, f"{way}, always the nearest", rows, labels, kept, others, nearest[None], cells)


def numbers(rows: Rows) -> Float32[ndarray, "row cell"]:
    return rows.astype(np.float32)


def filled(key: Callable[[Rows], ndarray], rows: Rows, labels: Labels, kept: ndarray) -> tuple[Memory, float]:
    keys = key(rows[kept])
    start = time.perf_counter()
    memory = Memory(keys.shape[1], metric="euclidean")
    memory.add(keys, labels[kept])
    return memory, time.perf_counter() - start


def row(
    name: str, way: str, rows: Rows, labels: Labels, kept: ndarray, others: ndarray, given: Int[ndarray, "run row"], cells: str
) -> None:  # fmt: skip
    changed = places(one_cell_changed(rows, np.random.default_rng(2)))[kept]
    found = [recalled((given == labels)[:, kept])]
    for some in (others, changed):
        right, known = (given == labels)[:, some], (given != NOT_KNOWN)[:, some]
        found += [recalled(right), recalled(~right & known), recalled(~known)]
    print(f"| {name} | {way} | {found[0]} | {cells} | {' | '.join(map(str, found[1:]))} |", flush=True)


if __name__ == "__main__":
    main()
