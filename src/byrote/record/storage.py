"""Storage: where records lie, on this machine or anywhere fsspec reaches, and how a file gets there whole or not at all."""

import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byrote.errors import ByroteError, WrongRecord, missing_extra

if TYPE_CHECKING:
    from upath import UPath

    Place = Path | UPath
else:
    Place = Path  # fsspec takes a third of a second to import, and most records are local

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory")
"""Where what is put appears under its name when all of it is there, and not before."""

GAP = 1 << 20
"""Bytes between two wanted ranges that cost less than another request."""

BLOCK = 1 << 24
"""Ranges that are joined over gaps are no longer than this."""


def place(where: "str | os.PathLike[str] | UPath") -> Place:
    """Return a local path as it is, and a URL such as `s3://bucket/audits/fashion` as a path that fsspec reads and writes.

    Credentials and endpoints are those that the file system finds by itself (for S3: the environment, the files of
    the AWS tools), or the `storage_options` of a UPath. Raises ByroteError for a kind of storage that is unknown, or whose
    package is not installed.
    """
    text = str(where)
    try:
        if b"\0" in os.fsencode(text):
            raise ValueError("it holds a zero character")
    except ValueError as error:
        raise ByroteError(f"{text!r} cannot be a place for files ({error}). Give a path or a URL.") from None
    scheme, is_url, rest = text.partition("://")
    if not is_url:
        if re.match(r"[a-zA-Z][\w+.-]+:/", text):
            raise ByroteError(f"{text!r} looks like a URL that lost a slash. Give URLs as text, not as pathlib.Path.")
        return Path(text)
    if scheme in ("file", "local"):
        from urllib.request import url2pathname

        return Path(url2pathname(rest.removeprefix("localhost")))
    from upath import UPath

    try:
        found = UPath(where)
        _ = found.fs
    except ImportError as error:
        if scheme in ("s3", "s3a"):
            raise missing_extra(f"{text} needs the package s3fs", "s3") from None
        raise ByroteError(f"{text} needs a package that is not installed. {error}.") from None
    except ValueError as error:
        raise ByroteError(
            f"{text} cannot be a place for records ({error}). Give a path, or a URL such as s3://bucket/audits/fashion."
        ) from None
    return found


@contextmanager
def reaching(where: Place) -> Generator[None]:
    """Turn what a far place or the network refuses into a ByroteError. A file that is not there stays FileNotFoundError."""
    try:
        yield
    except (ByroteError, FileNotFoundError):
        raise
    except Exception as error:  # every kind of storage has its own
        if isinstance(where, Path):
            raise
        raise ByroteError(
            f"{where} cannot be reached ({type(error).__name__}: {error}). Check the address, the credentials and the network."
        ) from error


def read_bytes(path: Place, start: int = 0) -> bytes:
    """Return all that is in a file, from the byte `start`."""
    if isinstance(path, Path):
        return path.read_bytes()[start:]
    with reaching(path):
        return _fs(path).cat_file(path.path, start=start)


def size_of(path: "UPath") -> int:
    """Return how many bytes are in a far file."""
    with reaching(path):
        return int(_fs(path).size(path.path))


def read_ranges(path: "UPath", ranges: Sequence[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """Return (start, bytes) that cover these ranges of a far file, fetched at the same time; near ones come in one piece."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if joined and start - joined[-1][1] < GAP and stop - joined[-1][0] <= BLOCK:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    starts, stops = ([ends[i] for ends in joined] for i in (0, 1))
    with reaching(path):
        found: list[bytes] = _fs(path).cat_ranges([path.path] * len(joined), starts, stops, on_error="raise")
    return list(zip(starts, found, strict=True))


def exists(path: Place) -> bool:
    """Return whether there is such a file."""
    if isinstance(path, Path):
        return path.exists()
    with reaching(path):
        return bool(_fs(path).exists(path.path))


def names(directory: Place) -> list[str]:
    """Return the names of what is in a directory, in no order; none when there is no such directory. It is one listing."""
    try:
        if isinstance(directory, Path):
            return os.listdir(directory)
        with reaching(directory):
            return [each.rstrip("/").rpartition("/")[2] for each in _fs(directory).ls(directory.path, detail=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def read_all(directory: Place) -> dict[str, bytes]:
    """Return what is in each file of a directory, by name; from far away, many at a time."""
    found = names(directory)
    if isinstance(directory, Path):
        return {name: (directory / name).read_bytes() for name in found}
    if not found:
        return {}
    with reaching(directory):
        paths = [(directory / name).path for name in found]
        return dict(zip(found, _fs(directory).cat_ranges(paths, 0, None, on_error="raise"), strict=True))


FOLDERS = ("runs", "working", "log", "attribution")


def refuse_links(directory: Place, of: str = "a record") -> None:
    """Raise WrongRecord when a part of a record is a symbolic link, which may lead anywhere. The directory itself may be one."""
    if not isinstance(directory, Path):
        return
    for folder in (directory, *(directory / name for name in FOLDERS)):
        try:
            with os.scandir(folder) as entries:
                link = next((entry.path for entry in entries if entry.is_symlink()), None)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if link is not None:
            raise WrongRecord(
                f"{link} is a symbolic link, and byrote follows none in {of}. Copy what it leads to, or remove it."
            )


@contextmanager
def replacing(path: Place, aside: Path | None = None) -> Generator[Path]:
    """Give a local scratch path; when the block ends well, it gets the name `path`: a reader never sees half a file.

    `aside` is a scratch path that no one else writes to, on the same disk as a local `path`; without it, one is made.
    """
    try:
        if aside is None:
            aside = _scratch_for(path)
        elif isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ByroteError(
            f"Cannot write to {path.parent} ({error.strerror}). Choose another directory, or make this one writable."
        ) from None
    try:
        yield aside
        if isinstance(path, Path):
            _rename(aside, path)
        else:
            _upload(aside, path)
    except OSError as error:
        raise ByroteError(
            f"Cannot write {path} ({error.strerror or error}). Make room or choose another directory; what is finished is kept."
        ) from None
    finally:
        aside.unlink(missing_ok=True)


def scratch_folder(directory: Place) -> Path:
    """Return the local folder for what is unfinished in a record: `working` in it, or one of this user's own for a far record.

    All processes of this machine and user get the same one.
    """
    if isinstance(directory, Path):
        return directory / "working"
    return private_folder() / hashlib.sha256(str(directory).encode()).hexdigest()[:16]


def private_folder() -> Path:
    """Return a folder under the system's temporary one that nobody else can read or write; make it if need be."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir()) / f"byrote-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (user is not None and (found.st_uid != user or found.st_mode & 0o077)):
        raise ByroteError(f"{folder} is not a folder of yours alone. Remove it, or set TMPDIR to another folder.")
    return folder


def _scratch_for(path: Place) -> Path:
    """Make an empty file: beside a local path, with the mode that the user's umask gives to any new file.

    For a far path it is private. A far one has the name's ending, from which storage tells what kind of content it is given.
    """
    if not isinstance(path, Path):
        handle, name = tempfile.mkstemp(prefix="byrote-", suffix=path.suffix)
        os.close(handle)
        return Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.parent / f".{secrets.token_hex(8)}.tmp"
    scratch.touch(exist_ok=False)
    return scratch


def _rename(aside: Path, path: Path) -> None:
    if path.exists() and not (
        path.is_file() or path.is_dir()
    ):  # a device or a pipe, such as /dev/null: it must stay one
        path.write_bytes(aside.read_bytes())
        return
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)


def _upload(aside: Path, path: "UPath") -> None:
    """Put a file where it appears whole: at once on an object store, elsewhere under another name that is changed at the end."""
    fs = _fs(path)
    with reaching(path):
        if path.protocol in OBJECT_STORES:
            fs.put_file(str(aside), path.path)
            return
        half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp").path
        fs.makedirs(path.parent.path, exist_ok=True)
        try:
            fs.put_file(str(aside), half)
            fs.mv(half, path.path)
        except BaseException:
            with suppress(Exception):
                fs.rm_file(half)
            raise


def _fs(path: "UPath") -> Any:
    """Return the file system, which has forgotten all listings: others may have written since."""
    fs: Any = path.fs
    fs.invalidate_cache()
    return fs
