"""Likelihood-ratio attack, Carlini et al., 2022, arXiv:2112.03570."""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.scores._shadows import Moments, Shadows, Variances, logit
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
    """Log-likelihood ratio of member against non-member for each run, with all other runs as shadow models: above 0 says member.

    The logit of the label's probability is taken as normal, with one mean in IN runs (trained on the example) and another
    in OUT runs. Online: its log density under IN minus that under OUT. Offline (`online=False`): how many standard
    deviations it lies above the OUT runs; one-sided, as in the paper (its code is two-sided). The standard deviations are
    `pooled` (one for all examples, IN and OUT apart, from deviations around each example's mean), each example's `own`, or
    `bayes`: the own one shrunk to a prior that is fitted to all examples (Smyth 2004). NaN where the loss is NaN or
    infinite, where IN or OUT runs are missing (fewer than two for "own", else none), and where they do not vary.

    It misleads when runs are few and the variance is the example's own: below 64 runs, take "pooled" or "bayes". It
    misleads where logits are far from normal, as when many losses are exactly 0 because float32 log-softmax rounded
    them. These count as half the smallest positive loss (the report says how many there are): in a simulation the
    AUROC was .82 with exact losses, .82 with 0.2 %, .81 with 9 %, .78 with 34 % and .74 with 55 % of zeros. The
    paper's several queries are several views: `np.mean([lira(loss[:, view], member) for view in range(views)],
    axis=0)`.
    """
    if variance not in VARIANCES:
        raise Unsupported(f"lira has no variance {variance!r}. Take 'pooled', 'own' or 'bayes'.")
    return likelihood_ratio(Shadows(logit(loss), member), online=online, variance=variance)


def likelihood_ratio(shadows: Shadows, *, online: bool, variance: str) -> Float[ndarray, "run example"]:
    """Return LiRA of logits, each run compared with the others that `shadows` gives it."""
    kinds = (True, False) if online else (False,)
    fitted = {trained: None if variance == "own" else shadows.variances(trained=trained) for trained in kinds}
    result = np.full(shadows.value.shape, np.nan)
    for part in shadows.blocks():
        found: list[tuple[Float[ndarray, "run example"], Float[ndarray, "run example"]]] = []
        for trained, variances in fitted.items():
            others = shadows.moments(part, trained=trained)
            with np.errstate(invalid="ignore", divide="ignore"):
                deviation = np.sqrt(_variance(others, variances, variance))
                found.append(((shadows.value[:, part] - others.mean) / deviation, np.log(deviation)))
        if online:
            (in_z, in_log), (out_z, out_log) = found
            result[:, part] = (out_z**2 - in_z**2) / 2 + out_log - in_log
        else:
            result[:, part] = found[0][0]
    return result


def _variance(others: Moments, variances: Variances | None, variance: str) -> Float[ndarray, "run example"]:
    """Return the variance of each target's other runs; NaN where they do not vary."""
    if variances is None:
        return np.where(others.squares > 0, others.squares / others.freedom, np.nan)
    pooled = np.broadcast_to(variances.pooled[:, None], others.mean.shape)
    if variance == "pooled":
        return pooled
    prior_freedom = variances.prior_freedom[:, None]
    return np.where(np.isfinite(prior_freedom), variances.posterior(others, prior_freedom), pooled)
