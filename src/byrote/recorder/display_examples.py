"""The examples that the user of a loop gives for display, and examples.parquet, which grows with each run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.record import Population, Record, write_population
from byrote.record.display import Display, write_texts
from byrote.record.ids import make_id, split_of
from byrote.record.inputs import joined
from byrote.record.pictures import decode, encode
from byrote.recorder.registry import Registry
from byrote.task.examples import Examples


class DisplayExamples:
    """Examples by the name that they have in the record. With them, it shows all examples; without, none."""

    def __init__(self, train: Examples | None, test: Examples | None) -> None:
        self._examples = {split: each for split, each in (("train", train), ("test", test)) if each is not None}
        names = [make_id(split, each) for split, examples in self._examples.items() for each in examples.ids.tolist()]
        self._rows = {name: row for row, name in enumerate(names)}

    def registry(self, old: Population) -> Registry:
        """Return the registry that a run of this record begins with: pictures are of all, or of none."""
        unknown = [name for name in old.ids.tolist() if name not in self._rows]
        if self._rows and unknown and not old.inputs.size:
            raise InvalidData(
                f"The record has {len(unknown)} examples that were recorded without pictures, such as {unknown[0]!r}. Give all, or none."
            )
        refusal = ""
        if self._rows:
            refusal = "it is not among the examples that the Recorder was given. Give it all that the loop uses, under the same ids."
        elif old.inputs.size:
            refusal = "the record has pictures of its examples, and none of this one. Give the Recorder `train` and `test` again."
        labels = [part for part in (old.labels, *(e.labels for e in self._examples.values())) if len(part)]
        joined = np.concatenate(labels) if labels else old.labels
        return Registry([*old.ids.tolist(), *self._rows], joined, refusal)

    def publish(self, directory: Path, names: Sequence[str], labels: NDArray[Any]) -> Population:
        """Add the examples that are new to examples.parquet, in the order of their ids, training examples first."""
        old = population_of(directory)
        self.registry(old).add(names, labels)  # another process may have added to it since this run began
        known, row = old.ids.tolist(), {name: at for at, name in enumerate(names)}
        new = sorted(row.keys() - set(known), key=lambda name: (split_of(name) == "test", len(name), name))
        if not new:
            return old
        population = _population(
            [*known, *new],
            np.concatenate([*([old.labels] if len(old) else []), labels[[row[name] for name in new]]]),
            np.concatenate([old.groups, self._groups(new)]),
            np.concatenate([old.inputs, self._looks(new)]) if old.inputs.size else self._looks([*known, *new]),
            self._display(old),
            self._texts([*known, *new]),
        )
        write_population(directory, population)
        return population

    def _looks(self, names: Sequence[str]) -> NDArray[Any]:
        """Return pictures or vectors, scaled alike in all runs, or nothing."""
        if not self._rows:
            return _nothing(len(names))
        every = list(self._examples.values())
        shown = encode(joined([examples.inputs for examples in every]), every[0].display.kind or None)
        blank = [None] * len(self._rows)
        looks = decode(shown.pictures or blank, [each.tolist() for each in shown.vectors or ()] or blank)
        return looks[[self._rows[name] for name in names]] if looks.size else _nothing(len(names))

    def _display(self, old: Population) -> Display:
        return next((examples.display for examples in self._examples.values()), old.display)

    def _texts(self, names: Sequence[str]) -> list[str] | None:
        """Return the examples as text; None where they are no text."""
        every = [write_texts(e.inputs, e.display.kind, e.show) for e in self._examples.values()]
        found = [text for texts in every for text in texts or ()]
        return [found[self._rows[name]] for name in names] if found and len(found) == len(self._rows) else None

    def _groups(self, names: Sequence[str]) -> NDArray[np.str_]:
        groups = [np.full(len(e), "") if e.groups is None else e.groups for e in self._examples.values()]
        return np.concatenate(groups)[[self._rows[name] for name in names]] if groups else np.full(len(names), "")


def population_of(directory: Path) -> Population:
    """Return all examples of the record: none before there is one."""
    if (directory / "record.json").exists():
        return Record(directory).population
    return _population([], np.zeros(0, np.int64), np.zeros(0, np.str_), _nothing(0))


def _population(
    names: Sequence[str],
    labels: NDArray[Any],
    groups: NDArray[np.str_],
    inputs: NDArray[Any],
    display: Display | None = None,
    texts: list[str] | None = None,
) -> Population:
    split = np.array([split_of(name) for name in names], np.str_)
    return Population.of(
        np.array(names, np.str_), split, labels, inputs, groups=groups, display=display, read_texts=lambda: texts
    )


def _nothing(n: int) -> NDArray[Any]:
    """Return inputs that are neither pictures nor vectors, so that examples.parquet has null for both."""
    return np.zeros((n, 0, 0, 0), np.float32)
