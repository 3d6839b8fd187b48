"""Checks of a model and a device, before anything is trained."""

import inspect
from typing import Any, cast

import torch
from torch import nn

from byrote.errors import InvalidData, Remedy, suggestion
from byrote.objectives.classification import are_probabilities
from byrote.probes._same_answers import FEW, check_same_answers
from byrote.record import Population
from byrote.record.inputs import parts
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.adapter import Adapted, learner, names_of, spelled_output
from byrote.training.tensors import copied, to_tensors
from byrote.training.updates import check_optimizer


def check_model(task: Task, population: Population) -> nn.Module:
    """Build the task's model once and give it a few examples; raise InvalidData unless the outputs suit the objective.

    The outputs for an example must not depend on the other examples of its batch, nor on chance.
    """
    objective, make = task.learned, learner(task)
    if isinstance(make, Fit):
        raise InvalidData("This task learns by a byrote.Fit, which has no torch model to check.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            network: Any = make()
        except (Exception, SystemExit) as error:
            raise InvalidData(
                f"Task.model() raises {type(error).__name__}: {_first_line(error)}. It must return a fresh torch.nn.Module."
            ) from error
        if not isinstance(network, nn.Module):
            raise InvalidData(f"Task.model() returned {type(network).__name__}. It must return a torch.nn.Module.")
        inputs = to_tensors(population, objective, "cpu", slice(0, 2))[0]
        _check_names(network, inputs)
        network.eval()
        try:
            with torch.no_grad():
                outputs: Any = network(copied(inputs))  # a model may change its input in place
        except InvalidData:
            raise
        except (Exception, SystemExit) as error:
            raise InvalidData(
                f"The model cannot read inputs of {_spelled(inputs)}: {_first_line(error)}. Change the model or the inputs{_hint(inputs)}."
            ) from error
    _check_outputs(outputs, task)
    some = to_tensors(population, objective, "cpu", slice(0, FEW))[0]
    try:
        check_same_answers(network, some)
    except InvalidData:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidData(
            f"The model reads a batch of 2 examples and cannot read {_spelled(some)}: {_first_line(error)}. It must take batches of any size."
        ) from error
    check_optimizer(task.recipe, list(network.parameters()))
    return network


def _check_names(network: nn.Module, inputs: Any) -> None:
    """Raise InvalidData when an input has a name that the model's forward does not take."""
    if not (isinstance(inputs, dict) and isinstance(network, Adapted)):
        return
    taken = inspect.signature(network.model.forward).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        return
    for name in map(str, cast("dict[str, Any]", inputs)):
        if name not in taken:
            raise InvalidData(
                f"The examples have an input {name!r}, and the model's forward takes {', '.join(map(repr, taken))}. {suggestion(name, taken) or 'Rename or leave it out.'}"
            )


def _check_outputs(outputs: Any, task: Task) -> None:
    """Raise InvalidData unless these are finite numbers, as many for each of two examples as the objective needs."""
    objective = task.learned
    if not isinstance(outputs, torch.Tensor):
        part = repr(next(iter(names_of(outputs)), 0))
        raise InvalidData(
            f"The model returns {spelled_output(outputs)} instead of a tensor. Say which part are the outputs, as in Task(output={part}), or return that part alone."
        )
    shape, count = tuple(outputs.shape), objective.outputs
    wanted = (2, *objective.output_shape(task.train.labels.shape[1:]))
    fine = {wanted} | ({(2,)} if wanted == (2, 1) else set())
    if objective.name == "classification" and count == 2:
        fine |= {(2,), (2, 1)}
    if shape not in fine:
        one, several = objective.unit
        number = "number" if objective.name == "regression" else "logit"
        if objective.name == "tokens":
            raise InvalidData(
                f"The model gives outputs of shape {shape} for 2 texts, but it must give {wanted}: at each place one logit for each of {count} token ids. Say how many logits there are as byrote.Tokens(vocabulary=...)."
            )
        if objective.name == "classification" and shape == (2, count - 1) and task.train.labels.min() == 1:
            raise InvalidData(
                f"The model gives {count - 1} logits, and the labels are 1 to {count - 1}. Class indices start at 0: subtract 1 from all labels."
            )
        raise InvalidData(
            f"The model gives outputs of shape {shape} for 2 examples, but the task has {count} {several}. It must give one {number} per {one}."
        )
    if objective.name == "classification" and are_probabilities(outputs):
        raise InvalidData(
            "The model gives probabilities: no output is negative, and each row sums to 1. It must give logits: leave out the softmax."
        )
    if not torch.isfinite(outputs).all():
        raise InvalidData(
            "The untrained model gives NaN or infinite outputs. Change how its weights start, or the inputs."
        )


def _spelled(inputs: Any) -> str:
    texts = [
        f"{name + ': ' if name else ''}shape {tuple(part.shape)} ({part.dtype})" for name, part in parts(inputs).items()
    ]
    return ", ".join(texts)


def _hint(inputs: Any) -> str:
    """Return what to do about whole numbers, which only an embedding reads."""
    whole = any(part.dtype == torch.int64 for part in parts(inputs).values())
    return "; whole numbers stay whole, so give float32 where they are quantities" if whole else ""


def check_device(device: str) -> None:
    """Raise InvalidData unless this torch can put numbers on the device and read them back."""
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise InvalidData(f"This torch cannot use the device {device!r}: {reason}.", Remedy("device", "cpu")) from None


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]
