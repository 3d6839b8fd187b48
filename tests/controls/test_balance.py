"""Balance against the weights of scikit-learn."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from byrote.controls import balance, drop
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.task import Task
from small import small_task


def test_balanced_classes_are_those_of_scikit_learn() -> None:
    base = small_task()
    labels = np.repeat([0, 1, 2], [50, 20, 10])
    task = balance()(Task(base.model, Examples(base.train.inputs, labels)))
    np.testing.assert_allclose(task.train.weights, compute_sample_weight("balanced", labels), rtol=1e-6)
    half = balance(0.5)(Task(base.model, Examples(base.train.inputs, labels)))
    np.testing.assert_allclose(half.train.weights, np.sqrt(task.train.weights), rtol=1e-6)
    rest = balance()(drop(np.arange(40))(Task(base.model, Examples(base.train.inputs, labels))))
    np.testing.assert_allclose(rest.train.weights[40:], compute_sample_weight("balanced", labels[40:]), rtol=1e-6)


def test_what_has_no_classes_and_impossible_powers_are_refused() -> None:
    with pytest.raises(InvalidData, match="power=nan"):
        balance(float("nan"))
    with pytest.raises(InvalidData, match="balance is for classification"):
        balance()(
            Task(
                lambda: None,
                Examples(np.random.default_rng(0).normal(size=(9, 2)), np.arange(9.0)),
                objective="regression",
            )
        )  # type: ignore[arg-type, return-value]
