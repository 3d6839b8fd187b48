"""Bayesian variance inference attack, Brännvall, 2026, arXiv:2603.11799."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import gammaln

from byrote.scores._shadows import Moments, Shadows, Variances, logit
from byrote.scores.lira import lira
from byrote.signature import score

MAX_FREEDOM = 1e6
"""Degrees of freedom that stand for infinitely many."""


@score(high="member")
def bavaria(
    loss: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    online: bool = True,
    tails: bool = True,
) -> Float[ndarray, "run example"]:
    """Log predictive density as a member minus that as a non-member, where variances are uncertain: above 0 says member.

    Like `lira`, but each example's variance has a scaled inverse chi-squared prior. With `tails` the predictive density is
    Student's t, since mean and variance are estimated; else it is `lira(variance="bayes")`. Offline (`online=False`): how
    far it lies above the OUT runs, as the standard normal deviate of the same tail (Wallace 1959, within .03 up to 3 at 4
    degrees of freedom and more); one-sided. The prior is fitted to the variances of all examples (Smyth 2004), with the
    target left out; the paper leaves its choice open. With 0 or infinitely many prior degrees of freedom the variance is
    `lira`'s `own` or `pooled` one. NaN where the loss is NaN or infinite, where IN or OUT runs are missing, and where no
    example's other runs vary.

    It misleads where logits are far from normal, as LiRA does. Several views: take the mean over them, as with
    `lira`.
    """
    if not tails:
        return lira(loss, member, online=online, variance="bayes")
    return predictive_ratio(Shadows(logit(loss), member), online=online)


def predictive_ratio(shadows: Shadows, *, online: bool) -> Float[ndarray, "run example"]:
    """Return BaVarIA with tails of logits, each run compared with the others that `shadows` gives it."""
    fitted = {trained: shadows.variances(trained=trained) for trained in ((True, False) if online else (False,))}
    result = np.full(shadows.value.shape, np.nan)
    for part in shadows.blocks():
        value = shadows.value[:, part]
        t = [_StudentT(value, shadows.moments(part, trained=each), variances) for each, variances in fitted.items()]
        result[:, part] = t[0].log_density() - t[1].log_density() if online else t[0].normal_deviate()
    return result


class _StudentT:
    """The posterior predictive distribution of the next value, and where the target's value lies in it (`t`)."""

    def __init__(self, value: Float[ndarray, "run example"], others: Moments, variances: Variances) -> None:
        prior_freedom = np.minimum(variances.prior_freedom, MAX_FREEDOM)[:, None]
        self.freedom = prior_freedom + others.freedom
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = variances.posterior(others, prior_freedom)
            self.scale = np.sqrt(variance * (1 + 1 / np.maximum(others.count, 0)))
            self.t = (value - others.mean) / self.scale

    def log_density(self) -> Float[ndarray, "run example"]:
        """Return the log density at the target's value, up to a constant."""
        half = (self.freedom + 1) / 2
        normalization = gammaln(half) - gammaln(self.freedom / 2) - np.log(self.freedom) / 2 - np.log(self.scale)
        return normalization - half * np.log1p(self.t**2 / self.freedom)

    def normal_deviate(self) -> Float[ndarray, "run example"]:
        """Return the standard normal deviate with the same tail (Wallace 1959)."""
        freedom = self.freedom
        size = np.sqrt(freedom * np.log1p(self.t**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
        return np.copysign(size, self.t)
