"""Population: all examples a record speaks about, and examples.parquet, where they are listed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import WrongRecord, unknown
from byrote.record.display import Display
from byrote.record.inputs import Inputs
from byrote.record.parquet import Parquet, seal
from byrote.record.pictures import decode, encode
from byrote.record.storage import Place, replacing
from byrote.record.surroundings import Surroundings, surroundings

LISTED = ["example", "split", "label", "canary", "verification", "source", "true_label", "group", "weight"]
LOOKS = ["picture", "vector"]

LISTS = {"float32": pa.float32(), "int8": pa.int8(), "int32": pa.int32()}
"""The types of several targets of an example, by the type of the array: numbers, labels that are 0 or 1, and tokens."""

KEPT = b"byrote.display"
"""The key of the file's metadata under which it says, as JSON, what kind of data the examples are."""


@dataclass(frozen=True, eq=False, repr=False)
class Population:
    """All examples a record speaks about, in a fixed order: one entry per example in every array. Empty strings mean "none".

    `labels` are what models are taught: class indices (int64), targets (float32, `[example]` or `[example, target]`),
    0 and 1 for each of several labels (int8, `[example, label]`), or the tokens of a text (int32, `[example, token]`, -1 where
    there is none). `true_label`, of mislabeled canaries, is of the same kind;
    elsewhere -1, or NaN for targets. `weights` are those of the examples' losses, 1 unless the task says otherwise.
    `display` is what kind of data the examples are, for people who read them.
    """

    ids: NDArray[np.str_]
    split: NDArray[np.str_]
    labels: NDArray[Any]
    canary: NDArray[np.str_]
    verification: NDArray[np.bool_]
    source: NDArray[np.str_]
    true_label: NDArray[Any]
    groups: NDArray[np.str_]
    weights: Float[ndarray, " example"]
    read_inputs: Callable[[], Any]
    display: Display
    read_texts: Callable[[], Sequence[str] | None]

    @classmethod
    def of(
        cls,
        ids: NDArray[np.str_],
        split: NDArray[np.str_],
        labels: NDArray[Any],
        inputs: Inputs | Callable[[], Inputs],
        *,
        canary: NDArray[np.str_] | None = None,
        verification: NDArray[np.bool_] | None = None,
        source: NDArray[np.str_] | None = None,
        true_label: NDArray[Any] | None = None,
        groups: NDArray[np.str_] | None = None,
        weights: Float[ndarray, " example"] | None = None,
        display: Display | None = None,
        read_texts: Callable[[], Sequence[str] | None] = lambda: None,
    ) -> "Population":
        """Return a population; what is left out is "none" for all. `inputs` may be what reads them, when first needed."""
        n = len(ids)
        none = np.full(n, "")
        return cls(
            ids=ids,
            split=split,
            labels=labels,
            canary=none if canary is None else canary,
            verification=np.zeros(n, np.bool_) if verification is None else verification,
            source=none if source is None else source,
            true_label=no_labels(labels, n) if true_label is None else true_label,
            groups=none if groups is None else groups,
            weights=np.ones(n, np.float32) if weights is None else weights,
            read_inputs=inputs if callable(inputs) else lambda: inputs,
            display=Display() if display is None else display,
            read_texts=read_texts,
        )

    @cached_property
    def inputs(self) -> Any:
        """What models read of the examples. Of a record: what pictures and vectors keep of it."""
        return self.read_inputs()

    @cached_property
    def texts(self) -> Sequence[str] | None:
        """Every example as text; None where the data are no text."""
        return self.read_texts()

    @cached_property
    def surroundings(self) -> Surroundings:
        """What the data alone say about each training example and canary; NaN for texts, and where no inputs are kept."""
        inputs = None if self.display.kind == "text" else self.inputs
        return surroundings(inputs, self.labels, self.groups, self.split != "test")

    def with_inputs(self, inputs: Inputs) -> "Population":
        """Return the same examples with these inputs."""
        return replace(self, read_inputs=lambda: inputs)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        counts = ", ".join(f"{int(self.where(split).sum()):,} {split}" for split in ("train", "test", "canary"))
        return f"Population({counts} examples)"

    def where(self, split: str) -> Bool[ndarray, " example"]:
        """Return the mask of `train`, `test`, `canary` or `all`; canaries are in none but the last two."""
        if split not in ("train", "test", "canary", "all"):
            raise unknown("split", split, ("train", "test", "canary", "all"))
        return np.ones(len(self), np.bool_) if split == "all" else self.split == split


def no_labels(labels: NDArray[Any], n: int) -> NDArray[Any]:
    """Return n entries that are no label, in the type of these: -1, or NaN for targets."""
    return np.full((n, *labels.shape[1:]), np.nan if labels.dtype.kind == "f" else -1, labels.dtype)


def write_population(directory: Place, population: Population) -> None:
    """Write examples.parquet, whole or not at all."""
    kind = population.display.kind or None
    shown, texts = encode(population.inputs, kind), population.texts
    usual = bool((population.weights == 1).all())
    table = pa.table(
        {
            "example": pa.array(population.ids),
            "split": pa.array(population.split),
            "label": _labels(population.labels),
            "canary": _text(population.canary),
            "verification": pa.array(population.verification),
            "source": _text(population.source),
            "true_label": _labels(population.true_label),
            "group": _text(population.groups),
            "weight": pa.nulls(len(population), pa.float32()) if usual else pa.array(population.weights, pa.float32()),
            "picture": pa.array(shown.pictures or [None] * len(population), pa.binary()),
            "vector": pa.array(
                shown.vectors if shown.vectors is not None else [None] * len(population),
                pa.list_(pa.float32()),
            ),
            "text": pa.array(texts if texts is not None else [None] * len(population), pa.string()),
        }
    )
    table = table.replace_schema_metadata({KEPT: json.dumps(population.display.as_json()).encode()})
    with replacing(directory / "examples.parquet") as path:
        pq.write_table(table, path, compression="zstd", write_page_checksum=True)
        seal(path)


def read_population(directory: Place) -> Population:
    """Return the examples that examples.parquet lists; raise WrongRecord when it cannot be read."""
    path = directory / "examples.parquet"
    table = _read(path, LISTED)
    try:
        labels = _from_labels(table["label"], None)

        def text(name: str) -> NDArray[np.str_]:
            return np.array(table[name].fill_null("").to_pylist(), dtype=np.str_)

        return Population.of(
            text("example"),
            text("split"),
            labels,
            lambda: _read_inputs(path, len(table)),
            canary=text("canary"),
            verification=table["verification"].to_numpy(),
            source=text("source"),
            true_label=_from_labels(table["true_label"], labels),
            groups=text("group"),
            weights=table["weight"].fill_null(1.0).to_numpy(),
            display=_display(table),
            read_texts=lambda: _read_texts(path, len(table)),
        )
    except (ValueError, TypeError, KeyError, pa.ArrowException) as error:
        raise _broken(path, error) from None


def _labels(labels: NDArray[Any]) -> pa.Array:
    """Return labels as a column: null for those that are no label."""
    none = np.isnan(labels) if labels.dtype.kind == "f" else labels < 0
    if labels.ndim == 1:
        return pa.array(labels, pa.float32() if labels.dtype.kind == "f" else pa.int32(), mask=none)
    kind = pa.list_(LISTS[labels.dtype.name])
    return pa.array([None if bad.all() else row for row, bad in zip(labels, none, strict=True)], kind)


def _from_labels(column: pa.ChunkedArray, like: NDArray[Any] | None) -> NDArray[Any]:
    """Return a column of labels as an array; nulls are no label. `like` gives the shape where all are null."""
    if not pa.types.is_list(column.type):
        if pa.types.is_floating(column.type):
            return column.fill_null(np.nan).to_numpy().astype(np.float32)
        return column.fill_null(-1).to_numpy().astype(np.int64)
    rows = column.to_pylist()
    dtype = next(np.dtype(name) for name, kind in LISTS.items() if kind == column.type.value_type)
    width = like.shape[1] if like is not None else max((len(row) for row in rows if row is not None), default=0)
    none = [np.nan if dtype.kind == "f" else -1] * width
    return np.array([none if row is None else row for row in rows], dtype).reshape(len(rows), width)


def _display(table: pa.Table) -> Display:
    kept = (table.schema.metadata or {}).get(KEPT)
    return Display() if kept is None else Display.from_json(json.loads(kept))


def _read_texts(path: Place, n: int) -> list[str] | None:
    texts = [text or "" for text in _read(path, ["text"])[:n]["text"].to_pylist()]
    return texts if any(texts) else None


def read_pictures(directory: Place, n: int) -> pa.ChunkedArray:
    """Return the pictures of the first `n` examples as examples.parquet has them: PNGs that nothing has decoded, or nulls."""
    return _read(directory / "examples.parquet", ["picture"])[:n]["picture"]


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
            missing = [name for name in columns if name not in file.names]
            if missing:
                raise ValueError(f"it lacks the column {missing[0]!r}")
            every = range(file.metadata.num_row_groups)
            file.fetch(every, columns)
            return file.read(every, columns)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _broken(path, error) from None


def _broken(path: Place, error: Exception) -> WrongRecord:
    return WrongRecord(f"{path} cannot be read ({error}). Restore it, or collect into another directory.")


def _text(values: NDArray[np.str_]) -> pa.Array:
    return pa.array(values, pa.string(), mask=values == "")
