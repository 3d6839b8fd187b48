"""One line of the calibration page: what a number promises, and what simulation measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan, sqrt

from byrote.stats.intervals import wilson


@dataclass(frozen=True)
class Row:
    """One measured rate.

    `quantity` is the public name of what was tried, `setting` the simulated data in a few words. `nominal` and `measured` are
    rates from 0 to 1: of intervals that hold the truth, of p-values below a bound at the null, or of false discoveries.
    `draws` counts independent draws. `stratum` names a part of the examples, and is empty for all of them. `spread` is
    the standard error between records, where a draw is a record with many examples; NaN where a draw is one outcome.
    """

    quantity: str
    setting: str
    nominal: float
    measured: float
    draws: int
    stratum: str = ""
    spread: float = float("nan")

    @property
    def error(self) -> float:
        """The Monte Carlo standard error of `measured`: `spread`, or that of a share of `draws` independent draws."""
        if not isnan(self.spread):
            return self.spread
        return sqrt(max(self.measured * (1 - self.measured), 0.25 / max(self.draws, 1)) / max(self.draws, 1))

    @property
    def chance(self) -> bool:
        """Whether Wilson's 95 % interval of so many independent draws holds the nominal rate."""
        low, high = wilson(self.measured * self.draws, self.draws, level=0.95)
        return bool(low <= self.nominal <= high)


def of_draws(quantity: str, setting: str, held: Iterable[bool], *, nominal: float = 0.9, stratum: str = "") -> Row:
    """Return the row of these draws, each of which held or not."""
    outcomes = [bool(outcome) for outcome in held]
    return Row(quantity, setting, nominal, sum(outcomes) / max(len(outcomes), 1), len(outcomes), stratum)
