"""How reliable is `shrunk_memorization` of handwritten digits, against 120 other runs, and do its intervals hold?

    python records/fewer_runs/digits.py DIRECTORY

The task is `digits` with 15 canaries of each kind among its training examples. It collects two records of 20 runs and the
reference into DIRECTORY (about 6 minutes of two cores; those that are there are not collected again). "Before" is without the
heavy tail of the prior and without intervals that reach the textbook estimate.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import special

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from time_to_reliability import task

import byrote
from byrote.evidence.columns import stack
from byrote.scores import _latent, memorization, shrunk_memorization
from byrote.scores.shrunk_memorization import LEAST, estimate_with_interval

RUNS, SEEDS, REFERENCE = (6, 8, 10, 20), (1000, 1001), 5000
STRATA = ((-1.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1.01))
LEVEL = 0.9
VERSIONS = {"before": (0.0, 10**9), "now": (_latent.UNLIKE, LEAST)}


def columns(record: byrote.Record) -> list[np.ndarray]:
    """Return what the score reads of all runs, in their order."""
    train = record.population.split == "train"
    needs = shrunk_memorization.needs
    return [stack(each, record, record.runs, shrunk_memorization, record.at_step, train) for each in needs]


def main(directory: Path) -> None:
    """Print one line per number of runs, seed and version."""
    this = task("digits", canaries=15)
    correct, _, _, member, *_ = columns(byrote.collect(this, directory / "reference", runs=120, seed=REFERENCE))
    inside, outside = member.sum(axis=0), (~member).sum(axis=0)
    p_in, p_out = (correct & member).sum(axis=0) / inside, (correct & ~member).sum(axis=0) / outside
    true, variance = p_in - p_out, p_in * (1 - p_in) / (inside - 1) + p_out * (1 - p_out) / (outside - 1)
    noise, share = special.ndtri(0.5 + LEVEL / 2) * np.sqrt(variance), 1 - variance.mean() / true.var()
    print("| runs | seed | version | reliability | RMSE | covers | by stratum: -.05, .05-.2, .2-.5, .5- | width |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in SEEDS:
        found = columns(byrote.collect(this, directory / str(seed), runs=max(RUNS), seed=seed))
        for runs in RUNS:
            given = [each[:runs] if each.ndim == 2 else each for each in found]
            textbook = memorization(given[0], given[3])
            print(f"| {runs} | {seed} | textbook | {_reliability(textbook, true) / share:.3f} | | | | |")
            for version, (unlike, least) in VERSIONS.items():
                _latent.UNLIKE = unlike
                estimate_with_interval.__globals__["LEAST"] = least
                value, low, high = estimate_with_interval(*given, level=LEVEL)
                known = np.isfinite(value)
                hit = true >= value - np.hypot(value - low, noise)
                hit &= true <= value + np.hypot(high - value, noise)
                error = np.sqrt(np.mean((value - true)[known] ** 2) - variance.mean())
                by = ", ".join(f"{hit[known & (value >= a) & (value < b)].mean():.2f}" for a, b in STRATA)
                covers = f"{hit[known].mean():.2f} | {by} | {np.mean((high - low)[known]):.3f}"
                reliable = _reliability(value, true) / share
                print(f"| {runs} | {seed} | {version} | {reliable:.3f} | {error:.3f} | {covers} |", flush=True)


def _reliability(value: np.ndarray, true: np.ndarray) -> float:
    known = np.isfinite(value)
    return float(np.corrcoef(value[known], true[known])[0, 1] ** 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
