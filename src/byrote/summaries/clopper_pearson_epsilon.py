"""Lower bound on epsilon from many models, Jagielski et al., 2020, arXiv:2006.07709; Nasr et al., 2021, arXiv:2101.04535."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy import special

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_ranking
from byrote.summaries.one_run import check_guarantee


@checked
def clopper_pearson_epsilon(
    true_positives: int,
    positives: int,
    false_positives: int,
    negatives: int,
    *,
    delta: float = 0.0,
    level: float = 0.95,
) -> Estimate:
    """Lower bound on epsilon from guesses about models with a canary and without: 0 shows no leak, high shows one.

    The larger of ln((TPR - delta) / FPR) and ln((TNR - delta) / FNR), with Clopper & Pearson's bounds (1934) in
    place of the rates: TPR at least, FPR at most, each one-sided at (1 + level) / 2. Both hold at once with
    probability `level`, and each direction needs only these two, so taking the larger costs nothing. `value` and
    `low` are the bound, never below 0, and `high` is infinite. In nats. The models have to be independent, and
    the threshold fixed in advance: `held_out_epsilon` chooses one on other models. Raises Unsupported when
    either kind of model is missing.

    It misleads with few models: 1,000 with the canary and 1,000 without cannot show more than 5.6.
    """
    p = check_guarantee(delta, level)
    if not (0 <= true_positives <= positives and 0 <= false_positives <= negatives and positives and negatives):
        raise Unsupported(
            f"An audit cannot count {true_positives} of {positives} models with the canary and {false_positives} of "
            f"{negatives} without it. Give at least one model of each kind, and no more positives than models."
        )
    bound = float(_bound(true_positives, positives, false_positives, negatives, delta, p))
    return Estimate.of_lower_bound(bound, positives + negatives, "model", level=level)


@checked
def held_out_epsilon(
    values: Float[ndarray, " example"],
    member: Bool[ndarray, " example"],
    *,
    delta: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Choose the threshold on a random half, and return the lower bound on epsilon from the other: 0 shows no leak.

    A value above the threshold says member. Only the other half is counted in the bound and in `n`, so the choice
    costs models and not the level. Members and others are halved alike. See `clopper_pearson_epsilon`. Raises Unsupported for a
    NaN, and below two of a kind.

    It misleads when the values are not independent, as those of many examples in one model: the interval takes
    each for an experiment of its own. For one model take `one_run_epsilon`.
    """
    p = check_guarantee(delta, level)
    check_ranking("held_out_epsilon", values, member)
    first = first_half("held_out_epsilon", member, seed)
    chosen, counted = values[first], values[~first]
    thresholds = np.unique(chosen)[:-1] if np.ptp(chosen) > 0 else chosen[:1]
    members, others = np.sort(chosen[member[first]]), np.sort(chosen[~member[first]])
    true_positives = len(members) - np.searchsorted(members, thresholds, side="right")
    false_positives = len(others) - np.searchsorted(others, thresholds, side="right")
    bounds = _bound(true_positives, len(members), false_positives, len(others), delta, p)
    predicted, truth = counted > thresholds[np.argmax(bounds)], member[~first]
    return clopper_pearson_epsilon(
        int(np.count_nonzero(predicted & truth)),
        int(np.count_nonzero(truth)),
        int(np.count_nonzero(predicted & ~truth)),
        int(np.count_nonzero(~truth)),
        delta=delta,
        level=level,
    )


def first_half(caller: str, member: Bool[ndarray, " example"], seed: int) -> Bool[ndarray, " example"]:
    """Return a random half of the members and of the others; raise Unsupported below two of either."""
    half = np.zeros(len(member), np.bool_)
    rng = np.random.default_rng([seed, 2])
    for positions, kind in ((np.flatnonzero(member), "members"), (np.flatnonzero(~member), "non-members")):
        if len(positions) < 2:
            raise Unsupported(f"{caller} cannot halve {len(positions)} {kind}. Give at least two of each kind.")
        half[rng.permutation(positions)[: len(positions) // 2]] = True
    return half


def _bound(
    true_positives: Int[ndarray, " threshold"] | int,
    positives: int,
    false_positives: Int[ndarray, " threshold"] | int,
    negatives: int,
    delta: float,
    p: float,
) -> Float[ndarray, "*threshold"]:
    k1, k0 = np.asarray(true_positives, np.float64), np.asarray(false_positives, np.float64)
    tpr = np.where(k1 > 0, special.betaincinv(np.maximum(k1, 1), positives - k1 + 1, p / 2), 0.0)
    fpr = np.where(k0 < negatives, special.betaincinv(k0 + 1, np.maximum(negatives - k0, 1), 1 - p / 2), 1.0)
    odds = np.maximum((tpr - delta) / fpr, (1 - fpr - delta) / (1 - tpr))
    return np.asarray(np.log(np.maximum(odds, 1.0)))
