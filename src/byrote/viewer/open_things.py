"""Open things: what one viewer shows, by number; each is read when it is first asked for, and again when it has grown."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from byrote.errors import WrongRecord
from byrote.experiments.compare_audits import AuditChange, compare_audits
from byrote.findings.language import LanguageFindings
from byrote.record import finished_runs
from byrote.record.storage import exists
from byrote.viewer.example_table import ExampleTable
from byrote.viewer.opening import Kind, Opened, open_record
from byrote.viewer.passages import read_language


class OpenThings:
    """The audits, comparisons and language audits of one viewer. All methods may be called by several threads at once."""

    def __init__(self, opened: Sequence[Opened]) -> None:
        self.all = {each.number: each for each in opened}
        self._lock = threading.Lock()
        self._locks: dict[object, threading.Lock] = {}
        self._kept: dict[object, Any] = {}

    def of(self, number: int, kind: Kind | None = None) -> Opened:
        """Return the thing with this number; raise WrongRecord where there is none, or none of this kind."""
        found = self.all.get(number)
        if found is None or (kind is not None and found.kind != kind):
            raise WrongRecord(f"No {kind or 'audit'} with the number {number} is open. Go back to the overview.")
        return found

    def table(self, number: int, *, renew: bool = False) -> ExampleTable:
        """Return the examples of an audit. With `renew` it is read again where runs were added or removed since.

        Raises WrongRecord for an audit that was removed or moved.
        """
        opened = self.of(number, "audit")
        if not exists(opened.directory / "record.json"):
            self._forget(number)
            raise WrongRecord(f"{opened.directory} is no longer there. Put it back, or open where it is now.")
        found = self._once(("table", number), lambda: ExampleTable(open_record(opened)))
        if renew and finished_runs(opened.directory) != found.record.runs:
            self._forget(number)
            found = self._once(("table", number), lambda: ExampleTable(open_record(opened)))
        return found

    def tables(self) -> Mapping[int, ExampleTable]:
        """Return the audits that were opened already, by number."""
        with self._lock:
            found = {key: each for key, each in self._kept.items() if isinstance(each, ExampleTable)}
        return {key[1]: each for key, each in found.items()}  # type: ignore[index]

    def beside(self, number: int) -> Mapping[int, ExampleTable]:
        """Return the other audits in which an example is followed: those that were named, not the parts of comparisons."""
        named = [each.number for each in self.all.values() if each.kind == "audit" and each.number != number]
        known = self.tables()
        wanted = [each for each in named if self.all[each].whole is None or each in known]
        return {each: self.table(each) for each in wanted if exists(self.all[each].directory / "record.json")}

    def language(self, number: int) -> LanguageFindings:
        """Return the numbers of a language audit."""
        opened = self.of(number, "language")
        return self._once(("language", number), lambda: read_language(opened.directory))

    def change(self, first: int, second: int) -> AuditChange:
        """Return what has changed from one audit to another."""
        records = self.table(first).record, self.table(second).record
        key = ("change", first, second, len(records[0].runs), len(records[1].runs))
        return self._once(key, lambda: compare_audits(*records))

    def _forget(self, number: int) -> None:
        with self._lock:
            self._kept.pop(("table", number), None)

    def _once(self, key: object, compute: Callable[[], Any]) -> Any:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._kept:
                found = compute()
                with self._lock:
                    self._kept[key] = found
            return self._kept[key]
