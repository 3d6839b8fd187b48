"""How far targets usually are from their predictions, by the tail of a fitted distribution: Student's t, Lange et al., 1989."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.explain.neighbours import FENCE

FEWEST = 40
"""Distances below which no tail is fitted, and Tukey's fence is taken."""

SHARES = np.round(np.arange(0.5, 0.86, 0.05), 2)
"""Quantiles between which distances are counted. The farthest 15 % tell nothing else: wrong targets may be among them."""

DEGREES = np.array([1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 5, 6, 8, 10, 15, 25, 60, 1e6])
"""Candidates for the degrees of freedom: 1e6 is normal, 3 has heavy tails."""

SCALES = np.exp(np.linspace(-0.15, 0.15, 31))
"""Candidates for the scale, in that of which the median distance is the median."""


@checked
def usual_distances(distances: Float[ndarray, "example target"], *, share: float = 0.01) -> Float[ndarray, " target"]:
    """Return, for each target, the distance that a `share` of examples with right targets passes in one target or more.

    Each target has the tail probability 1 - (1 - share)^(1 / targets) (Sidak 1967). The tail is that of Student's t, whose
    degrees of freedom are fitted by maximum likelihood to how many distances lie between the quantiles SHARES, of all targets
    together, each in units of its median. With fewer than FEWEST examples, and for a target of which half of the distances
    are 0, it is Tukey's fence, the upper quartile plus 1.5 interquartile ranges. Infinite below two examples. Raises
    Unsupported for a share that is not between 0 and 1.

    In simulated tables of 1,000 examples without a wrong target (20 of each kind; records/calibration/lists.py), .8 to .9 % have
    a suspect target where noise is normal, 1.0 to 1.1 % where it is Student's with 3 degrees of freedom and .1 % or fewer where
    it is Laplace's, with 1, 2 or 5 targets; by Tukey's fence it was 1.6, 6 and 5 % with one target and 8, 25 and 21 % with five.

    It misleads where wrong targets are many or the noise is heavy-tailed: they look like its tail. Where 2 % of the examples have
    one target wrong by five standard deviations of the noise, .95 to .97 of these are beyond it if noise is normal, but .82, .44
    and .14 with 1, 2 and 5 targets if it is Student's, and .15, .03 and 0 if it is Laplace's, which Student's t fits badly.
    """
    if not 0 < share < 1:
        raise Unsupported(f"The share of right targets beyond the fence is {share}. Give one between 0 and 1.")
    examples, targets = distances.shape
    if examples < 2:
        return np.full(targets, np.inf)
    lower, median, upper = np.quantile(distances, (0.25, 0.5, 0.75), axis=0)
    fences = upper + FENCE * (upper - lower)
    fitted = median > 0
    if examples >= FEWEST and fitted.any():
        times = _tail((distances[:, fitted] / median[fitted]).ravel(), 1 - (1 - share) ** (1 / targets))
        fences[fitted] = times * median[fitted]
    return fences


def _tail(distances: Float[ndarray, " distance"], probability: float) -> float:
    """Return the distance that is exceeded with this probability under Student's t, fitted to distances of median 1."""
    edges = np.quantile(distances, SHARES)
    counts = np.diff(SHARES, prepend=0, append=1) * len(distances)
    scales = SCALES / stats.t.ppf(0.75, DEGREES)[:, None]
    below = 2 * stats.t.cdf(edges / scales[..., None], DEGREES[:, None, None]) - 1
    between = np.diff(below, prepend=0, append=1, axis=-1)
    fit = np.log(np.maximum(between, 1e-12)) @ counts
    of_degrees, of_scale = np.unravel_index(int(fit.argmax()), fit.shape)
    return float(scales[of_degrees, of_scale] * stats.t.isf(probability / 2, DEGREES[of_degrees]))
