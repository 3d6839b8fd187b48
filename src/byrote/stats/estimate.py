"""Estimate: one number with its interval, and how many things it was computed from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byrote.stats.intervals import left_out, newcombe, student, wilson

NAN = float("nan")


@dataclass(frozen=True)
class Estimate:
    """One number with its interval at `level`, and how many things it was computed from (`n` of `unit`).

    NaN where undefined; ends are NaN where there is a value and nothing that tells how sure it is.
    """

    value: float
    low: float
    high: float
    n: int
    unit: str
    level: float = 0.9

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def cells(self, name: str) -> dict[str, float | None]:
        """Return value and ends as cells of a row, under `name`, `name low` and `name high`; None where undefined."""
        known = {name: self.value, f"{name} low": self.low, f"{name} high": self.high}
        return {key: None if np.isnan(number) else float(number) for key, number in known.items()}

    def within(self, low: float, high: float) -> "Estimate":
        """Return the estimate with an interval that ends where the number itself must."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    @classmethod
    def undefined(cls, unit: str, *, n: int = 0, level: float = 0.9) -> "Estimate":
        """Return what stands where `n` things give no number: NaN."""
        return cls(NAN, NAN, NAN, n, unit, level)

    @classmethod
    def of_mean(cls, values: ArrayLike, unit: str, *, level: float = 0.9) -> "Estimate":
        """Return the mean with Student's interval. NaN are left out; of one value the ends are NaN, of none all is."""
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return cls.undefined(unit, level=level)
        mean, variance = known.mean(), known.var(ddof=1) if len(known) > 1 else NAN
        low, high = student(mean, variance, len(known), level=level)
        return cls(float(mean), float(low), float(high), len(known), unit, level)

    @classmethod
    def of_share(cls, successes: float, trials: int, unit: str, *, level: float = 0.9) -> "Estimate":
        """Return a share with Wilson's interval; NaN of nothing."""
        if not trials:
            return cls.undefined(unit, level=level)
        low, high = wilson(successes, trials, level=level)
        return cls(float(successes / trials), float(low), float(high), int(trials), unit, level)

    @classmethod
    def of_difference(
        cls, successes: float, trials: int, other_successes: float, other_trials: int, unit: str, *, level: float = 0.9
    ) -> "Estimate":
        """Return a share minus another share of other things, with Newcombe's interval; NaN where either is of nothing."""
        n = int(trials + other_trials)
        if not trials or not other_trials:
            return cls.undefined(unit, n=n, level=level)
        low, high = newcombe(successes, trials, other_successes, other_trials, level=level)
        return cls(float(successes / trials - other_successes / other_trials), float(low), float(high), n, unit, level)

    @classmethod
    def of_parts(cls, value: float, without: NDArray[np.float64], unit: str, *, level: float = 0.9) -> "Estimate":
        """Return a value with the jackknife's interval, from its values without one part each; NaN ends if one is NaN."""
        return cls(value, *left_out(value, without, level=level), len(without), unit, level)


UNDEFINED = Estimate.undefined("")
"""Stands where a row has no number."""
