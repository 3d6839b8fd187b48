"""Pairs of a memorized training example and a test example that depends on it, Feldman & Zhang 2020, arXiv:2008.03703."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from rote.evidence import LEVEL, Values
from rote.explain.dependents import BLOCK, INFLUENTIAL, Answers, estimate
from rote.explain.neighbours import Space, nearest
from rote.intervals import Estimate
from rote.record import Population
from rote.scores import influence

MEMORIZED = 0.25
"""Memorization from which a training example is looked at, as in Feldman & Zhang (2020)."""

LOOK_ALIKES = 10
"""A look-alike pair: the training example is among this many nearest ones of the test example's own label."""

SHUFFLES = 20
"""Times that the runs are shuffled to see what chance alone finds."""


@dataclass(frozen=True)
class InfluencePair:
    """A training example and a test example that is more often right in models trained on it."""

    train: int
    test: int
    influence: Estimate
    distance: float


@dataclass(frozen=True)
class PairList:
    """The strongest of many pairs that were looked at, and how many chance alone would have put on the list.

    `found` of `considered` pairs have an influence of at least INFLUENTIAL with the interval above 0; with the
    runs shuffled, so that nothing depends on anything, `by_chance` do on average, and `by_chance_most` at most
    in SHUFFLES shuffles. `look_alikes` says that only pairs that look alike were considered.
    """

    pairs: tuple[InfluencePair, ...]
    considered: int
    found: int
    by_chance: float
    by_chance_most: int
    look_alikes: bool

    @property
    def false_share(self) -> float:
        """Share of the found pairs that chance explains, from 0 to 1: near 1 the list means nothing; NaN if empty."""
        return min(self.by_chance / self.found, 1.0) if self.found else float("nan")


def influence_pairs(
    population: Population,
    answers: Answers,
    memorization: Values,
    space: Space,
    *,
    look_alikes: bool,
    most: int = 24,
    seed: int = 0,
) -> PairList:
    """Return the strongest pairs (real training example -> test example), strongest first, at most `most`.

    Only training examples with a memorization of at least MEMORIZED are considered, as sources. With few runs a
    list of the largest of a million influences is mostly chance. With `look_alikes` only pairs of one label are
    considered in which the training example is one of the LOOK_ALIKES nearest to the test example: they are
    chosen by their inputs, before any model is asked, so that far fewer pairs compete and chance finds fewer.
    """
    sources = np.flatnonzero(population.where("train") & (memorization.value >= MEMORIZED))
    targets = np.flatnonzero(population.where("test"))
    allowed = _alike(population, space, sources, targets) if look_alikes else None
    considered = len(sources) * len(targets) if allowed is None else int(allowed.sum())
    if not considered:
        return PairList((), 0, 0, 0.0, 0, look_alikes)
    member, correct = answers.member[:, sources], answers.correct[:, targets]
    rows, columns = _hits(correct, member, allowed)
    rng = np.random.default_rng(seed)
    chance = [
        len(_hits(correct[rng.permutation(len(correct))], member, allowed)[0]) for _ in range(SHUFFLES)
    ]
    strongest = _strongest(correct, member, rows, columns, most)
    pairs = tuple(
        InfluencePair(
            int(sources[row]),
            int(targets[column]),
            size,
            _distance(space, int(sources[row]), int(targets[column])),
        )
        for row, column, size in strongest
    )
    return PairList(pairs, considered, len(rows), float(np.mean(chance)), max(chance), look_alikes)


def _hits(
    correct: Bool[ndarray, "run target"],
    member: Bool[ndarray, "run example"],
    allowed: Bool[ndarray, "example target"] | None,
) -> tuple[Int[ndarray, " pair"], Int[ndarray, " pair"]]:
    """Return the pairs with a large influence whose interval lies above 0; intervals are made for large ones only."""
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.intp]] = []
    for start in range(0, correct.shape[1], BLOCK):
        value = influence(correct[:, start : start + BLOCK], member)
        large = value >= INFLUENTIAL
        if allowed is not None:
            large &= allowed[:, start : start + BLOCK]
        row, column = np.nonzero(large)
        sure = _low(correct, member, row, column + start) > 0
        rows.append(row[sure])
        columns.append(column[sure] + start)
    return np.concatenate(rows), np.concatenate(columns)


def _low(
    correct: Bool[ndarray, "run target"],
    member: Bool[ndarray, "run example"],
    rows: Int[ndarray, " pair"],
    columns: Int[ndarray, " pair"],
) -> Float[ndarray, " pair"]:
    """Return the low end of the interval of these pairs.

    It depends only on four counts, so it is looked up among the combinations that occur.
    """
    runs = len(correct)
    base = runs + 1
    both = np.einsum("rp,rp->p", correct[:, columns], member[:, rows], dtype=np.int64)
    inside = member.sum(axis=0, dtype=np.int64)[rows]
    right = correct.sum(axis=0, dtype=np.int64)[columns]
    code, back = np.unique((both * base + inside) * base + right, return_inverse=True)
    low = np.empty(len(code))
    for at, each in enumerate(code):
        k, n, total = int(each) // base**2, int(each) // base % base, int(each) % base
        example = np.arange(runs) < n
        target = (np.arange(runs) < k) | (np.arange(runs) >= runs - (total - k))
        low[at] = estimate(target[:, None], example[:, None])[1][0, 0]
    return low[back]


def _strongest(
    correct: Bool[ndarray, "run target"],
    member: Bool[ndarray, "run example"],
    rows: Int[ndarray, " pair"],
    columns: Int[ndarray, " pair"],
    most: int,
) -> list[tuple[int, int, Estimate]]:
    kept: list[tuple[int, int, Estimate]] = []
    for row in np.unique(rows):
        mine = columns[rows == row]
        value, low, high = estimate(correct[:, mine], member[:, [row]])
        for at, column in enumerate(mine):
            size = Estimate(float(value[0, at]), float(low[0, at]), float(high[0, at]), len(correct), "run", LEVEL)
            kept.append((int(row), int(column), size))
    return sorted(kept, key=lambda pair: (-pair[2].value, -pair[2].low))[:most]


def _alike(
    population: Population, space: Space, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"]
) -> Bool[ndarray, "source target"]:
    allowed = np.zeros((len(sources), len(targets)), np.bool_)
    if space.empty:
        return allowed
    row = np.full(len(population), -1, np.int64)
    row[sources] = np.arange(len(sources))
    train = np.flatnonzero(population.where("train"))
    for label in np.unique(population.labels[targets]):
        mine = np.flatnonzero(population.labels[targets] == label)
        same = train[population.labels[train] == label]
        where, _ = nearest(space.points, targets[mine], same, LOOK_ALIKES)
        for column, near in zip(mine, where, strict=True):
            chosen = row[near[near >= 0]]
            allowed[chosen[chosen >= 0], column] = True
    return allowed


def _distance(space: Space, a: int, b: int) -> float:
    return float("nan") if space.empty else float(np.linalg.norm(space.points[a] - space.points[b]))
