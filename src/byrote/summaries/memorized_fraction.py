"""Share of examples that are memorized, without the noise of few runs: Efron, 2016, and Koenker & Mizera, 2014, JASA 109."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.optimize import root_scalar
from scipy.stats import chi2
from threadpoolctl import threadpool_limits

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._counts import cells
from byrote.summaries._mixture import fit, grid, likelihood
from byrote.summaries._smooth_mixture import smooth_share


@checked
def memorized_fraction(
    correct: Bool[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    above: float = 0.25,
    level: float = 0.9,
) -> Estimate:
    """Share of examples whose memorization is at least `above`, corrected for sampling noise: from 0 to 1.

    Each example has two counts of right answers, of its IN and of its OUT runs. Counting the examples whose proportions
    differ by `above` or more counts noise as well: with 20 runs it finds a tail where there is none. Here the
    distribution of the two probabilities is estimated. The value is the share under a smooth density (Efron 2016). The
    interval assumes no smoothness: it holds the shares of all mixtures over a grid of 17 x 17 pairs of probabilities whose
    likelihood is within chi-squared's quantile (one degree) of the largest. It is wide with few runs, and the value is
    moved to its nearer end when it is outside. Examples in every run or in none are left out; n counts the others. NaN
    when there are none. Raises Unsupported when `above` is not between 0 and 1.

    The interval is conservative: with few runs, mixtures of very different shares explain the counts equally well, and it holds
    all of them; with many it is also about other examples like these. In simulations of 1,000 examples with six known
    distributions and two thresholds (12 records each, 144 in all; records/calibration/shares.py) intervals at .9 held the share
    in 1.00, .98, .99 and 1.00 with 6, 10, 20 and 80 runs. Where nothing was memorized, they held the share of 0 in .83 to 1.
    With 15 % of the examples memorized and the others not, 6 runs put the share above .25 too high by .07, and 20 runs by .003
    (16 records). Where 40 % of 600 examples have a memorization of .35, just above a threshold, the share above .25 is too low
    by .09 at 6 and 10 runs and .03 at 20, and that above .5 too high by .06, .05 and .03: a smooth density spreads a sharp
    peak.

    It misleads when many examples are right near `above`: the grid is some .1 wide. Runs are taken as independent and
    examples too, so the interval is about these runs' examples and not about other ways to train.
    """
    if not 0 < above < 1:
        raise Unsupported(f"The share is of memorization of at least {above}. Give a value between 0 and 1.")
    found = cells(correct, member)
    usable = (found.in_runs > 0) & (found.out_runs > 0)
    examples = found.examples[usable]
    n = int(examples.sum())
    if not n:
        return Estimate.undefined("example", level=level)
    p_in, p_out = grid()
    marked = p_in - p_out >= above - 1e-12
    counts = found.in_correct[usable], found.in_runs[usable], found.out_correct[usable], found.out_runs[usable]
    likelihoods = likelihood(*counts)
    with threadpool_limits(1):  # matrices this small take sixty times longer on two threads of a busy machine
        best = fit(likelihoods, examples, np.ones((1, len(marked)), np.bool_), np.ones(1))
        sharpest = float(best.weight[marked].sum())
        smooth = smooth_share(*counts, examples, above=above)
        allowed = best.log_likelihood - float(chi2.ppf(level, 1)) / 2
        low, high = (_end(likelihoods, examples, marked, sharpest, end, allowed) for end in (0.0, 1.0))
    return Estimate(min(max(smooth, low), high), low, high, n, "example", level)


@checked
def counted_fraction(
    correct: Bool[ndarray, "run example"], member: Bool[ndarray, "run example"], *, above: float = 0.25
) -> float:
    """Share of examples whose estimated memorization is at least `above`: from 0 to 1, noise included.

    Examples in every run or in none are left out; NaN when there are none. For comparison with
    `memorized_fraction`: the difference is what the noise of few runs adds.

    It misleads at few runs: with 10 in and 10 out, and nothing memorized, it is easily .1.
    """
    found = cells(correct, member)
    usable = (found.in_runs > 0) & (found.out_runs > 0)
    number = found.examples[usable]
    if not number.sum():
        return math.nan
    in_share, out_share = (
        found.in_correct[usable] / found.in_runs[usable],
        found.out_correct[usable] / found.out_runs[usable],
    )
    value = in_share - out_share
    return float(np.sum(number[value >= above - 1e-12]) / number.sum())


def _end(
    likelihoods: Float[ndarray, "cell point"],
    examples: Int[ndarray, " cell"],
    marked: Bool[ndarray, " point"],
    value: float,
    end: float,
    allowed: float,
) -> float:
    """Return the share, between the estimate and 0 or 1, at which the profile log likelihood falls to `allowed`."""

    def above_allowed(share: float) -> float:
        if share == end:
            only = likelihoods[:, marked == bool(end)]
            found = fit(only, examples, np.ones((1, only.shape[1]), np.bool_), np.ones(1))
        else:
            found = fit(likelihoods, examples, np.stack([marked, ~marked]), np.array([share, 1 - share]))
        return found.log_likelihood - allowed

    if above_allowed(end) >= 0:
        return end
    inner = min(max(value, 1e-9), 1 - 1e-9)
    return float(root_scalar(above_allowed, bracket=(inner, end), method="brentq", xtol=1e-5, rtol=3e-3).root)
