"""Nearest neighbours have a closed form for memorization. Does the estimator approach it, and within Lemma 2.1?

python records/nearest_neighbour_closed_form/run.py
"""

import argparse

import numpy as np
from scipy.special import gammaln

from byrote.scores import memorization
from byrote.stats.intervals import student
from byrote.task.designs import Subsets
from byrote.task.loading import load_task

EXAMPLES = 1500
FRACTION = 0.7
RUNS = (16, 64, 256, 1024, 4096)
ENOUGH = 64  # with fewer runs some examples are never left out
BUDGET = 8192
NEAR = 64


def neighbours(inputs: np.ndarray) -> np.ndarray:
    """Return all others of each example, nearest first."""
    x = inputs.reshape(len(inputs), -1).astype(np.float64)
    squares = (x**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(apart, -1)
    return np.argsort(apart, axis=1, kind="stable")[:, 1:]


def closed_form(order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return 1 - P(the nearest of m random others has the same label): an IN model is always right."""
    others, size = order.shape[1], round(FRACTION * len(order))
    k = np.arange(1, others - size + 2)  # the k-th nearest is the nearest that is in
    log = gammaln(others - k + 1) - gammaln(size) - gammaln(others - k - size + 2)
    chance = np.exp(log - (gammaln(others + 1) - gammaln(size + 1) - gammaln(others - size + 1)))
    assert abs(chance.sum() - 1) < 1e-9
    return 1 - (labels[order[:, : len(k)]] == labels[:, None]) @ chance


def independent(runs: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return independent subsets of one size, as in the paper."""
    return rng.permuted(np.tile(np.arange(n) < round(FRACTION * n), (runs, 1)), axis=1)


def estimate(member: np.ndarray, order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return memorization from these runs of nearest neighbours."""
    same = labels[order[:, :NEAR]] == labels[:, None]
    correct = np.ones_like(member)
    for row, inside in zip(correct, member, strict=True):
        there = inside[order[:, :NEAR]]
        assert there.any(axis=1).all()
        row[:] = inside | same[np.arange(len(same)), there.argmax(axis=1)]
    return memorization(correct, member)


def main() -> None:
    """Draw, estimate, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    train = load_task("fashion").train[np.arange(EXAMPLES)]
    order = neighbours(train.inputs)
    truth = closed_form(order, train.labels)
    p, names = min(FRACTION, 1 - FRACTION), np.arange(EXAMPLES).astype(str)
    print(
        f"{EXAMPLES} images, {FRACTION:.0%} in each run; closed form: mean {truth.mean():.4f}, above .25: {(truth > 0.25).mean():.3f}"
    )
    for design in ("independent", "balanced"):
        errors: list[np.ndarray] = []
        for runs in RUNS:
            repeats, squares = max(8, BUDGET // runs), list[np.ndarray]()
            for repeat in range(repeats):
                drawn = (
                    independent(runs, EXAMPLES, np.random.default_rng([seed, runs, repeat]))
                    if design == "independent"
                    else Subsets(FRACTION).membership([runs], names, seed + 1000 * runs + repeat)
                )
                apart = estimate(drawn, order, train.labels) - truth
                squares.append(np.nan_to_num(apart**2, nan=1.0))  # in every run, or in none: the largest possible error
            per_example = np.mean(squares, axis=0)
            bound = 1 / (p * runs) + 1 / ((1 - p) * runs) + np.exp(-p * runs / 16) / 2
            errors.append(np.sqrt(np.mean(squares, axis=1)))
            print(
                f"{design:11s} {runs:5d} runs, {repeats:3d} times: root mean squared error {errors[-1].mean():.4f}; "
                f"mean squared error {per_example.mean():.5f}, of the worst example {per_example.max():.5f}, Lemma 2.1 {bound:.5f}",
                flush=True,
            )
        many = [(runs, np.array_split(each, 8)) for runs, each in zip(RUNS, errors, strict=True) if runs >= ENOUGH]
        logs = np.log([runs for runs, _ in many])
        slopes = np.array([np.polyfit(logs, [np.log(parts[i].mean()) for _, parts in many], 1)[0] for i in range(8)])
        low, high = student(slopes.mean(), slopes.var(ddof=1), len(slopes), level=0.9)
        print(
            f"{design:11s} rate from {ENOUGH} runs on: runs to the power of {slopes.mean():.3f} [{low:.3f}, {high:.3f}] (8 groups of repeats)"
        )


if __name__ == "__main__":
    main()
