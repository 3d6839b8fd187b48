"""Encoding: keys of examples, batch by batch."""

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.recall import Memory, encode


def test_keys_of_a_network_are_the_inputs_of_its_layer() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 3))
    inputs = torch.randn(10, 3, 4)
    expected = network[2](network[1](inputs.flatten(1))).detach().numpy()
    np.testing.assert_allclose(encode(inputs, network, batch_size=4), expected, atol=1e-6)
    np.testing.assert_allclose(encode(inputs.numpy(), network, layer="1"), inputs.flatten(1), atol=1e-6)
    memory = Memory(7, metric="euclidean")
    memory.add(encode(inputs, network), list(range(10)))
    assert memory.look_up(encode(inputs, network, batch_size=3)).answer.tolist() == list(range(10))


def test_keys_of_a_function_and_of_nothing() -> None:
    sizes = []

    def lengths(texts: list[str]) -> list[list[int]]:
        sizes.append(len(texts))
        return [[len(text), text.count("a")] for text in texts]

    assert encode(["aba", "b", "cc"], lengths, batch_size=2).tolist() == [[3, 2], [1, 0], [2, 0]]
    assert sizes == [2, 1]
    assert encode(np.arange(12).reshape(2, 3, 2)).tolist() == [list(range(6)), list(range(6, 12))]
    assert encode([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (lambda batch: np.zeros(2), r"returned float64 of the shape \[2\] for 3 examples"),
        (lambda batch: ["a"] * len(batch), "returned <U1"),
        (lambda batch: np.zeros((len(batch), len(batch))), "returned keys of 3 numbers, and then of 1"),
    ],
)
def test_refusals(encoder: object, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        encode([1.0, 2.0, 3.0, 4.0], encoder, batch_size=3)  # type: ignore[arg-type]
