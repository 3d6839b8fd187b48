"""Captum: TracIn as its authors' library has it, Pruthi et al., 2020, arXiv:2002.08484."""

import copy
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from byrote.attribution import Block
from byrote.errors import InvalidData, missing_extra


def tracin(
    models: Sequence[nn.Module],
    rates: Sequence[float],
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    target_inputs: Float[Tensor, "target *shape"],
    target_labels: Int[Tensor, " target"],
    *,
    block: int = 512,
    batch_size: int = 64,
) -> Iterator[Block]:
    """Yield what `byrote.attribution.tracin` yields, computed by Captum's TracInCP: above 0 helps, below 0 harms.

    For models of one architecture, and all of their weights. The gradients of `batch_size` examples and of `block` targets
    are in memory at once, and those of the examples are taken again for each block. Raises ByroteError when Captum is not
    installed, InvalidData for other numbers of models and rates, and for models with fixed weights.

    It misleads as `byrote.attribution.tracin` does.
    """
    influence: Any = _import_captum()
    if len(models) != len(rates) or not models:
        raise InvalidData(
            f"tracin was given {len(models)} models and {len(rates)} learning rates. Give one per checkpoint."
        )
    fixed = sum(not weight.requires_grad for weight in models[0].parameters())
    if fixed:
        raise InvalidData(
            f"Captum takes gradients by all weights, and {fixed} of this model's are fixed. Use byrote.attribution.tracin."
        )
    network = copy.deepcopy(models[0]).eval()  # captum loads each checkpoint into it
    states = [(model.state_dict(), rate) for model, rate in zip(models, rates, strict=True)]

    def load(model: nn.Module, state: tuple[dict[str, Tensor], float]) -> float:
        model.load_state_dict(state[0])
        return state[1]

    with torch.random.fork_rng(devices=[]):
        explainer = influence.TracInCP(
            network,
            TensorDataset(inputs, labels),
            states,
            checkpoints_load_func=load,
            loss_fn=nn.CrossEntropyLoss(reduction="none"),
            batch_size=batch_size,
        )
        for where in torch.arange(len(target_inputs)).split(block):
            value = explainer.influence((target_inputs[where], target_labels[where]))
            yield where.numpy(), value.T.double().cpu().numpy()


def _import_captum() -> Any:
    try:
        return import_module("captum.influence")
    except ModuleNotFoundError:
        raise missing_extra("Attribution by Captum needs Captum", "attribution") from None
