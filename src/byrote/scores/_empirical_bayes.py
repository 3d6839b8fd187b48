"""Empirical-Bayes posteriors of proportions, Robbins, 1956; Efron & Morris, 1973; explained in docs/theory.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import expit, logit, logsumexp, xlogy
from threadpoolctl import threadpool_limits

from byrote.scores._held_out import Predictions
from byrote.scores._latent import VARIANCE_PRIOR, Observations, latent
from byrote.scores._link import (
    MIN_PROBABILITY,
    START,
    Coefficients,
    clipped,
    fit_link,
    log_likelihood,
    probability,
    slope,
)
from byrote.scores._prior import fit_prior
from byrote.scores._run_sums import PerExample, Sums, by_group, together

FOLDS = 10
"""Runs are held out in at most so many folds."""

PRIOR_STRENGTHS = np.exp2(np.arange(-2.0, 6.5, 1.0))
"""Candidates for the prior strength of a margin that is predicted from features, in margins of the example's own."""

USUAL_STRENGTH, STRENGTH_SPREAD = 4.0, 1.0
"""The prior of that strength: its median, and the standard deviation of its binary logarithm."""

MODEL_STRENGTHS = np.exp2(np.arange(0.0, 10.5, 0.5))
"""Candidates for the strength of the margin model against counts, in trials. It is bounded, so the counts win in the end."""

VARIANCE_FACTORS = np.exp2(np.arange(-0.5, 4.0, 0.25))
"""Candidates for the factor by which the variance of a posterior's log-odds is larger than the model has it."""

USUAL_FACTOR, FACTOR_SPREAD = 4.0, 0.35
"""The factor's prior: its median, and the standard deviation of its binary logarithm.

Ten runs hold out too few outcomes to estimate a factor. The median was chosen so that intervals hold 90 % in the simulations of
records/calibration, which docs/calibration.md lists by stratum.
"""

CLIP = 8.0
"""Standardized margins and their predictions are clipped at so many standard deviations."""

NORMAL = np.polynomial.hermite_e.hermegauss(9)
"""Nodes and weights of integrals over a normal variable."""


@dataclass(frozen=True)
class Posterior:
    """The posterior of one proportion of each example: log-odds are normal.

    `mean` is the mean of the proportion. `variance` is that of the log-odds by the model, and they vary `factor` times as much.
    `predictions` predicts every fold of the runs from the others (None: it was not cross-validated).
    """

    mean: PerExample
    variance: PerExample
    factor: float = 1.0
    predictions: Callable[[], Predictions] | None = None

    def at(self, deviations: float | Float[ndarray, "..."]) -> Float[ndarray, "... example"]:
        """Return the proportion whose log-odds are so many standard deviations above their median.

        The median is MacKay's (1992): with the variance of the model, the mean of the proportion is `mean`, nearly.
        """
        return expit(self._median + deviations * np.sqrt(self.factor * self.variance))

    def ends(self, deviations: float) -> tuple[PerExample, PerExample]:
        """Return the proportions so many standard deviations below and above.

        Near 0 and 1 the posterior is skewed towards the middle. So that end starts half-way from the median to the mean.
        """
        half, middle = deviations * np.sqrt(self.factor * self.variance), (self._median + self._log_odds) / 2
        return expit(np.minimum(self._median, middle) - half), expit(np.maximum(self._median, middle) + half)

    @property
    def _log_odds(self) -> PerExample:
        return logit(np.clip(self.mean, MIN_PROBABILITY, 1 - MIN_PROBABILITY))

    @property
    def _median(self) -> PerExample:
        return self._log_odds * np.sqrt(1 + np.pi / 8 * self.variance)


@threadpool_limits.wrap(limits=1)  # of narrow matrices; two threads take many times longer on a busy machine
def posteriors(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    aum: Float[ndarray, "run example"] | None = None,
    data: Float[ndarray, "example feature"] | None = None,
) -> tuple[Posterior, Posterior]:
    """Return the posteriors of P(correct | trained on it) and of P(correct | not).

    `margin` is above 0 where the run is right; `correctness` in [0, 1] and `aum` are high for easy members, NaN where
    unknown. `data` are features of the examples that no run has a part in; NaN where unknown.
    """
    aum = np.full_like(correctness, np.nan) if aum is None else aum
    data = np.zeros((correct.shape[1], 0)) if data is None else data
    in_sums, out_sums = by_group(correct, margin, correctness, aum, member, groups=FOLDS)
    return _posterior(in_sums, out_sums, in_sums, data), _posterior(out_sums, in_sums, in_sums, data)


def _posterior(
    own: Sequence[Sums], other: Sequence[Sums], traced: Sequence[Sums], data: Float[ndarray, "example feature"]
) -> Posterior:
    """Return the posterior of the proportion that is observed in the runs `own`; `traced` are the IN runs."""
    totals = together(own), together(other), together(traced)
    variances = _common_variance(totals[0], totals[1]), _common_variance(totals[1], totals[0])
    both = (totals[0].margins > 0) & (totals[1].margins > 0)
    if not both.any():
        unknown = np.full(len(both), np.nan)
        return Posterior(unknown, unknown, predictions=lambda: Predictions(*np.zeros((5, 1, len(both)))))
    margins = _standardized(totals[0], variances[0])
    prior = fit_prior(_features(totals[1], totals[2], variances[1], data), margins, both)

    def observe(own: Sums, other: Sums, traced: Sums, held_out: Sums | None) -> Observations:
        predicted = prior.predict(_features(other, traced, variances[1], data))
        return _observe(own, variances[0], np.clip(predicted, -CLIP, CLIP), held_out)

    def cross_validation(folds: int) -> tuple[list[Observations], Observations]:
        """Return, for each fold, the observations of the other folds with the outcomes of this one; and those to learn from."""
        parts: list[Observations] = []
        used: list[Observations] = []
        for fold in range(min(folds, len(own))):
            in_fold = [together(sums[fold::folds]) for sums in (own, other, traced)]
            own_rest, other_rest, traced_rest = (t.minus(part) for t, part in zip(totals, in_fold, strict=True))
            parts.append(observe(own_rest, other_rest, traced_rest, in_fold[0]))
            used.append(parts[-1].where((in_fold[0].runs > 0) & (other_rest.margins > 0)))
        return parts, _concatenated(used)

    parts, held_out = cross_validation(FOLDS)
    model = _fit(held_out)
    posterior = model.posterior(observe(*totals, None))
    _, thirds = cross_validation(3)
    factor = _variance_factor(_fit(thirds).posterior(thirds), thirds)
    return replace(posterior, factor=factor, predictions=lambda: _predictions(model, parts))


@dataclass(frozen=True)
class Model:
    """How observations give a posterior. In docs/theory.md the strengths are kappa and s, and the coefficients c.

    The predicted margin is a prior of `prior_strength` margins of the example's own. The link with these `coefficients`
    turns the latent margin into a probability, a prior of `model_strength` trials.
    """

    prior_strength: float
    coefficients: Coefficients
    model_strength: float

    def posterior(self, observed: Observations) -> Posterior:
        """Return the posterior: its variance is that of the latent margin through the link, and that of a proportion."""
        margin = latent(observed, self.prior_strength)
        z, of_spread = margin.of_one_more_run, (margin.own * observed.margin) ** 2 / (2 * observed.degrees)
        strength = observed.trials + self.model_strength
        mean = (observed.successes + self.model_strength * probability(z, self.coefficients)) / strength
        from_margins = slope(z, self.coefficients) ** 2 * (margin.variance + of_spread)
        from_counts = 1 / (strength * mean + 0.5) + 1 / (strength * (1 - mean) + 0.5)
        return Posterior(mean, (self.model_strength / strength) ** 2 * from_margins + from_counts)


def _predictions(model: Model, folds: Sequence[Observations]) -> Predictions:
    """Return what is predicted of each example from the runs outside of each fold, with the outcomes within."""
    right = np.stack([observed.held_out_successes for observed in folds])
    return Predictions(
        mean=np.stack([model.posterior(observed).mean for observed in folds]),
        others=np.stack([observed.trials for observed in folds]),
        right=right,
        squared=right,
        tried=np.stack([observed.held_out_trials for observed in folds]),
    )


def _fit(held_out: Observations) -> Model:
    """Return the model under which the held-out outcomes are most likely: first margins and link, then the counts.

    The prior's strength and the link are chosen together. The strength scales the latent margins, so one that is chosen
    for a link of another slope trusts single margins too much. Where no example has margins of its own beside the
    outcomes, as with one OUT run of each, these do not tell the strength: it is held near the usual one.
    """
    counts = held_out.held_out_successes, held_out.held_out_trials
    best, strength, coefficients = -np.inf, float(PRIOR_STRENGTHS[0]), START
    for candidate in PRIOR_STRENGTHS:
        z = latent(held_out, float(candidate)).of_one_more_run
        found = fit_link(z, *counts, start=coefficients)
        likely = log_likelihood(probability(z, found), *counts)
        likely -= 0.5 * (np.log2(candidate / USUAL_STRENGTH) / STRENGTH_SPREAD) ** 2
        if likely > best:
            best, strength, coefficients = likely, float(candidate), found
    predicted = probability(latent(held_out, strength).of_one_more_run, coefficients)

    def of_counts(trials: float) -> float:
        both = (held_out.successes + trials * predicted) / (held_out.trials + trials)
        return log_likelihood(both, *counts)

    return Model(strength, coefficients, float(max(MODEL_STRENGTHS, key=lambda each: of_counts(float(each)))))


def _variance_factor(posterior: Posterior, held_out: Observations) -> float:
    """Return the most probable factor of the variance, given the held-out counts: logit-normal binomial ones."""
    several = held_out.held_out_trials > 1
    successes, trials = held_out.held_out_successes[several], held_out.held_out_trials[several]
    mean, variance = posterior.mean[several], posterior.variance[several]

    def log_density(factor: float) -> float:
        wider = Posterior(mean, variance, float(factor))
        terms = [
            np.log(weight) + xlogy(successes, p) + xlogy(trials - successes, 1 - p)
            for node, weight in zip(*NORMAL, strict=True)
            for p in [clipped(wider.at(node))]
        ]
        prior = -0.5 * float(np.log2(factor / USUAL_FACTOR) / FACTOR_SPREAD) ** 2
        return prior + float(np.asarray(logsumexp(terms, axis=0)).sum())

    return float(max(VARIANCE_FACTORS, key=log_density)) if several.any() else USUAL_FACTOR


def _features(
    other: Sums, traced: Sums, other_variance: float, data: Float[ndarray, "example known"]
) -> Float[ndarray, "example feature"]:
    """Return what predicts the margin of an example: the other kind of runs, how it was learned, and what the data say."""
    with np.errstate(invalid="ignore"):
        easiness = logit(np.clip(traced.trace_sum / traced.traces, 0.005, 0.995))
        path = traced.path_sum / traced.paths
    return np.concatenate([np.stack([_standardized(other, other_variance), easiness, path], axis=1), data], axis=1)


def _observe(own: Sums, variance: float, predicted: PerExample, held_out: Sums | None) -> Observations:
    """Return the observations of these runs; `held_out` are runs that are not among them."""
    outcomes = held_out or Sums(*np.zeros((len(fields(Sums)), len(own.runs))))
    return Observations(
        margin=_standardized(own, variance),
        margins=own.margins,
        predicted=predicted,
        successes=own.correct,
        trials=own.runs,
        held_out_successes=outcomes.correct,
        held_out_trials=outcomes.runs,
    )


def _standardized(sums: Sums, common: float) -> PerExample:
    """Return the mean margin over its standard deviation, whose square is shrunk to the common variance."""
    variance = (sums.squared_deviations + VARIANCE_PRIOR * common) / (np.maximum(sums.margins - 1, 0) + VARIANCE_PRIOR)
    return np.clip(sums.margin_sum / np.maximum(sums.margins, 1) / np.sqrt(variance), -CLIP, CLIP)


def _common_variance(sums: Sums, other: Sums) -> float:
    """Return the common variance of margins; where it is undefined or 0, that of the runs of the other kind, or 1."""
    return next((v for v in (sums.median_variance, other.median_variance) if v > 0), 1.0)


def _concatenated(parts: Sequence[Observations]) -> Observations:
    """Return all these observations as if they were about as many more examples."""
    return Observations(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Observations)))
