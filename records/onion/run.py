"""Without the most memorized tenth (and quarter), are others memorized? 1,500 images of clothes, 13 times `--runs` perceptrons.

python records/onion/run.py --out audits/onion --runs 40
"""

import argparse
import functools
from dataclasses import replace
from pathlib import Path

import numpy as np

import byrote
from byrote.experiments.onion import peel
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.summaries import memorized_fraction
from byrote.task.loading import load_task
from byrote.task.models import mlp

EXAMPLES = 1500


def small_task() -> byrote.Task:
    """Return the first images of `fashion`, for a perceptron."""
    whole = load_task("fashion")
    return replace(
        whole,
        model=functools.partial(mlp, (28, 28), 10),
        train=whole.train[np.arange(EXAMPLES)],
        recipe=replace(whole.recipe, epochs=20, evaluate_every=0),
        name=f"fashion-{EXAMPLES}",
    )


def left(directory: Path) -> str:
    """Return memorization in a record from which examples were removed."""
    record = byrote.Record(directory)
    train = record.population.where("train")
    mean = byrote.evaluate(memorization, record).value[train].mean()
    return f"all {train.sum()} left: mean memorization {mean:.3f}, share >= .25: {tail(record)}"


def tail(record: byrote.Record) -> Estimate:
    """Return the share of real training examples memorized at .25 or more, corrected for the noise of few runs."""
    train = record.population.where("train")
    correct = np.stack([record.at_step(run, "correct", record.last_step)[train] for run in record.runs]).astype(bool)
    return memorized_fraction(correct, np.stack([record.member(run)[train] for run in record.runs]))


def tell(task: byrote.Task, record: byrote.Record, out: Path, share: float, runs: int, seed: int) -> None:
    """Remove this share, and print."""
    onion = peel(task, record, out, share=share, runs=runs, seed=seed)
    print(
        f"seed {seed}: removed the {onion.removed} most memorized; compared: {onion.compared} that were below {onion.threshold} and are left in both"
    )
    print(f"  of them now >= {onion.threshold}: {onion.now}; without as many at random: {onion.by_chance}")
    print(f"  new layer (the difference): {onion.new_layer}")
    print(
        f"  rise of memorization against random removal: mean {onion.rise}; of the next {onion.next}: {onion.next_rise}"
    )
    print(f"  most memorized gone: {left(out / f'peeled-memorized-{onion.removed}')}")
    print(f"  random ones gone:    {left(out / f'peeled-random-{onion.removed}')}", flush=True)


def main() -> None:
    """Train the missing runs, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("audits/onion"))
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    task = small_task()
    record = byrote.collect(task, asked.out / "whole", runs=asked.runs)
    print(f"{task.name}, {asked.runs} runs of {record.manifest['design']}, {task.recipe}; 90 % intervals")
    print(f"nobody gone: {left(asked.out / 'whole')}")
    for share in asked.shares:
        for seed in asked.seeds:
            tell(task, record, asked.out / f"seed-{seed}", share, asked.runs, seed)


if __name__ == "__main__":
    main()
