"""Embeddings: what the last linear layer, or a named one, is given."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.probes import embedding
from byrote.record.nearest import nearest
from probes.networks import ARCHITECTURES, build, examples, perceptron, untouched


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_equals_a_loop(architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, _) = build(architecture), examples(11)
    expected = torch.stack([model[:-1](one[None])[0] for one in inputs]).detach()
    torch.testing.assert_close(embedding(model, inputs, batch_size=4), expected)
    torch.testing.assert_close(embedding(model, inputs), expected)
    with untouched(model):
        torch.testing.assert_close(embedding(model, inputs), expected)


def test_a_named_layer_is_read_before_the_next_works_in_place() -> None:
    model, (inputs, _) = build(ARCHITECTURES[0]), examples()
    torch.testing.assert_close(embedding(model, inputs, layer="2"), model[:2](inputs).flatten(1).detach())
    torch.testing.assert_close(embedding(model, inputs, layer="0"), inputs.flatten(1))


def test_the_last_linear_layer_is_the_one_that_is_called_last() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.body = nn.Linear(5, 3), nn.Linear(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    assert embedding(Backwards(), torch.zeros(6, 4)).shape == (6, 5)


def test_neighbours_are_found_in_it() -> None:
    """Two copies of an example are nearest to each other, at a distance of 0."""
    model, (inputs, _) = build(perceptron), examples(12)
    inputs[7] = inputs[3]
    points = embedding(model, inputs).numpy()
    where, distance = nearest(points, np.array([3, 7]), np.arange(12), 2)
    assert where[:, 0].tolist() == [7, 3]
    assert distance[:, 0].tolist() == [0, 0]
    assert (distance[:, 1] > 0).all()


@pytest.mark.usefixtures("unchecked_shapes")
def test_refusals() -> None:
    model, (inputs, _) = build(perceptron), examples()
    with pytest.raises(ByroteError, match="There is no layer named 'fc'"):
        embedding(model, inputs, layer="fc")
    with pytest.raises(InvalidData, match=r"of a torch.nn.Linear was seen\. Name the layer to read, one of: 0, 1"):
        embedding(nn.Sequential(nn.Flatten(), nn.ReLU()), inputs)
    with pytest.raises(InvalidData, match=r"embedding: `inputs` is a tensor of torch\.uint8"):
        embedding(model, inputs.to(torch.uint8))
    assert len(embedding(model, inputs[:0])) == 0
