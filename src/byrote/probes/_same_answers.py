"""Whether a model, in evaluation mode, says the same about an example whatever else is in its batch, and every time."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from byrote.errors import InvalidData
from byrote.record.inputs import each, parts, rows

FEW = 8
"""Examples that are evaluated for the check, at most."""

ROUNDING = 1e-3
"""Outputs that differ by less than this, relative to the largest output or to 1, are equal up to rounding."""


def check_same_answers(model: Callable[[Any], Any], inputs: Any) -> None:
    """Raise InvalidData when the outputs for an example differ between two calls, or with the rest of the batch.

    Of the first FEW examples, one half is evaluated three times: twice in the same batch, then with copies of the first
    example in place of the other half. The model is to be in evaluation mode; the random state of torch is not changed.
    Outputs that are no tensor with one row per example are left to other checks, and so is a batch of one example.
    It misleads for an untrained model whose last layer is all zeros: all its outputs are equal.
    """
    some = rows(inputs, slice(0, FEW))
    first = next(iter(parts(some).values()))
    count, half = len(first), (len(first) + 1) // 2
    if not count:
        return
    changed = rows(some, [at if at < half else 0 for at in range(count)])
    devices = [first.device.index] if first.is_cuda else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        one, again, other = (model(each(_copied, batch)) for batch in (some, some, changed))
    if not isinstance(one, Tensor) or one.ndim == 0 or len(one) != count:
        return
    what = "In evaluation mode the outputs of this model for the same example differ"
    if (apart := _apart(one, again)) > ROUNDING:
        raise InvalidData(
            f"{what} by {apart:.2g} from one call to the next. Switch off what is random in evaluation: in a layer of your "
            "own, write dropout(x, training=self.training)."
        )
    if (apart := _apart(one[:half], other[:half])) > ROUNDING:
        raise InvalidData(
            f"{what} by {apart:.2g} with the other examples of the batch, so there is no value per example. Give batch norm its "
            "running statistics (track_running_stats=True), or use group norm or layer norm."
        )


def _copied(part: Tensor) -> Tensor:
    """Return a copy, since a model may change its input in place."""
    return part.clone()


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, relative to the largest output or to 1; outputs that are not finite do not count."""
    finite = one.isfinite() & other.isfinite()
    if not finite.any():
        return 0.0
    difference = (one - other)[finite].abs().max() / one[finite].abs().max().clamp(min=1)
    return float(difference)
