"""One target model and a few reference models: the privacy audit of a model that exists, offline and online attacks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.scores._shadows import Shadows, logit
from byrote.scores.bavaria import predictive_ratio
from byrote.scores.calibrated_loss import difference
from byrote.scores.lira import likelihood_ratio
from byrote.scores.rmia import probability, probability_ratio
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import OperatingPoint, auroc, tpr_at_fpr

RATES = (0.01, 0.001)
"""False-positive rates at which attacks are reported."""

SHUFFLES = 999
"""How often members are drawn anew: the smallest possible p-value is .001."""

DEPENDENT = 5.0
"""A correlation of the target's members with the references' larger than this many standard errors is no accident."""

NEAR, CLOSE = 0.98, 0.995
"""Probabilities crowd towards 1: of those above NEAR, a quarter or more are above CLOSE, and none is above 1."""

BETWEEN = 0.6, 0.9
"""Probabilities lie here too. Losses of models that learned nothing lie in narrow heaps, of which one may be just below 1."""

MANY = 20
"""So many above CLOSE are no accident: of losses, about as many would lie as little above 1 as below it."""

SHARE = 0.3
"""The `a` of offline RMIA, as in the paper."""


@dataclass(frozen=True, eq=False)
class TargetAttack:
    """One attack on the target: `value` (NaN: it cannot judge the example), and `auroc` (.5 is chance) and `at` over the others.

    Intervals are over examples, for this target and these references: other models trained in the same way may differ more.
    """

    name: str
    value: Float[ndarray, " example"]
    judged: int
    auroc: Estimate
    at: tuple[OperatingPoint | NotMeasured, ...]


@dataclass(frozen=True, eq=False)
class TargetAudit:
    """All attacks on one target. `strongest` has the largest AUROC.

    The choice of the strongest favours it: `by_chance` is the mean of the largest AUROC where members are drawn at random
    among the same examples, and `p_value` the probability of one as large as observed then (the maximum over attacks of
    Westfall & Young 1993). `left_out` counts examples without a finite loss of the target, and `missing` says which attacks
    these references do not support, and why.
    """

    attacks: tuple[TargetAttack, ...]
    strongest: TargetAttack
    by_chance: float
    p_value: float
    left_out: int
    missing: dict[str, str]


@checked
def audit_target(
    target_loss: Float[ndarray, " example"],
    member: Bool[ndarray, " example"],
    reference_loss: Float[ndarray, "reference example"] | None = None,
    reference_member: Bool[ndarray, "reference example"] | None = None,
    *,
    level: float = 0.9,
) -> TargetAudit:
    """Return how well membership attacks tell the members of one target model from non-members, with k reference models.

    `member` says which examples the target was trained on; the others are held-out examples of the same source. The
    references were trained on other data of this source (`reference_member=None`: on none of these examples), or on random
    parts of these examples that were drawn without regard to the target's members. Their losses are in nats.

    What k references support: 1 is enough for `calibrated_loss` and offline RMIA; 2 OUT models of one example for offline LiRA
    and BaVarIA, with a variance common to all examples (LiRA) or shrunk to it; with `reference_member`, the online attacks
    too, on examples with an IN and an OUT model. More references make all of them stronger.

    Raises Unsupported without references (the attack on the loss alone needs none: `auroc(-loss, member)`), without members or
    non-members, and where the references' members depend on the target's, as complements do, or runs of one balanced design:
    they give the answer away. Take `byrote.membership.attacks.read_membership` for runs of one record.

    Raises InvalidData for losses below 0, and for probabilities, which end at 1 as no losses do. Of few examples, or models
    that are sure of little, probabilities may pass; an AUROC clearly below .5 then says that the numbers are no losses.

    It misleads where members and non-members differ by themselves, such as by date: check with `blind_baseline`.
    """
    if reference_loss is None:
        raise Unsupported(
            "audit_target was given 0 reference models. Give the losses of one or more as `reference_loss`: one supports offline "
            "RMIA and calibrated_loss, two offline LiRA. Without any there is only the loss: auroc(-target_loss, member)."
        )
    if (target_loss < 0).any() or (reference_loss < 0).any():
        raise InvalidData(
            "audit_target was given losses below 0. Give the cross-entropy in nats, -log of the label's probability."
        )
    if _are_probabilities(np.concatenate([target_loss, reference_loss.ravel()])):
        raise InvalidData(
            "audit_target was given numbers from 0 to 1 of which many are just below 1 and none is above: these are probabilities, not losses. Give -np.log of them."
        )
    known = np.asarray(np.isfinite(target_loss))
    inside = np.zeros(reference_loss.shape, np.bool_) if reference_member is None else reference_member
    target, truth, others, inside = target_loss[known], member[known], reference_loss[:, known], inside[:, known]
    if not truth.any() or truth.all():
        raise Unsupported(
            f"audit_target needs members and non-members with a finite loss, and was given {int(truth.sum())} and {int((~truth).sum())}. "
            "Add held-out examples of the same source, or members."
        )
    _check_independent(truth, inside)
    losses = np.concatenate([target[None], others]).astype(np.float64)
    kind = np.concatenate([np.zeros((1, len(target)), np.bool_), inside])  # the target is not compared with itself

    attacks: list[TargetAttack] = []
    missing: dict[str, str] = {}
    for name, attack in _attacks(losses, kind, online=bool(inside.any())).items():
        value = np.full(len(known), np.nan)
        value[known] = attack()
        judged = np.isfinite(value)
        if member[judged].any() and not member[judged].all():
            attacks.append(_measured(name, value, member, level))
        else:
            missing[name] = _needs(name)
    strongest = max(attacks, key=lambda attack: attack.auroc.value)
    by_chance, p_value = _largest_by_chance(attacks, member)
    return TargetAudit(tuple(attacks), strongest, by_chance, p_value, int((~known).sum()), missing)


def _are_probabilities(values: Float[ndarray, " value"]) -> bool:
    """Whether these numbers are probabilities: they crowd just below 1, and none is above. Losses cut off at 1 are exactly 1.

    In simulated audits (4 models, 30 to 5,000 examples, logits of many means and spreads, and models that learned nothing) no
    losses are taken for probabilities. Of the probabilities .05 are found with 30 examples and .37 to .45 with 200 and more.
    """
    known = values[np.isfinite(values)]
    near, close = (int(((known > least) & (known < 1)).sum()) for least in (NEAR, CLOSE))
    between = int(((known > BETWEEN[0]) & (known < BETWEEN[1])).sum())
    return bool((known <= 1).all()) and close >= MANY and between >= MANY and 4 * close >= near


def _attacks(
    losses: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], *, online: bool
) -> dict[str, Callable[[], Float[ndarray, " example"]]]:
    """Return the attacks by name; each gives the values of the target, which is the first run."""
    finite = Shadows(np.where(np.isfinite(losses), losses, np.nan), member, spare=False)
    logits = Shadows(logit(losses), member, spare=False)
    ratios = Shadows(probability(losses), member, spare=False)
    found: dict[str, Callable[[], Float[ndarray, " example"]]] = {
        "loss": lambda: -losses[0],
        "calibrated_loss": lambda: difference(finite)[0],
        "rmia(online=False)": lambda: probability_ratio(ratios, online=False, a=SHARE)[0],
        "lira(online=False)": lambda: likelihood_ratio(logits, online=False, variance="pooled")[0],
        "bavaria(online=False)": lambda: predictive_ratio(logits, online=False)[0],
    }
    if online:
        found["rmia"] = lambda: probability_ratio(ratios, online=True, a=SHARE)[0]
        found["lira"] = lambda: likelihood_ratio(logits, online=True, variance="pooled")[0]
        found["bavaria"] = lambda: predictive_ratio(logits, online=True)[0]
    return found


def _needs(name: str) -> str:
    if name == "calibrated_loss" or name == "rmia(online=False)":
        return f"{name} needs members and non-members that some reference was not trained on."
    if "online=False" in name:
        return f"{name} needs two references that were not trained on the same example, and whose losses differ."
    return f"{name} needs references that were trained on an example and others that were not; a variance needs two of a kind."


def _measured(
    name: str, value: Float[ndarray, " example"], member: Bool[ndarray, " example"], level: float
) -> TargetAttack:
    judged = np.isfinite(value)
    values, truth = value[judged], member[judged]
    points: list[OperatingPoint | NotMeasured] = []
    for rate in RATES:
        try:
            points.append(tpr_at_fpr(values, truth, fpr=rate, level=level))
        except Unsupported as error:
            points.append(NotMeasured.because(error))
    return TargetAttack(name, value, len(values), auroc(values, truth, level=level), tuple(points))


def _largest_by_chance(attacks: list[TargetAttack], member: Bool[ndarray, " example"]) -> tuple[float, float]:
    """Return the mean of the largest AUROC where members are drawn at random, and the p-value of the observed one.

    The values do not depend on who is a member, so the attacks need not be repeated.
    """
    rng = np.random.default_rng(4)
    observed = max(attack.auroc.value for attack in attacks)
    ranks, judged = np.zeros((2, len(member), len(attacks)))
    for at, attack in enumerate(attacks):
        judged[:, at] = known = np.isfinite(attack.value)
        ranks[known, at] = rankdata(attack.value[known])
    shuffled = np.empty(SHUFFLES)
    for shuffle in range(SHUFFLES):
        drawn = rng.permutation(member).astype(np.float64)
        inside = drawn @ judged
        pairs = inside * (judged.sum(axis=0) - inside)
        above = drawn @ ranks - inside * (inside + 1) / 2
        shuffled[shuffle] = np.where(pairs > 0, above / np.maximum(pairs, 1), 0.5).max()
    as_large = np.count_nonzero(shuffled >= observed - 1e-12)
    return float(shuffled.mean()), (1 + as_large) / (1 + SHUFFLES)


def _check_independent(member: Bool[ndarray, " example"], inside: Bool[ndarray, "reference example"]) -> None:
    """Raise Unsupported where a reference, or the number of references with an example, tells who is a member."""
    for name, predictor in [
        *((f"reference {at}", row) for at, row in enumerate(inside)),
        ("the references", inside.sum(axis=0)),
    ]:
        deviation = float(np.std(predictor))
        if deviation == 0:
            continue
        correlation = (
            float(np.mean((predictor - predictor.mean()) * (member - member.mean()))) / deviation / float(member.std())
        )
        if abs(correlation) * math.sqrt(len(member)) > DEPENDENT:
            raise Unsupported(
                f"The members of {name} and of the target correlate with {correlation:.2f} over {len(member)} examples, so that they "
                "give the target's members away. Give references trained on none of these examples, or on random parts drawn "
                "without regard to the target. For runs of one record, take `byrote attack` or read_membership."
            )
