"""Which weights make a layer."""

import pytest
import torch
from torch import Tensor, nn

from byrote.errors import ByroteError, InvalidData
from byrote.locate import layers
from byrote.locate.layers import with_layer
from probes.networks import build, convolutional


class Tokens(nn.Module):
    """Has a weight of its own beside its modules, and one that two modules share."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(3))
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x + self.token))


def test_every_module_with_weights_is_a_layer_with_its_buffers() -> None:
    found = layers(build(convolutional))
    assert list(found) == ["0", "1", "4", "7"]
    assert found["1"] == ("1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked")


def test_a_shared_weight_belongs_to_the_first_and_bare_weights_to_the_model() -> None:
    assert layers(Tokens()) == {"model": ("token",), "first": ("first.weight", "first.bias")}


def test_named_modules_take_all_that_lies_beneath() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Linear(2, 2))
    found = layers(model, ["0", "1"])
    assert set(found["0"]) | set(found["1"]) == set(model.state_dict())
    assert len(found["0"]) == 7


def test_refusals() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.ReLU())
    with pytest.raises(ByroteError, match=r"no layer named 'conv'"):
        layers(model, ["conv"])
    with pytest.raises(InvalidData, match=r"The layer '1' has no weights, or those of a layer before it\."):
        layers(model, ["1"])
    with pytest.raises(InvalidData, match=r"The layer '0\.0' has no weights, or those of a layer before it\."):
        layers(model, ["0", "0.0"])
    with pytest.raises(InvalidData, match=r"overlap\. Name modules of which none lies in another\."):
        layers(nn.Sequential(nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))), ["0.0", "0"])
    with pytest.raises(InvalidData, match=r"no weights\. Give a network"):
        layers(nn.ReLU())


def test_a_layer_of_another_state_replaces_its_own_and_nothing_else() -> None:
    model, other = build(convolutional), build(convolutional, 1)
    changed = with_layer(model, other.state_dict(), layers(model)["1"]).state_dict()
    for name, value in model.state_dict().items():
        assert value.equal(build(convolutional).state_dict()[name])
        assert changed[name].equal(other.state_dict()[name] if name.startswith("1.") else value)
    with pytest.raises(InvalidData, match=r"'0\.weight' has shape \(4, 1, 3, 3\) in the model and is \(2, 2\)"):
        with_layer(model, nn.Sequential(nn.Linear(2, 2)).state_dict(), ["0.weight"])
    with pytest.raises(InvalidData, match=r"and is missing in the earlier one"):
        with_layer(model, {}, ["0.weight"])
