"""Dependents: the test and training examples that a chosen training example helps, Feldman & Zhang 2020, arXiv:2008.03703."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from rote.errors import MissingEvidence
from rote.evidence import LEVEL
from rote.intervals import Estimate
from rote.record import Population, Record
from rote.scores import influence

INFLUENTIAL = 0.15
"""Influence from which a pair counts, as in Feldman & Zhang (2020)."""

BLOCK = 512
"""Targets at a time: memory is bounded by chosen examples x BLOCK."""


@dataclass(frozen=True)
class Dependent:
    """An example that is more often right in models trained on the chosen one: 1 depends on it wholly."""

    position: int
    id: str
    label: int
    influence: Estimate


@dataclass(frozen=True, eq=False)
class Answers:
    """Who was right and who was trained on whom, at the last step of every run."""

    correct: Bool[ndarray, "run example"]
    member: Bool[ndarray, "run example"]


def read_answers(record: Record) -> Answers:
    """Return the answers of all runs; raise MissingEvidence when a run was not asked about everyone."""
    if not record.runs:
        raise MissingEvidence(f"{record.directory} has no finished run. Collect some first.")
    rows: list[NDArray[np.bool_]] = []
    for run in record.runs:
        right = record.at_step(run, "correct", record.last_step)
        if np.isnan(right).any():
            raise MissingEvidence(
                f"Run {run} lacks `correct` for {np.isnan(right).sum()} of {len(right)} examples at its last step. "
                "Record a clean pass over everyone."
            )
        rows.append(right.astype(np.bool_))
    return Answers(np.stack(rows), np.stack([record.member(run) for run in record.runs]))


def find_dependents(
    population: Population,
    answers: Answers,
    positions: Int[ndarray, " query"],
    *,
    most: int = 5,
) -> list[tuple[Dependent, ...]]:
    """Return, for each position, the real examples it helps most, strongest first, at most `most`.

    Kept are influences of at least INFLUENTIAL whose interval lies above 0. Many examples are looked at, so
    some of these are chance; `influence_pairs` says how many to expect.
    """
    targets = np.flatnonzero(population.split != "canary")
    member = answers.member[:, positions]
    found: list[list[Dependent]] = [[] for _ in positions]
    for start in range(0, len(targets), BLOCK):
        part = targets[start : start + BLOCK]
        value, low, high = estimate(answers.correct[:, part], member)
        hit = (value >= INFLUENTIAL) & (low > 0) & (positions[:, None] != part)
        for row, column in zip(*np.nonzero(hit), strict=True):
            at = int(part[column])
            size = Estimate(
                float(value[row, column]), float(low[row, column]), float(high[row, column]), len(member), "run", LEVEL
            )
            found[row].append(Dependent(at, str(population.ids[at]), int(population.labels[at]), size))
    return [tuple(sorted(each, key=_strength, reverse=True)[:most]) for each in found]


def estimate(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> tuple[Float[ndarray, "example target"], Float[ndarray, "example target"], Float[ndarray, "example target"]]:
    """Return influence with its interval at LEVEL, for every pair."""
    assert influence.interval is not None
    low, high = influence.interval(correct, member, level=LEVEL)
    return influence(correct, member), low, high


def _strength(each: Dependent) -> tuple[float, float]:
    return each.influence.value, each.influence.low
