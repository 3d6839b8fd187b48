"""What OUT models, which were not trained on an example, predict for its target: their mean, and how much they differ."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.errors import MissingEvidence
from byrote.evidence.evaluate import LEVEL
from byrote.explain.causes import FEWEST_MODELS
from byrote.objectives.regression import Regression
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student


@dataclass(frozen=True)
class OutTargets:
    """The predictions of `models` OUT models for one example, one entry per target, in the units of the target.

    `means` are their means with Student's interval. It is an interval of the mean prediction, not of the true target.
    `spreads` are the standard deviations over the models. `distances` say how far each given target is from its mean
    prediction, and `disagreements` are the spreads, both in standard deviations of that target. `distance` and `disagreement` are
    their root mean squares over the targets, and `distance_rank` and `disagreement_rank` the shares of the real training
    examples where these are smaller. NaN where there are too few models for the number.
    """

    means: tuple[Estimate, ...]
    spreads: tuple[float, ...]
    models: int
    distances: tuple[float, ...]
    disagreements: tuple[float, ...]
    distance: float
    disagreement: float
    distance_rank: float
    disagreement_rank: float


@dataclass(frozen=True, eq=False)
class OutTargetTable:
    """The predictions of OUT models for every example of a record, with the fields of `OutTargets` as arrays.

    `usual` are the real training examples with at least FEWEST_MODELS OUT models, with which others are compared.
    """

    mean: Float[ndarray, "example target"]
    spread: Float[ndarray, "example target"]
    models: Int[ndarray, " example"]
    distances: Float[ndarray, "example target"]
    disagreements: Float[ndarray, "example target"]
    usual: Bool[ndarray, " example"]

    @cached_property
    def distance(self) -> Float[ndarray, " example"]:
        """Root mean square of the distances of each example."""
        return np.sqrt((self.distances**2).mean(axis=1))

    @cached_property
    def disagreement(self) -> Float[ndarray, " example"]:
        """Root mean square of the disagreements of each example."""
        return np.sqrt((self.disagreements**2).mean(axis=1))

    def at(self, position: int) -> OutTargets:
        """Return the predictions for one example."""
        mean, spread, models = self.mean[position], self.spread[position], int(self.models[position])
        low, high = student(mean, spread**2, np.full(len(mean), models), level=LEVEL)
        ends = zip(mean.tolist(), low.tolist(), high.tolist(), strict=True)
        distance, disagreement = float(self.distance[position]), float(self.disagreement[position])
        return OutTargets(
            tuple(Estimate(*each, models, "run", LEVEL) for each in ends),
            tuple(spread.tolist()),
            models,
            tuple(self.distances[position].tolist()),
            tuple(self.disagreements[position].tolist()),
            distance,
            disagreement,
            _rank(self._usual_distance, distance),
            _rank(self._usual_disagreement, disagreement),
        )

    @cached_property
    def _usual_distance(self) -> Float[ndarray, " reference"]:
        return np.sort(self.distance[self.usual])

    @cached_property
    def _usual_disagreement(self) -> Float[ndarray, " reference"]:
        return np.sort(self.disagreement[self.usual])


def read_out_targets(record: Record) -> OutTargetTable:
    """Return what the runs that were not trained on each example predict for it in their last clean pass.

    Raises MissingEvidence for other objectives, and when there is no such prediction of any example.
    """
    objective = record.objective
    if not isinstance(objective, Regression):
        raise MissingEvidence(f"Predicted targets are averaged for regression only, not for {objective.name}.")
    names = [name for name in objective.columns() if name.startswith("prediction")]
    shape = len(record.population), objective.outputs
    total, squares, models = np.zeros(shape), np.zeros(shape), np.zeros(shape[0], np.int64)
    for run in record.runs:
        columns = [np.asarray(record.at_step(run, name, record.last_step), np.float64) for name in names]
        predicted = objective.from_predictions(np.stack(columns, axis=1))  # standard units: sums of squares stay exact
        out = ~record.member(run) & ~np.isnan(predicted).any(axis=1)
        total[out] += predicted[out]
        squares[out] += predicted[out] ** 2
        models += out
    if not models.any():
        raise MissingEvidence(
            f"{record.directory} has no prediction of a run for an example that the run was not trained on. "
            "Collect runs on subsets, with a clean pass over every example at the end."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / models[:, None]
        variance = np.maximum(squares - models[:, None] * mean**2, 0) / (models[:, None] - 1)
    variance[models < 2] = np.nan
    scale = np.array(objective.scale)
    return OutTargetTable(
        mean=mean * scale + np.array(objective.mean),
        spread=np.sqrt(variance) * scale,
        models=models,
        distances=np.abs(objective.from_predictions(record.population.labels) - mean),
        disagreements=np.sqrt(variance),
        usual=record.population.where("train") & (models >= FEWEST_MODELS),
    )


def _rank(usual: Float[ndarray, " reference"], value: float) -> float:
    return float(np.searchsorted(usual, value) / len(usual)) if len(usual) and np.isfinite(value) else float("nan")
