"""The latent margin of an example, from its own margins and a predicted one, by a prior with a heavy tail; docs/theory.md."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool
from numpy import ndarray
from scipy.special import expit, logit

from byrote.scores._run_sums import PerExample

VARIANCE_PRIOR = 4.0
"""Prior strength of the common variance of margins, in margins of an example's own."""

UNLIKE, UNLIKE_STRENGTH = 0.03, 0.3
"""The prior probability that an example is unlike the others, and the prior strength of the prediction for those that are.

They were chosen among ten such priors on the simulations of records/calibration with small groups, and on `fashion`.
"""


@dataclass(frozen=True)
class Observations:
    """What some runs observed about one proportion of each example.

    `successes` of `trials` runs were right. `margin` is the mean of `margins` transformed margins in standard deviations,
    0 without any; `predicted` is the one that the features of the example lead to expect. Of the runs held out,
    `held_out_successes` of `held_out_trials` were right.
    """

    margin: PerExample
    margins: PerExample
    predicted: PerExample
    successes: PerExample
    trials: PerExample
    held_out_successes: PerExample
    held_out_trials: PerExample

    def where(self, use: Bool[ndarray, " example"]) -> "Observations":
        """Return the observations about these examples."""
        return Observations(*(getattr(self, f.name)[use] for f in fields(self)))

    @property
    def degrees(self) -> PerExample:
        """The degrees of freedom of the standard deviation that `margin` is divided by."""
        return np.maximum(self.margins - 1, 0) + VARIANCE_PRIOR


@dataclass(frozen=True)
class Latent:
    """The posterior of the latent margin in standard deviations, and the share of the example's own mean in it."""

    mean: PerExample
    variance: PerExample
    own: PerExample

    @property
    def of_one_more_run(self) -> PerExample:
        """The margin to expect of one more run, in standard deviations of that."""
        return self.mean / np.sqrt(1 + self.variance)


def latent(observed: Observations, prior_strength: float) -> Latent:
    """Return the posterior where the prediction is worth `prior_strength` margins, or UNLIKE_STRENGTH for those unlike others.

    Which of the two an example is, its own margins tell: near the prediction it is moved there as the others are, and far from
    it hardly at all (as by limited translation, Efron & Morris, 1972).
    """
    unlike, distance = _unlike(observed, prior_strength), observed.margin - observed.predicted
    usual, free = observed.margins + prior_strength, observed.margins + UNLIKE_STRENGTH
    own_usual, own_free = observed.margins / usual, observed.margins / free
    own = own_usual + unlike * (own_free - own_usual)
    between = unlike * (1 - unlike) * ((own_free - own_usual) * distance) ** 2
    return Latent(observed.predicted + own * distance, (1 - unlike) / usual + unlike / free + between, own)


def _unlike(observed: Observations, prior_strength: float) -> PerExample:
    """Return the probability that an example is unlike the others; 0 without margins of its own.

    The distance of its mean from the prediction has Student's distribution in both cases, because its standard deviation is
    estimated too: few margins are no proof.
    """
    degrees = observed.degrees
    noise = 1 / np.maximum(observed.margins, 1) + observed.predicted**2 / (2 * degrees)
    square = (observed.margin - observed.predicted) ** 2 / degrees
    usual, free = 1 / prior_strength + noise, 1 / UNLIKE_STRENGTH + noise
    odds = np.log(usual / free) + (degrees + 1) * np.log((1 + square / usual) / (1 + square / free))
    return np.where(observed.margins > 0, expit(logit(UNLIKE) + odds / 2), 0.0)
