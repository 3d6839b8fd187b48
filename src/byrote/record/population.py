"""Population: everyone a record speaks about, and examples.parquet, where they are listed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import WrongRecord, unknown
from byrote.record.parquet import Parquet
from byrote.record.pictures import decode, encode
from byrote.record.storage import Place, replacing

TEXTS = ["example", "split", "canary", "source", "group"]
NUMBERS = ["label", "verification", "true_label"]
LOOKS = ["picture", "vector"]


class _Inputs:
    """An array, or how to read one, which is done once and only when somebody looks."""

    def __get__(self, owner: "Population | None", kind: type) -> NDArray[Any]:
        if owner is None:
            raise AttributeError("inputs")  # so that the field has no default
        given: Any = owner.__dict__["inputs"]
        if callable(given):
            given = owner.__dict__["inputs"] = given()
        return given

    def __set__(self, owner: "Population", given: NDArray[Any] | Callable[[], NDArray[Any]]) -> None:
        owner.__dict__["inputs"] = given


@dataclass(frozen=True, eq=False)
class Population:
    """Everyone a record speaks about, in a fixed order: one entry per example in every array. Empty strings mean "none"."""

    ids: NDArray[np.str_]
    split: NDArray[np.str_]
    labels: NDArray[np.int64]
    canary: NDArray[np.str_]
    verification: NDArray[np.bool_]
    source: NDArray[np.str_]
    true_label: NDArray[np.int64]
    groups: NDArray[np.str_]
    inputs: _Inputs = _Inputs()
    """uint8 or float; of a record, what pictures and vectors keep of them, read when first asked for."""

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, split: str) -> Bool[ndarray, " example"]:
        """Return the mask of `train`, `test`, `canary` or `all`; canaries are in none but the last two."""
        if split not in ("train", "test", "canary", "all"):
            raise unknown("split", split, ("train", "test", "canary", "all"))
        return np.ones(len(self), np.bool_) if split == "all" else self.split == split


def write_population(directory: Place, population: Population) -> None:
    """Write examples.parquet, whole or not at all."""
    shown = encode(population.inputs)
    table = pa.table(
        {
            "example": pa.array(population.ids),
            "split": pa.array(population.split),
            "label": pa.array(population.labels, pa.int32()),
            "canary": _text(population.canary),
            "verification": pa.array(population.verification),
            "source": _text(population.source),
            "true_label": pa.array(population.true_label, pa.int32(), mask=population.true_label < 0),
            "group": _text(population.groups),
            "picture": pa.array(shown.pictures or [None] * len(population), pa.binary()),
            "vector": pa.array(
                shown.vectors if shown.vectors is not None else [None] * len(population),
                pa.list_(pa.float32()),
            ),
        }
    )
    with replacing(directory / "examples.parquet") as path:
        pq.write_table(table, path, compression="zstd")


def read_population(directory: Place) -> Population:
    """Return who is listed in examples.parquet; raise WrongRecord when it cannot be read."""
    path = directory / "examples.parquet"
    table = _read(path, [*TEXTS, *NUMBERS])
    try:
        text = {name: np.array(table[name].fill_null("").to_pylist(), dtype=np.str_) for name in TEXTS}
        return Population(
            ids=text["example"],
            split=text["split"],
            labels=table["label"].to_numpy().astype(np.int64),
            canary=text["canary"],
            verification=table["verification"].to_numpy(),
            source=text["source"],
            true_label=table["true_label"].fill_null(-1).to_numpy().astype(np.int64),
            groups=text["group"],
            inputs=lambda: _read_inputs(path, len(table)),
        )
    except (ValueError, pa.ArrowException) as error:
        raise _broken(path, error) from None


def _read_inputs(path: Place, n: int) -> NDArray[Any]:
    """Return what is kept of the first `n`: rows that were added since do not belong to the population that asks."""
    table = _read(path, LOOKS)[:n]
    try:
        return decode(table["picture"].to_pylist(), table["vector"].to_pylist())
    except (OSError, ValueError) as error:
        raise _broken(path, error) from None


def _read(path: Place, columns: list[str]) -> pa.Table:
    try:
        with Parquet(path) as file:
            every = range(file.metadata.num_row_groups)
            file.fetch(every, columns)
            return file.read(every, columns)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _broken(path, error) from None


def _broken(path: Place, error: Exception) -> WrongRecord:
    return WrongRecord(f"{path} cannot be read ({error}). Restore it, or collect into another directory.")


def _text(values: NDArray[np.str_]) -> pa.Array:
    return pa.array(values, pa.string(), mask=values == "")
