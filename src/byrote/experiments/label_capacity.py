"""Capacity: how many bits the labels of a list are, against those that a model can hold by rote."""

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.controls.factory import factory_of, fresh
from byrote.errors import Unsupported
from byrote.lm.bits import trainable_parameters
from byrote.objectives import Multilabel, Tokens
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.task.task import Task

PER_PARAMETER = (0.1, 1.0)
"""Bits of labels per parameter that small networks hold at a recall of .99."""


@dataclass(frozen=True)
class LabelForecast:
    """Bits that the labels of the wanted list are, `wanted`, and of all other training examples, `rest`.

    `bounds`: before training nothing is known of the labels, and these are upper bounds, log2 of the number of classes
    each. Otherwise they are what models that were not trained on an example need to be told of its label, -log2 p. The
    model has `parameters` that are trained, and holds between `least` and `most` bits in each.
    """

    wanted: float
    rest: float
    bounds: bool
    parameters: int
    least: float = PER_PARAMETER[0]
    most: float = PER_PARAMETER[1]

    @property
    def held(self) -> tuple[float, float]:
        """How many bits the model can hold, from the least to the most."""
        return self.least * self.parameters, self.most * self.parameters

    @property
    def times(self) -> float:
        """The bits of the wanted list over those that the model can hold (geometric mean of its ends); above 1: too many."""
        return self.wanted / math.sqrt(self.held[0] * self.held[1])

    @property
    def times_all(self) -> float:
        """The same of all training examples."""
        return (self.wanted + self.rest) / math.sqrt(self.held[0] * self.held[1])


def forecast_labels(task: Task, count: int) -> LabelForecast:
    """Return the forecast for `count` wanted examples before anything is trained, where bits are upper bounds.

    A class is log2 of the number of classes, a set of labels one bit for each label, a text log2 of the vocabulary for each
    of its tokens (in the mean over examples). Raises Unsupported for a regression, whose targets have as many bits as one
    wants digits.
    """
    each, others = _most_bits(task), len(task.train) - len(task.excluded) - count
    parameters = trainable_parameters(fresh(factory_of(task)))
    return LabelForecast(count * each, others * each, True, parameters)


def measured_bits(record: Record, of: Bool[ndarray, " example"]) -> Estimate:
    """Return how many bits the labels of these examples are to runs that were not trained on them: the sum of -log2 p.

    Of examples that some run of `record` was not trained on; NaN where there are none. The interval is Student's over runs, each
    scaled to all of these examples.
    """
    found: list[float] = []
    for run in record.runs:
        out = of & ~record.member(run)
        if out.any():
            found.append(float(bits_of(record, run)[out].mean()) * int(of.sum()))
    return Estimate.of_mean(np.array(found), "run")


def bits_of(record: Record, run: int) -> Float[ndarray, " example"]:
    """Return -log2 of the probability that a run gives each label, at its end; raise Unsupported for a regression."""
    objective, last = record.objective, record.last_step
    if isinstance(objective, Tokens):
        return -record.at_step(run, "log_probability", last).astype(np.float64) / math.log(2)
    if objective.name == "regression":
        raise _no_bits()
    factor = objective.labels if isinstance(objective, Multilabel) else 1
    return factor * record.at_step(run, "loss", last).astype(np.float64) / math.log(2)


def refined(forecast: LabelForecast, wanted: float, rest: float) -> LabelForecast:
    """Return the forecast with bits that were measured."""
    return replace(forecast, wanted=wanted, rest=rest, bounds=False)


def _most_bits(task: Task) -> float:
    objective = task.learned
    if isinstance(objective, Tokens):
        return float((task.train.labels >= 0).sum(axis=1).mean()) * math.log2(objective.vocabulary)
    if objective.name == "regression":
        raise _no_bits()
    return float(objective.labels) if isinstance(objective, Multilabel) else math.log2(objective.outputs)


def _no_bits() -> Unsupported:
    return Unsupported(
        "Targets that are numbers have as many bits as one wants digits. Forecast classes, labels or texts."
    )
