"""Capacity of associative memories against theory: classical, polynomial and modern.

python records/associative_capacity/run.py
"""

import math
import time

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from byrote.recall.associative import classical_update, hebbian, modern_update, polynomial_update
from byrote.stats.estimate import Estimate

SEEDS = range(5)


def signs(count: int, width: int, seed: int) -> NDArray[np.float64]:
    return np.where(np.random.default_rng(seed).random((count, width)) < 0.5, -1.0, 1.0)


def amit() -> None:
    """Share of wrong neurons in the state that a stored pattern falls into, by load: 1.6 % at the critical load .138."""
    width, most, sweeps = 1000, 60, 20
    print(f"classical, {width} neurons, from the stored pattern, {sweeps} sweeps, {len(SEEDS)} sets of patterns")
    for load in (0.10, 0.12, 0.13, 0.138, 0.145, 0.16, 0.18):
        wrong: list[float] = []
        for seed in SEEDS:
            patterns = signs(round(load * width), width, seed)
            end = classical_update(patterns[:most], hebbian(patterns), updates=sweeps, seed=seed)
            wrong.append(float(np.mean(end != patterns[:most])))
        print(f"  load {load:.3f}: wrong neurons {Estimate.of_mean(wrong, 'sets')}", flush=True)


def mceliece() -> None:
    """Share of patterns that are stored without error, at parts of width / (2 ln width)."""
    for width in (250, 1000, 2000):
        limit = width / (2 * math.log(width))
        for part in (0.5, 1.0, 1.5):
            count = round(part * limit)
            exact, total = 0, 0
            for seed in SEEDS:
                patterns = signs(count, width, 100 + seed)
                given = patterns @ hebbian(patterns)
                exact, total = exact + int((given * patterns > 0).all(1).sum()), total + count
            # a neuron is wrong where the noise of count - 1 others, normal, exceeds the signal
            theory = float(1 - ndtr(-math.sqrt((width - 1) / (count - 1)))) ** width
            share = Estimate.of_share(exact, total, "patterns")
            print(
                f"classical, {width} neurons, {part} N / (2 ln N) = {count}: exact {share}, theory {theory:.3f}",
                flush=True,
            )


def polynomial() -> None:
    """Share of wrong neurons after one update from the stored pattern, at parts of N^(n-1) / (2 (2n-3)!! ln N)."""
    width = 50
    for degree in (2, 3, 4):
        odd = math.prod(range(1, 2 * degree - 2, 2))
        limit = width ** (degree - 1) / (2 * odd * math.log(width))
        for part in (1.0, 2.0, 4.0):
            count, wrong, total = round(part * limit), 0, 0
            for seed in SEEDS:
                patterns = signs(count, width, 200 + seed)
                some = patterns[:100]
                wrong += int(np.sum(polynomial_update(some, patterns, degree) != some))
                total += some.size
            theory = float(ndtr(-math.sqrt(width ** (degree - 1) / (odd * count))))
            share = Estimate.of_share(wrong, total, "neurons")
            print(
                f"degree {degree}, {width} neurons, {part} of the limit = {count} patterns: wrong neurons {share}, theory {theory:.4f}",
                flush=True,
            )


def modern() -> None:
    """The most patterns of which 99 % are recalled exactly from states with 10 % of the signs flipped, by width."""
    widths, flips, tried = (16, 20, 24, 28, 32, 36), 0.1, 400
    slopes: list[float] = []
    for seed in SEEDS:
        capacity: list[float] = []
        for width in widths:
            rng = np.random.default_rng(seed)
            largest = 1
            for power in np.arange(2, 16, 0.5):
                count = round(2**power)
                patterns = signs(count, width, 300 + seed)
                rows = rng.integers(0, count, tried)
                flip = np.argsort(rng.random((tried, width)), 1) < round(flips * width)
                states = np.where(flip, -patterns[rows], patterns[rows])
                end = np.sign(modern_update(states, patterns, 1.0))
                if np.mean((end == patterns[rows]).all(1)) < 0.99:
                    break
                largest = count
            capacity.append(largest)
        slopes.append(float(np.polyfit(widths, np.log(capacity), 1)[0]))
        print(f"modern, sharpness 1, widths {widths}: capacity {[round(each) for each in capacity]}", flush=True)
    a = 1 - 2 * flips
    theory = ((1 + a) * math.log(1 + a) + (1 - a) * math.log(1 - a)) / 4
    print(
        f"growth of log capacity by neuron {Estimate.of_mean(slopes, 'seeds')}; theory, at least {theory:.3f} for wide networks"
    )


def main() -> None:
    start = time.time()
    print(f"numpy {np.__version__}, seeds {SEEDS.start} to {SEEDS.stop - 1}, 90 % intervals")
    for part in (amit, mceliece, polynomial, modern):
        part()
    print(f"{time.time() - start:.0f} seconds")


if __name__ == "__main__":
    main()
