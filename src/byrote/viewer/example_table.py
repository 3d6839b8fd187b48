"""Example table: the columns of one audit, each computed when it is first asked for and kept, and pages of its rows."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.errors import InvalidData, MissingEvidence, unknown
from byrote.evidence.catalogue import MEANING, find_score
from byrote.evidence.evaluate import Values, evaluate
from byrote.evidence.targets import target_text
from byrote.explain import NO_DEPENDENCES, Space, explain, space
from byrote.findings.evaluated_scores import reported_scores
from byrote.record import Record
from byrote.report.examples import most_memorized
from byrote.scores import mean_confidence, memorization, shrunk_memorization
from byrote.signature import Score
from byrote.stats.not_measured import NotMeasured
from byrote.viewer.decisions import Decision, Decisions
from byrote.viewer.looks import RowLooks
from byrote.viewer.query import Query

pc: Any = pyarrow.compute  # its functions are made at import time, out of sight of a type checker

QUICK = 20_000
"""Up to so many examples, causes and the better estimate of memorization are computed without being asked for."""

ORDERS = 16
"""Orders of rows that are kept."""


class ExampleTable:
    """One audit as it was when it was opened. All methods may be called by several threads at once."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.looks = RowLooks(record)
        self.decisions = Decisions(record.directory)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._kept: dict[str, Any] = {}
        self._orders: OrderedDict[tuple[Query, int], Int[ndarray, " row"]] = OrderedDict()

    @property
    def is_quick(self) -> bool:
        """Whether the record is so small that what takes long for others is computed without being asked for."""
        return len(self.record.population) <= QUICK

    @cached_property
    def scores(self) -> Mapping[str, Score]:
        """The scores that can be shown, by name: those of the report, and the probes of the record."""
        every = (*reported_scores(self.record), *(find_score(name) for name in self.record.probes))
        return {str(score): score for score in every}

    def values(self, name: str) -> Values | NotMeasured:
        """Return the values of a score of every example, or why there are none; raise ByroteError for an unknown name."""
        if name not in self.scores:
            raise unknown("score", name, self.scores)
        return self._once(f"score {name}", lambda: self._evaluated(name))

    def best(self) -> Values | NotMeasured:
        """Return the estimate of memorization that the report ranks by, or why there is none."""
        shrunk = self.values(str(shrunk_memorization)) if self.record.objective.outcome == "correct" else None
        return shrunk if isinstance(shrunk, Values) else self.values(str(memorization))

    def first_columns(self) -> tuple[str, ...]:
        """Return the scores that are shown before any are chosen: memorization, and how confident models are."""
        names = [name for name in ("memorization", "mean_confidence") if isinstance(self.values(name), Values)]
        best = self.best() if self.is_quick else None
        if isinstance(best, Values) and str(best.score) not in names:
            names.insert(0, str(best.score))
        return tuple(names)

    def about_scores(self) -> list[dict[str, str]]:
        """Return name, what a high value says, meaning and paper of every score that can be shown."""
        return [
            {"name": name, "high": MEANING[score.high], "meaning": score.summary, "paper": score.source}
            for name, score in self.scores.items()
        ]

    def space(self) -> Space:
        """Return the inputs as points, for neighbours."""
        return self._once("space", lambda: space(self.record.population))

    def causes(self) -> Mapping[int, str]:
        """Return the causes of the most memorized examples by position: those of the report."""
        return self._once("causes", self._find_causes)

    def known_causes(self) -> Mapping[int, str] | None:
        """Return the causes if they were found already, else None."""
        return self._kept.get("causes")

    def has_causes(self, split: str) -> bool:
        """Whether the cause of any example of a split is known by now."""
        mask = self.record.population.where(split)
        return any(mask[at] for at in self.known_causes() or ())

    def empty(self, names: Sequence[str], split: str) -> list[str]:
        """Return those of these scores that no example of a split has: test examples are never trained on, for example."""
        mask = self.record.population.where(split)
        found = {name: self.values(name) for name in names}
        return [
            name
            for name, each in found.items()
            if isinstance(each, NotMeasured) or bool(np.isnan(each.value[mask]).all())
        ]

    def positions(self, query: Query) -> Int[ndarray, " row"]:
        """Return the positions of the examples that a query asks for, in its order."""
        decisions = self.decisions.current()
        version = self.decisions.version if query.decision or query.tag else 0
        key = (query, version)
        with self._lock:
            if key in self._orders:
                self._orders.move_to_end(key)
                return self._orders[key]
        found = self._ordered(query, np.flatnonzero(self._mask(query, decisions)))
        with self._lock:
            self._orders[key] = found
            while len(self._orders) > ORDERS:
                self._orders.popitem(last=False)
        return found

    def rows(self, positions: Sequence[int], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Return these examples as plain values: what they are, how they look, these scores, cause and decision."""
        decisions, causes = self.decisions.current(), self.known_causes() or {}
        scored = {name: self.values(name) for name in columns}
        return [self.row(int(at), scored, decisions, causes) for at in positions]

    def row(
        self,
        at: int,
        scored: Mapping[str, Values | NotMeasured],
        decisions: Mapping[str, Decision],
        causes: Mapping[int, str],
    ) -> dict[str, Any]:
        """Return one example as plain values."""
        population = self.record.population
        name = str(population.ids[at])
        decided = decisions.get(name, Decision(name))
        return {
            "at": at,
            "id": name,
            "split": str(population.split[at]),
            "canary": str(population.canary[at]),
            "label": target_text(self.record, at),
            "look": self.looks.of(at),
            "scores": {key: size_of(each, at) for key, each in scored.items()},
            "cause": causes.get(at, ""),
            **decided_as(decided),
        }

    def place(self, name: str) -> int:
        """Return the position of an id; raise InvalidData for one that is not there."""
        at = self._places.get(name)
        if at is None:
            raise InvalidData(f"This audit has no example {name!r}. Search for a part of its id.")
        return at

    def has(self, name: str) -> int | None:
        """Return the position of an id; None where it is not there."""
        return self._places.get(name)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.record.population.ids.tolist())}

    @cached_property
    def _ids(self) -> pa.Array:
        return pa.array(self.record.population.ids)

    def _mask(self, query: Query, decisions: Mapping[str, Decision]) -> Bool[ndarray, " example"]:
        population = self.record.population
        mask = population.where(query.split).copy()
        if query.label is not None:
            labels = population.labels
            several = self.record.objective.name == "multilabel"
            mask &= labels[:, query.label] > 0 if several else labels == query.label
        if query.cause:
            causes = self.causes()
            mask &= self._only([at for at, cause in causes.items() if cause == query.cause])
        if query.decision or query.tag:
            chosen = [
                at
                for name, each in decisions.items()
                if (not query.decision or (each.choice or "undecided") == query.decision)
                and (not query.tag or query.tag in each.tags)
                and (at := self.has(name)) is not None
            ]
            if query.decision == "undecided":
                decided = [at for name, each in decisions.items() if each.choice and (at := self.has(name)) is not None]
                mask &= ~self._only(decided)
                mask &= self._only(chosen) if query.tag else True
            else:
                mask &= self._only(chosen)
        if query.text:
            found = pc.match_substring(self._ids, query.text, ignore_case=True)
            mask &= found.to_numpy(zero_copy_only=False)
        return mask

    def _only(self, positions: Sequence[int]) -> Bool[ndarray, " example"]:
        mask = np.zeros(len(self.record.population), np.bool_)
        mask[np.array(positions, np.int64)] = True
        return mask

    def _ordered(self, query: Query, at: Int[ndarray, " row"]) -> Int[ndarray, " row"]:
        if not query.sort:
            return at[::-1] if query.turned else at
        if query.sort == "id":
            order = np.argsort(self.record.population.ids[at], kind="stable")
            return at[order[::-1] if query.turned else order]
        if query.sort == "label":
            labels = self.record.population.labels[at]
            keys = labels if labels.ndim == 1 else labels[:, 0]
            return at[np.argsort(-keys if query.turned else keys, kind="stable")]
        values = self.values(query.sort)
        if isinstance(values, NotMeasured):
            return at
        if query.surely and not query.turned:
            return values.ranked(self._only(at.tolist()))
        key = values.score.sign * values.value[at]
        return at[np.argsort(key if query.turned else -key, kind="stable")]

    def _once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return what was computed under this name, or compute and keep it; nothing is computed twice at the same time."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._kept:
                self._kept[name] = compute()
            return self._kept[name]

    def _evaluated(self, name: str) -> Values | NotMeasured:
        try:
            return evaluate(self.scores[name], self.record)
        except MissingEvidence as error:
            return NotMeasured.because(error)

    def _find_causes(self) -> dict[int, str]:
        best = self.best()
        if isinstance(best, NotMeasured):
            return {}
        chosen = most_memorized(self.record, best, self.values(str(mean_confidence)))
        if not len(chosen):
            return {}
        try:
            found = explain(self.record, chosen, values=best, points=self.space(), dependences=NO_DEPENDENCES)
        except MissingEvidence:
            return {}
        return {each.position: each.cause for each in found}


def size_of(values: Values | NotMeasured, at: int) -> list[float | str | None]:
    """Return value and interval of one example as plain values: None where undefined, "inf" where infinite."""
    if isinstance(values, NotMeasured):
        return [None, None, None]
    return [plain(float(part[at])) for part in (values.value, values.low, values.high)]


def plain(number: float) -> float | str | None:
    """Return a number with six digits as JSON has it: None for NaN, "inf" or "-inf"."""
    if np.isnan(number):
        return None
    return str(number) if np.isinf(number) else float(f"{number:.6g}")


def decided_as(decided: Decision) -> dict[str, Any]:
    """Return a decision as plain values."""
    return {"choice": decided.choice, "new": decided.label, "tags": list(decided.tags)}
