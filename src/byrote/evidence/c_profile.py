"""C-score profile over sizes of the training set, Jiang, Zhang, Talwar & Mozer, 2021, arXiv:2002.03206."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy import ndarray

from byrote.errors import ByroteError, MissingEvidence, WrongRecord
from byrote.evidence.evaluate import LEVEL, evaluate
from byrote.evidence.targets import target_text
from byrote.record import Record
from byrote.record.arrow import arrow_stream
from byrote.scores import c_score
from byrote.task.designs import Subsets, Together, parse_design


@dataclass(frozen=True, eq=False)
class Profile:
    """The C-score of each example at each size of the training set, smallest first, and its mean over the sizes.

    `labels` are written as in the report, `fractions` the sizes as a share of the training examples; `runs_out` counts the runs
    without the example. `left_out` counts the examples of the largest record that another lacks.
    """

    ids: Shaped[ndarray, " example"]
    labels: Shaped[ndarray, " example"]
    fractions: Float[ndarray, " size"]
    value: Float[ndarray, "size example"]
    low: Float[ndarray, "size example"]
    high: Float[ndarray, "size example"]
    runs_out: Int[ndarray, "size example"]
    mean: Float[ndarray, " example"]
    mean_low: Float[ndarray, " example"]
    mean_high: Float[ndarray, " example"]
    left_out: int
    level: float

    @property
    def columns(self) -> dict[str, Any]:
        """The table, column by column: `example`, `label`, `mean` with its ends, and `c_score` with its ends at each size."""
        found: dict[str, Any] = {"example": self.ids, "label": self.labels, MEAN: self.mean}
        found |= {f"{MEAN} low": self.mean_low, f"{MEAN} high": self.mean_high}
        sizes = zip(self.fractions, self.value, self.low, self.high, self.runs_out, strict=True)
        for fraction, value, low, high, runs in sizes:
            name = size_name(fraction)
            found |= {name: value, f"{name} low": low, f"{name} high": high, f"runs out at {fraction:g}": runs}
        return found

    @property
    def hardest_first(self) -> Int[ndarray, " rank"]:
        """Positions by the mean, smallest first; NaN comes last."""
        return np.argsort(self.mean, kind="stable")

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the table to a library that reads Arrow; undefined values are null."""
        return arrow_stream(self.columns, requested_schema)


MEAN = "mean c_score"
"""Name of the column of the mean over sizes."""


def size_name(fraction: float) -> str:
    """Return the name of the column of the C-score at this size."""
    return f"c_score at {fraction:g}"


def c_profile(records: Sequence[Record], *, level: float = LEVEL) -> Profile:
    """P(correct | not trained on it) at several sizes of the training set, and their mean: 1 is easy, 0 is hard.

    Jiang et al. (2021) average over the sizes 10 % to 90 %; the mean here is over the sizes of the records, all of one
    task, each collected with `Subsets(fraction=...)` of its own, or
    `Together(fraction=...)` where examples have groups. Only examples that all records have are in it, and no
    canaries: other seeds plant others. The mean is NaN where a size is. Intervals: Wilson's (1927) at a size, and for the mean
    the squared distances to its ends added up (Zou & Donner 2008) where each record has a seed of its own. Records of one
    seed draw subsets that contain each other, and their errors go the same way: then the distances themselves are added up.

    Raises MissingEvidence for fewer than two records, another design, or a fraction that comes twice; WrongRecord for
    records of different tasks.

    It misleads when profiles over different sizes are compared: name the sizes beside every mean.
    """
    if len(records) < 2:
        raise MissingEvidence(
            f"c_profile needs two records or more, and was given {len(records)}. "
            "Collect the task again with another Subsets(fraction=...)."
        )
    ordered = sorted(records, key=_fraction)
    fractions = np.array([_fraction(record) for record in ordered])
    if len(np.unique(fractions)) < len(fractions):
        raise MissingEvidence(
            f"c_profile needs a fraction of its own for each record, and was given {fractions.tolist()}. "
            "Extend one record with more runs instead."
        )
    for record in ordered[1:]:
        _check_alike(ordered[0], record)
    kept = [_positions(record, ordered) for record in ordered]
    found = [evaluate(c_score, record, level=level) for record in ordered]
    value, low, high, runs_out = (
        np.stack([getattr(each, name)[where] for each, where in zip(found, kept, strict=True)])
        for name in ("value", "low", "high", "runs_out")
    )
    mean, depend = value.mean(axis=0), len({record.manifest.get("seed") for record in ordered}) < len(ordered)
    below, above = (
        np.abs(value - end).mean(axis=0) if depend else np.sqrt(((value - end) ** 2).sum(axis=0)) / len(value)
        for end in (low, high)
    )
    first, there = ordered[0], kept[0]
    ids, labels = first.population.ids[there], np.array([target_text(first, at) for at in there.tolist()])
    left_out = max(len(_own_ids(record)) for record in ordered) - len(there)
    return Profile(
        ids, labels, fractions, value, low, high, runs_out, mean, mean - below, mean + above, left_out, level
    )


def _fraction(record: Record) -> float:
    text = str(record.manifest.get("design"))
    try:
        design = parse_design(text)
    except ByroteError:
        design = None
    if not isinstance(design, Subsets | Together):
        raise MissingEvidence(
            f"c_profile needs records of random subsets (subsets, or together for rows that are copies or belong together), and {record.directory} has the design {text!r}. "
            "Collect it with Subsets(fraction=...)."
        )
    return design.fraction


def _check_alike(one: Record, other: Record) -> None:
    """Raise WrongRecord where two records differ in what is learned, or how."""
    for name, a, b in zip(("task", "classes", "model", "recipe", "steps"), _learned(one), _learned(other), strict=True):
        if a != b:
            raise WrongRecord(
                f"{one.directory} and {other.directory} differ in {name}: {a!r} and {b!r}. "
                "A profile is of one task, model and recipe."
            )
    mine, theirs = (_positions(each, (one, other)) for each in (one, other))
    if not len(mine):
        names = [str(_own_ids(each)[0]) for each in (one, other)]
        raise WrongRecord(
            f"{one.directory} and {other.directory} share no example: one has {names[0]!r}, the other {names[1]!r}. "
            "A profile is of one task, whose rows are named alike (the same --id)."
        )
    unequal = one.population.labels[mine] != other.population.labels[theirs]
    differ = mine[unequal.reshape(len(mine), -1).any(axis=1)]
    if len(differ):
        raise WrongRecord(
            f"{one.directory} and {other.directory} disagree about the label of {str(one.population.ids[differ[0]])!r} and {len(differ) - 1} others. "
            "A profile is of one task, model and recipe."
        )


def _learned(record: Record) -> tuple[Any, ...]:
    manifest, task = record.manifest, record.manifest["task"]
    return task.get("name"), task.get("classes"), task.get("model"), manifest.get("recipe"), manifest.get("steps")


def _positions(record: Record, records: Sequence[Record]) -> Int[ndarray, " example"]:
    """Return where in this record the examples are that all have, in the order of the first of the records."""
    shared = _own_ids(records[0])
    for each in records[1:]:
        shared = shared[np.isin(shared, _own_ids(each))]
    order = np.argsort(record.population.ids)
    return order[np.searchsorted(record.population.ids[order], shared)]


def _own_ids(record: Record) -> Shaped[ndarray, " example"]:
    """Return the ids of all examples but canaries."""
    return record.population.ids[record.population.split != "canary"]
