"""A model as a function of its inputs and weights, and nothing of it changed afterwards."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call  # pyright: ignore[reportPrivateImportUsage]

from byrote.errors import InvalidData
from byrote.objectives import Classification, Objective
from byrote.objectives.classification import logits


@dataclass(frozen=True, eq=False)
class Frozen:
    """A model's function: inputs to outputs, with its own weights, which need no gradient, or with others."""

    model: nn.Module
    weights: Mapping[str, Tensor]
    rest: Mapping[str, Tensor]
    objective: Objective = Classification()

    def __call__(
        self, inputs: Float[Tensor, "example *shape"], weights: Mapping[str, Tensor] | None = None
    ) -> Float[Tensor, "example output"]:
        """Return the outputs: of a classification, one logit per class. The model is given a copy of its input."""
        state = {**(self.weights if weights is None else weights), **self.rest}
        outputs = functional_call(self.model, state, (inputs.clone(),))
        return logits(outputs) if self.objective.name == "classification" else outputs

    def losses(self, outputs: Tensor, targets: Tensor) -> Float[Tensor, " example"]:
        """Return the loss of each example that the model was trained with."""
        return self.objective.losses(outputs, targets)


@contextmanager
def frozen(model: nn.Module, objective: Objective | None = None) -> Generator[Frozen]:
    """Yield the model in evaluation mode as a function, with gradients to the inputs and none to the weights.

    Afterwards mode, weights, buffers, gradients and the random state of torch are as before, whatever was called.
    """
    values = [*model.parameters(), *model.buffers()]
    devices = sorted({value.device.index for value in values if value.is_cuda})
    with evaluating(model), torch.random.fork_rng(devices=devices), torch.inference_mode(False), torch.enable_grad():
        state = {name: weight.detach() for name, weight in model.named_parameters()}
        weights = {name: value for name, value in state.items() if value.is_floating_point()}
        rest = {name: value for name, value in state.items() if name not in weights}
        rest |= {name: buffer.clone() for name, buffer in model.named_buffers()}
        yield Frozen(model, weights, rest, objective or Classification())


@contextmanager
def evaluating(model: nn.Module) -> Generator[None]:
    """Put the model and all its modules into evaluation mode, and afterwards each back into its own."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def check_inputs(asker: str, inputs: Float[Tensor, "example *shape"]) -> None:
    """Raise InvalidData unless inputs are floating point, with at least one axis besides that of examples."""
    if not inputs.is_floating_point() or inputs.ndim < 2:
        raise InvalidData(
            f"{asker} was given inputs of shape {tuple(inputs.shape)} and type {inputs.dtype}. Give floating-point "
            "inputs [example, ...], scaled as in training."
        )


def check_targets(asker: str, targets: Tensor, outputs: Tensor, objective: Objective) -> None:
    """Raise InvalidData unless there is one row of outputs per target, and the targets are some that the objective has."""
    if objective.name == "classification":
        check_labels(asker, targets, outputs)
    elif len(outputs) != len(targets) or outputs.shape[1:] not in (targets.shape[1:], ()):
        raise InvalidData(
            f"{asker} was given targets of shape {tuple(targets.shape)}, and the model gives outputs of shape {tuple(outputs.shape)}. Give one output for each target."
        )


def check_labels(asker: str, labels: Int[Tensor, " example"], logits: Float[Tensor, "example class"]) -> None:
    """Raise InvalidData unless there is one row of logits per label and every label is one of its columns."""
    check_logits(asker, logits, len(labels))
    if labels.is_floating_point() or labels.ndim != 1:
        raise InvalidData(
            f"{asker} was given labels of shape {tuple(labels.shape)} and type {labels.dtype}. Give one class index "
            "per input."
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]:
        raise InvalidData(
            f"{asker} was given labels from {int(labels.min())} to {int(labels.max())}, and the model has "
            f"{logits.shape[1]} classes. Number labels from 0 as in training."
        )


def check_logits(asker: str, logits: Float[Tensor, "example class"], examples: int) -> None:
    """Raise InvalidData unless there is one row of logits per example."""
    if logits.ndim != 2 or len(logits) != examples:
        raise InvalidData(
            f"{asker} needs one logit per example and class, and the model gave shape {tuple(logits.shape)} where "
            f"there are {examples} examples. Give a classifier, and as many labels as inputs."
        )
