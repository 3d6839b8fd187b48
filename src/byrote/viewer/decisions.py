"""Decisions: what a person decided about the examples of an audit, in a file beside it that only grows."""

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from byrote.errors import ByroteError, InvalidData, Unsupported, unknown
from byrote.record.storage import Place

logger = logging.getLogger("byrote")

FILE = "decisions.jsonl"

CHOICES = ("keep", "relabel", "drop", "wanted")

TAG_LENGTH, TAGS = 40, 20
"""Characters of a tag, and tags of an example, at most."""

Label = int | float | tuple[float, ...] | None


@dataclass(frozen=True)
class Decision:
    """What was decided about one example: a choice ("" for none), the label that it gets if it is relabelled, and its tags."""

    example: str
    choice: str = ""
    label: Label = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What is asked for: parts that are None stay as they are, so that two people at one example do not undo each other.

    `before` is the choice that the person saw: where it is another one by now, the change is refused.
    """

    example: str
    choice: str | None = None
    label: Label = None
    add: str | None = None
    remove: str | None = None
    before: str | None = None


class DecidedElsewhere(InvalidData):
    """An example was decided about since, by somebody else or in another tab; `decision` is what stands now."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(
            f"{decision.example!r} is {decision.choice or 'undecided'} by now, decided elsewhere. Look at it, and decide anew."
        )
        self.decision = decision


class Decisions:
    """The decisions of one audit. Each change is one line of decisions.jsonl, on the disk before `change` returns.

    The last line about an example counts. A line that is no decision, because it was edited or its writer died, is skipped,
    stays in the file, and is named in the log and in `skipped`. Others, in this process or in another, may write at the same
    time: each reads what the others wrote before it adds its own.
    """

    def __init__(self, directory: Place) -> None:
        self._path = directory / FILE if isinstance(directory, Path) else None
        self._lock = threading.RLock()
        self._start_again()

    @property
    def where(self) -> str:
        """The file as text; empty where nothing can be decided."""
        return str(self._path or "")

    @property
    def version(self) -> int:
        """How many changes are known: it grows with each."""
        with self._lock:
            self._read()
            return len(self._history)

    def skipped(self) -> tuple[int, ...]:
        """Return the numbers of the lines of the file, from 1, that are no decisions and were skipped."""
        with self._lock:
            self._read()
            return (*self._skipped, *([self._lines + 1] if self._is_torn else []))

    def current(self) -> Mapping[str, Decision]:
        """Return the decisions by the ids of their examples; those that were taken back are not there."""
        with self._lock:
            self._read()
            return {name: each for name, each in self._known.items() if each.choice or each.tags}

    def change(self, change: Change) -> tuple[int, Decision]:
        """Write a change down; return its number and what is decided now.

        Raises DecidedElsewhere where the choice is not what the person saw, and Unsupported for records that are far away.
        """
        with self._writing():
            known = self._known.get(change.example, Decision(change.example))
            if change.before is not None and known.choice != change.before:
                raise DecidedElsewhere(known)
            return self._append(_changed(known, change))

    def undo(self, number: int) -> Decision:
        """Take the change of this number back; refused where its example was changed again since. Return what is decided now."""
        with self._writing():
            if not 0 < number <= len(self._history):
                raise InvalidData(f"There is no change {number}. {len(self._history)} are known.")
            example = self._history[number - 1].example
            of_example = [at for at, each in enumerate(self._history, 1) if each.example == example]
            if of_example[-1] != number:
                raise InvalidData(
                    f"{example!r} was decided about again since, perhaps in another tab. Look at it, and decide anew."
                )
            before = self._history[of_example[-2] - 1] if len(of_example) > 1 else Decision(example)
            return self._append(before)[1]

    def _writing(self) -> "_Writing":
        if self._path is None:
            raise Unsupported("Decisions are kept beside audits on this machine only. Copy the audit here to decide.")
        return _Writing(self._path, self._lock, self._read)

    def _append(self, decision: Decision) -> tuple[int, Decision]:
        assert self._path is not None
        line = json.dumps(asdict(decision), ensure_ascii=False) + "\n"
        try:
            with self._path.open("ab+") as file:
                if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    line = "\n" + line  # what a dying process left of its line stays a line of its own
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(self._path, error) from None
        self._read()
        return len(self._history), decision

    def _start_again(self) -> None:
        self._at, self._inode, self._lines = 0, -1, 0
        self._skipped: list[int] = []
        self._is_torn = False
        self._history: list[Decision] = []
        self._known: dict[str, Decision] = {}

    def _read(self) -> None:
        """Read the lines that were added since; from the beginning where the file was replaced or cut."""
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                about = os.fstat(file.fileno())
                if about.st_ino != self._inode or about.st_size < self._at:
                    self._start_again()
                    self._inode = about.st_ino
                file.seek(self._at)
                added = file.read()
        except FileNotFoundError:
            self._start_again()
            return
        except OSError as error:
            raise _refused(self._path, error) from None
        end = added.rfind(b"\n") + 1
        if _parsed(added[end:]) is not None:  # an editor left out the end of the last line
            end = len(added)
        self._at += end
        self._is_torn = bool(added[end:].strip())
        self._take(added[:end].split(b"\n"))

    def _take(self, lines: list[bytes]) -> None:
        """Take decisions from lines, the first of which may be the rest of a line that was taken already, and so empty."""
        before = len(self._skipped)
        for at, line in enumerate(lines, self._lines + 1):
            found = _parsed(line)
            if found is not None:
                self._history.append(found)
                self._known[found.example] = found
            elif line.strip():
                self._skipped.append(at)
        self._lines += len(lines) - 1
        for at in self._skipped[before:]:
            logger.warning(
                f"{self._path}, line {at}, is no decision, and was skipped. Mend it or remove it; byrote leaves it as it is."
            )


class _Writing:
    """Holds the lock of the file among threads and processes; what others wrote is read first."""

    def __init__(self, path: Path, lock: threading.RLock, read: Any) -> None:
        self._path, self._lock, self._read = path, lock, read
        self._others = FileLock(path.with_name(f".{FILE}.lock"))

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if not self._path.parent.is_dir():  # the lock would make it again
                raise FileNotFoundError(2, "No such directory")
            self._others.acquire(timeout=10)
            self._read()
        except BaseException as error:
            self._lock.release()
            if isinstance(error, OSError):
                raise _refused(self._path, error) from None
            raise

    def __exit__(self, *_: object) -> None:
        self._others.release()
        self._lock.release()


def _changed(known: Decision, change: Change) -> Decision:
    found = known
    if change.choice is not None:
        if change.choice and change.choice not in CHOICES:
            raise unknown("decision", change.choice, CHOICES)
        found = replace(found, choice=change.choice, label=change.label if change.choice == "relabel" else None)
    if change.remove is not None:
        found = replace(found, tags=tuple(tag for tag in found.tags if tag != change.remove))
    if change.add is not None:
        tag = " ".join(change.add.split())
        if not tag or len(tag) > TAG_LENGTH or len(found.tags) >= TAGS:
            raise InvalidData(
                f"{change.add[:TAG_LENGTH]!r} cannot be added. A tag has 1 to {TAG_LENGTH} characters, and an example at most {TAGS} tags."
            )
        found = replace(found, tags=tuple(dict.fromkeys((*found.tags, tag))))
    return found


def _parsed(line: bytes) -> Decision | None:
    """Return the decision in a line; None for a line that was torn or edited so that it is none."""
    try:
        found = json.loads(line)
        label = found["label"]
        choice = found["choice"]
        tags = found["tags"]
        kinds = (int, float, type(None))
        numbers = isinstance(label, list) and all(isinstance(each, int | float) for each in label)
        fine = isinstance(label, kinds) or numbers
        if choice not in ("", *CHOICES) or not fine or not isinstance(tags, list):
            return None
        label = tuple(map(float, label)) if isinstance(label, list) else label
        return Decision(str(found["example"]), choice, label, tuple(map(str, tags)))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _refused(path: Path, error: OSError) -> ByroteError:
    return ByroteError(
        f"{path} cannot be written or read ({error.strerror or error}). Make the directory of the audit writable, or copy it."
    )
