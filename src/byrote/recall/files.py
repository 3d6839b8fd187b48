"""Files: a memory in a directory, of which a reader sees the old state or the new one, and never half of one.

`memory.json` names the files that belong to it, with their checksums. They are written first, under names that no other has;
then memory.json is replaced in one step; then the files that it does not name are removed. Whatever ends in between leaves
the state before or after, and files without a name in memory.json, which the next save removes.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Float32, Int64
from numpy import ndarray

from byrote.errors import WrongRecord
from byrote.recall.entries import Entries
from byrote.recall.fingerprint import MODULUS, fingerprint
from byrote.recall.segments import Columns, Segment, from_bytes, of_rows, plan, to_bytes
from byrote.record.storage import Place, names, read_bytes, refuse_links, replacing

MANIFEST = "memory.json"
LOCK = "memory.lock"
VERSION = 1
OWN = re.compile(r"(entries|used|impostors)-[0-9a-f]{16}(-\d+)?\.(parquet|npy)")
SCRATCH = re.compile(r"\.[0-9a-f]{16}\.tmp")
MALFORMED = (ValueError, KeyError, TypeError, OverflowError, RecursionError, MemoryError)
"""What reading a file raises whose contents are not what byrote writes."""

TRIES = 20


@dataclass(frozen=True)
class Settings:
    """What a memory was made with."""

    width: int
    metric: str
    index: str
    index_settings: dict[str, int]
    most: int | None
    evict: str


@dataclass(frozen=True)
class Stored:
    """A file that belongs to a memory."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What memory.json says. `token` is another one after each save."""

    token: str
    settings: Settings
    given: int
    clock: int
    segments: tuple[Segment, ...]
    used: Stored | None
    impostors: Stored | None
    false_accept: float | None

    def __len__(self) -> int:
        return sum(segment.rows for segment in self.segments)

    @property
    def fingerprint(self) -> int:
        """That of the memory, see `byrote.recall.fingerprint`."""
        return sum(segment.fingerprint for segment in self.segments) % MODULUS


@dataclass(frozen=True, eq=False)
class Contents:
    """What a memory gives to be saved."""

    settings: Settings
    entries: Entries
    keys: Callable[[Int64[ndarray, " row"]], Float32[ndarray, "row width"]]
    impostors: Float32[ndarray, "query width"] | None
    false_accept: float | None


@dataclass(frozen=True, eq=False)
class Loaded:
    """What is read of a memory: its parts in the order of adding."""

    manifest: Manifest
    parts: list[Columns]
    used: Int64[ndarray, " row"] | None
    impostors: Float32[ndarray, "query width"] | None


def write(directory: Place, contents: Contents, before: Manifest | None) -> Manifest:
    """Save a memory, and return what memory.json says now. `before` is what it said when this memory was read or saved there.

    Raises WrongRecord where the directory holds another memory, or one that was changed since by another program, or that is
    damaged: then nothing is written. Raises ByroteError where it cannot be written to, and leaves the state before.
    """
    with _writing(directory):
        refuse_links(directory, "a memory")
        there = read_manifest(directory) if MANIFEST in names(directory) else None
        if there is not None and before is None:
            raise WrongRecord(f"{directory} holds a memory that this one was not opened from. Open it with byrote.recall.open_memory, or give another directory.")  # fmt: skip
        if there is not None and before is not None and there.token != before.token:
            raise WrongRecord(f"{directory} was changed by another program since it was opened here. Open it again and change that, or save into another directory and merge the two.")  # fmt: skip
        _tidy(directory, there)
        manifest = _write_files(directory, contents, there)
        if manifest is not there:
            _settle(directory)
            with replacing(directory / MANIFEST) as path:
                path.write_text(_as_text(manifest))
            _settle(directory)
            _tidy(directory, manifest)
        return manifest


def read(directory: Place) -> Loaded:
    """Return what is saved in a directory.

    Raises WrongRecord where there is no memory, where a file is damaged or missing, leads elsewhere, or is of another
    version. Nothing is changed.
    """
    for turn in range(TRIES):
        refuse_links(directory, "a memory")
        manifest = read_manifest(directory)
        try:
            return _read_files(directory, manifest)
        except FileNotFoundError as error:
            # a save may have replaced it between memory.json and the file
            if turn == TRIES - 1 or read_manifest(directory).token == manifest.token:
                name = Path(str(error.filename or error)).name
                raise WrongRecord(f"The file {name} of the memory {directory} is missing. Put it back from a copy; the others are left as they are.") from None  # fmt: skip
    raise AssertionError


def read_manifest(directory: Place) -> Manifest:
    """Return what memory.json says; raise WrongRecord for none, a damaged one, and one of another version."""
    _check_regular(directory, MANIFEST)
    try:
        data = read_bytes(directory / MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongRecord(
            f"{directory} holds no memory: there is no {MANIFEST}. Give the directory of Memory.save."
        ) from None
    try:
        body: dict[str, Any] = json.loads(data)
        if body["format"] != "byrote memory":
            raise ValueError("another format")
        version = int(body["version"])
    except MALFORMED:
        raise _damaged(directory, MANIFEST) from None
    if version != VERSION:
        raise WrongRecord(f"The memory {directory} has version {version}, and this byrote reads version {VERSION}. Open it with the byrote that saved it.")  # fmt: skip
    try:
        if body.pop("checksum") != _checksum(body):
            raise ValueError("another checksum")
        return _as_manifest(body)
    except MALFORMED:
        raise _damaged(directory, MANIFEST) from None


# --- writing


def _write_files(directory: Place, contents: Contents, before: Manifest | None) -> Manifest:
    """Write the files that are not there yet; return `before` itself where nothing has changed."""
    token, entries = secrets.token_hex(8), contents.entries
    segments = list[Segment]()
    known = before.segments if before else ()
    for at, part in enumerate(plan(entries, known, before.clock if before else 0)):
        if part.segment is not None:
            segments.append(part.segment)
            continue
        columns = of_rows(entries, contents.keys, part.rows)
        stored = _put(directory, f"entries-{token}-{at:04d}.parquet", to_bytes(columns))
        sum_ = fingerprint(columns.ids, columns.values.tolist(), columns.keys)
        first, last = int(columns.numbers[0]), int(columns.numbers[-1])
        segments.append(Segment(stored.name, len(part.rows), first, last, stored.sha256, sum_))
    used = impostors = None
    if contents.settings.evict == "least_recently_used":
        used = _put_array(
            directory, f"used-{token}.npy", entries.used.values[entries.rows], before.used if before else None
        )
    if contents.impostors is not None:
        name = f"impostors-{token}.npy"
        impostors = _put_array(directory, name, contents.impostors, before.impostors if before else None)
    clock = max(entries.clock, before.clock if before else 0)
    made = Manifest(
        token, contents.settings, entries.given, clock, tuple(segments), used, impostors, contents.false_accept
    )
    unchanged = before is not None and made == replace(before, token=token, clock=clock)
    return before if before is not None and unchanged else made


def _put(directory: Place, name: str, data: bytes) -> Stored:
    with replacing(directory / name) as path:
        path.write_bytes(data)
    return Stored(name, hashlib.sha256(data).hexdigest())


def _put_array(directory: Place, name: str, values: ndarray, before: Stored | None) -> Stored:
    """Write an array, unless it is that of before."""
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(values), allow_pickle=False)
    if before is not None and before.sha256 == hashlib.sha256(out.getvalue()).hexdigest():
        return before
    return _put(directory, name, out.getvalue())


@contextmanager
def _writing(directory: Place) -> Generator[None]:
    """Hold the lock of a local directory, which is made if need be; the system frees it when its owner dies."""
    if not isinstance(directory, Path):
        yield
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise WrongRecord(
            f"Another program is saving a memory into {directory}. Open it again when that is done."
        ) from None
    except OSError as error:
        raise WrongRecord(f"Cannot write to {directory} ({error.strerror}). Choose another directory, or make this one writable.") from None  # fmt: skip
    try:
        yield
    finally:
        lock.release()


def _tidy(directory: Place, manifest: Manifest | None) -> None:
    """Remove the files of earlier states, and what an interrupted save left."""
    named = _named(manifest) if manifest else set[str]()
    for name in names(directory):
        if (OWN.fullmatch(name) and name not in named) or SCRATCH.fullmatch(name):
            with contextlib.suppress(FileNotFoundError):
                (directory / name).unlink()


def _named(manifest: Manifest) -> set[str]:
    return {each.name for each in (*manifest.segments, manifest.used, manifest.impostors) if each is not None}


def _settle(directory: Place) -> None:
    """Let the disk have the names in a directory, before what comes next."""
    if isinstance(directory, Path) and os.name == "posix":
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading


def _read_files(directory: Place, manifest: Manifest) -> Loaded:
    parts = list[Columns]()
    for segment in manifest.segments:
        data = _get(directory, segment)
        try:
            columns = from_bytes(data, manifest.settings.width)
        except Exception:  # pyarrow has errors of many kinds
            raise _damaged(directory, segment.name) from None
        ascending = len(columns.numbers) == segment.rows and bool((np.diff(columns.numbers) > 0).all())
        if not ascending or (columns.numbers[[0, -1]] != [segment.first, segment.last]).any():
            raise _damaged(directory, segment.name)
        parts.append(columns)
    ids = [id_ for part in parts for id_ in part.ids]
    if len(set(ids)) < len(ids):
        raise _damaged(directory, MANIFEST)
    used = impostors = None
    if manifest.used is not None:
        used = _get_array(directory, manifest.used, (len(ids),), np.int64)
    if manifest.impostors is not None:
        impostors = _get_array(directory, manifest.impostors, (None, manifest.settings.width), np.float32)
    return Loaded(manifest, parts, used, impostors)


def _check_regular(directory: Place, name: str) -> None:
    """Raise WrongRecord for a pipe, a device or a directory in place of a file: reading it could wait for ever."""
    path = directory / name
    if isinstance(path, Path) and path.exists() and not path.is_file():
        raise _damaged(directory, name)


def _get(directory: Place, stored: Stored | Segment) -> bytes:
    _check_regular(directory, stored.name)
    data = read_bytes(directory / stored.name)
    if hashlib.sha256(data).hexdigest() != stored.sha256:
        raise _damaged(directory, stored.name)
    return data


def _get_array(directory: Place, stored: Stored, shape: tuple[int | None, ...], dtype: Any) -> ndarray:
    data = _get(directory, stored)
    try:
        found: ndarray = np.load(io.BytesIO(data), allow_pickle=False)
    except MALFORMED:
        raise _damaged(directory, stored.name) from None
    fits = found.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, found.shape, strict=True))
    if not fits or found.dtype != dtype or not np.isfinite(found).all():
        raise _damaged(directory, stored.name)
    return found


def _damaged(directory: Place, name: str) -> WrongRecord:
    return WrongRecord(f"The file {name} of the memory {directory} is damaged or cut off. Put it back from a copy; the others are left as they are.")  # fmt: skip


# --- memory.json as text


def _as_text(manifest: Manifest) -> str:
    body: dict[str, Any] = {"format": "byrote memory", "version": VERSION, **asdict(manifest)}
    for segment in body["segments"]:
        segment["fingerprint"] = f"{segment['fingerprint']:064x}"
    body["segments"] = list(body["segments"])
    return json.dumps({**body, "checksum": _checksum(body)}, indent=1) + "\n"


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _as_manifest(body: dict[str, Any]) -> Manifest:
    del body["format"], body["version"]
    segments = tuple(_as_segment(each) for each in body.pop("segments"))
    used, impostors = _as_stored(body.pop("used")), _as_stored(body.pop("impostors"))
    made = Manifest(
        settings=Settings(**body.pop("settings")), segments=segments, used=used, impostors=impostors, **body
    )
    if not all(OWN.fullmatch(name) for name in _named(made)):
        raise ValueError("a file of another name")
    return made


def _as_segment(body: dict[str, Any]) -> Segment:
    sum_ = int(body.pop("fingerprint"), 16)
    return Segment(fingerprint=sum_, **body)


def _as_stored(body: Any) -> Stored | None:
    return None if body is None else Stored(**body)
