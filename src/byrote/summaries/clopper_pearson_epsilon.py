"""Lower bound on epsilon from many models, Jagielski et al., 2020, arXiv:2006.07709; Nasr et al., 2021, arXiv:2101.04535."""

import math

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy import special

from byrote.errors import Unsupported
from byrote.stats.estimate import Estimate
from byrote.summaries._ranking import check_ranking
from byrote.summaries.one_run import check_promise


def clopper_pearson_epsilon(
    true_positives: int,
    positives: int,
    false_positives: int,
    negatives: int,
    *,
    delta: float = 0.0,
    level: float = 0.95,
) -> Estimate:
    """Lower bound on epsilon from accusations of models with a canary and without: 0 shows nothing, high is a leak.

    The larger of ln((TPR - delta) / FPR) and ln((TNR - delta) / FNR), with Clopper & Pearson's bounds (1934) in
    place of the rates: TPR at least, FPR at most, each one-sided at (1 + level) / 2. Both hold at once with
    probability `level`, and each direction needs only these two, so taking the larger costs nothing. `value` and
    `low` are the bound, never below 0, and `high` is infinite. In nats. The models have to be independent, and
    the threshold fixed in advance: `held_out_epsilon` chooses one on other models. Raises Unsupported when
    either kind of model is missing.

    It misleads with few models: 1,000 with the canary and 1,000 without cannot show more than 5.6.
    """
    p = check_promise(delta, level)
    if not (0 <= true_positives <= positives and 0 <= false_positives <= negatives and positives and negatives):
        raise Unsupported(
            f"{true_positives} of {positives} and {false_positives} of {negatives} accused is no audit. "
            "Give at least one model of each kind, and no more accusations than models."
        )
    bound = float(_bound(true_positives, positives, false_positives, negatives, delta, p))
    return Estimate(bound, bound, math.inf, positives + negatives, "model", level)


def held_out_epsilon(
    values: Float[ndarray, " example"],
    member: Bool[ndarray, " example"],
    *,
    delta: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Choose the threshold on a random half, and return the lower bound on epsilon from the other: 0 shows nothing.

    A value above the threshold accuses. Only the other half is counted in the bound and in `n`, so the choice
    costs models and not the level. Each kind is halved. See `clopper_pearson_epsilon`. Raises Unsupported for a
    NaN, and below two of a kind.

    It misleads when the values are not independent, as those of many examples in one model: the interval takes
    each for an experiment of its own. One model is a matter for `one_run_epsilon`.
    """
    p = check_promise(delta, level)
    check_ranking("held_out_epsilon", values, member)
    first = first_half("held_out_epsilon", member, seed)
    chosen, counted = values[first], values[~first]
    thresholds = np.unique(chosen)[:-1] if np.ptp(chosen) > 0 else chosen[:1]
    inside, outside = np.sort(chosen[member[first]]), np.sort(chosen[~member[first]])
    found = len(inside) - np.searchsorted(inside, thresholds, side="right")
    accused = len(outside) - np.searchsorted(outside, thresholds, side="right")
    bounds = _bound(found, len(inside), accused, len(outside), delta, p)
    called, truth = counted > thresholds[np.argmax(bounds)], member[~first]
    return clopper_pearson_epsilon(
        int(np.count_nonzero(called & truth)),
        int(np.count_nonzero(truth)),
        int(np.count_nonzero(called & ~truth)),
        int(np.count_nonzero(~truth)),
        delta=delta,
        level=level,
    )


def first_half(asker: str, member: Bool[ndarray, " example"], seed: int) -> Bool[ndarray, " example"]:
    """Return a random half of the members and of the others; raise Unsupported below two of either."""
    half = np.zeros(len(member), np.bool_)
    rng = np.random.default_rng([seed, 2])
    for who in (np.flatnonzero(member), np.flatnonzero(~member)):
        if len(who) < 2:
            raise Unsupported(f"{asker} cannot halve {len(who)} of a kind. Give at least two of each kind.")
        half[rng.permutation(who)[: len(who) // 2]] = True
    return half


def _bound(
    found: ndarray | int, positives: int, accused: ndarray | int, negatives: int, delta: float, p: float
) -> ndarray:
    k1, k0 = np.asarray(found, np.float64), np.asarray(accused, np.float64)
    tpr = np.where(k1 > 0, special.betaincinv(np.maximum(k1, 1), positives - k1 + 1, p / 2), 0.0)
    fpr = np.where(k0 < negatives, special.betaincinv(k0 + 1, np.maximum(negatives - k0, 1), 1 - p / 2), 1.0)
    odds = np.maximum((tpr - delta) / fpr, (1 - fpr - delta) / (1 - tpr))
    return np.asarray(np.log(np.maximum(odds, 1.0)))
