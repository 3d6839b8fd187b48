"""The training loop: one run, from its seed to what the model said about everyone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from torch import Tensor, nn

from rote.errors import InvalidData, RoteError
from rote.observe import observe
from rote.recipe import Recipe, at
from rote.record import Observed, Population, Step

EVALUATION_BATCH = 1000


def train(
    model: Callable[[], nn.Module],
    population: Population,
    member: Bool[ndarray, " example"],
    recipe: Recipe,
    seed: int,
    device: str = "cpu",
) -> Iterator[Step]:
    """Train one model on the members and yield what was seen at each step.

    All randomness (initial weights, batch order, dropout) comes from `seed`; the caller's random state is left as it
    was. Raises RoteError when the loss becomes NaN or infinite, InvalidData when there is no member to train on.
    """
    if not member.any():
        raise InvalidData("This run would be trained on no example at all. Use a larger fraction or more examples.")
    gpus = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        network = model().to(device)
        state = _random_state(gpus)
    inputs, labels = to_tensors(population, device)
    optimizer = _optimizer(network, recipe)
    members = torch.from_numpy(np.flatnonzero(member))
    order = torch.Generator().manual_seed(seed)
    batches = -(-len(members) // recipe.batch_size)
    for step in range(1, recipe.epochs + 1):
        with torch.random.fork_rng(devices=gpus):
            _set_random_state(gpus, state)
            shuffled = members[torch.randperm(len(members), generator=order)]
            seen: list[Tensor] = []
            network.train()
            for number, batch in enumerate(shuffled.tensor_split(batches)):
                _set_knobs(optimizer, recipe, (step - 1 + number / batches) / recipe.epochs)
                logits = network(inputs[batch])
                loss = nn.functional.cross_entropy(logits.float(), labels[batch])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                seen.append(logits.detach())
            state = _random_state(gpus)
            clean = _clean(network, inputs, labels, _asked(population, recipe, step))
        said = Observed(shuffled.numpy(), observe(torch.cat(seen), labels[shuffled]))
        for observed in (said, clean):
            if observed is not None and not np.isfinite(observed.values["loss"]).all():
                raise RoteError(
                    f"Training diverged in step {step}: the loss is NaN or infinite with {recipe}. Lower the learning rate."
                )
        yield Step(step, clean, said)


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
        raise InvalidData(
            f"This torch cannot use the device {device!r}: {told}. Use --device cpu, or install a torch that can."
        ) from None


def to_tensors(population: Population, device: str, which: slice = slice(None)) -> tuple[Tensor, Tensor]:
    """Return inputs as float32 (uint8 is divided by 255) and labels, on the device."""
    inputs = torch.from_numpy(np.ascontiguousarray(population.inputs[which])).to(device)
    inputs = inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs.float()
    return inputs, torch.from_numpy(population.labels[which]).to(device)


def _random_state(gpus: Sequence[torch.device]) -> list[Tensor]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(gpu) for gpu in gpus)]


def _set_random_state(gpus: Sequence[torch.device], state: Sequence[Tensor]) -> None:
    torch.set_rng_state(state[0])
    for gpu, own in zip(gpus, state[1:], strict=True):
        torch.cuda.set_rng_state(own, gpu)


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=1.0, fused=True)
    return torch.optim.SGD(network.parameters(), lr=1.0, momentum=recipe.momentum, fused=True)


def _set_knobs(optimizer: torch.optim.Optimizer, recipe: Recipe, progress: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = at(recipe.learning_rate, progress)
        group["weight_decay"] = at(recipe.weight_decay, progress)


def _asked(population: Population, recipe: Recipe, step: int) -> Int[ndarray, " example"]:
    """Return who is asked in a clean pass after this step: everyone at the end, test examples and canaries before."""
    if step == recipe.epochs:
        return np.arange(len(population))
    if recipe.evaluate_every and step % recipe.evaluate_every == 0:
        return np.flatnonzero(population.split != "train")
    return np.zeros(0, np.int64)


def _clean(network: nn.Module, inputs: Tensor, labels: Tensor, positions: Int[ndarray, " example"]) -> Observed | None:
    if not len(positions):
        return None
    network.eval()
    where = torch.from_numpy(positions)
    with torch.no_grad():
        logits = torch.cat([network(inputs[part]) for part in where.split(EVALUATION_BATCH)])
    return Observed(positions, observe(logits, labels[where]))
