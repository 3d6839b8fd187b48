"""Likelihood-ratio attack, Carlini et al., 2022, arXiv:2112.03570."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.scores._shadows import Shadows, Side, Spread, logit
from byrote.signature import score

VARIANCES = ("pooled", "own", "bayes")


@score(high="member")
def lira(
    loss: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    online: bool = True,
    variance: str = "pooled",
) -> Float[ndarray, "run example"]:
    """Log-likelihood ratio of member against non-member for each run, judged by all other runs: above 0 says member.

    The logit of the label's probability is taken as normal, around one mean in runs with the example and another in
    runs without it. Online: log density in the first minus that in the second. Offline (`online=False`): how many
    standard deviations it lies above the runs without it; one-sided, as in the paper (its code is two-sided). The
    standard deviations are `pooled` (one per side, from deviations around each example's mean), each example's `own`,
    or `bayes`: the own one drawn to the usual one as far as all examples show that they are alike (Smyth 2004).
    NaN where the loss is NaN or infinite, where the other runs lack a side (two runs of it for "own", else one), and
    where they do not vary.

    It misleads when runs are few and the variance is the example's own: below 64 runs, take another. It misleads where
    logits are far from normal, as when the loss is 0 whenever a model is sure: fp32 log-softmax does that. The paper's
    several queries are several views: `np.mean([lira(loss[:, view], member) for view in range(views)], axis=0)`.
    """
    if variance not in VARIANCES:
        raise Unsupported(f"lira has no variance {variance!r}. Take 'pooled', 'own' or 'bayes'.")
    shadows = Shadows(logit(loss), member)
    sides = (True, False) if online else (False,)
    spreads = {inside: None if variance == "own" else shadows.spread(inside=inside) for inside in sides}
    result = np.full(loss.shape, np.nan)
    for part in shadows.blocks():
        apart: list[tuple[Float[ndarray, "run example"], Float[ndarray, "run example"]]] = []
        for inside, spread in spreads.items():
            others = shadows.side(part, inside=inside)
            with np.errstate(invalid="ignore", divide="ignore"):
                deviation = np.sqrt(_variance(others, spread, variance))
                apart.append(((shadows.value[:, part] - others.mean) / deviation, np.log(deviation)))
        if online:
            (with_it, with_size), (without, without_size) = apart
            result[:, part] = (without**2 - with_it**2) / 2 + without_size - with_size
        else:
            result[:, part] = apart[0][0]
    return result


def _variance(others: Side, spread: Spread | None, variance: str) -> Float[ndarray, "run example"]:
    """Return the variance of each target's other runs; NaN where they do not vary."""
    if spread is None:
        return np.where(others.squares > 0, others.squares / others.freedom, np.nan)
    pooled = np.broadcast_to(spread.pooled[:, None], others.mean.shape)
    if variance == "pooled":
        return pooled
    worth, usual = spread.worth[:, None], spread.usual[:, None]
    drawn = (worth * usual + others.squares) / (worth + others.freedom)
    return np.where(np.isfinite(worth), drawn, pooled)
