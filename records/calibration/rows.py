"""One line of the calibration page: what a number promises, and what simulation measured."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from math import isnan, sqrt
from pathlib import Path

import numpy as np
from scipy import stats

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
    def ends(self) -> tuple[float, float]:
        """The 95 % interval of the rate: Student's between records, Wilson's where a draw is one outcome.

        Records that all have the same rate have no spread; then Wilson's, with one outcome per record.
        """
        if isnan(self.spread) or self.spread == 0 or self.draws < 2:
            low, high = wilson(self.measured * self.draws, self.draws, level=0.95)
            return float(low), float(high)
        half = float(stats.t.ppf(0.975, self.draws - 1)) * self.spread
        return max(self.measured - half, 0.0), min(self.measured + half, 1.0)

    @property
    def chance(self) -> bool:
        """Whether the 95 % interval of so many independent draws holds the nominal rate."""
        low, high = self.ends
        return low <= self.nominal <= high

    @property
    def word(self) -> str:
        """In words where a rate is off by more than .02 and more than chance; empty where it is right.

        An interval is "too narrow" or "wide", "badly" where it is off by more than .05. A rate of p-values or of false
        discoveries is wrong only where it is "too often".
        """
        off = self.measured - self.nominal
        if self.nominal < 0.8:
            return "too often" if self.nominal <= 0.1 and off > 0 and not self.chance else ""
        if abs(off) <= 0.02 or self.chance:
            return ""
        return ("badly " if abs(off) > 0.05 else "") + ("too narrow" if off < 0 else "wide")


def of_draws(quantity: str, setting: str, held: Iterable[bool], *, nominal: float = 0.9, stratum: str = "") -> Row:
    """Return the row of these draws, each of which held or not."""
    outcomes = [bool(outcome) for outcome in held]
    return Row(quantity, setting, nominal, sum(outcomes) / max(len(outcomes), 1), len(outcomes), stratum)


def of_records(quantity: str, setting: str, shares: Iterable[float], *, nominal: float = 0.9, stratum: str = "") -> Row:
    """Return the row of the mean of one share per record, with the standard error between records."""
    each = np.array(list(shares), np.float64)
    spread = float(each.std(ddof=1) / sqrt(len(each))) if len(each) > 1 else float("nan")
    return Row(quantity, setting, nominal, float(each.mean()), len(each), stratum, spread)


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV, one column per field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        for row in rows:
            numbers = f"{row.nominal:g}", f"{row.measured:.5g}", row.draws
            writer.writerow([row.quantity, row.setting, *numbers, row.stratum, f"{row.spread:.4g}"])


def read_rows(path: Path) -> list[Row]:
    """Return the rows that `write_rows` wrote, which keeps five digits of a rate."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(
                each["quantity"],
                each["setting"],
                float(each["nominal"]),
                float(each["measured"]),
                int(each["draws"]),
                each["stratum"],
                float(each["spread"]),
            )
            for each in csv.DictReader(file)
        ]
