"""In the weights: a wanted list that a network was trained on, and what it takes to teach it one more entry."""

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, nn

from byrote.experiments.recalling.answering import Answerer, Data, Deleted, Labels, Part
from byrote.experiments.recalling.measuring import Trial, share_lost, timed
from byrote.objectives.classification import logits
from byrote.task.task import Task
from byrote.training.updates import Optimizer

MOST = 200
"""Updates within which a new example has to be learned."""

IN_A_ROW = 3
"""After so many updates in a row that it is right, it is learned."""

GOING_ON = 0.1
"""A new example is learned with this share of the first learning rate."""

AT_ONCE = 1024


def network(model: nn.Module, never: nn.Module, data: Data) -> Answerer:
    """Return what a network answers; `never` is one that learned none of the list."""
    held, reference = (_confidence(each, data.compared) for each in (model, never))
    right = predicted(never, data.compared.inputs) == data.compared.labels
    return Answerer(lambda inputs: predicted(model, inputs), held, reference, right)


def trained(model: nn.Module, never: nn.Module, data: Data, task: Task, seconds: float) -> Answerer:
    """Return the same of a network that was trained on the list in so many `seconds`, with what changes take.

    What is to be forgotten for certain takes training anew, without it.
    """
    still = float((predicted(never, data.wanted.inputs) == data.wanted.labels).mean())
    return replace(
        network(model, never, data), update=_taught(model, data, task), deletion=Deleted(seconds, still, still)
    )


def predicted(model: nn.Module, inputs: Tensor) -> Labels:
    """Return the most probable class of each input."""
    return _logits(model, inputs).argmax(1).numpy()


def _logits(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([logits(model(some)) for some in inputs.split(AT_ONCE)])


def _confidence(model: nn.Module, part: Part) -> Float[ndarray, " example"]:
    """Return the probability of each label."""
    found = _logits(model, part.inputs).double().softmax(1)
    return found.gather(1, torch.from_numpy(part.labels)[:, None])[:, 0].numpy()


def _taught(model: nn.Module, data: Data, task: Task) -> tuple[Trial, ...]:
    """Teach each new example by itself to a copy of the model."""
    before, known = _right(model, data.tests), _right(model, data.wanted)
    source = torch.Generator().manual_seed(0)
    trials: list[Trial] = []
    for one, label in zip(data.new.inputs, data.new.labels.tolist(), strict=True):
        changed = copy.deepcopy(model)
        seconds, works = timed(partial(_teach, changed, one, label, data.rest, task, source))
        cost = float(_right(changed, data.tests).mean() - before.mean())
        trials.append(Trial(seconds, works, cost, share_lost(known, _right(changed, data.wanted))))
    return tuple(trials)


def _teach(model: nn.Module, one: Tensor, label: int, rest: Part, task: Task, source: torch.Generator) -> bool:
    """Train on one new example with others from training beside it, until it is right IN_A_ROW times; return whether it is."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = Optimizer(weights, task.recipe)
    rate, decay = GOING_ON * _first(task.recipe.learning_rate), _first(task.recipe.weight_decay)
    right = 0
    for _ in range(MOST):
        beside = torch.randint(len(rest), (task.recipe.batch_size - 1,), generator=source)
        targets = task.learned.to_tensor(np.concatenate([[label], rest.labels[beside.numpy()]]))
        model.train()
        task.learned.losses(model(torch.cat([one[None], rest.inputs[beside]])), targets).mean().backward()
        optimizer.update([rate], [decay])
        model.eval()
        right = right + 1 if int(predicted(model, one[None])[0]) == label else 0
        if right == IN_A_ROW:
            return True
    return False


def _right(model: nn.Module, part: Part) -> ndarray:
    return predicted(model, part.inputs) == part.labels


def _first(knob: Any) -> float:
    """Return a knob at the start of training: a schedule's first value, and 0 for one that a controller turns."""
    value = getattr(knob, "start", knob)
    return float(value) if isinstance(value, float | int) else 0.0
