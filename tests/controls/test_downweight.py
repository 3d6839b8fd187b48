"""Weights of examples: what they are, and that they reach training and a Fit."""

from dataclasses import replace

import numpy as np
import pytest

from byrote.controls import downweight, drop
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from controls.test_laws import losses
from small import small_task


def test_chosen_examples_weigh_less_and_factors_multiply() -> None:
    task = downweight(("train/3",), 0.5)(downweight(("3", "4"), 0.1)(small_task()))
    assert task.train.weights is not None
    expected = np.ones(80, np.float32)
    expected[3], expected[4] = 0.05, 0.1
    np.testing.assert_allclose(task.train.weights, expected)
    assert task.train.ids.tolist() == small_task().train.ids.tolist()


def test_at_weight_0_a_run_learns_as_if_they_were_not_there() -> None:
    """In full batches, where leaving examples out moves no other to another batch."""
    base = small_task()
    base = replace(base, recipe=replace(base.recipe, batch_size=512))
    ids = base.train.ids[:5]
    without, weightless = losses(drop(ids)(base)), losses(downweight(ids, 0.0)(base))
    np.testing.assert_allclose(weightless, without, rtol=2e-3, atol=2e-3)
    assert np.abs(losses(base) - without).max() > 0.01


def test_a_fit_gets_the_weights_and_never_what_is_dropped(tmp_path: object) -> None:
    def fit(train: Examples, seed: int):
        given = np.ones(len(train)) if train.weights is None else train.weights
        weights = {name: float(weight) for name, weight in zip(train.ids, given, strict=True)}
        assert "train/7" not in weights
        assert all((weight == 0.25) == (name == "train/5") for name, weight in weights.items())
        return lambda inputs: np.full((len(inputs), 4), 0.25)

    base = small_task()
    task = drop(["7"])(downweight(["5"], 0.25)(Task(Fit(fit), base.train, base.test)))
    assert len(collect(task, str(tmp_path), runs=2, compute=Compute(workers=1)).runs) == 2


def test_impossible_weights_are_refused() -> None:
    with pytest.raises(InvalidData, match="weight=-1"):
        downweight(("3",), -1)
    with pytest.raises(InvalidData, match="weight="):
        downweight(("3",), linear(1.0))  # type: ignore[arg-type]
