"""Deduplicate against a loop over pairs."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.controls import deduplicate, drop
from byrote.controls.deduplicate import first_of_each, kept
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.task import Task
from controls.tasks import copies_task, table_task

RNG = np.random.default_rng(0)
PICTURES = np.concatenate([base := RNG.integers(0, 256, (60, 6, 6)).astype(np.uint8), base ^ np.uint8(3), base[:5]])
TABLE = np.concatenate(
    [
        rows := RNG.normal(0, [1, 100, 0], (80, 3)).astype(np.float32),
        rows + RNG.normal(0, 0.05, rows.shape).astype(np.float32),
    ]
)
TOKENS = RNG.integers(0, 2, (150, 8))
SIGNALS = TABLE[:, :2].reshape(40, 4, 2)


def loop(inputs: NDArray[np.generic], distance: float) -> list[bool]:
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    if inputs.dtype == np.uint8:
        flat /= 255
    elif inputs.dtype.kind == "f":
        spread = flat.std(axis=0) if inputs.ndim == 2 else np.full(flat.shape[1], flat.std())
        flat /= np.where(spread > 0, spread, 1)
    stays: list[bool] = []
    for i, one in enumerate(flat):

        def far(other: NDArray[np.float64], one: NDArray[np.float64] = one) -> float:
            gap = one - other
            return np.mean(gap != 0) if inputs.dtype.kind == "i" else np.sqrt(np.mean(gap**2))

        stays.append(all(far(flat[j]) > distance for j in range(i) if stays[j]))
    return stays


@pytest.mark.parametrize(
    ("inputs", "distance"),
    [(PICTURES, 0.02), (PICTURES, 0.3), (TABLE, 0.05), (TABLE, 0.4), (TOKENS, 0.2), (SIGNALS, 0.1)],
)
@pytest.mark.parametrize("memory", [2**26, 2000])
def test_near_copies_are_those_of_a_loop(
    inputs: NDArray[np.generic], distance: float, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("byrote.controls.deduplicate"), "BLOCK_BYTES", memory)
    expected = loop(inputs, distance)
    assert kept(inputs, distance).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_exact_copies_keep_the_first_whatever_their_labels() -> None:
    base = copies_task()
    task = deduplicate()(base)
    assert task.excluded == {str(i) for i in range(80, 88)}
    assert task.train.ids.tolist() == base.train.ids.tolist()
    without_first = deduplicate()(drop(("0", "80"))(base))
    assert without_first.excluded == {"0", "80", *(str(i) for i in range(81, 88))} - {"84"}
    near = deduplicate(0.001)(base)
    assert near.excluded == task.excluded


def test_zeros_are_equal_whatever_their_sign_and_parts_count_together() -> None:
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]], np.float32)
    assert first_of_each(x).tolist() == [0, 2]
    assert first_of_each({"a": x[[0, 0, 0]], "b": np.array([[1], [2], [1]])}).tolist() == [0, 1]


def test_inputs_of_several_arrays_have_exact_copies_only() -> None:
    base = table_task()
    both = Examples({"a": base.train.inputs, "b": base.train.inputs}, base.train.labels)
    task: Task = replace(base, train=both, test=None)
    assert not deduplicate()(task).excluded
    with pytest.raises(InvalidData, match=r"Give deduplicate\(0\)"):
        deduplicate(0.1)(task)
