"""How far estimates of memorization were from the truth, told by runs that they had not seen; explained in docs/theory.md."""

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
    this kind in the fold, `right` were right.
    """

    mean: ByFold
    others: ByFold
    right: ByFold
    tried: ByFold

    @property
    def runs(self) -> PerExample:
        """The runs of this kind."""
        return self.tried.sum(axis=0)

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

    `mean` are the two proportions as estimated from all runs, and `runs` counts these. `squared_error` has as its mean the
    squared error of estimates of memorization from the other runs; it is NaN below two runs of either kind. `spread` is
    p (1 - p) of the proportions p as these had them, from `others` runs of each kind.
    """

    mean: ByKind
    runs: ByKind
    squared_error: PerExample
    spread: ByKind
    others: ByKind

    def where(self, use: Bool[ndarray, " example"]) -> "HeldOut":
        """Return what is known of these examples."""
        return HeldOut(*(getattr(self, f.name)[..., use] for f in fields(self)))


def held_out(means: Sequence[PerExample], predictions: Sequence[Predictions]) -> HeldOut:
    """Return what runs tell of estimates from the others, for IN and OUT: the means from all runs, and the predictions."""
    return HeldOut(
        mean=np.stack(means),
        runs=np.stack([each.runs for each in predictions]),
        squared_error=squared_error(*predictions),
        spread=np.stack([each.averaged(each.mean * (1 - each.mean)) for each in predictions]),
        others=np.stack([each.averaged(each.others) for each in predictions]),
    )


def squared_error(inside: Predictions, outside: Predictions) -> PerExample:
    """Return estimates of the squared error of IN minus OUT predictions; NaN below two runs of either kind.

    The squared error of each proportion is expected to be just this. The product of both errors is, as far as leaving out an
    IN run or an OUT run changes predictions alike.
    """
    return _squared(inside) + _squared(outside) - 2 * _product(inside, outside)


def _squared(of: Predictions) -> PerExample:
    """Return m^2 - 2 m y + y y' for predictions m and outcomes y, y' of different runs: its mean is that of (m - p)^2."""
    right, runs = of.right.sum(axis=0), of.runs
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = right * (right - 1) / (runs * (runs - 1))
    return np.where(runs > 1, of.averaged(of.mean**2) - 2 * of.against(of.mean) + pairs, np.nan)


def _product(inside: Predictions, outside: Predictions) -> PerExample:
    """Return the product of both errors: m n - y n - m z + y z for predictions m, n and outcomes y, z of IN and OUT runs.

    Proportions are counted from their means: the closer to 0, the less it matters that the means of m and n are not the same
    in the folds that hold out IN runs and in those that hold out OUT runs.
    """
    both = (inside.runs > 0) & (outside.runs > 0)
    if not both.any():
        return np.full(len(both), np.nan)
    a, b = _centred(inside, both), _centred(outside, both)
    with np.errstate(invalid="ignore", divide="ignore"):
        outcomes = a.right.sum(axis=0) / a.runs * (b.right.sum(axis=0) / b.runs)
    expected = (a.averaged(a.mean * b.mean) + b.averaged(a.mean * b.mean)) / 2
    return expected - a.against(b.mean) - b.against(a.mean) + outcomes


def _centred(of: Predictions, among: Bool[ndarray, " example"]) -> Predictions:
    """Return proportions and outcomes less the share of right outcomes among these examples."""
    centre = float(of.right[:, among].sum() / of.tried[:, among].sum())
    return Predictions(of.mean - centre, of.others, of.right - centre * of.tried, of.tried)
