"""Membership attacks on a record: each run is the target once. All are repeated under shuffled membership."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from byrote.errors import MissingEvidence, Unsupported
from byrote.evidence.cached_reads import read_once
from byrote.evidence.columns import Read
from byrote.evidence.evaluate import LEVEL, AttackValues, guess
from byrote.membership.blind import blind_baseline, blind_features
from byrote.record import Population, Record
from byrote.scores import bavaria, calibrated_loss, lira, loss, rmia
from byrote.scores._shadows import Shadows, logit
from byrote.scores.bavaria import predictive_ratio
from byrote.scores.calibrated_loss import difference
from byrote.scores.lira import likelihood_ratio
from byrote.scores.rmia import probability, probability_ratio
from byrote.signature import Score
from byrote.stats.estimate import UNDEFINED, Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import OperatingPoint, over_runs, tpr_at_fpr
from byrote.summaries.auroc import area
from byrote.summaries.one_run import guess_membership, one_run_epsilon
from byrote.summaries.over_runs import Pooled

ATTACKS = (loss, calibrated_loss, rmia, lira, bavaria)
"""The simplest first; all others need shadow models."""

RATES = (0.01, 0.001)
"""False-positive rates at which attacks are reported."""

SHUFFLES = 19
"""How often membership is shuffled and all attacks repeated: the smallest possible p-value is .05."""

SHUFFLED = 10_000
"""Examples whose membership is shuffled, about, where there are more: their rates are known well enough."""

DELTA, EPSILON_LEVEL = 1e-5, 0.95

AT_RISK = 12
CURVE_POINTS = 25


@dataclass(frozen=True)
class Attack:
    """One attack on all runs: `auroc` (.5 is chance) is the mean over runs; `at` has the rates at one threshold for all runs.

    A value of minus infinity: the run has no other runs to compare with at this example, and accuses nobody there.
    """

    name: str
    auroc: Estimate
    at: tuple[OperatingPoint | NotMeasured, ...]
    values: AttackValues


@dataclass(frozen=True)
class Exposed:
    """One example: of its IN runs and of its OUT runs, in how many the attack says member."""

    position: int
    in_member: int
    in_runs: int
    out_member: int
    out_runs: int


@dataclass(frozen=True)
class Membership:
    """How well attacks recognize training examples. `strongest` has the largest true-positive rate at the first of RATES.

    The choice of the strongest favours it. So `shuffled` is the mean, under shuffled membership, of the rate of whichever
    attack is then the strongest: what the choice alone gives, on about `shuffled_examples` of the examples.
    `p_value` is the probability of such a rate as large as the
    observed one then (the maximum over attacks of Westfall & Young 1993). Both compare the attacks that have a rate; where
    the strongest has none, `shuffled` is the reason, and `p_value` that of the largest AUROC.
    `blind` is the AUROC of guessing from the examples
    without any model: above .5 members differ from others by themselves. `epsilons` are lower bounds of each run's own
    epsilon at delta DELTA, from its mislabeled canaries (EPSILON_LEVEL each). `exposed` are the examples that the strongest
    recognizes most often (at that rate), `members` and `others` count the pairs of run and example behind all numbers,
    `left_out` the examples without a loss. `zeros` is the share of losses that are exactly 0, as float32 gives where a model is
    sure: attacks cannot tell these apart, and find less.
    """

    attacks: tuple[Attack, ...]
    strongest: Attack
    shuffled: float | NotMeasured
    shuffled_examples: int
    p_value: float
    blind: Estimate | NotMeasured
    epsilons: tuple[Estimate, ...]
    exposed: tuple[Exposed, ...]
    members: int
    others: int
    left_out: int
    zeros: float


def attack_table(found: Membership) -> list[dict[str, Any]]:
    """Return one row per attack, and one of the blind baseline, as tables are printed: a number with its low and high."""
    rows: list[dict[str, Any]] = []
    for attack in found.attacks:
        row: dict[str, Any] = {"attack": attack.name, **attack.auroc.cells("AUROC")}
        for rate, at in zip(RATES, attack.at, strict=True):
            point = None if isinstance(at, NotMeasured) else at
            row |= (UNDEFINED if point is None else point.tpr).cells(f"found at {100 * rate:g} %")
            row[f"accused at {100 * rate:g} %"] = None if point is None else point.fpr_realised.value
        rows.append(row)
    blind = UNDEFINED if isinstance(found.blind, NotMeasured) else found.blind
    nothing = {name: None for name in rows[0] if name not in ("attack", "AUROC", "AUROC low", "AUROC high")}
    return [*rows, {"attack": "no model at all (blind)", **blind.cells("AUROC"), **nothing}]


@threadpool_limits.wrap(limits=1)  # its matrices are small, and take longer on two threads of a busy machine
def read_membership(record: Record, read: Read | None = None) -> Membership | NotMeasured:
    """Attack every run: its members against the real training examples that it was not trained on.

    The losses of a run are read once for all attacks and checks; a `read` made by `read_once` shares them with other parts
    of a report.
    """
    runs = [run for run in record.runs if _has_both(record, run)]
    if not runs:
        return NotMeasured("No finished run has both members and non-members among the real training examples.")
    read = read or read_once(record)
    try:
        losses = guess(loss, record, runs=runs, read=read)
    except MissingEvidence as error:
        return NotMeasured.because(error)
    with_loss = np.asarray(np.isfinite(losses.value).all(axis=0))
    losses = _only(losses, with_loss)
    if not (losses.member.any() and not losses.member.all()):
        return NotMeasured("No training example has a clean loss in every run, so no attack can be made.")
    found = [_attack(loss, losses)]
    found += [_attack(values.score, values) for values in attacks_on(ATTACKS[1:] if len(runs) > 2 else (), losses)]
    strongest = max(found, key=_strength)
    shuffled, p_value = strongest_by_chance(
        losses, [attack.values.score for attack in found], record.population.groups[losses.positions]
    )
    member = strongest.values.member
    return Membership(
        attacks=tuple(found),
        strongest=strongest,
        shuffled=shuffled,
        shuffled_examples=min(len(losses.positions), SHUFFLED),
        p_value=p_value,
        blind=_blind(record.population, strongest.values),
        epsilons=_epsilons(record, read),
        exposed=_exposed(strongest),
        members=int(member.sum()),
        others=int((~member).sum()),
        left_out=int((~with_loss).sum()),
        zeros=float((losses.value == 0).mean()),
    )


def curve(attack: Attack) -> list[tuple[float, Estimate]]:
    """Return the attack's ROC curve at log-spaced false-positive rates, down to the lowest that the sample allows."""
    fewest = _fewest_others(attack.values.member)
    rates = np.geomspace(min(1.0, 2 / max(fewest, 1)), 0.999, CURVE_POINTS).tolist()
    points = [at for at in _points(attack.values, rates) if isinstance(at, OperatingPoint)]
    return [(at.fpr_realised.value, at.tpr) for at in points]


def _attack(score: Score, values: AttackValues) -> Attack:
    mean = over_runs(area, values.value, values.member, level=LEVEL)
    return Attack(str(score), mean, _points(values, RATES), values)


def _points(values: AttackValues, rates: Sequence[float]) -> tuple[OperatingPoint | NotMeasured, ...]:
    """Return the point at each rate, or why there is none; the values are sorted once."""

    def at_one(rate: float) -> OperatingPoint:
        return tpr_at_fpr(values.value[0], values.member[0], fpr=rate, level=LEVEL)

    def point(at: Callable[[float], OperatingPoint], rate: float) -> OperatingPoint | NotMeasured:
        lacking = _lacks_others(values, rate)
        if lacking is not None:
            return lacking
        try:
            return at(rate)
        except Unsupported as error:
            return NotMeasured.because(error)

    if len(values.runs) < 2:
        return tuple(point(at_one, rate) for rate in rates)
    try:
        pooled = Pooled.of(values.value, values.member)
    except Unsupported as error:
        return tuple(NotMeasured.because(error) for _ in rates)
    return tuple(point(lambda rate: pooled.at(rate, level=LEVEL), rate) for rate in rates)


def _lacks_others(values: AttackValues, rate: float) -> NotMeasured | None:
    """Return why there is no true-positive rate at this false-positive rate; None where one false positive may be made.

    That is where the rate times the number of non-members is 1 or more, also without the run that has most of them, since
    intervals leave out one run at a time.
    """
    fewest, several = _fewest_others(values.member), len(values.runs) > 1
    if math.floor(rate * fewest + 1e-9) >= 1:
        return None
    needed = math.ceil(1 / rate - 1e-9)
    beside = ", not counting the run that has most" if several else ""
    return NotMeasured(
        f"A false-positive rate of {100 * rate:g} % needs {needed:,} pairs of a run and an example that it was not trained on, and here are {fewest:,}{beside}. Collect more runs."
    )


def _strength(attack: Attack) -> tuple[float, float]:
    first = attack.at[0]
    return (first.tpr.value if isinstance(first, OperatingPoint) else 0.0, attack.auroc.value)


def strongest_by_chance(
    losses: AttackValues, scores: Sequence[Score], groups: NDArray[np.str_], *, seed: int = 0
) -> tuple[float | NotMeasured, float]:
    """Return the mean rate of the strongest attack under shuffled membership, and the p-value of the observed one.

    Only attacks that have a rate at the first of RATES are compared: with few runs those that need shadow models judge few
    examples. Where the strongest has none, the mean is the reason why, and the p-value is that of the largest AUROC.

    `losses` are the values of the attack `loss`. Each shuffle deals the patterns of membership to the examples anew, so that
    it has the same design: each run keeps its size, and runs that are complements, folds or blocks stay so. All attacks are
    repeated, and the largest rate is taken. Patterns are exchanged between examples that are in as many runs, and between
    groups that are equally large. Of more than SHUFFLED examples, about so many are drawn at random.
    The p-value is (1 + shuffles with a rate as large) / (1 + SHUFFLES). Where no pattern can
    be exchanged, neither is measured, and the p-value is NaN.
    """
    rng = np.random.default_rng([seed, 4])
    alike = exchangeable(losses.member, groups)
    if len(groups) > SHUFFLED:
        losses, alike = _some(losses, alike, np.random.default_rng([seed, 5]))
    if all(len(np.unique(losses.member[:, units[:, 0]], axis=1).T) < 2 for units in alike):
        return NotMeasured("No membership can be exchanged between examples."), float("nan")
    judged = attacks_on(scores, losses)
    reason = _lacks_others(max(judged, key=_strength_of), RATES[0])
    rated = [each.score for each in judged if _lacks_others(each, RATES[0]) is None] if reason is None else []

    def largest(member: Bool[ndarray, "run example"]) -> float:
        found = attacks_on(rated or scores, replace(losses, member=member))
        return max(_rate(values) if rated else _area(values) for values in found)

    observed, shuffled = largest(losses.member), list[float]()
    for _ in range(SHUFFLES):
        dealt = losses.member.copy()
        for units in alike:
            dealt[:, units] = losses.member[:, rng.permutation(units)]
        shuffled.append(largest(dealt))
    as_large = sum(rate >= observed - 1e-12 for rate in shuffled)
    p_value = (1 + as_large) / (1 + SHUFFLES)
    return (float(np.mean(shuffled)) if reason is None else reason), p_value


def _some(
    losses: AttackValues, alike: list[NDArray[np.intp]], rng: np.random.Generator
) -> tuple[AttackValues, list[NDArray[np.intp]]]:
    """Return about SHUFFLED of the examples, the same share of all that are exchanged with each other, and their groups whole."""
    examples = losses.value.shape[1]
    kept = [rng.permutation(units)[: max(round(SHUFFLED * len(units) / examples), 1)] for units in alike]
    drawn = np.zeros(examples, np.bool_)
    drawn[np.concatenate([units.ravel() for units in kept])] = True
    place = np.cumsum(drawn) - 1
    return _only(losses, drawn), [place[units] for units in kept]


def exchangeable(member: Bool[ndarray, "run example"], groups: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    """Return the examples whose patterns of membership are exchanged, one row per group; of one run, all of one size.

    Members of a group that are not in the same runs were not drawn together, and are units of their own.
    """
    alone = groups == ""
    if alone.all():
        return _by_count(member)
    names, of = np.unique(
        np.where(alone, np.char.add("\n", np.arange(len(groups)).astype(np.str_)), groups), return_inverse=True
    )
    units: dict[tuple[int, int], list[NDArray[np.intp]]] = {}
    order = np.argsort(of, kind="stable")
    for who in np.split(order, np.cumsum(np.bincount(of, minlength=len(names)))[:-1]):
        together = bool((member[:, who] == member[:, who[:1]]).all())
        for unit in [who] if together else who[:, None]:
            count = int(member[:, unit[0]].sum()) if len(member) > 1 else 0
            units.setdefault((len(unit), count), []).append(unit)
    return [np.stack(each) for each in units.values()]


def _by_count(member: Bool[ndarray, "run example"]) -> list[NDArray[np.intp]]:
    """Return examples that are in as many runs, where none has a group, in the order of their numbers as text."""
    order = np.argsort(np.arange(member.shape[1]).astype(np.str_), kind="stable")
    counts = np.count_nonzero(member, axis=0)[order] if len(member) > 1 else np.zeros(len(order), np.int64)
    _, first = np.unique(counts, return_index=True)
    return [order[counts == counts[at], None] for at in np.sort(first)]


def attacks_on(scores: Sequence[Score], losses: AttackValues) -> list[AttackValues]:
    """Return those of these attacks (of ATTACKS) on the losses that can be made, without the examples that no run can judge.

    An attack is left out where a run has no member, or no other, among the examples that some run can judge: with few runs
    these are all in one of them, say. A run without IN or OUT runs for an example accuses nobody there: its value is minus
    infinity. Such an example must not be left out of one run only because of what the others are: its number of runs would
    give membership away.
    """
    values_of, found = _values(losses), list[AttackValues]()
    for score in scores:
        value = values_of[score.name]()
        known = np.asarray(np.isfinite(value).any(axis=0))
        member = losses.member[:, known]
        if member.any(axis=1).all() and not member.all(axis=1).any():
            judged = np.where(np.isfinite(value), value, -np.inf)
            found.append(_only(replace(losses, score=score, value=judged), known))
    return found


def _values(losses: AttackValues) -> Mapping[str, Callable[[], Float[ndarray, "run example"]]]:
    """Return what gives the values of each attack by its name: as the scores do, but the shadow models are looked at once."""
    loss_of = -losses.value
    logits = Shadows(logit(loss_of), losses.member)
    return {
        loss.name: lambda: losses.value,
        calibrated_loss.name: lambda: difference(logits.of(np.where(np.isfinite(loss_of), loss_of, np.nan))),
        rmia.name: lambda: probability_ratio(logits.of(probability(loss_of)), online=True, a=rmia.options["a"]),
        lira.name: lambda: likelihood_ratio(logits, online=True, variance="pooled"),
        bavaria.name: lambda: predictive_ratio(logits, online=True),
    }


def _strength_of(values: AttackValues) -> tuple[float, float]:
    """Return what `_strength` compares, without intervals."""
    return (_rate(values) if _lacks_others(values, RATES[0]) is None else 0.0, _area(values))


def _area(values: AttackValues) -> float:
    return area(values.value.ravel(), values.member.ravel())


def _rate(values: AttackValues) -> float:
    """Return the true-positive rate at the first of RATES."""
    value, member = values.value.ravel(), values.member.ravel()
    most = math.floor(RATES[0] * np.count_nonzero(~member) + 1e-9)
    others = value[~member]
    return float((value[member] > np.partition(others, len(others) - 1 - most)[len(others) - 1 - most]).mean())


def _blind(population: Population, values: AttackValues) -> Estimate | NotMeasured:
    inputs = population.inputs[values.positions]
    usable = inputs if inputs.size else np.zeros((len(values.positions), 1))
    try:
        return blind_baseline(values.member, blind_features(usable, population.labels[values.positions]), level=LEVEL)
    except Unsupported as error:
        return NotMeasured.because(error)


def _epsilons(record: Record, read: Read) -> tuple[Estimate, ...]:
    """Audit each run by its mislabeled canaries: half of the guesses are in, the other half out."""
    wrong = np.flatnonzero(record.population.canary == "mislabeled")
    if not len(wrong) or "seed" not in record.manifest or record.manifest["seed"] is None:
        return ()  # in a user's own loop membership of canaries may not have been drawn by fair coins
    found: list[Estimate] = []
    for run in record.runs:
        value = -read(run, "loss", record.last_step)[wrong].astype(np.float64)
        if np.isfinite(value).all():
            half = len(wrong) // 2
            guesses = guess_membership(value, record.member(run)[wrong], guess_in=half, guess_out=half)
            found.append(one_run_epsilon(guesses, delta=DELTA, level=EPSILON_LEVEL))
    return tuple(found)


def _exposed(attack: Attack) -> tuple[Exposed, ...]:
    at, values = attack.at[0], attack.values
    if not isinstance(at, OperatingPoint):
        return ()
    predicted = values.value > at.threshold
    in_member, out_member = (predicted & values.member).sum(axis=0), (predicted & ~values.member).sum(axis=0)
    in_runs = values.member.sum(axis=0)
    out_runs = len(predicted) - in_runs
    difference = (in_member + 0.5) / (in_runs + 1) - (out_member + 0.5) / (out_runs + 1)
    order: Int[ndarray, " rank"] = np.lexsort((-values.value.mean(axis=0), -difference))[:AT_RISK]
    counts = np.stack([values.positions, in_member, in_runs, out_member, out_runs], axis=1)[order[in_member[order] > 0]]
    return tuple(Exposed(*(int(count) for count in row)) for row in counts)


def _only(values: AttackValues, known: Bool[ndarray, " example"]) -> AttackValues:
    kept = values.positions[known], values.value[:, known], values.member[:, known]
    return AttackValues(values.score, values.runs, *kept)


def _has_both(record: Record, run: int) -> bool:
    member = record.member(run)[record.population.where("train")]
    return bool(member.any() and not member.all())


def _fewest_others(member: Bool[ndarray, "run example"]) -> int:
    """Return the number of pairs of a run and a non-member, without the run that has most of them."""
    others: Sequence[int] = (~member).sum(axis=1).tolist()
    return sum(others) - max(others) if len(others) > 1 else sum(others)
