"""Estimate: one number with its interval, and how many things it was computed from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """One number with its interval at `level`, and how many things it was computed from (`n` of `unit`)."""

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


UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"), 0, "")
"""Stands where a row has no number."""
