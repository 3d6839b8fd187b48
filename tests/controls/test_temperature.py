"""Temperature is the cross-entropy of logits / alpha; a sharper one memorizes more at equal training."""

import numpy as np
import torch
from torch.nn import functional

from byrote.controls import temperature
from byrote.task.canaries import Canaries, plant
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import train
from controls.batches import batch, strengths
from small import small_task


def test_values_are_those_of_divided_logits() -> None:
    plain, given = batch()
    found = temperature(2.0).losses(plain, given, strengths(0.5, 3.0))
    for run, alpha in enumerate((0.5, 3.0)):
        expected = functional.cross_entropy(given.outputs[run] / alpha, given.targets[run], reduction="none")
        torch.testing.assert_close(found[run], expected)


def test_below_1_more_wrong_labels_are_fitted_and_above_1_fewer() -> None:
    """Measured as the docstring says it: at one learning rate and number of epochs."""
    base = small_task(epochs=15, n=200)
    population = plant(base, Canaries(mislabeled=40), 0)
    member = (population.split != "test")[None]
    wrong = np.flatnonzero(population.canary == "mislabeled")

    def fitted(alpha: float) -> float:
        task = temperature(alpha)(base)
        steps = list(train(learner(task), population, member, task.recipe, [0], Engine(), objective=task.learned))
        assert steps[-1][0].clean is not None
        return float(steps[-1][0].clean.values["correct"][wrong].mean())

    sharp, plain, soft = (fitted(alpha) for alpha in (0.25, 1.0, 8.0))
    assert sharp > plain > soft
