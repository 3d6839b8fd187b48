"""Empirical-Bayes beliefs about proportions, Robbins, 1956; Efron & Morris, 1973; explained in docs/theory.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import betaln, expit, logit, ndtr, xlogy

from byrote.scores._run_sums import Sums, Values, by_group, together

GROUPS = 10
"""Runs are held out in at most so many groups."""

SPREAD_RUNS = 4.0
"""The common spread of margins weighs as much as so many of an example's own."""

PRIOR_RUNS = np.exp2(np.arange(-2.0, 6.5, 0.5))
"""What a margin that is predicted from the clues may be worth, in margins of the example's own."""

MODEL_RUNS = np.exp2(np.arange(0.0, 10.5, 0.5))
"""What all margins may be worth against right and wrong, in runs. It is bounded, so many runs speak for themselves."""

EXCESSES = np.exp2(np.arange(-1.0, 2.5, 0.5))
"""How many times wider than the model has it a belief may be."""

FARTHEST = 8.0
"""Margins and clues are cut off at so many standard deviations."""

SURE = 1e-5
"""No prediction of a single run is surer than this when predictions are compared."""

PROBIT = 1.7
"""A standard normal distribution function is close to a logistic one of so many times its argument."""


@dataclass(frozen=True)
class Belief:
    """What is believed about one proportion of each example: its mean and its variance."""

    mean: Values
    variance: Values


@dataclass(frozen=True)
class Evidence:
    """What some runs say about one proportion of each example.

    `margin` is the mean margin of `margins` runs in standard deviations, 0 without any. `clues` is what all else says
    about it: a constant, the margin in runs of the other kind, and how easy training found it. `right` of `runs` runs
    were right; `wanted` of `asked` held-out runs were.
    """

    margin: Values
    margins: Values
    clues: Float[ndarray, "example clue"]
    right: Values
    runs: Values
    wanted: Values
    asked: Values

    def where(self, use: Bool[ndarray, " example"]) -> "Evidence":
        """Return the evidence about these examples."""
        return Evidence(*(getattr(self, f.name)[use] for f in fields(self)))


def beliefs(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    trace: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> tuple[Belief, Belief]:
    """Return what is believed about P(correct | trained on it) and about P(correct | not).

    `margin` is above 0 where the run is right, `trace` in [0, 1] and high for easy members, NaN where it is unknown.
    """
    inside, outside = by_group(correct, margin, trace, member, groups=GROUPS)
    return _believe(inside, outside, inside), _believe(outside, inside, inside)


def _believe(own: Sequence[Sums], other: Sequence[Sums], inside: Sequence[Sums]) -> Belief:
    """Return the belief about the proportion that the runs in `own` show."""
    totals = together(own), together(other), together(inside)
    spreads = _spread(totals[0], totals[1]), _spread(totals[1], totals[0])
    now = _gather(*totals, spreads, held=None)
    both = (now.margins > 0) & (totals[1].told > 0)
    if not both.any():
        return Belief(np.full(len(both), np.nan), np.full(len(both), np.nan))
    weights = np.linalg.lstsq(now.clues[both], now.margin[both])[0]

    def held_out(folds: int) -> Evidence:
        """Return what the rest says, for each fold of the groups, with the outcomes in that fold."""
        told: list[Evidence] = []
        for fold in range(min(folds, len(own))):
            mine, theirs, trained = (together(kind[fold::folds]) for kind in (own, other, inside))
            rest, of_other, of_inside = (t.minus(p) for t, p in zip(totals, (mine, theirs, trained), strict=True))
            use = (mine.runs > 0) & (of_other.told > 0)
            told.append(_gather(rest, of_other, of_inside, spreads, held=mine).where(use))
        return _join(told)

    belief = _learn(held_out(GROUPS), weights).belief(now)
    thirds = held_out(3)
    return Belief(belief.mean, belief.variance * _excess(_learn(thirds, weights).belief(thirds), thirds))


@dataclass(frozen=True)
class Model:
    """How a belief is made of evidence.

    `weights` of the clues predict the margin, which is worth `prior` margins of the example's own; `curve` turns the
    margin into a probability, which is worth `worth` runs of right and wrong.
    """

    weights: Float[ndarray, " clue"]
    prior: float
    curve: Float[ndarray, " term"]
    worth: float

    def belief(self, evidence: Evidence) -> Belief:
        """Return the belief: the variance is that of the margin, and that of the counts if the model were one of them."""
        z = _latent(evidence, self.weights, self.prior)
        told = expit(_terms(z) @ self.curve)
        slope = told * (1 - told) * (self.curve[1] + self.curve[2] / (1 + np.abs(z)))
        known = evidence.runs + self.worth
        mean = (evidence.right + self.worth * told) / known
        of_margins = slope**2 * _uncertainty(evidence, self.prior)
        return Belief(mean, (self.worth / known) ** 2 * of_margins + mean * (1 - mean) / known)


def _learn(held: Evidence, weights: Float[ndarray, " clue"]) -> Model:
    """Return the model that predicts the held-out runs best."""
    prior = _best(PRIOR_RUNS, lambda runs: ndtr(_latent(held, weights, runs)), held)
    z = _latent(held, weights, prior)
    curve = _curve(z, held)
    told = expit(_terms(z) @ curve)
    worth = _best(MODEL_RUNS, lambda runs: (held.right + runs * told) / (held.runs + runs), held)
    return Model(weights, prior, curve, worth)


def _excess(belief: Belief, held: Evidence) -> float:
    """Return how many times wider than believed the held-out counts say that beliefs should be: beta-binomial likelihood."""
    twice = held.asked > 1
    right, runs = held.wanted[twice], held.asked[twice]
    mean, variance = np.clip(belief.mean[twice], SURE, 1 - SURE), belief.variance[twice]

    def likelihood(times: float) -> float:
        size = np.maximum(mean * (1 - mean) / np.maximum(times * variance, 1e-300) - 1, 0.01)
        a, b = mean * size, (1 - mean) * size
        return float(np.sum(betaln(right + a, runs - right + b) - betaln(a, b)))

    return float(max(EXCESSES, key=likelihood)) if twice.any() else 1.0


def _gather(own: Sums, other: Sums, inside: Sums, spreads: tuple[float, float], *, held: Sums | None) -> Evidence:
    """Return what runs say; `held` are runs that are not among them."""
    with np.errstate(invalid="ignore"):
        easy = logit(np.clip(inside.easy / inside.traced, 0.005, 0.995))
    asked = held or Sums(*np.zeros((len(fields(Sums)), len(own.runs))))
    return Evidence(
        margin=_standard(own, spreads[0]),
        margins=own.told,
        clues=np.stack([np.ones_like(easy), _standard(other, spreads[1]), np.nan_to_num(easy)], axis=1),
        right=own.right,
        runs=own.runs,
        wanted=asked.right,
        asked=asked.runs,
    )


def _standard(sums: Sums, spread: float) -> Values:
    """Return the mean margin over its standard deviation, itself shrunk to the common one."""
    variance = (sums.deviations + SPREAD_RUNS * spread) / (np.maximum(sums.told - 1, 0) + SPREAD_RUNS)
    return np.clip(sums.total / np.maximum(sums.told, 1) / np.sqrt(variance), -FARTHEST, FARTHEST)


def _spread(sums: Sums, other: Sums) -> float:
    """Return the common variance of margins; from the runs of the other kind, or 1, where it cannot be told or is 0."""
    return next((v for v in (sums.variance, other.variance) if v > 0), 1.0)


def _latent(evidence: Evidence, weights: Float[ndarray, " clue"], prior: float) -> Values:
    """Return the margin to expect of one more run, in standard deviations: own margins and clues by their worth."""
    predicted = np.clip(evidence.clues @ weights, -FARTHEST, FARTHEST)
    known = evidence.margins + prior
    return (evidence.margins * evidence.margin + prior * predicted) / known / np.sqrt(1 + 1 / known)


def _uncertainty(evidence: Evidence, prior: float) -> Values:
    """Return the variance of the latent margin: of the mean, and of the standard deviation it is divided by."""
    known, degrees = evidence.margins + prior, np.maximum(evidence.margins - 1, 0) + SPREAD_RUNS
    return 1 / known + (evidence.margins / known * evidence.margin) ** 2 / (2 * degrees)


def _best(worths: Float[ndarray, " worth"], predict: Callable[[float], Values], held: Evidence) -> float:
    """Return the worth with which the held-out runs are predicted best."""
    return float(max(worths, key=lambda worth: _likelihood(predict(float(worth)), held)))


def _likelihood(probability: Values, held: Evidence) -> float:
    p = np.clip(probability, SURE, 1 - SURE)
    return float(np.sum(xlogy(held.wanted, p) + xlogy(held.asked - held.wanted, 1 - p)))


def _terms(latent: Values) -> Float[ndarray, "example term"]:
    """Return what the log-odds are linear in: a constant, the latent margin, and its logarithm, for tails."""
    return np.stack([np.ones_like(latent), latent, np.sign(latent) * np.log1p(np.abs(latent))], axis=1)


def _curve(latent: Values, held: Evidence) -> Float[ndarray, " term"]:
    """Return the logistic regression of held-out outcomes on the latent margin, by Newton's method.

    A prior as heavy as one observation holds it near the normal distribution function.
    """
    x = _terms(latent)
    start = curve = np.array([0.0, PROBIT, 0.0])

    def value(curve: Float[ndarray, " term"]) -> float:
        log_odds = x @ curve
        return float(held.wanted @ log_odds - held.asked @ np.logaddexp(0, log_odds) - np.sum((curve - start) ** 2) / 2)

    for _ in range(30):
        p = expit(x @ curve)
        gradient = x.T @ (held.wanted - held.asked * p) - (curve - start)
        step = np.linalg.solve(x.T @ (x * (held.asked * p * (1 - p))[:, None]) + np.eye(3), gradient)
        while value(curve + step) < value(curve) and np.abs(step).max() > 1e-9:
            step = step / 2
        curve = curve + step
        if np.abs(step).max() < 1e-9:
            break
    return curve


def _join(parts: Sequence[Evidence]) -> Evidence:
    """Return all this evidence as if it were about as many more examples."""
    return Evidence(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Evidence)))
