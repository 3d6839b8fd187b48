"""Descent: updates by Adam on a loss that is computed anew for each, as all training of this room does it."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from byrote.errors import InvalidData


def descend(
    parameters: Iterable[Tensor],
    loss: Callable[[int], Tensor],
    *,
    updates: int,
    learning_rate: float,
    falling: bool = False,
    clip: float | None = None,
) -> list[float]:
    """Change the parameters in place, and return the loss before each update; `loss` gets the number of the update.

    `falling`: the learning rate falls to 0 along a cosine. `clip` is the largest norm of a gradient. Raises InvalidData where
    the loss is not finite.
    """
    weights = list(parameters)
    optimizer = torch.optim.Adam(weights, lr=learning_rate)  # pyright: ignore[reportPrivateImportUsage]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(updates, 1)) if falling else None
    losses: list[float] = []
    for at in range(updates):
        found = loss(at)
        if not found.isfinite():
            raise InvalidData(
                f"The loss is {found.item()} after {at} updates. Give a smaller learning rate than {learning_rate:g}."
            )
        optimizer.zero_grad()
        found.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(weights, clip)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(found.item())
    return losses
