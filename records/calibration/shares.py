"""Coverage of the shares above a threshold in the verdict (`byrote.summaries.memorized_fraction`), for known distributions."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from records.calibration.rows import Row, of_draws

from byrote.summaries import memorized_fraction

Floats = NDArray[np.float64]
Truth = Callable[[np.random.Generator, int], tuple[Floats, Floats]]

THRESHOLDS = (0.25, 0.5)


def _two_kinds(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    known, memorized = rng.beta(4, 1, examples), rng.random(examples) < 0.15
    return np.where(memorized, 0.97, known), np.where(memorized, rng.beta(1, 12, examples), known)


def _smooth(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    return 1 - rng.beta(0.3, 8, examples), rng.beta(1.5, 0.5, examples)


def _hard(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    out = rng.beta(0.8, 0.4, examples)
    return out + (1 - out) * rng.beta(3, 1, examples), out


def _u_shaped(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    return 1 - rng.beta(0.2, 6, examples), rng.beta(0.35, 0.15, examples)


def _nothing(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    known = rng.beta(4, 1, examples)
    return known, known


def _coins(rng: np.random.Generator, examples: int) -> tuple[Floats, Floats]:
    return np.full(examples, 0.5), np.full(examples, 0.5)


TRUTHS: dict[str, Truth] = {
    "15 % memorized, others not": _two_kinds,
    "smooth": _smooth,
    "hard data": _hard,
    "mostly always right or always wrong": _u_shaped,
    "nothing memorized": _nothing,
    "coins": _coins,
}
"""P(correct | IN) and P(correct | OUT) of each example."""


def draws(truth: Truth, runs: int, examples: int, seed: int) -> Iterator[tuple[float, Any]]:
    """Yield the true share of one simulated record (70 % IN) and its estimate, for each threshold."""
    rng = np.random.default_rng(seed)
    p_in, p_out = truth(rng, examples)
    member = rng.permuted(np.tile((np.arange(runs) < round(0.7 * runs))[:, None], (1, examples)), axis=0)
    correct = rng.random(member.shape) < np.where(member, p_in, p_out)
    for above in THRESHOLDS:
        yield float(np.mean(p_in - p_out >= above)), memorized_fraction(correct, member, above=above)


def rows(*, records: int = 40, runs: tuple[int, ...] = (6, 10, 20, 80), examples: int = 1000) -> Iterator[Row]:
    """Yield how often the interval of a share holds that of the examples of the record; the last rows are over all kinds."""
    everywhere: dict[int, list[bool]] = {count: [] for count in runs}
    for name, truth in TRUTHS.items():
        for count in runs:
            drawn = [list(draws(truth, count, examples, seed)) for seed in range(records)]
            for at, above in enumerate(THRESHOLDS):
                held = [size.low <= true <= size.high for true, size in (record[at] for record in drawn)]
                everywhere[count] += held
                yield of_draws(f"memorized_fraction(above={above:g})", f"{name}, {count} runs", held)
    for count, held in everywhere.items():
        yield of_draws("memorized_fraction", f"all six distributions and both thresholds, {count} runs", held)


if __name__ == "__main__":
    for row in rows():
        print(row.quantity, row.setting, row.measured, row.draws, sep="\t", flush=True)
