"""Bayesian variance inference attack, Brännvall, 2026, arXiv:2603.11799."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import gammaln

from byrote.scores._shadows import Shadows, Side, Spread, logit
from byrote.scores.lira import lira
from byrote.signature import score

CERTAIN = 1e6
"""Degrees of freedom that are as good as infinitely many."""


@score(high="member")
def bavaria(
    loss: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    online: bool = True,
    tails: bool = True,
) -> Float[ndarray, "run example"]:
    """Log predictive density as a member minus that as a non-member, where variances are uncertain: above 0 says member.

    Like `lira`, but each example's variance has a prior, a scaled inverse chi-squared one. With `tails` the answer is that
    of Student's t, which knows that mean and variance were estimated; else it is `lira(variance="bayes")`. Offline
    (`online=False`): how far it lies above the runs without it, as the standard normal deviate of the same tail (Wallace
    1959, within .03 up to 3 at 4 degrees of freedom and more); one-sided. The prior is fitted to the variances of all examples
    (Smyth 2004), with the target left out; the paper leaves its choice open. With a prior worth nothing, or infinitely
    much, the variance is `lira`'s `own` or `pooled` one. NaN where the loss is NaN or infinite, where the other runs lack
    a side, and where no example's other runs vary.

    It misleads where logits are far from normal, as LiRA does. Several views: take the mean over them, as with `lira`.
    """
    if not tails:
        return lira(loss, member, online=online, variance="bayes")
    shadows = Shadows(logit(loss), member)
    spreads = {inside: shadows.spread(inside=inside) for inside in ((True, False) if online else (False,))}
    result = np.full(loss.shape, np.nan)
    for part in shadows.blocks():
        value = shadows.value[:, part]
        told = [_Predicted(value, shadows.side(part, inside=i), spread) for i, spread in spreads.items()]
        result[:, part] = told[0].log_density() - told[1].log_density() if online else told[0].deviate()
    return result


class _Predicted:
    """Student's t that the next value of a side follows."""

    def __init__(self, value: Float[ndarray, "run example"], others: Side, spread: Spread) -> None:
        worth, usual = np.minimum(spread.worth, CERTAIN)[:, None], spread.usual[:, None]
        self.freedom = worth + others.freedom
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (worth * usual + others.squares) / self.freedom
            self.scale = np.sqrt(variance * (1 + 1 / np.maximum(others.count, 0)))
            self.apart = (value - others.mean) / self.scale

    def log_density(self) -> Float[ndarray, "run example"]:
        half = (self.freedom + 1) / 2
        size = gammaln(half) - gammaln(self.freedom / 2) - np.log(self.freedom) / 2 - np.log(self.scale)
        return size - half * np.log1p(self.apart**2 / self.freedom)

    def deviate(self) -> Float[ndarray, "run example"]:
        freedom = self.freedom
        size = np.sqrt(freedom * np.log1p(self.apart**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
        return np.copysign(size, self.apart)
