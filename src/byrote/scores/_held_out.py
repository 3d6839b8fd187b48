"""How far estimates of memorization were from the truth, estimated from held-out runs; explained in docs/theory.md."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.scores._run_sums import PerExample

ByFold = Float[ndarray, "fold example"]
ByKind = Float[ndarray, "kind example"]
"""The first row is about the runs that were trained on the example (IN), the second about the others (OUT)."""


@dataclass(frozen=True)
class Predictions:
    """One proportion of each example, predicted from the runs outside of each fold, and the outcomes within the fold.

    `mean` is the predicted proportion, and `others` counts the runs of this kind outside of the fold. Of the `tried` runs of
    this kind in the fold, `right` were right. `squared` is the sum of their squares, `right` for outcomes of 0 and 1.
    """

    mean: ByFold
    others: ByFold
    right: ByFold
    tried: ByFold
    squared: ByFold

    @property
    def runs(self) -> PerExample:
        """The runs of this kind."""
        return self.tried.sum(axis=0)

    @property
    def outcome(self) -> PerExample:
        """The mean outcome; NaN without any run."""
        with np.errstate(invalid="ignore"):
            return self.right.sum(axis=0) / self.runs

    @property
    def squared_truth(self) -> PerExample:
        """The mean product of the outcomes of two runs, which has as its mean the square of the true proportion."""
        runs = self.runs
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.right.sum(axis=0) ** 2 - self.squared.sum(axis=0)) / (runs * (runs - 1))

    def averaged(self, values: ByFold) -> PerExample:
        """Return the mean of these values over the runs of this kind; NaN without any."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.tried * values).sum(axis=0) / self.runs

    def against(self, values: ByFold) -> PerExample:
        """Return the mean over the runs of this kind of their outcome times the value that was known without them."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.right * values).sum(axis=0) / self.runs


@dataclass(frozen=True)
class HeldOut:
    """What is needed for the reliability of estimates, one entry per example.

    `mean` are the two proportions as estimated from all runs, and `runs` counts these. `spread` is p (1 - p) of the proportions
    p as they were estimated from the other runs, on average `others` of each kind. Of these estimates of memorization,
    `estimate_squared` is the square, and `times_truth` and `truth_squared` have as their means the product with the true value
    and its square. Values are counted from the difference of the shares of right outcomes, and NaN below two runs of either kind.
    """

    mean: ByKind
    runs: ByKind
    spread: ByKind
    others: ByKind
    estimate_squared: PerExample
    times_truth: PerExample
    truth_squared: PerExample

    def where(self, use: Bool[ndarray, " example"]) -> "HeldOut":
        """Return what is known of these examples."""
        return HeldOut(*(getattr(self, f.name)[..., use] for f in fields(self)))


def held_out(means: Sequence[PerExample], inside: Predictions, outside: Predictions) -> HeldOut:
    """Return what runs tell of estimates from the others: the means of IN and OUT from all runs, and the predictions.

    Proportions are counted from the shares of right outcomes: the closer to 0, the less it matters that predictions are not the
    same in the folds that hold out IN runs and in those that hold out OUT runs.
    """
    several = (inside.runs > 1) & (outside.runs > 1)
    a, b = _centred(inside, several), _centred(outside, several)
    products = a.mean * b.mean
    estimate = a.averaged(a.mean**2 - products) + b.averaged(b.mean**2 - products)
    by_truth = a.against(a.mean - b.mean) + b.against(b.mean - a.mean)
    truth = a.squared_truth + b.squared_truth - 2 * a.outcome * b.outcome
    return HeldOut(
        mean=np.stack(means),
        runs=np.stack([inside.runs, outside.runs]),
        spread=np.stack([each.averaged(each.mean * (1 - each.mean)) for each in (inside, outside)]),
        others=np.stack([each.averaged(each.others) for each in (inside, outside)]),
        estimate_squared=np.where(several, estimate, np.nan),
        times_truth=np.where(several, by_truth, np.nan),
        truth_squared=np.where(several, truth, np.nan),
    )


def _centred(of: Predictions, among: Bool[ndarray, " example"]) -> Predictions:
    """Return proportions and outcomes less the share of right outcomes among these examples."""
    centre = float(of.right[:, among].sum() / max(of.tried[:, among].sum(), 1))
    return Predictions(
        of.mean - centre,
        of.others,
        of.right - centre * of.tried,
        of.tried,
        of.right * (1 - centre) ** 2 + (of.tried - of.right) * centre**2,
    )
