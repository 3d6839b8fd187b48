"""Checks of a model and a device, before anything is trained."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from byrote.errors import InvalidData, Remedy
from byrote.record import Population
from byrote.training.tensors import to_tensors

if TYPE_CHECKING:
    pass


def check_model(model: Callable[[], nn.Module], population: Population, classes: int) -> nn.Module:
    """Build the model once and feed it two examples; raise InvalidData unless one finite logit per class comes out."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            network: Any = model()
        except Exception as error:
            raise InvalidData(
                f"Task.model() raises {type(error).__name__}: {_first_line(error)}. It must return a fresh torch.nn.Module."
            ) from error
        if not isinstance(network, nn.Module):
            raise InvalidData(f"Task.model() returned {type(network).__name__}. It must return a torch.nn.Module.")
        inputs = to_tensors(population, "cpu", slice(0, 2))[0].clone()  # a model may change its input in place
        network.eval()
        try:
            with torch.no_grad():
                logits: Any = network(inputs)
        except Exception as error:
            raise InvalidData(
                f"The model cannot read inputs of shape {tuple(inputs.shape)}: {_first_line(error)}. Change the model or the inputs."
            ) from error
    shape = tuple(getattr(logits, "shape", ()))
    if shape != (2, classes):
        raise InvalidData(
            f"The model gives outputs of shape {shape} for 2 examples, but the task has {classes} classes. It must give one logit per class."
        )
    if not torch.isfinite(logits).all():
        raise InvalidData(
            "The untrained model gives NaN or infinite logits. Change how its weights start, or the inputs."
        )
    return network


def check_device(device: str) -> None:
    """Raise InvalidData unless this torch can put numbers on the device and read them back."""
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        told = str(error).split("\n")[0].rstrip(".")
        raise InvalidData(f"This torch cannot use the device {device!r}: {told}.", Remedy("device", "cpu")) from None


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]
