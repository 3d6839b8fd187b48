"""Heard: batches as a loop gives them, checked and copied at once, and turned into rows when there are enough of them."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from byrote.errors import InvalidData
from byrote.objectives.classification import observe
from byrote.record import BASE_COLUMNS
from byrote.recorder.ids import listed, told
from byrote.recorder.registry import Roll, Split

NOBODY_SAID = -1
ROWS = pa.schema(
    [
        ("example", pa.string()),
        ("label", pa.int32()),
        ("seen", pa.bool_()),
        ("member", pa.int8()),
        *BASE_COLUMNS.items(),
    ]
)
"""What was said in a step, in the order in which it was said. `member` is 1, 0 or -1, where nobody said."""


class Batch(NamedTuple):
    """What came in one call: ids as a tensor of whole numbers or a list, membership for all or for each."""

    ids: Tensor | list[Any]
    logits: Tensor
    labels: Tensor
    member: int | NDArray[np.bool_]


def batch(ids: Any, logits: Any, labels: Any, member: Any) -> Batch:
    """Check and copy: logits may be changed in place afterwards, or lie in a buffer that the next batch fills."""
    if not isinstance(logits, Tensor) or logits.ndim != 2 or not logits.is_floating_point():
        raise InvalidData(
            f"Logits must be a tensor [example, class], but they are {told(logits)}. Give the model's output, before softmax."
        )
    indices = labels if isinstance(labels, Tensor) else torch.as_tensor(labels)
    if indices.ndim != 1 or indices.is_floating_point():
        raise InvalidData(
            f"Labels must be class indices [example], but they are {told(indices)}. Give whole numbers from 0."
        )
    names = ids if isinstance(ids, Tensor) and ids.dtype == torch.int64 and ids.ndim == 1 else listed(ids)
    n, count = logits.shape[0], names.shape[0] if isinstance(names, Tensor) else len(names)
    if count != n or indices.shape[0] != n:
        raise InvalidData(
            f"There are {count} ids, {n} rows of logits and {len(indices)} labels. Give one of each for every example."
        )
    return Batch(
        names.clone() if isinstance(names, Tensor) else names,
        logits.detach().clone(),
        indices.clone(),
        _membership(member, n),
    )


def rows(batches: Sequence[Batch], split: Split, seen: bool, roll: Roll) -> pa.RecordBatch:
    """Return what the model said in these batches; raise InvalidData for labels and logits that say nothing."""
    logits = torch.cat([each.logits for each in batches])
    labels = torch.cat([each.labels for each in batches]).to(logits.device, torch.int64)
    where = roll.positions(split, _joined([each.ids for each in batches]))
    numbers, classes = labels.cpu().numpy(), logits.shape[1]
    for bad in np.flatnonzero((numbers < 0) | (numbers >= classes))[:1]:
        raise InvalidData(
            f"Label {numbers[bad]} of {roll.names[where[bad]]!r} is out of range. {classes} classes have labels 0 to {classes - 1}."
        )
    roll.label(where, numbers)
    values = observe(logits, labels)
    for bad in np.flatnonzero(~np.isfinite(values["margin"]))[:1]:
        raise InvalidData(
            f"The logits of {roll.names[where[bad]]!r} are NaN or infinite. Lower the learning rate; steps that were ended are kept."
        )
    columns = {
        "example": roll.array().take(pa.array(where)),
        "label": numbers.astype(np.int32),
        "seen": np.full(len(where), seen),
        "member": np.ones(len(where), np.int8) if seen else _members(batches),
        **values,
    }
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in ROWS], schema=ROWS)


def _membership(member: Any, n: int) -> int | NDArray[np.bool_]:
    if member is None or member is True:
        return NOBODY_SAID if member is None else 1
    said = np.asarray(member)
    if said.dtype != np.bool_ or said.shape not in ((), (n,)):
        raise InvalidData(f"`member` is {told(said)} for {n} examples. Give true or false, for all or for each.")
    return said


def _members(batches: Sequence[Batch]) -> NDArray[np.int8]:
    return np.concatenate([np.full(each.labels.shape, each.member, np.int8) for each in batches])


def _joined(ids: Sequence[Tensor | list[Any]]) -> NDArray[np.int64] | list[Any]:
    tensors = [each for each in ids if isinstance(each, Tensor)]
    if len(tensors) == len(ids):
        return torch.cat(tensors).cpu().numpy()
    return list(chain.from_iterable(each.tolist() if isinstance(each, Tensor) else each for each in ids))
