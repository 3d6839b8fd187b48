"""A run trained as a user would write it, in the batches that the run takes, to compare methods of the gradient with."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from byrote.task.canaries import Canaries, plant
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.tensors import to_tensors

Change = Callable[[nn.Module, Tensor, Tensor], None]


def trained(task: Task, runs: int = 1) -> NDArray[np.float32]:
    """Return the last loss of all examples, by run, of runs that are trained on all that is no test example."""
    population = plant(task, Canaries(), 0)
    member = np.stack([population.split == "train"] * runs)
    seeds = list(range(5, 5 + runs))
    steps = list(
        train(learner(task), population, member, task.recipe, seeds, Engine(pack=runs), objective=task.learned)
    )
    return np.array([step.clean.values["loss"] for step in steps[-1] if step.clean is not None])


def by_hand(task: Task, change: Change, seed: int = 5) -> NDArray[np.float32]:
    """Return the same, where `change(model, inputs, labels)` sets the gradients of a batch, and plain SGD follows them."""
    population = plant(task, Canaries(), 0)
    x, y = to_tensors(population, task.learned, "cpu")
    model, rate = fresh(task, seed), task.recipe.learning_rate
    batches = list(_batches(task, np.flatnonzero(population.split == "train"), seed))
    for done, which in enumerate(batches):
        change(model, x[which], y[which])
        now = rate(done / len(batches)) if callable(rate) else rate
        with torch.no_grad():
            for weight in model.parameters():
                weight -= now * weight.grad
    with torch.no_grad():
        return functional.cross_entropy(model(x), y, reduction="none").numpy()


def fresh(task: Task, seed: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return learner(task)()


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(model(x), y)


def gradients(model: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


def each_gradient(model: nn.Module, x: Tensor, y: Tensor) -> list[list[Tensor]]:
    """Return the gradient of each example, one weight after the other, by a loop."""
    return [gradients(model, loss_of(model, x[i : i + 1], y[i : i + 1])) for i in range(len(x))]


def clipped_sum(found: list[list[Tensor]], norm: float) -> list[Tensor]:
    def scale(own: list[Tensor]) -> float:
        return min(1.0, norm / float(torch.cat([g.flatten() for g in own]).norm()))

    scaled = [[scale(own) * g for g in own] for own in found]
    return [torch.stack(each).sum(0) for each in zip(*scaled, strict=True)]


def set_gradients(model: nn.Module, found: list[Tensor]) -> None:
    for weight, gradient in zip(model.parameters(), found, strict=True):
        weight.grad = gradient


def _batches(task: Task, member: NDArray[np.int64], seed: int) -> Iterator[Tensor]:
    order, members = torch.Generator().manual_seed(seed), torch.from_numpy(member)
    for _ in range(task.recipe.epochs):
        shuffled = members[torch.randperm(len(members), generator=order)]
        yield from shuffled.tensor_split(-(-len(members) // task.recipe.batch_size))
