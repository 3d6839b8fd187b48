"""Same examples: whether what two records keep under the same ids is the same, since ids such as 0, 1, 2 are in every task."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import WrongRecord
from byrote.record import Record, read_pictures

MOST = 0.5
"""Beyond this share of examples that are others under the same id, two audits are about other data."""


@dataclass(frozen=True, eq=False)
class Differing:
    """Which examples with the same id have other inputs, and which another label; `inputs` is None where they were not kept."""

    inputs: Bool[ndarray, " example"] | None
    labels: Bool[ndarray, " example"]


def differing(
    first: Record, second: Record, at: tuple[Int[ndarray, " example"], Int[ndarray, " example"]]
) -> Differing:
    """Return which of these examples, which have the same ids in both records, are not the same.

    Inputs are compared as the records keep them, labels of classes by the names of the classes. Raises WrongRecord where most
    of the inputs differ, or most of the labels where the inputs are not kept and the tasks are not the same.
    """
    found = Differing(_inputs(first, second, at), _labels(first, second, at))
    digests = [record.manifest["task"].get("examples") for record in (first, second)]
    known = found.inputs is not None or (digests[0] is not None and digests[0] == digests[1])
    other = found.inputs if found.inputs is not None else np.zeros_like(found.labels) if known else found.labels
    if len(other) and other.mean() > MOST:
        what = "inputs" if found.inputs is not None else "labels (their inputs were not kept)"
        name = str(first.population.ids[at[0][other]][0])
        raise WrongRecord(
            f"{other.sum()} of the {len(other)} training examples that {first.directory} and {second.directory} have by the same ids have other {what}, such as {name!r}: "
            "the two audits are about other data. Compare audits of the same examples."
        )
    return found


def _inputs(first: Record, second: Record, at: tuple[ndarray, ndarray]) -> NDArray[np.bool_] | None:
    """Return which inputs differ; None where one of the records keeps none."""
    texts = first.population.texts, second.population.texts
    if texts[0] is not None and texts[1] is not None:
        return np.array([texts[0][i] != texts[1][j] for i, j in zip(*at, strict=True)], np.bool_)
    if _same_pictures(first, second, at):
        return np.zeros(len(at[0]), np.bool_)
    kept = [record.population.inputs for record in (first, second)]
    if any(not isinstance(each, ndarray) or not each[:1].size for each in kept):
        return None
    return _rows_differ(kept[0][at[0]], kept[1][at[1]])


def _same_pictures(first: Record, second: Record, at: tuple[ndarray, ndarray]) -> bool:
    """Return whether all are the same pictures, byte by byte, which needs no picture to be decoded."""
    parts = [
        read_pictures(record.directory, len(record.population)).take(pa.array(where))
        for record, where in zip((first, second), at, strict=True)
    ]
    return parts[0].null_count + parts[1].null_count == 0 and parts[0].equals(parts[1])


def _labels(first: Record, second: Record, at: tuple[ndarray, ndarray]) -> NDArray[np.bool_]:
    labels = [record.population.labels[where] for record, where in zip((first, second), at, strict=True)]
    if first.objective.name == "classification":
        labels = [np.array(record.classes)[own] for record, own in zip((first, second), labels, strict=True)]
    return _rows_differ(*labels)


def _rows_differ(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return which rows differ; NaN is equal to NaN."""
    if first.shape != second.shape:
        return np.ones(len(first), np.bool_)
    differ = first != second
    if first.dtype.kind == second.dtype.kind == "f":
        differ &= ~(np.isnan(first) & np.isnan(second))
    return differ.reshape(len(first), -1).any(axis=1)
