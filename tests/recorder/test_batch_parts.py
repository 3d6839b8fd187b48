"""Batches of every layout fall into what a model reads, labels and ids."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from byrote.errors import InvalidData
from byrote.recorder.batch_parts import outputs_in, outputs_of, parts_of, without_ids

X, Y, IDS = torch.ones(2, 3), torch.tensor([0, 1]), ["a", "b"]


@pytest.mark.parametrize(
    ("batch", "inputs", "rest"),
    [
        ([X, Y, IDS], X, [X, Y]),
        ((X, X, Y, IDS), (X, X), [X, X, Y]),
        ([{"x": X, "label": Y}, IDS], {"x": X}, {"x": X, "label": Y}),
        ([{"x": X}, Y, IDS], {"x": X}, [{"x": X}, Y]),
    ],
)
def test_a_batch_has_three_parts(batch: Any, inputs: Any, rest: Any) -> None:
    found = parts_of(batch)
    assert str(found.inputs) == str(inputs)
    assert found.labels is Y
    assert found.ids is IDS
    assert str(without_ids(batch)) == str(rest)


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (X, r"shape \(2, 3\)"),
        ({"x": X}, "is a dict and carries no ids"),
        ([X, IDS], "two entries; inputs, labels and ids are three"),
        ([{"x": X}, IDS], "'x' beside the ids, and no labels"),
    ],
)
def test_what_a_batch_lacks_is_named(batch: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        parts_of(batch)


def test_a_model_is_called_as_its_inputs_are_and_its_logits_are_found() -> None:
    assert outputs_of(lambda x: x, X) is X
    assert outputs_of(lambda x, y: {"logits": y}, (X, Y)) is Y
    assert outputs_of(lambda x, y: SimpleNamespace(logits=x), {"x": X, "y": Y}) is X
    assert outputs_in((X,)) is None
