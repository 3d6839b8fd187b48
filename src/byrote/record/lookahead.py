"""Lookahead: far files that will probably be needed next are fetched while the last one is worked on."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from byrote.record.parquet import Parquet

AHEAD = 8
"""Files that are on their way at the same time."""


class Lookahead:
    """Calls `fetch` with (run, column, step); `runs` are in order. Read one after another, they arrive ahead of time."""

    def __init__(self, fetch: Callable[[int, str | None, int | None], Parquet], runs: Sequence[int]) -> None:
        self._fetch, self._runs = fetch, runs
        self._asked: tuple[str | None, int | None] | None = None
        self._expected: int | None = None
        self._coming: dict[int, Future[Parquet]] = {}

    def get(self, run: int, column: str | None, step: int | None) -> Parquet:
        """Return this file, and fetch the next ones if it comes after the one that was read before it."""
        if self._asked != (column, step):
            for each in self._coming.values():
                each.cancel()
            self._asked, self._expected, self._coming = (column, step), None, {}
        if run == self._expected:
            wanted: int | None = run
            for _ in range(AHEAD):
                if wanted is not None and wanted not in self._coming:
                    self._coming[wanted] = self._threads.submit(self._fetch, wanted, column, step)
                wanted = None if wanted is None else self._after(wanted)
        self._expected = self._after(run)
        return self._coming.pop(run).result() if run in self._coming else self._fetch(run, column, step)

    def _after(self, run: int) -> int | None:
        at = bisect_right(self._runs, run)
        return self._runs[at] if at < len(self._runs) else None

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AHEAD)
