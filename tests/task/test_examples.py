from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.task.designs import LeaveGroupOut
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task

INPUTS = np.arange(12, dtype=np.float32).reshape(4, 3)
LABELS = [0, 1, 0, 1]


def with_value(value: float, dtype: type = np.float32) -> np.ndarray:
    inputs = INPUTS.astype(dtype)
    inputs[2, 1] = value
    return inputs


def ragged() -> np.ndarray:
    """Return an array of lists of different lengths, as a column of a table may be."""
    found = np.empty(4, object)
    found[:] = [[1, 2], [3], [4], [5]]
    return found


def test_what_goes_in_comes_out() -> None:
    examples = Examples(INPUTS, LABELS, ["d", "a", "c", "b"], groups=[1, 1, 2, 2])
    assert len(examples) == 4
    np.testing.assert_array_equal(examples.inputs, INPUTS)
    assert examples.labels.tolist() == LABELS
    assert examples.labels.dtype == np.int64
    assert examples.ids.tolist() == ["d", "a", "c", "b"]
    assert examples.groups is not None
    assert examples.groups.tolist() == ["1", "1", "2", "2"]
    assert Examples(INPUTS, LABELS).ids.tolist() == ["0", "1", "2", "3"]
    assert Examples(INPUTS, LABELS).groups is None


@pytest.mark.parametrize("which", [np.array([2, 0]), np.array([True, False, True, False])], ids=["positions", "mask"])
def test_a_part_keeps_ids_and_groups(which: np.ndarray) -> None:
    part = Examples(INPUTS, LABELS, ["d", "a", "c", "b"], groups=["x", "y", "z", "x"])[which]
    order = np.arange(4)[which]
    np.testing.assert_array_equal(part.inputs, INPUTS[order])
    assert part.ids.tolist() == [["d", "a", "c", "b"][i] for i in order]
    assert part.groups is not None
    assert part.groups.tolist() == [["x", "y", "z", "x"][i] for i in order]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.uint8, np.uint8),
        (np.float64, np.float32),
        (np.float16, np.float32),
        (np.int64, np.int64),
        (np.uint16, np.uint16),
    ],
)
def test_whole_numbers_stay_whole_and_real_ones_are_single_precision(given: type, kept: type) -> None:
    examples = Examples(INPUTS.astype(given), LABELS)
    assert examples.inputs.dtype == kept
    np.testing.assert_array_equal(examples.inputs, INPUTS)


def test_tensors_are_taken_and_name_by_their_values() -> None:
    examples = Examples(
        torch.from_numpy(INPUTS), torch.tensor(LABELS), torch.arange(5, 9), groups=torch.tensor([1, 1, 2, 2])
    )
    np.testing.assert_array_equal(examples.inputs, INPUTS)
    assert examples.labels.tolist() == LABELS
    assert examples.ids.tolist() == ["5", "6", "7", "8"]
    assert examples.groups is not None
    assert examples.groups.tolist() == ["1", "1", "2", "2"]


@pytest.mark.parametrize("labels", [[0.0, 1.0, 0.0, 1.0], [False, True, False, True], np.array([0, 1, 0, 1], np.uint8)])
def test_whole_numbers_of_any_type_are_labels(labels: Any) -> None:
    assert Examples(INPUTS, labels).labels.tolist() == LABELS


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (with_value(np.nan), "1 of 4 inputs hold NaN or infinite values, the first with id 'c'"),
        (with_value(-np.inf), "1 of 4 inputs hold NaN or infinite values, the first with id 'c'"),
        (with_value(1e300, np.float64), "1 of 4 inputs hold NaN or infinite values, the first with id 'c'"),
        (INPUTS.astype(object), "must be numbers, but they have dtype object"),
        (INPUTS.astype(str), "must be numbers, but they have dtype <U"),
        (INPUTS.astype(complex), "must be numbers, but they have dtype complex128"),
        (INPUTS[:, 0], r"at least two axes and one example; these have shape \(4,\)"),
        (INPUTS[:0], r"at least two axes and one example; these have shape \(0, 3\)"),
        (np.float32(1), r"at least two axes and one example; these have shape \(\)"),
        ([[1, 2], [3]], r"Inputs \(list\) cannot be read .*different lengths. Pad them"),
        (ragged(), r"Inputs \(ndarray\) cannot be read .*different lengths. Pad them"),
        (torch.zeros(4, 3, requires_grad=True), r"Inputs \(Tensor\) cannot be read as an array: .*requires grad"),
        ([[1, 2], [3, "x"], [5, 6], [7, 8]], r"dtype <U.*holds '1' \(str\)"),
        (np.array([[1, 2], [3, None], [5, 6], [7, 8]]), r"dtype object: example '1' holds None \(NoneType\)"),
        (INPUTS[:3], r"There are 3 inputs but labels of shape \(4,\)"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused(inputs: Any, told: str) -> None:
    with pytest.raises(InvalidData, match=told):
        Examples(inputs, LABELS, ["d", "a", "c", "b"] if "id 'c'" in told else None)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["cat", "dog", "cat", "dog"], r"that of example 'd' is 'cat' \(<U3\)"),
        (np.array([0, 1, None, 1]), "Labels must be numbers"),
        ([0, 1, 0], r"There are 4 inputs but labels of shape \(3,\)"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(labels: Any, told: str) -> None:
    with pytest.raises(InvalidData, match=told):
        Examples(INPUTS, labels, ["d", "a", "c", "b"])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 1, -1, 1], "Label -1 of example 'c' is out of range. Class indices start at 0"),
        ([0, 1, 0.5, 1], r"that of example 'c' is 0\.5 \(float64\).*Regression"),
        ([0, 1, np.nan, 1], r"that of example 'c' is nan \(float64\)"),
        ([0, 1, np.inf, 1], r"that of example 'c' is inf \(float64\)"),
        ([[0], [1], [0], [1]], r"one per example, but these have shape \(4, 1\).*Multilabel"),
    ],
)
def test_labels_that_are_no_classes_are_refused_by_the_task(labels: Any, told: str) -> None:
    examples = Examples(INPUTS, labels, ["d", "a", "c", "b"])
    with pytest.raises(InvalidData, match=told):
        Task(lambda: None, examples)


def test_ids_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InvalidData, match="2 ids are used more than once, for example 'a'"):
        Examples(INPUTS, LABELS, ["b", "a", "b", "a"])
    with pytest.raises(InvalidData, match="1 ids are used more than once, for example '1'"):
        Examples(INPUTS, LABELS, [1, 2, "1", 3])
    with pytest.raises(InvalidData, match=r"There are 4 inputs but ids of shape \(2,\)"):
        Examples(INPUTS, LABELS, ["a", "b"])
    with pytest.raises(InvalidData, match=r"There are 4 inputs but groups of shape \(1,\)"):
        Examples(INPUTS, LABELS, groups=["a"])


TIMES = 1700000000 + np.random.default_rng(0).integers(0, 1000, 12)


def test_numbers_that_float32_cannot_hold_are_kept_or_refused() -> None:
    labels = np.arange(12) % 2
    np.testing.assert_array_equal(Examples(TIMES[:, None], labels).inputs[:, 0], TIMES)
    table = np.stack([np.arange(12.0), TIMES], axis=1)
    with pytest.raises(InvalidData, match=r"Feature 1 lies so far from 0.*rounds it by up to \d"):
        Examples(table, labels)
    table[:, 1] -= TIMES[0]
    np.testing.assert_array_equal(Examples(table, labels).inputs, table)
    large = np.random.default_rng(0).normal(3e7, 1e7, (12, 2)).round()  # rounded by 2 of 10,000,000
    np.testing.assert_allclose(Examples(large, labels).inputs, large, rtol=1e-6)
    for constant in (np.full((12, 2), 0.1), 0.1 + 1e-22 * large):
        np.testing.assert_allclose(Examples(constant, labels).inputs, 0.1, rtol=1e-6)


@pytest.mark.parametrize("gap", [None, float("nan"), np.float32("nan"), ""], ids=repr)
def test_examples_without_a_group_belong_to_nobody(gap: Any) -> None:
    groups = Examples(INPUTS, LABELS, groups=["p1", "p1", gap, gap]).groups
    assert groups is not None
    assert groups.tolist() == ["p1", "p1", "", ""]
    design = LeaveGroupOut()
    assert design.default_runs(groups) == 3
    out = ~design.membership([3], groups, 0)
    assert out.tolist() == [[True, True, False, False], [False, False, True, False], [False, False, False, True]]


def test_missing_ids_are_refused() -> None:
    with pytest.raises(InvalidData, match="number 2 is None"):
        Examples(INPUTS, LABELS, ["a", "b", None, "d"])


def test_an_index_of_pandas_that_differs_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(INPUTS, index=["a", "b", "c", "d"])
    labels = pandas.Series(LABELS, index=table.index)
    assert Examples(table, labels).labels.tolist() == LABELS
    assert Examples(table, labels.to_numpy()[::-1]).labels.tolist() == LABELS[::-1]
    for what in ("labels", "groups", "weights"):
        given: dict[str, Any] = {"labels": labels, what: labels[::-1]}
        with pytest.raises(InvalidData, match=rf"index of the {what} is not that of the inputs.*{what}\.loc"):
            Examples(table, given.pop("labels"), **given)
    groups = pandas.Series(["p", None, pandas.NA, pandas.NaT], index=table.index, dtype=object)
    found = Examples(table, labels, groups=groups).groups
    assert found is not None
    assert found.tolist() == ["p", "", "", ""]


def tables(order: list[str], what: str) -> Examples:
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    inputs, targets = (pandas.DataFrame(rng.normal(size=(12, 3)), columns=list("abc")) for _ in range(2))
    return Examples(inputs[order], targets) if what == "inputs" else Examples(inputs, targets[order])


@pytest.mark.parametrize("what", ["inputs", "targets"])
def test_columns_of_the_test_set_in_another_order_are_refused(what: str) -> None:
    """Their shapes are equal, so nothing else would notice."""
    train = tables(["a", "b", "c"], what)
    with pytest.raises(
        InvalidData, match=f"Training {what} have the columns a, b, c, and test {what} b, a, c. Give both"
    ):
        Task(Fit(lambda train, seed: len), train, tables(["b", "a", "c"], what), objective="regression")
    Task(Fit(lambda train, seed: len), train, tables(["a", "b", "c"], what), objective="regression")


def test_the_columns_of_targets_are_their_names() -> None:
    fit, train = Fit(lambda train, seed: len), tables(["c", "a", "b"], "targets")
    task = Task(fit, train, objective="regression")
    assert task.classes == ("c", "a", "b")
    assert task.train[np.arange(4)].label_columns == task.train.label_columns == ("c", "a", "b")
    assert Task(fit, train, classes=("C", "A", "B"), objective="regression").classes == ("C", "A", "B")
    with pytest.raises(InvalidData, match="targets have the columns c, a, b, and `classes` names them a, b, c"):
        Task(fit, train, classes=("a", "b", "c"), objective="regression")
    pandas = pytest.importorskip("pandas")
    several = pandas.DataFrame({"red": [0, 1, 1, 0], "green": [1, 1, 0, 0]})
    assert Task(fit, Examples(INPUTS, several), objective="multilabel").classes == ("red", "green")
