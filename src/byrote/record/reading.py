"""Read access to a record, by run, column and step, in a directory or at a URL."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote import notebook
from byrote.errors import ByroteError, Door, MissingEvidence, WrongRecord, unknown
from byrote.objectives import Objective, parse_objective
from byrote.record.columns import RunColumns, run_path
from byrote.record.inputs import InputKind
from byrote.record.population import read_population
from byrote.record.run_file import SEEN, TYPES, Layout
from byrote.record.storage import Place, names, place, read_all, read_bytes, refuse_links, replacing

if TYPE_CHECKING:
    from upath import UPath

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker

SCHEMA = 2
"""The version of docs/schema.md that this code reads and writes; any other is refused."""


BOUNDS = {"confidence": (0.0, 1.0), "labels_correct": (0.0, 1.0), "loss": (-np.inf, np.inf)}
"""Between which numbers the values of these columns lie; NaN never does."""

ROUNDING = 0.01
"""How far beyond its bounds a value may be: half precision rounds that much."""


class Record:
    """Read access to one record, in a directory or at a URL. Columns are read when needed.

    Only the examples and memberships stay in memory, and who was recorded when: a bit for each run, step and example
    at most.
    """

    def __init__(self, directory: "str | os.PathLike[str] | UPath") -> None:
        self.directory = place(directory)
        refuse_links(self.directory)
        self.manifest = read_manifest(self.directory)
        self.population = read_population(self.directory)
        self.runs = finished_runs(self.directory)
        self.layout = Layout(self.manifest["columns"], tuple(self.manifest["scalars"]))
        self._columns = RunColumns(
            self.directory, self.population.ids, self.runs, self.layout, str(self.manifest["key"])
        )
        self._members: dict[int, Bool[ndarray, " example"]] = {}

    def __repr__(self) -> str:
        return f"Record({str(self.directory)!r}: {len(self.runs)} runs, {len(self.population)} examples)"

    def _repr_html_(self) -> str:
        population, unit = self.population, self.manifest["steps"].get("unit", "step")
        each = "" if unit == "fit" else f", {self.last_step} {unit}s each"
        counts = [f"{int(population.where(split).sum()):,} {split}" for split in ("train", "test", "canary")]
        rows = [
            ("learns", self.manifest["objective"]),
            ("examples", ", ".join(counts)),
            ("runs", f"{len(self.runs)} finished{each}"),
            ("design", self.manifest.get("design", "")),
            ("columns", ", ".join(self.layout.columns)),
        ]
        title = f"Record of {self.manifest['task'].get('name', 'task')}"
        return notebook.table(title, ("", ""), rows, f"{self.directory}: byrote.evaluate(score, record) gives values.")

    @cached_property
    def objective(self) -> Objective:
        """What the models of this record learned."""
        return parse_objective(self.manifest["objective"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what a model gives an output for: classes by label, labels of several, or targets."""
        return tuple(self.manifest["task"]["classes"])

    @cached_property
    def inputs(self) -> tuple[InputKind, ...]:
        """How each input of an example reached the models; empty where a loop of the user's own gave it."""
        return tuple(map(InputKind.parse, self.manifest.get("inputs", ())))

    @property
    def door(self) -> Door:
        """What made this record, and can go on with it: `byrote audit`, a call in Python, or a loop of the user's own."""
        if self.manifest.get("seed") is None:
            return "loop"
        return "command" if self.manifest["task"].get("source") else "python"

    @property
    def probes(self) -> tuple[str, ...]:
        """The probes that were computed on the models of this record, as they are spelled: columns of the clean pass."""
        return tuple(self.manifest.get("probes", {}).get("names", ()))

    @property
    def last_step(self) -> int:
        """The step of the clean pass over all examples."""
        return int(self.manifest["steps"]["last"])

    def member(self, run: int) -> Bool[ndarray, " example"]:
        """Return who was trained on in this run."""
        if run not in self._members:
            member, known = np.zeros(len(self.population), np.bool_), 0
            for step in (self.last_step, None):  # the last step has all examples, unless a loop recorded less
                if known < len(member):
                    for part in self._columns.parts(run, "member", step):
                        if part.values.null_count:
                            raise self._impossible(run, "does not say of every example whether it was trained on it")
                        member[part.positions] = part.values.to_numpy()
                        known += len(part.positions)
            self._members[run] = member
        return self._members[run]

    def at_step(self, run: int, column: str, step: int) -> NDArray[Any]:
        """Return one value per example at one step, as float with NaN where nothing was recorded (or bool, int when all was)."""
        self._check(column)
        if not 1 <= step <= self.last_step:
            raise MissingEvidence(
                f"Step {step} was asked for, but this record has steps 1 to {self.last_step}. Name one of these."
            )
        parts = list(self._columns.parts(run, column, step))
        positions = np.concatenate([np.zeros(0, np.int64), *(part.positions for part in parts)])
        found = pa.chunked_array(
            [chunk for part in parts for chunk in part.values.chunks],
            TYPES[self.layout.columns.get(column, "bool")],
        )
        n = len(self.population)
        self._check_values(run, column, found)
        if len(positions) == n and not found.null_count:
            values = found.to_numpy()
            full = np.empty(n, values.dtype)
            full[positions] = values
            return full
        values = np.full(n, np.nan, np.float32)
        values[positions] = _floats(found)
        return values

    def over_steps(self, run: int, column: str) -> NDArray[Any]:
        """Return `[step, example]` for steps 1 to the last, as float with NaN where nothing was recorded."""
        self._check(column)
        values = np.full((self.last_step, len(self.population)), np.nan, np.float32)
        for part in self._columns.parts(run, column):
            if part.step > self.last_step:
                raise WrongRecord(
                    f"{run_path(self.directory, run)} has step {part.step}, but the record ends at {self.last_step}. Remove it."
                )
            self._check_values(run, column, part.values)
            values[part.step - 1, part.positions] = _floats(part.values)
        return values

    def _check_values(self, run: int, column: str, found: pa.ChunkedArray) -> None:
        """Raise WrongRecord for a number that its column cannot hold. A null is none: it was not recorded."""
        name = column.removesuffix(SEEN)
        bounds = BOUNDS.get(name.rstrip("0123456789").removesuffix("_")) if name in self._own else None
        if bounds is None or not pa.types.is_floating(found.type):
            return
        low, high = bounds
        inside = pc.and_(pc.greater_equal(found, low - ROUNDING), pc.less_equal(found, high + ROUNDING))
        outside = pc.invert(inside)  # NaN is outside too
        if pc.any(outside).as_py():
            value = found.filter(outside)[0].as_py()
            raise self._impossible(run, f"has {value} in {column!r}, which is from {low:g} to {high:g}")

    def _impossible(self, run: int, what: str) -> WrongRecord:
        return WrongRecord(
            f"{run_path(self.directory, run)} {what}. It was damaged or edited: delete the file and collect again."
        )

    @cached_property
    def _own(self) -> frozenset[str]:
        """The columns whose meaning the objective gives."""
        return frozenset(self.objective.columns())

    @property
    def scalars(self) -> tuple[str, ...]:
        """The numbers that each run recorded of each whole step, such as the learning rate."""
        return self.layout.scalars

    def scalar(self, run: int, name: str) -> Float[ndarray, " step"]:
        """Return one of `scalars` of a run after each step; NaN where it was not recorded."""
        if name not in self.scalars:
            raise unknown("scalar", name, self.scalars)
        known = self._columns.scalar(run, name)
        return np.array([known.get(step, np.nan) for step in range(1, self.last_step + 1)])

    def run_settings(self, run: int) -> dict[str, Any]:
        """Return the settings that the bits of this run depend on: seed, versions, threads, device."""
        return self._columns.settings(run)

    def seconds(self) -> dict[int, float]:
        """Return how long each finished run took, as far as the log knows."""
        return {run: seconds for run, seconds in map(_entry, _log(self.directory)) if run >= 0}

    def _check(self, column: str) -> None:
        if column != "member" and column not in self.layout.columns:
            raise MissingEvidence(
                f"{unknown('column', column, ['member', *self.layout.columns])} The models of this record learn {self.objective.name}."
            )


def finished_runs(directory: Place) -> tuple[int, ...]:
    """Return the numbers of all runs whose file is there, in order. It takes one listing."""
    stems = (name.removesuffix(".parquet") for name in names(directory / "runs") if name.endswith(".parquet"))
    return tuple(sorted(int(stem) for stem in stems if stem.isdigit()))


def read_manifest(directory: Place) -> dict[str, Any]:
    """Return record.json; raise WrongRecord when there is none or when it has another schema."""
    path = directory / "record.json"
    try:
        manifest, same = json.loads(read_bytes(path)), True
        schema = manifest["schema"]
        if schema == SCHEMA:
            _check_kinds(manifest)
            _ = [TYPES[kind] for kind in manifest["columns"].values()], parse_objective(manifest["objective"])
            _ = [InputKind.parse(kind) for kind in manifest.get("inputs", ())]
            same = manifest.pop("checksum", None) in (None, _checksum(manifest))
    except FileNotFoundError:
        raise WrongRecord(
            f"{directory} is not a record: it has no record.json. Give the directory of a record."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ByroteError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise WrongRecord(
            f"{path} cannot be read as a manifest ({reason}). Restore it, or collect into another directory."
        ) from None
    if schema == SCHEMA and not same:
        raise WrongRecord(
            f'{path} is not as it was written: its checksum differs. Restore it; if you changed it yourself, remove the line "checksum".'
        )
    if schema != SCHEMA:
        raise WrongRecord(
            f"{directory} has schema version {schema!r}, but this byrote reads version {SCHEMA}. Collect again into another directory."
        )
    return manifest


def write_manifest(directory: Place, manifest: Mapping[str, Any]) -> None:
    """Write record.json, whole or not at all. Everything that it speaks of must be there before."""
    body = {"schema": SCHEMA, **manifest}
    with replacing(directory / "record.json") as path:
        path.write_text(json.dumps({**body, "checksum": _checksum(body)}, indent=2) + "\n", encoding="utf-8")


def _check_kinds(manifest: dict[str, Any]) -> None:
    """Raise TypeError, KeyError or ValueError for entries that are not of the kind that docs/schema.md gives them."""
    task, steps = manifest["task"], manifest["steps"]
    required = [
        ("key", manifest["key"], str), ("task", task, dict), ("task.classes", task["classes"], list), ("steps", steps, dict),
        ("steps.last", steps["last"], int), ("objective", manifest["objective"], str),
        ("columns", manifest["columns"], dict), ("scalars", manifest["scalars"], list),
    ]  # fmt: skip
    kinds = {
        "design": str,
        "canaries": str,
        "recipe": dict,
        "blocks": list,
        "probes": dict,
        "take": int,
        "inputs": list,
    }
    optional = [(name, manifest[name], kind) for name, kind in kinds.items() if name in manifest]
    words = [*task["classes"], *manifest["scalars"], *manifest["columns"].values()]
    inner = [("a name", each, str) for each in words] + [("a block", each, int) for each in manifest.get("blocks", ())]
    for name, value, kind in (*required, *optional, *inner):
        if type(value) is not kind:
            raise TypeError(f"{name} is {type(value).__name__}, not {kind.__name__}")
    if not 1 <= steps["last"] < 1 << 31:
        raise ValueError(f"steps.last is {steps['last']}")


def _checksum(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


def _log(directory: Place) -> list[bytes]:
    try:
        return read_bytes(directory / "log.jsonl").splitlines()
    except FileNotFoundError:
        return list(read_all(directory / "log").values())


def _entry(line: bytes) -> tuple[int, float]:
    """Return a run and how long it took; run -1 for a line that was torn when its writer died, or the disk was full."""
    try:
        entry = json.loads(line)
        run, seconds = int(entry["run"]), float(entry["seconds"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return -1, 0.0
    return (run, seconds) if np.isfinite(seconds) and seconds >= 0 else (-1, 0.0)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return pc.cast(column, pa.float32()).to_numpy().astype(np.float32)
