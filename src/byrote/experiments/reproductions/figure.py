"""Figure: what an experiment of a paper shows here, what it has to show, and whether it does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from byrote.errors import InvalidData
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

Outcome = Literal["holds", "not shown", "does not hold"]
Verdict = Literal["holds", "partly", "not shown", "does not hold", "not measured"]


@dataclass(frozen=True)
class Point:
    """One point of a chart, with the ends of its interval where it has one. Points of a series are in their order."""

    series: str
    x: float | str
    y: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of(cls, series: str, x: float | str, estimate: Estimate) -> "Point":
        """Return the point of an estimate, with its interval."""
        return cls(series, x, estimate.value, estimate.low, estimate.high)


@dataclass(frozen=True)
class Panel:
    """One chart: the titles of its axes and its points. Points whose `x` is a text are not joined by lines."""

    title: str
    x: str
    y: str
    points: tuple[Point, ...]
    log_x: bool = False


@dataclass(frozen=True)
class Assertion:
    """What a figure must show, as a number and the bounds within which it must be.

    It holds when the whole interval is within `least` and `most`, and does not hold when the whole interval is outside.
    Otherwise the runs are too few to tell: it is not shown. `paper` is what the paper reports in its place. Raises
    InvalidData without any bound.
    """

    text: str
    estimate: Estimate
    least: float = -math.inf
    most: float = math.inf
    paper: str = ""
    strict: bool = True
    """Whether a number that equals a bound is outside of it, as for `above 0`."""
    beside: bool = False
    """Whether it is shown beside the claim, and does not count for the verdict."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.least) or math.isfinite(self.most)):
            raise InvalidData(
                f"The assertion {self.text!r} has no bound, so it could not fail. Give `least` or `most`."
            )

    @property
    def outcome(self) -> Outcome:
        """Whether it holds. A NaN never does: it is not shown."""
        low, high = self.estimate.low, self.estimate.high
        if math.isnan(low) or math.isnan(high):
            return "not shown"
        over, under = (low > self.least, high < self.most) if self.strict else (low >= self.least, high <= self.most)
        if over and under:
            return "holds"
        outside = high <= self.least or low >= self.most if self.strict else high < self.least or low > self.most
        return "does not hold" if outside else "not shown"

    @property
    def bounds(self) -> str:
        """The bounds in words: `above 0`, `at most 0.02`, `from 0.8 to 1.25`."""
        if math.isinf(self.most):
            return f"{'above' if self.strict else 'at least'} {self.least:g}"
        if math.isinf(self.least):
            return f"{'below' if self.strict else 'at most'} {self.most:g}"
        return f"from {self.least:g} to {self.most:g}"

    def __str__(self) -> str:
        line = f"{self.outcome}: {self.text}: {spelled(self.estimate)} ({self.estimate.n} {self.estimate.unit}; must be {self.bounds})"
        return f"{line}; paper: {self.paper}" if self.paper else line


@dataclass(frozen=True)
class Figure:
    """A figure of a paper as it was measured here: charts, assertions, and what differs from the paper.

    `missing` says why it was not measured, where it was not. `contested` is what the literature says against the claim.
    """

    paper: str
    name: str
    title: str
    claim: str
    panels: tuple[Panel, ...]
    assertions: tuple[Assertion, ...]
    differs: str
    models: int = 0
    contested: str = ""
    missing: NotMeasured | None = None

    @property
    def verdict(self) -> Verdict:
        """`holds` when all assertions do, `does not hold` when none does and one fails, `partly` when some hold."""
        return "not measured" if self.missing else verdict(self.assertions)

    def sentences(self) -> list[str]:
        """Return what to print: the claim, the verdict, and a line for each assertion."""
        lines = [f"{self.name}, {self.title}: {self.verdict}", f"  claim: {self.claim}"]
        if self.missing:
            return [*lines, f"  {self.missing.reason}"]
        return [*lines, *(f"  {assertion}" for assertion in self.assertions)]


def spelled(estimate: Estimate) -> str:
    """Return a number with its interval; a number that is computed and not estimated stands alone."""
    value, low, high = (_number(each) for each in (estimate.value, estimate.low, estimate.high))
    return value if estimate.low == estimate.high else f"{value} [{low}, {high}]"


def _number(value: float) -> str:
    if math.isnan(value):
        return "undefined"
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.1e}" if abs(value) < 5e-4 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def verdict(assertions: Sequence[Assertion]) -> Verdict:
    """Return the verdict over assertions; raise InvalidData when there is none, because nothing could fail."""
    if all(assertion.beside for assertion in assertions):
        raise InvalidData("A figure without an assertion has no verdict. Say what it must show.")
    outcomes = [assertion.outcome for assertion in assertions if not assertion.beside]
    if all(outcome == "holds" for outcome in outcomes):
        return "holds"
    if "holds" in outcomes:
        return "partly"
    return "does not hold" if "does not hold" in outcomes else "not shown"
