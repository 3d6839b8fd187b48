"""Laws: how memorization depends on the number of examples (a power law) and on the size of the model (a trend)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import t_quantile
from byrote.stats.not_measured import NotMeasured

LEVEL = 0.9
MISFIT = 0.05
"""A curve is refused where its misfit would be a chance result in fewer experiments than this share of them ..."""

FAR = 0.1
"""... and some mean is this share of it away from the curve, or more. A misfit that is smaller does not matter."""


@dataclass(frozen=True, eq=False)
class Line:
    """A straight line through `seed` paired values at each place x, with its misfit.

    `slope` is per unit of x, with a 90 % interval from what is left within places and seeds. `height` is the mean at the mean
    place. `misfit` is the p-value of the means lying on a line, `farthest` the largest distance of a mean from it. `noise` is the
    standard deviation of one run, with `df` degrees of freedom.
    """

    x: Float[ndarray, " place"]
    slope: Estimate
    height: float
    misfit: float
    farthest: float
    df: int
    slope_variance: float
    seed_variance: float
    seeds: int
    noise: float

    def contrast(self, first: Float[ndarray, " seed"], second: Float[ndarray, " seed"]) -> Estimate:
        """Return the mean of second - first, paired by seed, with a 90 % interval from the noise of all places."""
        half = float(t_quantile(LEVEL, self.df) * self.noise * np.sqrt(2 / self.seeds))
        value = float(np.mean(second - first))
        return Estimate(value, value - half, value + half, 2 * self.seeds, "run", LEVEL)

    def band(self, at: Float[ndarray, " point"]) -> Float[ndarray, "point 3"]:
        """Return the line and the ends of its 90 % band at these places, for new seeds as well as these."""
        away = at - self.x.mean()
        middle = self.height + self.slope.value * away
        half = t_quantile(LEVEL, self.seeds - 1) * np.sqrt(self.seed_variance + self.slope_variance * away**2)
        return np.column_stack([middle, middle - half, middle + half])


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """M = scale * n^-exponent, where n is the share of the examples. Above 0, more examples mean less memorization.

    `cut` is by which share twice the examples would cut it, 1 - 2^-exponent: an extrapolation beyond what was tried, by the
    curve that fits within it.
    """

    scale: float
    exponent: Estimate
    cut: Estimate
    line: Line

    def band(self, shares: Float[ndarray, " point"]) -> Float[ndarray, "point 3"]:
        """Return the curve and the ends of its 90 % band at these shares."""
        return np.exp(self.line.band(np.log(shares)))


@checked
def line(x: Float[ndarray, " place"], values: Float[ndarray, "place seed"]) -> Line:
    """Fit a line to values whose seeds are the same at all places, so that what a seed adds cancels in the slope.

    Raises InvalidData below three places or two seeds.
    """
    places, seeds = values.shape
    if places < 3 or seeds < 2:
        raise InvalidData(
            f"{places} places with {seeds} seed(s) cannot give a line. Give 3 places and 2 seeds or more."
        )
    means, away = values.mean(axis=1), x - x.mean()
    slope = float(away @ means / (away @ away))
    residuals = values - means[:, None] - values.mean(axis=0) + values.mean()
    df = (places - 1) * (seeds - 1)
    variance = float((residuals**2).sum() / df)
    slope_variance = variance / (seeds * float(away @ away))
    half = float(t_quantile(LEVEL, df) * np.sqrt(slope_variance))
    off = means - means.mean() - slope * away
    ratio = seeds * float(off @ off) / (places - 2) / max(variance, 1e-300)
    return Line(
        x=x,
        slope=Estimate(slope, slope - half, slope + half, places * seeds, "run", LEVEL),
        height=float(means.mean()),
        misfit=float(stats.f.sf(ratio, places - 2, df)),
        farthest=float(np.abs(off).max()),
        df=df,
        slope_variance=slope_variance,
        seed_variance=float(values.mean(axis=0).var(ddof=1) / seeds),
        seeds=seeds,
        noise=float(np.sqrt(variance)),
    )


def power_law(shares: Float[ndarray, " place"], values: Float[ndarray, "place seed"]) -> PowerLaw | NotMeasured:
    """Return the power law of memorization against the share of the examples, or why there is none.

    Fitted to logarithms, so the noise is taken to be a share of the value. Refused where a value is not above 0, and where
    the means do not lie on such a curve.
    """
    if not np.isfinite(values).all() or (values <= 0).any():
        return NotMeasured(
            f"No power law was fitted: {int((~(values > 0)).sum())} of {values.size} runs show no memorization above 0, which has no logarithm."
        )
    fitted = line(np.log(shares), np.log(values))
    if fitted.misfit < MISFIT and np.expm1(fitted.farthest) > FAR:
        return NotMeasured(
            f"No power law was fitted: memorization does not follow one (a mean is {np.expm1(fitted.farthest):.0%} away from it, p = {fitted.misfit:.3f}), so nothing is said about more examples than there are."
        )
    slope = fitted.slope
    exponent = Estimate(-slope.value, -slope.high, -slope.low, slope.n, slope.unit, slope.level)
    scale = float(np.exp(fitted.height - slope.value * fitted.x.mean()))
    return PowerLaw(scale, exponent, exponent.transformed(lambda b: float(1 - 2.0**-b)), fitted)


def means(values: Float[ndarray, "place seed"]) -> tuple[Estimate, ...]:
    """Return the mean at each place, with Student's interval over runs."""
    return tuple(Estimate.of_mean(each, "run", level=LEVEL) for each in values)
