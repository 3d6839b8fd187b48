"""Two small networks with batch normalisation and dropout, examples for them, and a look at what a probe may not touch."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

CLASSES = 3


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Conv2d(4, 3, 3, stride=2),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(12, CLASSES),
    )


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(36, 10),
        nn.BatchNorm1d(10),
        nn.Tanh(),
        nn.Dropout(0.3),
        nn.Linear(10, 8),
        nn.ReLU(),
        nn.Linear(8, CLASSES),
    )


ARCHITECTURES = (convolutional, perceptron)


def examples(n: int = 7, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, 1, 6, 6, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(CLASSES, (n,), generator=generator)


def build(architecture: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """Return a float64 network in evaluation mode whose normalisation has seen data and whose logits are far apart."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture().double()
        with torch.no_grad():
            for _ in range(20):
                model(torch.randn(16, 1, 6, 6, dtype=torch.float64) * 1.5 + 0.2)
            for weight in model.parameters():
                weight *= 1.5
    return model.eval()


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Fail if weights, buffers, gradients, modes, hooks or torch's random state are not afterwards what they were."""
    parameters = list(model.parameters())
    for weight in parameters[::2]:
        weight.grad = torch.full_like(weight, 3.0)
    parameters[1].requires_grad_(False)
    model.train()
    next(model.children()).eval()
    before, identities = _state(model), [id(value) for value in (*parameters, *model.buffers())]
    random = torch.get_rng_state()
    yield
    after = _state(model)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert value.equal(after[name]) if isinstance(value, Tensor) else value == after[name], name
    assert identities == [id(value) for value in (*model.parameters(), *model.buffers())]
    assert torch.get_rng_state().equal(random)


def _state(model: nn.Module) -> dict[str, Any]:
    state: dict[str, Any] = {f"state {name}": value for name, value in copy.deepcopy(model.state_dict()).items()}
    for name, weight in model.named_parameters():
        state[f"grad {name}"] = None if weight.grad is None else weight.grad.clone()
        state[f"requires_grad {name}"] = weight.requires_grad
    for name, module in model.named_modules():
        state[f"training {name}"] = module.training
        state[f"hooks {name}"] = len(module._forward_hooks) + len(module._forward_pre_hooks)
    return state
