"""The files of a language audit: what was asked, the passages of each text, and what each model said of them, part by part."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from byrote.errors import WrongRecord
from byrote.lm.passage_table import PassageTable
from byrote.lm.teacher_forcing import Forced
from byrote.lm.windows import Passages
from byrote.record.storage import replacing
from byrote.version import __version__

FORMAT = 1

PART = 256
"""Passages of one file: what is asked between two files is lost when the audit is killed."""

Text = Literal["corpus", "control"]
Asked = Literal["model", "reference"]


@dataclass(frozen=True)
class AuditFiles:
    """A directory with one language audit. Files are whole or absent."""

    directory: Path

    def begin(self, about: Mapping[str, Any]) -> None:
        """Write what is asked; raise WrongRecord where the directory holds an audit of something else."""
        known = self.about() if (self.directory / "audit.json").is_file() else None
        if known is None:
            if self.directory.is_dir() and any(self.directory.iterdir()):
                raise WrongRecord(f"{self.directory} is there and is no language audit. Give a new directory.")
            text = json.dumps({"format": FORMAT, "byrote": __version__, **about}, indent=1)
            with replacing(self.directory / "audit.json") as aside:
                aside.write_text(text, encoding="utf-8")
            return
        for name, value in about.items():
            given, there = json.loads(json.dumps(value)), known.get(name)
            if name == "fingerprint" or given == there:
                continue
            part = name
            if isinstance(given, dict) and isinstance(there, dict):
                part, given, there = next(
                    (f"{name} {key}", given.get(key), there.get(key))
                    for key in given
                    if given.get(key) != there.get(key)
                )
            raise WrongRecord(
                f"{self.directory} holds an audit with {part} = {_short(there)}, and {_short(given)} was given. Give another directory (--out)."
            )
        if not np.allclose(known.get("fingerprint", []), about["fingerprint"], rtol=1e-2, atol=1e-2):
            raise WrongRecord(
                f"{self.directory} holds an audit of another model, or of this one before it was trained further. Give another directory (--out)."
            )

    def about(self) -> dict[str, Any]:
        """Return what was asked; raise WrongRecord where that cannot be read."""
        try:
            found = json.loads((self.directory / "audit.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WrongRecord(
                f"There is no language audit in {self.directory}. Make one with `byrote lm audit`."
            ) from None
        except ValueError:
            raise WrongRecord(f"{self.directory / 'audit.json'} is damaged. Make the audit again.") from None
        if found.get("format") != FORMAT:
            raise WrongRecord(
                f"{self.directory} holds an audit of format {found.get('format')}, and this is byrote for format {FORMAT}. Make the audit again."
            )
        return found

    def has_passages(self, text: Text) -> bool:
        """Return whether the passages of a text were chosen."""
        return self._passages(text).is_file()

    def write_passages(self, text: Text, table: PassageTable) -> None:
        """Write the passages of a text."""
        own = table.passages
        columns: dict[str, Any] = {
            "id": list(own.ids), "document": list(table.document), "source": list(table.source), "byte": table.byte,
            "at": own.document, "start": own.start, "prefix": list(table.before), "suffix": list(table.after),
            "copies": table.copies, "suffix_copies": table.suffix_copies, "token": _lists(own.tokens),
            "piece": [list(row) for row in table.pieces],
        }  # fmt: skip
        _write(self._passages(text), columns, {"prefix": str(own.prefix)})

    def passages(self, text: Text) -> PassageTable:
        """Return the passages of a text."""
        found = _read(self._passages(text))
        prefix = int((found.schema.metadata or {})[b"prefix"])
        column = {name: found[name] for name in found.column_names}
        texts = {name: tuple(column[name].to_pylist()) for name in ("id", "document", "source", "prefix", "suffix")}
        whole = {
            name: np.array(column[name].to_numpy(), np.int64)
            for name in ("byte", "at", "start", "copies", "suffix_copies")
        }
        tokens = _matrix(column["token"], np.int64)
        return PassageTable(
            Passages(tokens, prefix, whole["at"], whole["start"], texts["id"]), texts["document"], texts["source"],
            whole["byte"], texts["prefix"], texts["suffix"], tuple(map(tuple, column["piece"].to_pylist())),
            whole["copies"], whole["suffix_copies"],
        )  # fmt: skip

    def has_part(self, text: Text, asked: Asked, prefix: int, part: int) -> bool:
        """Return whether a model was asked for this part of the passages behind prefixes of this length."""
        return self._part(text, asked, prefix, part).is_file()

    def write_part(self, text: Text, asked: Asked, prefix: int, part: int, forced: Forced) -> None:
        """Write what a model said of one part of the passages."""
        columns = {field.name: _lists(getattr(forced, field.name)) for field in fields(Forced)}
        _write(self._part(text, asked, prefix, part), columns, {})

    def forced(self, text: Text, asked: Asked, prefix: int, parts: int) -> Forced:
        """Return what a model said of all passages of a text behind prefixes of this length."""
        found = pa.concat_tables([_read(self._part(text, asked, prefix, part)) for part in range(parts)])
        kinds: dict[str, type] = {"greedy": np.bool_, "rank": np.int64}
        return Forced(*(_matrix(found[f.name], kinds.get(f.name, np.float32)) for f in fields(Forced)))

    def has_rows(self, name: str) -> bool:
        """Return whether a table of this name is there."""
        return (self.directory / f"{name}.parquet").is_file()

    def write_rows(self, name: str, columns: Mapping[str, Any]) -> None:
        """Write a table of plain columns, such as what kind each extracted passage is of."""
        _write(self.directory / f"{name}.parquet", columns, {})

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        return _read(self.directory / f"{name}.parquet").to_pylist()

    def _passages(self, text: Text) -> Path:
        return self.directory / f"{text}.parquet"

    def _part(self, text: Text, asked: Asked, prefix: int, part: int) -> Path:
        return self.directory / "asked" / f"{text}-{asked}-{prefix}" / f"{part:05}.parquet"


def parts_of(passages: int) -> list[slice]:
    """Return the passages of each file."""
    return [slice(start, start + PART) for start in range(0, passages, PART)]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lists(array: NDArray[Any]) -> pa.Array:
    """Return the rows of an array as lists of one length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(array).reshape(-1)), array.shape[1])


def _matrix(column: Any, kind: type) -> NDArray[Any]:
    joined = column.combine_chunks()
    return np.array(joined.flatten().to_numpy(zero_copy_only=False), kind).reshape(len(joined), -1)


def _write(path: Path, columns: Mapping[str, Any] | Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> None:
    table = pa.table(dict(columns)).replace_schema_metadata(dict(about))
    with replacing(path) as aside:
        pq.write_table(table, aside, compression="zstd")


def _read(path: Path) -> Any:
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise WrongRecord(
            f"{path} is missing: the audit was not finished. Run it again; what is finished is kept."
        ) from None
    except pa.ArrowInvalid:
        raise WrongRecord(f"{path} is damaged. Delete it, and run the audit again.") from None
