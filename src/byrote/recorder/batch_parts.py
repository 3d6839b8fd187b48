"""The parts of a batch that carries ids: what the model reads, the labels, and the ids; and what a model returns for it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from byrote.errors import InvalidData
from byrote.recorder.ids import describe

LABELS = ("labels", "label")
"""The names that labels have in a batch that is a dict."""


class Parts(NamedTuple):
    """A batch whose items were `(inputs, label, id)`, or `(dict, id)` with the label under `labels` or `label`."""

    inputs: Any
    labels: Any
    ids: Any


def without_ids(batch: Any) -> Any:
    """Return the batch as a loop has it whose data set carries no ids."""
    rest = list(_entries(batch)[:-1])
    return rest[0] if len(rest) == 1 else rest


def parts_of(batch: Any) -> Parts:
    """Return the parts of a batch; raise InvalidData when it has no ids, or no labels."""
    *rest, ids = _entries(batch)
    if len(rest) > 1:
        *inputs, labels = rest
        return Parts(inputs[0] if len(inputs) == 1 else tuple(inputs), labels, ids)
    if rest and isinstance(rest[0], Mapping):
        named = dict(rest[0])
        key = next((name for name in LABELS if name in named), None)
        if key is not None:
            return Parts(named, named.pop(key), ids)
    if rest and isinstance(rest[0], Mapping):
        raise InvalidData(
            f"A batch has {', '.join(map(repr, rest[0]))} beside the ids, and no labels. Let the data set yield (inputs, label), or a dict with 'labels'."
        )
    raise InvalidData(
        "A batch has two entries; inputs, labels and ids are three. Train on the data of the run, run.train, whose items carry ids, and let your data set yield (inputs, label)."
    )


def outputs_of(model: Any, inputs: Any) -> Any:
    """Return the outputs of a model about inputs: those of a dict are keyword arguments, those of a tuple positional ones."""
    if isinstance(inputs, Mapping):
        return outputs_in(model(**inputs))
    return outputs_in(model(*inputs) if isinstance(inputs, tuple) else model(inputs))


def outputs_in(returned: Any) -> Any:
    """Return what a model returned, or the `logits` in it; None where there are none."""
    if isinstance(returned, Tensor):
        return returned
    return returned.get("logits") if isinstance(returned, Mapping) else getattr(returned, "logits", None)


def _entries(batch: Any) -> list[Any]:
    if isinstance(batch, list | tuple) and len(batch) > 1:
        return list(batch)
    found = "a dict" if isinstance(batch, Mapping) else describe(batch)
    raise InvalidData(
        f"A batch is {found} and carries no ids. Train on the data of the run: run.train, or byrote.with_ids(data)."
    )
