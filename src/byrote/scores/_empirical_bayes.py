"""Empirical-Bayes posteriors of proportions, Robbins, 1956; Efron & Morris, 1973; explained in docs/theory.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.special import expit, logit, logsumexp, ndtr, xlogy

from byrote.scores._run_sums import PerExample, Sums, by_group, together

FOLDS = 10
"""Runs are held out in at most so many folds."""

VARIANCE_PRIOR = 4.0
"""Prior strength of the common variance of margins, in margins of an example's own."""

PRIOR_STRENGTHS = np.exp2(np.arange(-2.0, 6.5, 0.5))
"""Candidates for the prior strength of a margin that is predicted from features, in margins of the example's own."""

MODEL_STRENGTHS = np.exp2(np.arange(0.0, 10.5, 0.5))
"""Candidates for the strength of the margin model against counts, in trials. It is bounded, so the counts win in the end."""

VARIANCE_FACTORS = np.exp2(np.arange(-0.5, 4.0, 0.25))
"""Candidates for the factor by which the variance of a posterior's log-odds is larger than the model has it."""

USUAL_FACTOR, FACTOR_SPREAD = 3.2, 0.35
"""The factor's prior: its median, and the standard deviation of its binary logarithm.

Ten runs hold out too few outcomes to estimate a factor. The median was chosen so that intervals hold 90 % in the simulations of
records/calibration, which docs/calibration.md lists by stratum.
"""

CLIP = 8.0
"""Standardized margins and their predictions are clipped at so many standard deviations."""

MIN_PROBABILITY = 1e-5
"""Predicted probabilities are clipped to this and to one minus this, when predictions are compared."""

NORMAL = np.polynomial.hermite_e.hermegauss(9)
"""Nodes and weights of integrals over a normal variable."""

PROBIT_SLOPE = 1.7
"""The normal distribution function is close to the logistic one of so many times its argument."""


@dataclass(frozen=True)
class Posterior:
    """The posterior of one proportion of each example: log-odds are normal.

    `mean` is the mean of the proportion. `variance` is that of the log-odds by the model, and they vary `factor` times as much.
    """

    mean: PerExample
    variance: PerExample
    factor: float = 1.0

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


@dataclass(frozen=True)
class Observations:
    """What some runs observed about one proportion of each example.

    `successes` of `trials` runs were right. `margin` is the mean of `margins` transformed margins in standard deviations,
    0 without any. `features` predict the margin: a constant, the margin in runs of the other kind (IN or OUT), and the
    log-odds of `correctness` during training. Of the runs held out, `held_out_successes` of `held_out_trials` were right.
    """

    margin: PerExample
    margins: PerExample
    features: Float[ndarray, "example feature"]
    successes: PerExample
    trials: PerExample
    held_out_successes: PerExample
    held_out_trials: PerExample

    def where(self, use: Bool[ndarray, " example"]) -> "Observations":
        """Return the observations about these examples."""
        return Observations(*(getattr(self, f.name)[use] for f in fields(self)))


def posteriors(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
) -> tuple[Posterior, Posterior]:
    """Return the posteriors of P(correct | trained on it) and of P(correct | not).

    `margin` is above 0 where the run is right; `correctness` in [0, 1] is high for easy members, NaN where unknown.
    """
    in_sums, out_sums = by_group(correct, margin, correctness, member, groups=FOLDS)
    return _posterior(in_sums, out_sums, in_sums), _posterior(out_sums, in_sums, in_sums)


def _posterior(own: Sequence[Sums], other: Sequence[Sums], traced: Sequence[Sums]) -> Posterior:
    """Return the posterior of the proportion that is observed in the runs `own`; `traced` are the IN runs."""
    totals = together(own), together(other), together(traced)
    variances = _common_variance(totals[0], totals[1]), _common_variance(totals[1], totals[0])
    observed = _observe(*totals, variances, held_out=None)
    both = (observed.margins > 0) & (totals[1].margins > 0)
    if not both.any():
        return Posterior(np.full(len(both), np.nan), np.full(len(both), np.nan))
    weights = np.linalg.lstsq(observed.features[both], observed.margin[both])[0]

    def cross_validation(folds: int) -> Observations:
        """Return, for each fold, the observations of the other folds with the outcomes of this one."""
        parts: list[Observations] = []
        for fold in range(min(folds, len(own))):
            in_fold = [together(sums[fold::folds]) for sums in (own, other, traced)]
            own_rest, other_rest, traced_rest = (t.minus(part) for t, part in zip(totals, in_fold, strict=True))
            use = (in_fold[0].runs > 0) & (other_rest.margins > 0)
            parts.append(_observe(own_rest, other_rest, traced_rest, variances, held_out=in_fold[0]).where(use))
        return _concatenated(parts)

    posterior = _fit(cross_validation(FOLDS), weights).posterior(observed)
    thirds = cross_validation(3)
    factor = _variance_factor(_fit(thirds, weights).posterior(thirds), thirds)
    return Posterior(posterior.mean, posterior.variance, factor)


@dataclass(frozen=True)
class Model:
    """How observations give a posterior. In docs/theory.md the strengths are kappa and s, and the coefficients c.

    `weights` of the features predict the margin, a prior of `prior_strength` margins of the example's own. The link with
    these `coefficients` turns the latent margin into a probability, a prior of `model_strength` trials.
    """

    weights: Float[ndarray, " feature"]
    prior_strength: float
    coefficients: Float[ndarray, " term"]
    model_strength: float

    def posterior(self, observed: Observations) -> Posterior:
        """Return the posterior: its variance is that of the latent margin through the link, and that of a proportion."""
        z = _latent(observed, self.weights, self.prior_strength)
        predicted = expit(_basis(z) @ self.coefficients)
        strength = observed.trials + self.model_strength
        mean = (observed.successes + self.model_strength * predicted) / strength
        slope = self.coefficients[1] + self.coefficients[2] / (1 + np.abs(z))
        from_margins = slope**2 * _latent_variance(observed, self.prior_strength)
        from_counts = 1 / (strength * mean + 0.5) + 1 / (strength * (1 - mean) + 0.5)
        return Posterior(mean, (self.model_strength / strength) ** 2 * from_margins + from_counts)


def _fit(held_out: Observations, weights: Float[ndarray, " feature"]) -> Model:
    """Return the model under which the held-out outcomes are most likely."""
    prior = _most_likely(PRIOR_STRENGTHS, lambda strength: ndtr(_latent(held_out, weights, strength)), held_out)
    z = _latent(held_out, weights, prior)
    coefficients = _logistic_regression(z, held_out)
    predicted = expit(_basis(z) @ coefficients)
    strength = _most_likely(
        MODEL_STRENGTHS,
        lambda strength: (held_out.successes + strength * predicted) / (held_out.trials + strength),
        held_out,
    )
    return Model(weights, prior, coefficients, strength)


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
            for p in [_clipped(wider.at(node))]
        ]
        prior = -0.5 * float(np.log2(factor / USUAL_FACTOR) / FACTOR_SPREAD) ** 2
        return prior + float(np.asarray(logsumexp(terms, axis=0)).sum())

    return float(max(VARIANCE_FACTORS, key=log_density)) if several.any() else USUAL_FACTOR


def _observe(
    own: Sums, other: Sums, traced: Sums, variances: tuple[float, float], *, held_out: Sums | None
) -> Observations:
    """Return the observations of these runs; `held_out` are runs that are not among them."""
    with np.errstate(invalid="ignore"):
        easiness = logit(np.clip(traced.trace_sum / traced.traces, 0.005, 0.995))
    outcomes = held_out or Sums(*np.zeros((len(fields(Sums)), len(own.runs))))
    features = [np.ones_like(easiness), _standardized(other, variances[1]), np.nan_to_num(easiness)]
    return Observations(
        margin=_standardized(own, variances[0]),
        margins=own.margins,
        features=np.stack(features, axis=1),
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


def _latent(observed: Observations, weights: Float[ndarray, " feature"], prior_strength: float) -> PerExample:
    """Return the margin to expect of one more run, in standard deviations: own mean and prediction by their strengths."""
    predicted = np.clip(observed.features @ weights, -CLIP, CLIP)
    strength = observed.margins + prior_strength
    return (observed.margins * observed.margin + prior_strength * predicted) / strength / np.sqrt(1 + 1 / strength)


def _latent_variance(observed: Observations, prior_strength: float) -> PerExample:
    """Return the variance of the latent margin: of the mean, and of the standard deviation it is divided by."""
    strength, degrees = observed.margins + prior_strength, np.maximum(observed.margins - 1, 0) + VARIANCE_PRIOR
    return 1 / strength + (observed.margins / strength * observed.margin) ** 2 / (2 * degrees)


def _most_likely(
    strengths: Float[ndarray, " strength"], predict: Callable[[float], PerExample], held_out: Observations
) -> float:
    """Return the strength under which the held-out outcomes are most likely."""
    return float(max(strengths, key=lambda strength: _log_likelihood(predict(float(strength)), held_out)))


def _log_likelihood(probability: PerExample, held_out: Observations) -> float:
    successes, trials, p = held_out.held_out_successes, held_out.held_out_trials, _clipped(probability)
    return float(np.sum(xlogy(successes, p) + xlogy(trials - successes, 1 - p)))


def _clipped(probability: PerExample) -> PerExample:
    return np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)


def _basis(latent: PerExample) -> Float[ndarray, "example term"]:
    """Return what the log-odds are linear in: a constant, the latent margin, and its logarithm, for tails."""
    return np.stack([np.ones_like(latent), latent, np.sign(latent) * np.log1p(np.abs(latent))], axis=1)


def _logistic_regression(latent: PerExample, held_out: Observations) -> Float[ndarray, " term"]:
    """Return the coefficients of the link: a logistic regression of held-out outcomes on the latent margin (Newton).

    A normal prior with unit variance holds them near those of the normal distribution function.
    """
    x, successes, trials = _basis(latent), held_out.held_out_successes, held_out.held_out_trials
    prior = coefficients = np.array([0.0, PROBIT_SLOPE, 0.0])

    def log_posterior(coefficients: Float[ndarray, " term"]) -> float:
        log_odds = x @ coefficients
        return float(
            successes @ log_odds - trials @ np.logaddexp(0, log_odds) - np.sum((coefficients - prior) ** 2) / 2
        )

    for _ in range(30):
        p = expit(x @ coefficients)
        gradient = x.T @ (successes - trials * p) - (coefficients - prior)
        change = np.linalg.solve(x.T @ (x * (trials * p * (1 - p))[:, None]) + np.eye(3), gradient)
        while log_posterior(coefficients + change) < log_posterior(coefficients) and np.abs(change).max() > 1e-9:
            change = change / 2
        coefficients = coefficients + change
        if np.abs(change).max() < 1e-9:
            break
    return coefficients


def _concatenated(parts: Sequence[Observations]) -> Observations:
    """Return all these observations as if they were about as many more examples."""
    return Observations(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Observations)))
