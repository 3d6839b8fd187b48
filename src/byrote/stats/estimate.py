"""Estimate: one number with its interval, and how many things it was computed from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Real
from numpy import ndarray

from byrote import notebook
from byrote.stats.intervals import clopper_pearson, jackknife_interval, newcombe, student, wilson

NAN = float("nan")

Count = int | float | np.integer[Any]


@dataclass(frozen=True)
class Estimate:
    """One number with its interval at `level`, and how many things it was computed from (`n` of `unit`).

    NaN where undefined. The ends are NaN where there is a value and no interval, as for the mean of one value.
    """

    value: float
    low: float
    high: float
    n: int
    unit: str
    level: float = 0.9

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def _repr_html_(self) -> str:
        number = notebook.number(self.value, self.low, self.high)
        about = f"{100 * self.level:g} % interval, from {self.n:,} {self.unit}{'' if self.n == 1 else 's'}"
        return notebook.table(number, (), (), about)

    def cells(self, name: str) -> dict[str, float | None]:
        """Return value and ends as cells of a row, under `name`, `name low` and `name high`; None where undefined."""
        known = {name: self.value, f"{name} low": self.low, f"{name} high": self.high}
        return {key: None if np.isnan(number) else float(number) for key, number in known.items()}

    def within(self, low: float, high: float) -> "Estimate":
        """Return the estimate with its interval cut off at the least and greatest number that there can be."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def transformed(self, increasing: Callable[[float], float]) -> "Estimate":
        """Return the estimate of an increasing function of the number: value and ends go through the function."""
        return replace(self, value=increasing(self.value), low=increasing(self.low), high=increasing(self.high))

    @classmethod
    def undefined(cls, unit: str, *, n: int = 0, level: float = 0.9) -> "Estimate":
        """Return NaN: the estimate where `n` things give no number."""
        return cls(NAN, NAN, NAN, n, unit, level)

    @classmethod
    def of_mean(cls, values: Real[ndarray, " value"] | Sequence[float], unit: str, *, level: float = 0.9) -> "Estimate":
        """Return the mean with Student's interval. NaN are left out; of one value the ends are NaN, of none all is."""
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return cls.undefined(unit, level=level)
        mean, variance = known.mean(), known.var(ddof=1) if len(known) > 1 else NAN
        low, high = student(mean, variance, len(known), level=level)
        return cls(float(mean), float(low), float(high), len(known), unit, level)

    @classmethod
    def of_share(
        cls, successes: Count, trials: Count, unit: str, *, exact: bool = False, level: float = 0.9
    ) -> "Estimate":
        """Return a share with Wilson's interval, or with Clopper & Pearson's if `exact`; NaN without trials."""
        if not trials:
            return cls.undefined(unit, level=level)
        low, high = (clopper_pearson if exact else wilson)(successes, trials, level=level)
        return cls(float(successes / trials), float(low), float(high), int(trials), unit, level)

    @classmethod
    def of_difference(
        cls,
        successes: Count,
        trials: Count,
        other_successes: Count,
        other_trials: Count,
        unit: str,
        *,
        level: float = 0.9,
    ) -> "Estimate":
        """Return a share minus another share of other things, with Newcombe's interval; NaN where either has no trials."""
        n = int(trials + other_trials)
        if not trials or not other_trials:
            return cls.undefined(unit, n=n, level=level)
        low, high = newcombe(successes, trials, other_successes, other_trials, level=level)
        return cls(float(successes / trials - other_successes / other_trials), float(low), float(high), n, unit, level)

    @classmethod
    def of_parts(
        cls, value: float, leave_one_out: Float[ndarray, " part"], unit: str, *, level: float = 0.9
    ) -> "Estimate":
        """Return a value with the jackknife's interval, from its values without one part each; NaN ends if one is NaN."""
        ends = jackknife_interval(value, leave_one_out, level=level)
        return cls(value, *ends, len(leave_one_out), unit, level)

    @classmethod
    def of_lower_bound(cls, bound: float, n: int, unit: str, *, level: float = 0.95) -> "Estimate":
        """Return a one-sided bound: the number is at least `bound`, and nothing bounds it from above."""
        return cls(bound, bound, float("inf"), n, unit, level)


UNDEFINED = Estimate.undefined("")
"""Stands where a row has no number."""
