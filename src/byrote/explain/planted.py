"""Planted copies: how many of them the near-duplicate rule finds among test examples, by how the copy was changed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.evidence.evaluate import LEVEL
from byrote.explain.contaminated import contaminated
from byrote.explain.neighbours import Space, class_of_each, space
from byrote.record import Population
from byrote.record.ids import make_ids
from byrote.record.population import no_labels
from byrote.stats.estimate import Estimate

Change = Callable[[NDArray[Any], NDArray[Any], np.random.Generator], NDArray[np.float64]]

NOISE = 0.02
"""Standard deviation of the noise on a copy: of brightness from 0 to 1, or of a feature's standard deviation."""


@dataclass(frozen=True)
class CopyCheck:
    """One kind of planted test example, and the share of them that are reported as near-duplicates of their source.

    Copies should be found; a `blend`, the mean of two training examples of one class, is no copy and should not.
    """

    kind: str
    is_copy: bool
    found: Estimate


@dataclass(frozen=True, eq=False)
class PlantedCopies:
    """A population with changed copies of training examples as test examples at its end, and what was done to each of them.

    `source` is the position of what each is a copy of; the copies of each of the `kinds` follow each other.
    """

    population: Population
    source: Int[ndarray, " planted"]
    kinds: tuple[str, ...]

    def check(self, points: Space) -> tuple[CopyCheck, ...]:
        """Return how many of each kind are found; `points` are those of this population."""
        start = len(self.population) - len(self.source)
        tests = np.arange(start, len(self.population))
        hit = np.zeros(len(self.source), np.bool_)
        for each in contaminated(self.population, points=points, tests=tests):
            hit[each.position - start] = any(c.position == self.source[each.position - start] for c in each.duplicates)
        checks: list[CopyCheck] = []
        for kind, hits in zip(self.kinds, np.split(hit, len(self.kinds)), strict=True):
            share = Estimate.of_share(int(hits.sum()), len(hits), "example", level=LEVEL)
            checks.append(CopyCheck(kind, kind != "blend", share))
        return tuple(checks)


def check_copies(
    population: Population, *, points: Space | None = None, count: int = 100, seed: int = 0
) -> tuple[CopyCheck, ...]:
    """Plant changed copies of `count` training examples as test examples, and return how many of each kind are found.

    Nothing is trained: near-duplicates are found by inputs alone. It misleads about copies that were changed in another
    way. A kind that is not found can be in the test set without being reported. Empty where no inputs were kept.
    `points` are those of the population, if they are at hand.
    """
    planted = plant_copies(population, count=count, seed=seed)
    if planted is None:
        return ()
    return planted.check(space(planted.population) if points is None else points.also(planted.population))


def plant_copies(population: Population, *, count: int = 100, seed: int = 0) -> PlantedCopies | None:
    """Plant changed copies of `count` training examples; None without training examples, or inputs that can be compared."""
    train = np.flatnonzero(population.where("train"))
    inputs = population.inputs
    if not len(train) or not inputs[0].size or population.display.kind == "text":
        return None
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(train)[:count]
    other = np.array([rng.choice(_classmates(population, train, int(at))) for at in chosen])
    kinds: dict[str, Change] = {"exact": lambda x, _, __: x, "noise": _noisy, "brighter": _brighter, "blend": _blend}
    if inputs.ndim > 2:
        kinds |= {"shifted": _shifted, "mirrored": _mirrored, "shifted by two": _shifted_by_two}
    own, mates = inputs[chosen].astype(np.float64), inputs[other].astype(np.float64)
    changed = np.concatenate([_as(inputs, change(own, mates, rng)) for change in kinds.values()])
    source = np.tile(chosen, len(kinds))
    return PlantedCopies(_planted(population, source, changed), source, tuple(kinds))


def _classmates(population: Population, train: Int[ndarray, " train"], at: int) -> Int[ndarray, " mate"]:
    classes = class_of_each(population)
    mates = train[(classes[train] == classes[at]) & (train != at)]
    return mates if len(mates) else train


def _noisy(x: NDArray[Any], _: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    return x + rng.normal(0, NOISE * _unit(x), x.shape)


def _brighter(x: NDArray[Any], _: NDArray[Any], __: np.random.Generator) -> NDArray[np.float64]:
    return 1.05 * x


def _shifted(x: NDArray[Any], _: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float64]:
    shifts = rng.permutation(np.array([(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]))
    return np.stack([np.roll(one, shifts[i % len(shifts)], axis=(-2, -1)) for i, one in enumerate(x)])


def _mirrored(x: NDArray[Any], _: NDArray[Any], __: np.random.Generator) -> NDArray[np.float64]:
    return x[..., ::-1]


def _shifted_by_two(x: NDArray[Any], _: NDArray[Any], __: np.random.Generator) -> NDArray[np.float64]:
    return np.roll(x, 2, axis=-1)


def _blend(x: NDArray[Any], other: NDArray[Any], __: np.random.Generator) -> NDArray[np.float64]:
    return (x + other) / 2


def _unit(x: NDArray[Any]) -> Any:
    return 255.0 if x.ndim > 2 else x.std(axis=0)


def _as(inputs: NDArray[Any], values: NDArray[np.float64]) -> NDArray[Any]:
    if inputs.dtype == np.uint8:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return values.astype(inputs.dtype)


def _planted(population: Population, chosen: Int[ndarray, " planted"], inputs: NDArray[Any]) -> Population:
    """Return the population with these as test examples at its end, labeled like their sources."""
    n, none = len(chosen), np.full(len(chosen), "")
    joined = np.concatenate([population.inputs, inputs])
    return replace(
        population,
        ids=np.concatenate([population.ids, make_ids("test", (f"planted {i}" for i in range(n)))]),
        split=np.concatenate([population.split, np.full(n, "test")]),
        labels=np.concatenate([population.labels, population.labels[chosen]]),
        canary=np.concatenate([population.canary, none]),
        verification=np.concatenate([population.verification, np.zeros(n, np.bool_)]),
        source=np.concatenate([population.source, none]),
        true_label=np.concatenate([population.true_label, no_labels(population.labels, n)]),
        groups=np.concatenate([population.groups, none]),
        weights=np.concatenate([population.weights, population.weights[chosen]]),
        read_inputs=lambda: joined,
    )
