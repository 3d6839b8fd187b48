"""Batches as a loop gives them, checked and copied at once, and turned into rows when there are enough of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from byrote.errors import InvalidData
from byrote.objectives import Objective
from byrote.objectives.classification import are_probabilities
from byrote.objectives.objective import as_columns
from byrote.objectives.objective import rows as label_columns
from byrote.record import TYPES
from byrote.recorder.ids import describe, listed
from byrote.recorder.registry import Registry, Split

UNKNOWN = -1


@dataclass(frozen=True)
class Rows:
    """The layout of what was recorded in a step, in the order in which it came.

    `member` is 1, 0 or -1 (unknown). An example has `width` label columns, or 0: one label, which has no
    axis of its own.
    """

    objective: Objective
    width: int = 0

    @property
    def labels(self) -> list[str]:
        """The names of the label columns."""
        return [f"label_{i}" for i in range(max(self.width, 1))]

    @property
    def schema(self) -> pa.Schema:
        """All columns."""
        kind = pa.float32() if self.objective.name == "regression" else pa.int32()
        return pa.schema(
            [
                ("example", pa.string()),
                *((name, kind) for name in self.labels),
                ("seen", pa.bool_()),
                ("member", pa.int8()),
                *((name, TYPES[kind]) for name, kind in self.objective.columns().items()),
            ]
        )

    def read_labels(self, table: pa.Table) -> NDArray[Any]:
        """Return the labels of a table's rows, as `Population` has them."""
        columns = [table[name].to_numpy() for name in self.labels]
        kinds = {"classification": np.int64, "regression": np.float32, "multilabel": np.int8, "tokens": np.int32}
        dtype = kinds[self.objective.name]
        if not self.width:
            return columns[0].astype(dtype)
        return np.stack(columns, axis=1).astype(dtype)


class Batch(NamedTuple):
    """What came in one call: ids as a tensor of whole numbers or a list, membership for all or for each."""

    ids: Tensor | list[Any]
    outputs: Tensor
    labels: Tensor
    member: int | NDArray[np.bool_]


def batch(ids: Any, outputs: Any, labels: Any, member: Any, objective: Objective) -> Batch:
    """Check and copy: outputs may be changed in place afterwards, or lie in a buffer that the next batch fills."""
    plain, text = objective.name == "classification", objective.name == "tokens"
    what = "Logits must be a tensor [example, class]" if plain else "Outputs must be a tensor [example, output]"
    what = "Logits must be a tensor [example, token, vocabulary]" if text else what
    axes = (3,) if text else (1, 2)
    if not isinstance(outputs, Tensor) or outputs.ndim not in axes or not outputs.is_floating_point():
        raise InvalidData(f"{what}, but they are {describe(outputs)}. Give the model's output, before softmax.")
    try:
        targets = labels if isinstance(labels, Tensor) else torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise InvalidData(
            f"Labels must be numbers, but they are {describe(labels)}. Give a tensor or a list."
        ) from None
    if plain and (targets.ndim != 1 or targets.is_floating_point()):
        raise InvalidData(
            f"Labels must be class indices [example], but they are {describe(targets)}. Give whole numbers from 0."
        )
    if text and (targets.shape[1:] != outputs.shape[1:2] or targets.is_floating_point()):
        raise InvalidData(
            f"Labels must be the tokens that follow, [example, token], but they are {describe(targets)} for outputs of shape {tuple(outputs.shape)}. Give whole numbers, as many as there are places."
        )
    names = ids if isinstance(ids, Tensor) and ids.dtype == torch.int64 and ids.ndim == 1 else listed(ids)
    n, count = outputs.shape[0], names.shape[0] if isinstance(names, Tensor) else len(names)
    if count != n or targets.shape[0] != n:
        raise InvalidData(
            f"There are {count} ids, {n} rows of outputs and {len(targets)} labels. Give one of each for every example."
        )
    return Batch(
        names.clone() if isinstance(names, Tensor) else names,
        outputs.detach() if text else as_columns(outputs.detach()).clone(),  # texts are reduced at once
        targets.clone(),
        _membership(member, n),
    )


def rows(batches: Sequence[Batch], split: Split, seen: bool, registry: Registry, layout: Rows) -> pa.RecordBatch:
    """Return these batches as rows; raise InvalidData for labels and outputs that cannot be used."""
    objective = layout.objective
    outputs = torch.cat([each.outputs for each in batches])
    where = registry.positions(split, _joined([each.ids for each in batches]))
    ids = np.array([registry.names[at] for at in where], np.str_) if objective.name != "classification" else None
    given = torch.cat([each.labels for each in batches])
    if ids is None:  # the usual case, and checked without a list of names
        if are_probabilities(outputs):
            raise InvalidData(
                "The outputs are probabilities: no row has a negative number, and each sums to 1. Give the model's output before softmax."
            )
        targets = given.to(outputs.device, torch.int64)
        labels: NDArray[Any] = targets.cpu().numpy()
        for bad in np.flatnonzero((labels < 0) | (labels >= objective.outputs))[:1]:
            raise InvalidData(
                f"Label {labels[bad]} of {registry.names[where[bad]]!r} is out of range. {objective.outputs} classes have labels 0 to {objective.outputs - 1}."
            )
    else:
        labels = objective.check(given.cpu().numpy(), ids)
        targets = objective.to_tensor(labels).to(outputs.device)
        if objective.name == "regression":  # a loop speaks in the units of the targets that it gives
            outputs = torch.from_numpy(objective.from_predictions(outputs.cpu().numpy())).to(outputs.device)
    registry.label(where, labels)
    values = objective.observe(outputs, targets)
    for bad in np.flatnonzero(~np.isfinite(values["margin" if "margin" in values else "loss"]))[:1]:
        raise InvalidData(
            f"The outputs of {registry.names[where[bad]]!r} are NaN or infinite. Lower the learning rate; steps that were ended are kept."
        )
    columns = {
        "example": registry.array().take(pa.array(where)),
        **dict(zip(layout.labels, label_columns(labels).T, strict=True)),
        "seen": np.full(len(where), seen),
        "member": np.ones(len(where), np.int8) if seen else _members(batches),
        **values,
    }
    schema = layout.schema
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def _membership(member: Any, n: int) -> int | NDArray[np.bool_]:
    if member is None or member is True:
        return UNKNOWN if member is None else 1
    mask = np.asarray(member)
    if mask.dtype != np.bool_ or mask.shape not in ((), (n,)):
        raise InvalidData(f"`member` is {describe(mask)} for {n} examples. Give true or false, for all or for each.")
    return mask


def _members(batches: Sequence[Batch]) -> NDArray[np.int8]:
    return np.concatenate([np.full(len(each.labels), each.member, np.int8) for each in batches])


def _joined(ids: Sequence[Tensor | list[Any]]) -> NDArray[np.int64] | list[Any]:
    tensors = [each for each in ids if isinstance(each, Tensor)]
    if len(tensors) == len(ids):
        return torch.cat(tensors).cpu().numpy()
    return list(chain.from_iterable(each.tolist() if isinstance(each, Tensor) else each for each in ids))
