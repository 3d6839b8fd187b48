"""Share of examples that are memorized, without the noise of few runs: empirical Bayes, Koenker & Mizera, 2014, JASA 109."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.optimize import root_scalar
from scipy.stats import chi2
from threadpoolctl import threadpool_limits

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._counts import cells
from byrote.summaries._mixture import fit, grid, likelihood


def memorized_fraction(
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    above: float = 0.25,
    level: float = 0.9,
) -> Estimate:
    """Share of examples whose memorization is at least `above`, with the sampling noise taken out: from 0 to 1.

    An example is right in k of its n runs, with it and without it. Counting the examples with a difference of
    `above` or more counts noise as well: with 20 runs it finds a tail where there is none. Here the two chances
    behind the counts are fitted by the mixture over a grid of 17 x 17 pairs of chances that makes all counts
    together likeliest, and the share is the weight of the pairs that differ by `above` or more. The interval holds
    the shares of all mixtures whose likelihood is within chi-squared's quantile (one degree) of the largest:
    what few runs leave open widens it. Examples in every run or in none are left out; n counts the others. NaN
    when there are none. Raises Unsupported when `above` is not between 0 and 1.

    It misleads when many examples are right near `above`: the grid is some .1 wide. Runs are taken as independent and
    examples too, so the interval speaks of these runs' examples and not of other ways to train.
    """
    if not 0 < above < 1:
        raise Unsupported(f"Memorization of at least {above} was asked for. Give a value between 0 and 1.")
    found = cells(correct, member)
    usable = (found.inside > 0) & (found.outside > 0)
    examples = found.examples[usable]
    n = int(examples.sum())
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0, "example", level)
    with_it, without = grid()
    marked = with_it - without >= above - 1e-12
    chance = likelihood(found.right_in[usable], found.inside[usable], found.right_out[usable], found.outside[usable])
    with threadpool_limits(1):  # matrices this small take sixty times longer on two threads of a busy machine
        best = fit(chance, examples, np.ones((1, len(marked)), np.bool_), np.ones(1))
        value = float(best.weight[marked].sum())
        allowed = best.log_likelihood - float(chi2.ppf(level, 1)) / 2
        low, high = (_end(chance, examples, marked, value, end, allowed) for end in (0.0, 1.0))
    return Estimate(value, low, high, n, "example", level)


def counted_fraction(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, above: float = 0.25
) -> float:
    """Share of examples whose estimated memorization is at least `above`: from 0 to 1, noise included.

    Examples in every run or in none are left out; NaN when there are none. For comparison with
    `memorized_fraction`: the difference is what the noise of few runs adds.

    It misleads at few runs: with 10 in and 10 out, and nothing memorized, it is easily .1.
    """
    found = cells(correct, member)
    usable = (found.inside > 0) & (found.outside > 0)
    number = found.examples[usable]
    if not number.sum():
        return math.nan
    value = found.right_in[usable] / found.inside[usable] - found.right_out[usable] / found.outside[usable]
    return float(np.sum(number[value >= above - 1e-12]) / number.sum())


def _end(
    chance: Float[ndarray, "cell point"],
    examples: Int[ndarray, " cell"],
    marked: Bool[ndarray, " point"],
    value: float,
    end: float,
    allowed: float,
) -> float:
    """Return the share between the likeliest one and 0 or 1 at which mixtures cease to be likely enough."""

    def spare(share: float) -> float:
        if share == end:
            only = chance[:, marked == bool(end)]
            found = fit(only, examples, np.ones((1, only.shape[1]), np.bool_), np.ones(1))
        else:
            found = fit(chance, examples, np.stack([marked, ~marked]), np.array([share, 1 - share]))
        return found.log_likelihood - allowed

    if spare(end) >= 0:
        return end
    inner = min(max(value, 1e-9), 1 - 1e-9)
    return float(root_scalar(spare, bracket=(inner, end), method="brentq", xtol=1e-5, rtol=3e-3).root)
