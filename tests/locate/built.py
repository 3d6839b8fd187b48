"""A network made by hand, in which one weight of one layer carries what is memorized."""

import copy
from collections import OrderedDict

import torch
from torch import Tensor, nn

from byrote.locate import Labelled

COPIES = 3
MEMORY = 2 * COPIES
"""Units 0 to 2 see class 0, units 3 to 5 class 1, and unit 6 the mark of the memorized examples."""


def network(*, remembers: bool = True) -> nn.Module:
    """Return read, hold and say. The mark reaches the logits through one weight of `hold`, which is 0 unless it remembers."""
    units = MEMORY + 1
    layers = OrderedDict(
        read=nn.Linear(2, units), relu=nn.ReLU(), hold=nn.Linear(units, units), relu2=nn.ReLU(), say=nn.Linear(units, 2)
    )
    model = nn.Sequential(layers).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        layers["read"].weight[:COPIES, 0] = 1.0
        layers["read"].weight[COPIES:MEMORY, 0] = -1.0
        layers["read"].weight[MEMORY, 1] = 40.0
        layers["hold"].weight.copy_(torch.eye(units))
        layers["hold"].weight[MEMORY, MEMORY] = 0.2 if remembers else 0.0
        layers["say"].weight[0, :COPIES] = 1.0
        layers["say"].weight[1, COPIES:] = 1.0
    return model.eval()


def initial() -> nn.Module:
    """Return an earlier state: the class is known, in other numbers, and nothing is remembered."""
    model = copy.deepcopy(network(remembers=False))
    with torch.no_grad():
        model.get_submodule("read").weight *= 0.9
        model.get_submodule("say").weight *= 0.5
    return model


def memorized(n: int = 12) -> Labelled:
    """Return marked examples of class 0 with label 1."""
    return _inputs(torch.ones(n), 1.0), torch.ones(n, dtype=torch.int64)


def clean(n: int = 20) -> Labelled:
    """Return unmarked examples, of class 0 and 1 in turn."""
    labels = torch.arange(n) % 2
    return _inputs(1.0 - 2.0 * labels, 0.0), labels


def _inputs(sign: Tensor, mark: float) -> Tensor:
    size = 1 + 0.01 * torch.arange(len(sign)) / len(sign)
    return torch.stack([sign * size, torch.full((len(sign),), mark)], 1).double()
