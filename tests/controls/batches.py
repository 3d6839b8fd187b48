"""A batch as a method of the loss gets it."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from byrote.objectives import Classification
from byrote.task.methods import Batch

RUNS, EXAMPLES, CLASSES, NUMBER = 2, 6, 4, 20


def batch(seed: int = 0, state: dict[str, Any] | None = None, runs: slice = slice(0, RUNS)) -> tuple[Tensor, Batch]:
    """Return the cross-entropies `[run, example]`, and the batch that they are of; its outputs ask for gradients."""
    draws = torch.Generator().manual_seed(seed)
    count = runs.stop - runs.start
    outputs = (2 * torch.randn(count, EXAMPLES, CLASSES, generator=draws)).requires_grad_()
    targets = torch.randint(CLASSES, (count, EXAMPLES), generator=draws)
    positions = torch.stack([torch.randperm(NUMBER, generator=draws)[:EXAMPLES] for _ in range(count)])
    plain = functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none").view(count, EXAMPLES)
    state = {} if state is None else state
    return plain, Batch(outputs, targets, positions, runs, NUMBER, Classification(CLASSES), 1, state)


def strengths(*values: float) -> Tensor:
    """Return one strength per run, as a method gets it."""
    return torch.tensor(values).unsqueeze(1)
