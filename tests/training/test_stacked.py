import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from byrote.objectives import Classification
from byrote.training.stacked import Alone, Stacked, obstacle

FEATURES, CLASSES = 5, 3


class Branches(nn.Module):
    """What it does depends on the numbers it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layer(x)
        return logits if logits.sum() > 0 else -logits


class Counts(nn.Module):
    """Keeps a plain number, of which a stack has one only."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.batches = nn.Linear(FEATURES, CLASSES), 0

    def forward(self, x: Tensor) -> Tensor:
        self.batches += self.training
        return self.layer(x)


class Replaces(nn.Module):
    """Puts another tensor in the place of its buffer, which a stack would lose."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)
        self.register_buffer("mean", torch.zeros(FEATURES))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return self.layer(x - self.mean)


class Remembers(nn.Module):
    """Says something else each time it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.asked = nn.Linear(FEATURES, CLASSES), 0

    def forward(self, x: Tensor) -> Tensor:
        self.asked += 1
        return self.layer(x) * self.asked


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.LSTM(1, 4, batch_first=True), nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(x[..., None])[0][:, -1])


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(FEATURES, FEATURES), nn.Linear(FEATURES, FEATURES)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))[:, :CLASSES]


def normed(momentum: float | None = 0.1) -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8, momentum=momentum), nn.Linear(8, CLASSES))


def reparametrized() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8), nn.utils.parametrizations.weight_norm(nn.Linear(8, CLASSES)))


def frozen() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8).requires_grad_(False), nn.ReLU(), nn.Linear(8, CLASSES))


def layered(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8), *layers, nn.Linear(8, CLASSES))


def filters() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 1, FEATURES)),
        nn.Conv2d(1, 4, (1, 3)),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d((1, 2)),
        nn.Flatten(),
        nn.Linear(4, CLASSES),
    )


def examples(count: int = 4) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return torch.randn(count, FEATURES, generator=random), torch.arange(count) % CLASSES


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Branches, "RuntimeError, vmap: .*control flow"),
        (Counts, "it keeps '.batches' where a stack cannot"),
        (Replaces, "it keeps 'mean' where a stack cannot"),
        (Remembers, "stacked, it gives other outputs"),
        (Recurrent, "RuntimeError, Batching rule not implemented for aten::lstm"),
        (partial(normed, None), r"RuntimeError, vmap: .*item\(\)"),
        (reparametrized, "UserWarning, There is a performance drop"),
        (lambda: nn.Linear(FEATURES + 1, CLASSES), "RuntimeError, mat1 and mat2"),
    ],
)
def test_what_cannot_be_stacked_is_found_out(model: Callable[[], nn.Module], told: str) -> None:
    before = torch.get_rng_state()
    assert re.match(told, obstacle(model, *examples(), Classification()))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "model",
    [
        normed,
        frozen,
        filters,
        Tied,
        partial(layered, nn.Dropout()),
        partial(layered, nn.LayerNorm(8), nn.GELU()),
        partial(layered, nn.GroupNorm(2, 8), nn.PReLU()),
    ],
)
def test_what_can_be_stacked_is_not_refused(model: Callable[[], nn.Module]) -> None:
    assert obstacle(model, *examples(), Classification()) == ""


def built(model: Callable[[], nn.Module], count: int) -> list[nn.Module]:
    networks: list[nn.Module] = []
    for seed in range(count):
        torch.manual_seed(seed)
        networks.append(model())
    return networks


@pytest.mark.parametrize("parts", [[3], [1, 2], [1, 1, 1]])
@pytest.mark.parametrize("model", [normed, frozen, filters, Tied])
def test_a_step_of_a_stack_is_a_step_of_each_network(model: Callable[[], nn.Module], parts: list[int]) -> None:
    """Outputs, gradients and buffers, also when the runs of a step are called in parts, each with its own examples."""
    with torch.random.fork_rng():
        alone, stack = [Alone(network) for network in built(model, 3)], Stacked(built(model, 3))
    inputs, labels = examples(3 * 6)
    batches, first = inputs.unflatten(0, (3, 6)), 0
    stack.mode(training=True)
    for size in parts:
        runs = slice(first, first + size)
        logits = stack(batches[runs], runs)
        target = labels.unflatten(0, (3, 6))[runs].flatten()
        (nn.functional.cross_entropy(logits.flatten(0, 1), target) * size).backward()
        first += size
    stack.join()
    for run, network in enumerate(alone):
        network.mode(training=True)
        logits = network(batches[run : run + 1], slice(0, 1))
        nn.functional.cross_entropy(logits[0], labels[6 * run : 6 * run + 6]).backward()
        network.join()
        for name, weight in network.network.named_parameters():
            theirs = stack.weights[name].grad
            assert (weight.grad is None) == (theirs is None) == (not weight.requires_grad)
            if weight.grad is not None and theirs is not None:
                torch.testing.assert_close(theirs[run], weight.grad, rtol=1e-4, atol=1e-6)
        for name, buffer in network.network.named_buffers():
            torch.testing.assert_close(stack.buffers[name][run], buffer)
        network.mode(training=False)
        stack.mode(training=False)
        with torch.no_grad():
            torch.testing.assert_close(stack.ask(inputs)[run], network.ask(inputs)[0], rtol=1e-4, atol=1e-5)


def test_convolutions_alone_have_the_channels_last() -> None:
    network = Alone(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))).network
    said = network(torch.zeros(2, 3, 8, 8))
    assert said.is_contiguous(memory_format=torch.channels_last)
