"""The share under a smooth density: near known ones, between both thresholds where a mixture of few atoms sees no one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.summaries import memorized_fraction
from byrote.summaries._counts import cells
from byrote.summaries._smooth_mixture import smooth_share

Bools = NDArray[np.bool_]


def drawn(seed: int, runs: int, p_in: NDArray[np.float64], p_out: NDArray[np.float64]) -> tuple[Bools, Bools]:
    rng = np.random.default_rng(seed)
    member = rng.permuted(np.tile((np.arange(runs) < round(0.7 * runs))[:, None], (1, len(p_in))), axis=0)
    return rng.random(member.shape) < np.where(member, p_in, p_out), member


def share(correct: Bools, member: Bools, above: float) -> float:
    found = cells(correct, member)
    counts = found.in_correct, found.in_runs, found.out_correct, found.out_runs
    return smooth_share(*counts, found.examples, above=above)


@pytest.mark.parametrize("runs", [10, 20])
@pytest.mark.parametrize("above", [0.25, 0.5])
def test_it_is_near_the_share_of_a_smooth_truth(runs: int, above: float) -> None:
    """Five records of 1,000 examples: the standard error of one is .01 to .02, of the mean below .01."""
    apart: list[float] = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        p_in, p_out = 1 - rng.beta(0.3, 8, 1000), rng.beta(1.5, 0.5, 1000)
        apart.append(share(*drawn(seed, runs, p_in, p_out), above) - float(np.mean(p_in - p_out >= above)))
    assert abs(np.mean(apart)) < 0.03


def test_examples_between_two_thresholds_are_counted() -> None:
    """Memorization is spread evenly: the mixture of most likelihood puts .43 above .25 in one such record, the truth is .36."""
    rng = np.random.default_rng(7)
    p_in, p_out = 1 - rng.beta(0.3, 8, 2000), rng.beta(1.5, 0.5, 2000)
    correct, member = drawn(7, 10, p_in, p_out)
    low, high = (memorized_fraction(correct, member, above=above) for above in (0.25, 0.5))
    between = np.mean((p_in - p_out >= 0.25) & (p_in - p_out < 0.5))
    assert low.value - high.value == pytest.approx(between, abs=0.04)
    assert low.low <= np.mean(p_in - p_out >= 0.25) <= low.high
    assert high.low <= np.mean(p_in - p_out >= 0.5) <= high.high


def test_the_order_of_the_cells_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    p = rng.beta(0.5, 0.5, 300)
    correct, member = drawn(1, 10, np.maximum(p, 0.9), p)
    order = rng.permutation(300)
    assert share(correct, member, 0.25) == pytest.approx(share(correct[:, order], member[:, order], 0.25), abs=1e-9)
