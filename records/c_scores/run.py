"""Which size of the training set ranks examples as the C-score over all sizes does, at what cost?

    python records/c_scores/run.py [--tasks digits fashion] [--runs 20] [--reference 40] [--seeds 1 2]

A perceptron learns random subsets of each size. The reference is `c_profile` over all five sizes from other runs. From `runs`
runs at one size, and from as many as cost the same as `runs` at the smallest, come the rank correlation with the reference's
mean, and with the reference at the same size. Cost is counted in training examples shown, and in seconds of the processor.
"""

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import byrote
from byrote.scores import c_score
from byrote.summaries import spearman
from byrote.task.loading import load_task
from byrote.task.models import mlp

SIZES = (0.1, 0.3, 0.5, 0.7, 0.9)
EPOCHS, BATCH = 15, 32


def task(name: str) -> byrote.Task:
    built_in = load_task(name)
    shape = built_in.train.inputs.shape[1:]
    recipe = byrote.Recipe(epochs=EPOCHS, batch_size=BATCH, optimizer="sgd", learning_rate=0.05, momentum=0.9)
    return replace(built_in, model=partial(mlp, shape, len(built_in.classes)), recipe=recipe)


def collected(this: byrote.Task, where: Path, size: float, runs: int, seed: int) -> byrote.Record:
    return byrote.collect(this, where, runs=runs, design=byrote.Subsets(size), seed=seed, progress=lambda _: None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["digits", "fashion"])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--reference", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    for name in asked.tasks:
        with tempfile.TemporaryDirectory() as directory:
            measure(task(name), Path(directory), asked)


def measure(this: byrote.Task, where: Path, asked: argparse.Namespace) -> None:
    reference = byrote.c_profile([collected(this, where / f"of{size}", size, asked.reference, 0) for size in SIZES])
    print(
        f"\n{this.name}: perceptron, {EPOCHS} epochs, batch {BATCH}; reference: {asked.reference} runs at each of {SIZES}"
    )
    print("size  runs  shown  seconds a run  right  always right  with the mean over sizes  with the same size")
    for seed in asked.seeds:
        for place, size in enumerate(SIZES):
            record = collected(this, where / f"{seed}of{size}", size, asked.runs, seed)
            train = np.isin(record.population.ids, reference.ids) & record.population.where("train")
            kept = np.isin(reference.ids, record.population.ids[train])
            seconds = float(np.median(list(record.seconds().values())))
            for runs in sorted({asked.runs, max(2, round(asked.runs * SIZES[0] / size))}, reverse=True):
                value = byrote.evaluate(c_score, record, runs=record.runs[:runs]).value[train]
                known = np.isfinite(value) & np.isfinite(reference.mean[kept])
                ranks = [
                    spearman(value[known], other[kept][known]).value
                    for other in (reference.mean, reference.value[place])
                ]
                shown = runs * size * np.count_nonzero(record.population.where("train")) * EPOCHS
                print(
                    f"{size:4.1f}  {runs:4d}  {shown:.2g}  {seconds:13.2f}  {value[known].mean():5.3f}  "
                    f"{(value[known] == 1).mean():12.3f}  {ranks[0]:23.3f}  {ranks[1]:18.3f}",
                    flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
