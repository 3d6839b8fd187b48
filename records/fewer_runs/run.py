"""How reliable is memorization from 4 to 10 runs on `fashion`, and what does each source add?

    python records/fewer_runs/run.py DIRECTORY

It collects records of 4, 5, 6, 8 and 10 runs with the seeds 1000 and 1001 into DIRECTORY (those that are there are not collected
again), and compares estimates with the reference of 134 other runs in benchmarks/results.
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy import special

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from time_to_reliability import reference, reliability, task

import byrote
from byrote.evidence.columns import stack
from byrote.scores import memorization, shrunk_memorization

RUNS, SEEDS = (4, 5, 6, 8, 10), (1000, 1001)
STRATA = ((-1.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.01))
LEVEL = 0.9
PLAIN, TRAINING = 4, 5
"""So many columns are of the runs; one more is the margin during training; the others are what the data say."""


def main(directory: Path) -> None:
    judge, this = reference(), task()
    noise = special.ndtri(0.5 + LEVEL / 2) * judge.error
    print("| runs | seed | columns | reliability | RMSE | covers | by stratum: -.05, .05-.2, .2-.5, .5- |")
    print("|---|---|---|---|---|---|---|")
    for runs in RUNS:
        for seed in SEEDS:
            record = byrote.collect(this, directory / f"f{runs}_{seed}", runs=runs, seed=seed)
            train = record.population.split == "train"
            started = time.process_time()
            _ = record.population.surroundings
            seconds = time.process_time() - started
            columns = [
                stack(n, record, record.runs, shrunk_memorization, record.at_step, train)
                for n in shrunk_memorization.needs
            ]
            order = np.random.default_rng(seed).permutation(int(train.sum()))
            none = [np.full(len(order), np.nan)] * 3
            shown = {
                "of the runs": columns[:PLAIN],
                "and the data": [*columns[:PLAIN], None, *columns[TRAINING:]],
                "and margins during training": columns[:TRAINING],
                "all": columns,
                "all, data shuffled": [*columns[:TRAINING], *(each[order] for each in columns[TRAINING:])],
                "all, data unknown": [*columns[:TRAINING], *none],
            }
            textbook = memorization(columns[0], columns[3])
            print(f"| {runs} | {seed} | textbook | {reliability(judge, textbook):.3f} | | | |")
            for name, given in shown.items():
                value = shrunk_memorization(*given)
                low, high = shrunk_memorization.interval(*given, level=LEVEL)
                below, above = np.hypot(value - low, noise), np.hypot(high - value, noise)
                hit = (judge.value >= value - below) & (judge.value <= value + above)
                known = np.isfinite(value)
                error = np.sqrt(np.mean((value - judge.value)[known] ** 2) - judge.variance[known].mean())
                covers = ", ".join(f"{hit[(value >= a) & (value < b)].mean():.2f}" for a, b in STRATA)
                print(
                    f"| {runs} | {seed} | {name} | {reliability(judge, value):.3f} | {error:.3f} | {hit[known].mean():.2f} | {covers} |"
                )
            mixed = without_memorization(columns, seed)
            value = shrunk_memorization(*mixed)
            low, high = shrunk_memorization.interval(*mixed, level=LEVEL)
            held = np.mean((low <= 0) & (high >= 0))
            print(
                f"| {runs} | {seed} | membership drawn anew: mean {np.nanmean(value):.3f}, 0 is held by {held:.2f} | | | | {seconds:.1f} s for the data |",
                flush=True,
            )


def without_memorization(columns: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Return the columns with another membership of each example, so that it has no effect; the data stay as they are.

    The values of the runs are dealt anew too, example by example, so that nothing of the true membership is left. What training
    recorded of members only is left out, since it gives membership away.
    """
    correct, margin, _, member, _, *data = columns
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random(member.shape), axis=0)
    dealt = [np.take_along_axis(each, order, axis=0) for each in (correct, margin)]
    nothing = np.full(member.shape, np.nan)
    return [*dealt, nothing, member, nothing, *data]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
