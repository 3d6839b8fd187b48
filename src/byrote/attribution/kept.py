"""Attribution as it is kept beside a record: attribution/METHOD.parquet, whose layout is docs/schema.md."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import ByroteError, MissingEvidence, Remedy, WrongRecord
from byrote.record.parquet import check_footer, seal
from byrote.record.reading import Record
from byrote.record.storage import Place, names, read_bytes, replacing
from byrote.stats.estimate import Estimate
from byrote.version import __version__

METADATA = b"byrote.attribution"
FOLDER = "attribution"


@dataclass(frozen=True)
class Agreement:
    """How an attribution agrees with what retraining shows: 1 is the same, 0 unrelated, -1 the reverse.

    `linear_datamodeling` is the linear datamodeling score (LDS, Park et al. 2023): the rank correlation, over runs, of the
    sum of a target's values over the run's training examples with the target's margin in it. It judges all examples of a
    run at once, so a few runs are enough. `spearman` and `pearson` are correlations with influence over training
    examples, pair by pair. `reliability` is the correlation of influence with itself on as many new runs (split-half,
    Spearman): its square root bounds what any attribution can reach in `spearman`. Means over targets, with t intervals
    over them; `n` counts targets that have a correlation.
    """

    linear_datamodeling: Estimate
    spearman: Estimate
    pearson: Estimate
    reliability: Estimate


@dataclass(frozen=True)
class About:
    """How an attribution was made, and how far it agrees with influence from `compared` runs (None: below four of them).

    `runs` were trained again, and gradients taken after `epochs` of them, reduced to `sketch` numbers (None: as they are).
    """

    method: str
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    sketch: int | None
    seed: int
    compared: int
    agreement: Agreement | None


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each training example does for each target, by gradients: above 0 it helps, below 0 it harms.

    `targets` are positions in the record, and `value` has a row for each of its examples: NaN where nothing is attributed
    to it.
    """

    about: About
    targets: Int[ndarray, " target"]
    value: Float32[ndarray, "example target"]


def attribution_path(record: Record, method: str) -> Place:
    """Return where an attribution by this method lies; raise ByroteError for a name that no method has."""
    if not method.isidentifier():
        raise ByroteError(
            f"{method!r} is not the name of a method of attribution. Give a name such as a Python function has."
        )
    return record.directory / FOLDER / f"{method}.parquet"


def write_attribution(record: Record, found: Attribution) -> Place:
    """Keep an attribution beside the record, whole or not at all, in place of an earlier one by the same method."""
    path = attribution_path(record, found.about.method)
    flat = np.ascontiguousarray(found.value.T, np.float32).ravel()
    rows = np.arange(len(found.targets) + 1, dtype=np.int64) * len(record.population)
    values = pa.array(flat, pa.float32(), mask=np.isnan(flat))
    table = pa.table(
        {
            "target": pa.array(record.population.ids[found.targets], pa.string()),
            "value": pa.LargeListArray.from_arrays(pa.array(rows), values).cast(pa.list_(pa.float32())),
        }
    )
    about = asdict(found.about) | {"key": record.manifest.get("key"), "agreement": _as_json(found.about.agreement)}
    about |= {"byrote": __version__, "torch": version("torch")}
    table = table.replace_schema_metadata({METADATA: json.dumps(about).encode()})
    with replacing(path) as aside:
        pq.write_table(table, aside, compression="zstd", write_page_checksum=True)
        seal(aside)
    return path


def kept_methods(record: Record) -> tuple[str, ...]:
    """Return the methods whose attribution is kept beside the record, in the order of their names. It takes one listing."""
    files = [name.removesuffix(".parquet") for name in names(record.directory / FOLDER) if name.endswith(".parquet")]
    return tuple(sorted(method for method in files if method.isidentifier()))


def read_about(record: Record, method: str) -> About:
    """Return how an attribution was made; raise what `read_attribution` raises."""
    return _read(record, method)[0]


def read_attribution(record: Record, method: str) -> Attribution:
    """Return the attribution that is kept beside a record, as it was written.

    Raises MissingEvidence when there is none, WrongRecord when the file was written for another record or cannot be read.
    """
    about, table = _read(record, method)
    ids = record.population.ids
    try:
        targets = _positions(ids, table["target"].to_pylist())
        flat: NDArray[Any] = table["value"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        value = flat.astype(np.float32).reshape(len(targets), len(ids)).T
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise _broken(attribution_path(record, method), method, error) from None
    return Attribution(about, targets, value)


def _read(record: Record, method: str) -> tuple[About, pa.Table]:
    path = attribution_path(record, method)
    try:
        source = pa.BufferReader(read_bytes(path))
        check_footer(source)
        table = pq.read_table(source, page_checksum_verification=True)
        return _about(record, table.schema.metadata), table
    except FileNotFoundError:
        raise _missing(record, method) from None
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _broken(path, method, error) from None


def _positions(ids: NDArray[np.str_], chosen: list[str]) -> NDArray[np.int64]:
    places = {name: place for place, name in enumerate(ids.tolist())}
    return np.array([places[name] for name in chosen], np.int64)


def _about(record: Record, metadata: Mapping[bytes, bytes] | None) -> About:
    fields: dict[str, Any] = json.loads((metadata or {})[METADATA])
    if fields["key"] != record.manifest.get("key"):
        raise WrongRecord(
            f"The {fields['method']} attribution in {record.directory} was made for other runs than are there.",
            Remedy("attribute", fields["method"]),
        )
    measured = fields["agreement"]
    return About(
        fields["method"], tuple(fields["runs"]), tuple(fields["epochs"]), fields["sketch"], fields["seed"], fields["compared"],
        None if measured is None else Agreement(**{name: _estimate(size) for name, size in measured.items()}),
    )  # fmt: skip


def _as_json(measured: Agreement | None) -> dict[str, Any] | None:
    """Return the agreement with null in place of NaN, which JSON does not have."""
    if measured is None:
        return None
    return {
        name: {part: None if value != value else value for part, value in size.items()}
        for name, size in asdict(measured).items()
    }


def _estimate(size: Mapping[str, Any]) -> Estimate:
    bounds = {name: np.nan if size[name] is None else float(size[name]) for name in ("value", "low", "high")}
    return Estimate(**bounds, n=size["n"], unit=size["unit"], level=size["level"])


def _missing(record: Record, method: str) -> MissingEvidence:
    return MissingEvidence(f"{record.directory} keeps no attribution by {method}.", Remedy("attribute", method))


def _broken(path: Place, method: str, error: Exception) -> WrongRecord:
    return WrongRecord(f"{path} cannot be read ({error}). Remove it, or make it again.", Remedy("attribute", method))
