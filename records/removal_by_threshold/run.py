"""Test accuracy without the examples memorized at a threshold and more, and without as many random ones.

python records/removal_by_threshold/run.py --record audits/onion/whole --out audits/removal --seeds 10

The record is made by records/onion/run.py, or by anything that collects runs on these training examples.
"""

import argparse
import functools
from dataclasses import replace
from pathlib import Path

import numpy as np

import byrote
from byrote.experiments.removal import Without
from byrote.scores import shrunk_memorization
from byrote.stats.intervals import student
from byrote.task.loading import load_task
from byrote.task.models import mlp

EXAMPLES = 1500
THRESHOLDS = (0.8, 0.6, 0.4, 0.2)


def small_task() -> byrote.Task:
    """Return the first images of `fashion`, for a perceptron; all the others are test examples."""
    whole = load_task("fashion")
    rest, test = whole.train[np.arange(EXAMPLES, len(whole.train))], whole.test
    inputs, labels = np.concatenate([rest.inputs, test.inputs]), np.concatenate([rest.labels, test.labels])
    return replace(
        whole,
        model=functools.partial(mlp, (28, 28), 10),
        train=whole.train[np.arange(EXAMPLES)],
        test=byrote.Examples(inputs, labels),
        recipe=replace(whole.recipe, epochs=20, evaluate_every=0),
        name=f"fashion-{EXAMPLES}",
    )


def right(task: byrote.Task, out: Path, design: Without, seeds: int) -> np.ndarray:
    """Return which test examples each seed predicts correctly, in points."""
    record = byrote.collect(task, out / f"{design.what}-{design.count}", runs=seeds, design=design)
    test = record.population.where("test")
    return 100 * np.stack(
        [record.at_step(run, "correct", record.last_step)[test] for run in record.runs[:seeds]]
    ).astype(float)


def told(right: np.ndarray) -> str:
    """Return the mean with its 90 % interval over seeds and, in round brackets, over seeds and test examples."""
    seeds, tests = right.shape
    over_seeds = right.mean(axis=1).var(ddof=1)
    over_both = over_seeds + seeds * right.mean(axis=0).var(ddof=1) / tests
    (low, high), (lower, higher) = (student(right.mean(), v, seeds, level=0.9) for v in (over_seeds, over_both))
    return f"{right.mean():.2f} [{low:.2f}, {high:.2f}] ({lower:.2f}, {higher:.2f})"


def main() -> None:
    """Train the missing runs, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", type=Path, default=Path("audits/onion/whole"))
    parser.add_argument("--out", type=Path, default=Path("audits/removal"))
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    task, record = small_task(), byrote.Record(asked.record)
    values = byrote.evaluate(shrunk_memorization, record)
    order = values.ranked(record.population.where("train"))
    home = {f"train/{name}": at for at, name in enumerate(task.train.ids)}
    at = np.array([home[str(name)] for name in record.population.ids[order]])
    everyone = right(task, asked.out, Without("nothing", np.sort(at), 0), asked.seeds)
    print(
        f"{task.name}, {len(task.test)} test examples, {asked.seeds} seeds, memorization from {len(record.runs)} runs; points of test accuracy, "
        "90 % intervals [over seeds] (over seeds and test examples)"
    )
    print(f"nobody removed: {told(everyone)}")
    for threshold in THRESHOLDS:
        count = int((values.value[order] >= threshold).sum())
        if not count:
            print(f"memorized at {threshold} and more: nobody")
            continue
        memorized = right(task, asked.out, Without("memorized", at, count), asked.seeds)
        random = right(task, asked.out, Without("random", np.sort(at), count, shuffled=True), asked.seeds)
        print(f"memorized at {threshold} and more, {count} removed:")
        print(f"  without them {told(memorized)}; without random ones {told(random)}")
        print(
            f"  memorized - random {told(memorized - random)}; memorized - nobody {told(memorized - everyone)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
