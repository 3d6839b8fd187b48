from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification, parse_objective
from byrote.objectives.classification import observe
from layout import BASE_COLUMNS


def slowly(logits: NDArray[np.float64], label: int) -> dict[str, float]:
    """One example at a time, in float64, shifted by the largest logit so that nothing overflows."""
    z = [float(value) for value in logits]
    top = max(z)
    log_total = top + float(np.log(sum(np.exp(value - top) for value in z)))
    p = [float(np.exp(value - log_total)) for value in z]
    return {
        "loss": log_total - z[label],
        "margin": z[label] - max(value for i, value in enumerate(z) if i != label),
        "confidence": p[label],
        "residual": float(np.sqrt(sum((value - (i == label)) ** 2 for i, value in enumerate(p)))),
        "correct": float(z.index(top) == label),
        "prediction": float(z.index(top)),
    }


def check(logits: Tensor, labels: Tensor, *, rtol: float = 2e-6, atol: float = 1e-6) -> None:
    found = observe(logits, labels)
    expected = [slowly(z, int(k)) for z, k in zip(logits.double().numpy(), labels, strict=True)]
    assert list(found) == list(BASE_COLUMNS)
    for name, values in found.items():
        np.testing.assert_allclose(values.astype(float), [e[name] for e in expected], rtol, atol, err_msg=name)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("scale", [0.1, 1, 30])
def test_equals_the_loop(classes: int, scale: float) -> None:
    source = torch.Generator().manual_seed(classes)
    logits = scale * torch.randn(50, classes, generator=source)
    check(logits, torch.arange(50) % classes, atol=3e-6 * max(scale, 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_exactly(dtype: torch.dtype) -> None:
    """Half precision is widened before anything is computed, so that only the logits are rounded."""
    logits = (5 * torch.randn(50, 4, generator=torch.Generator().manual_seed(0))).to(dtype)
    check(logits, torch.arange(50) % 4)


def test_very_large_logits_neither_overflow_nor_vanish() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [1e4, 1e4, 1e4]])
    found = observe(logits, torch.tensor([0, 0, 2]))
    np.testing.assert_allclose(found["loss"], [0, 2e4, np.log(3)], rtol=1e-3)
    np.testing.assert_array_equal(found["margin"], [1e4, -2e4, 0])
    np.testing.assert_allclose(found["confidence"], [1, 0, 1 / 3], rtol=1e-3)
    np.testing.assert_allclose(found["residual"], [0, np.sqrt(2), np.sqrt(2 / 3)], rtol=1e-3)
    assert found["correct"].tolist() == [True, False, False]


def test_of_equal_logits_the_first_class_wins() -> None:
    found = observe(torch.tensor([[1.0, 3.0, 3.0], [1.0, 3.0, 3.0], [0.0, 0.0, 0.0]]), torch.tensor([1, 2, 0]))
    assert found["prediction"].tolist() == [1, 1, 0]
    assert found["correct"].tolist() == [True, False, True]
    np.testing.assert_array_equal(found["margin"], 0)


def test_the_rival_is_another_class() -> None:
    found = observe(torch.tensor([[5.0, 2.0, -1.0], [5.0, 2.0, -1.0]]), torch.tensor([0, 2]))
    np.testing.assert_array_equal(found["margin"], [3, -6])


def test_kinds_are_those_of_the_record_and_the_logits_are_untouched() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    before = logits.detach().clone()
    found = observe(logits, torch.tensor([0, 1, 2]))
    assert {name: values.dtype for name, values in found.items()} == {
        name: kind.to_pandas_dtype() for name, kind in BASE_COLUMNS.items()
    }
    assert torch.equal(logits, before)


def test_a_sure_model_still_has_a_loss() -> None:
    """log-softmax rounds 1 - 1e-26 to 1, and a thousand members to one tie; the loss attack needs their order."""
    sure = observe(torch.tensor([[40.0, 0.0, 0.0], [60.0, 0.0, 0.0]]), torch.tensor([0, 0]))
    np.testing.assert_allclose(sure["loss"], 2 * np.exp(-np.array([40.0, 60.0])), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0, 0.2])
@pytest.mark.parametrize("weights", [(), (1.0, 0.0, 2.5)], ids=str)
def test_the_mean_of_a_batch_is_that_of_torch(smoothing: float, weights: tuple[float, ...]) -> None:
    objective = Classification(3, smoothing, weights)
    outputs, labels = torch.randn(30, 3, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3
    own = objective.weights(labels)
    losses = objective.losses(outputs, labels)
    given = torch.tensor(weights) if weights else None
    if (
        weights and smoothing
    ):  # the smoothed part of an example whose class weighs nothing counts in torch, and not here
        outputs, labels = outputs[labels != 1], labels[labels != 1]
        own, losses = objective.weights(labels), objective.losses(outputs, labels)
    expected = torch.nn.CrossEntropyLoss(given, label_smoothing=smoothing)(outputs, labels)
    found = losses.mean() if own is None else (own * losses).sum() / own.sum()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
def test_one_logit_equals_two_of_which_the_first_is_0(shape: tuple[int, ...]) -> None:
    objective = Classification(2)
    z, labels = torch.randn(20, generator=torch.Generator().manual_seed(1)), torch.arange(20) % 2
    both = torch.stack([torch.zeros(20), z], 1)
    torch.testing.assert_close(objective.losses(z.reshape(shape), labels), objective.losses(both, labels))
    one, two = objective.observe(z.reshape(shape), labels), objective.observe(both, labels)
    for name in two:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


@pytest.mark.parametrize(
    "objective", [Classification(), Classification(4), Classification(2, 0.1, (1.0, 0.5))], ids=str
)
def test_is_read_back_from_its_text(objective: Classification) -> None:
    assert parse_objective(str(objective)) == objective


@pytest.mark.parametrize("text", ["regresion()", "regression(losss='huber')", "classification(label_smoothing=1)"])
def test_a_text_that_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(ByroteError):
        parse_objective(text)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"label_smoothing": 1.0}, r"1\.0.*below 1"),
        ({"class_weights": (1.0, -2.0)}, r"-2\.0.*0 or more"),
    ],
    ids=str,
)
def test_refuses_options_that_cannot_train(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        Classification(**options)


def test_refuses_another_number_of_class_weights() -> None:
    with pytest.raises(InvalidData, match="2 class_weights for 3 classes"):
        Classification(class_weights=(1.0, 2.0)).fitted(np.array([0, 1, 2]), 0)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.array([1, 0.5]), "'e1' is 0.5.*Regression"),
        (np.array([np.nan, 0]), "'e0' is nan"),
        (np.array([0, -3]), "-3 of example 'e1'"),
        (np.zeros((2, 2)), r"\(2, 2\) \(float64\).*Multilabel"),
        (np.array([[0.0, 1.0], [2.5, 1.0]]), r"\(2, 2\).*Regression"),
    ],
)
def test_refuses_labels_that_are_no_classes(labels: np.ndarray, match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        Classification().check(labels, np.array(["e0", "e1"]))
