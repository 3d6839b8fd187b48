"""Dependents: examples that models get right more often when another example was in the training set.

Feldman & Zhang, 2020, arXiv:2008.03703 (influence at .15 and more of examples memorized at .25 and more).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes
from byrote.explain.look_alikes import affordable_targets, look_alikes
from byrote.explain.neighbours import Space
from byrote.explain.passing import BLOCK, GRID, Listed, Strongest, expected_by_chance, on_grid, passing
from byrote.record import Population
from byrote.stats.estimate import Estimate

MEMORIZED = 0.25
"""Memorization from which a training example is considered as a source (Feldman & Zhang 2020)."""

SHUFFLES = 20
"""Shuffles of the runs, which count the pairs that pass by chance."""

SHUFFLED = 20_000_000
"""Pairs for which runs are shuffled. What passes by chance of more pairs is computed, or a sample of targets is taken."""

MOST_PAIRS = 500_000_000
"""Pairs of right or wrong answers that are tested at most: beyond, the targets are a random sample."""

SAMPLE_STREAM = 5
"""Sets the random numbers that draw targets apart from those that shuffle runs."""


@dataclass(frozen=True)
class Dependence:
    """`target` is more often right in models trained on `source`; both are positions. An influence of 1: only then."""

    source: int
    target: int
    influence: Estimate


@dataclass(frozen=True, eq=False)
class Dependences:
    """The strongest pairs that pass the thresholds, and how many would pass by chance alone.

    `considered` pairs were tested; `pairs` lists the KEPT strongest that passed, strongest first. `passed` counts
    all of them by influence, in bins of width 1 / GRID, and `chance` counts those that pass when the runs are
    shuffled, so that no example depends on another: the mean over so many `shuffles`, or over all (None). A list no longer
    than that is noise. `looked_at` of the `targets` were tested, a random sample where pairs are many; `in_all` is how many
    pairs pass with all targets, with the error of that sample.
    """

    pairs: tuple[Dependence, ...]
    considered: int
    passed: Float[ndarray, " influence"]
    chance: Float[ndarray, " influence"]
    shuffles: int | None
    looked_at: int
    targets: int
    in_all: Estimate

    @property
    def found(self) -> int:
        """How many pairs passed, listed or not."""
        return int(self.passed.sum())

    @property
    def by_chance(self) -> float:
        """How many pairs pass by chance: the mean over shuffles."""
        return float(self.chance.sum())

    def false_share(self, most: int | None = None) -> float:
        """Return the expected share of false pairs among the `most` strongest (None: all). 1 is noise; NaN without a pair."""
        if not self.pairs:
            return float("nan")
        least = 0 if most is None else int(on_grid(self.pairs[:most][-1].influence.value))
        return float(min(self.chance[least:].sum() / self.passed[least:].sum(), 1.0))


NO_DEPENDENCES = Dependences(
    (), 0, np.zeros(GRID + 1), np.zeros(GRID + 1), SHUFFLES, 0, 0, Estimate(0.0, 0.0, 0.0, 0, "target", LEVEL)
)
"""No pair was tested."""


@checked
def find_dependences(
    population: Population,
    outcomes: Outcomes,
    sources: Int[ndarray, " source"],
    targets: Int[ndarray, " target"],
    space: Space | None,
    *,
    seed: int = 0,
) -> Dependences:
    """Return the pairs source -> target that pass the thresholds, and how many pass by chance.

    With few runs the largest of a million influences are mostly chance. Given a `space`, only look-alikes are
    considered: they are chosen by their inputs, so that far fewer pairs are tested; None considers every pair. A pair of an
    example with itself is never considered. Where pairs are many (MOST_PAIRS, SHUFFLED of outcomes that are numbers, or as many
    distances as `look_alikes` computes at most), the targets are a random sample, drawn with `seed`.
    """
    every, is_right = targets, outcomes.correct.dtype == np.bool_
    if space is None:
        most = (MOST_PAIRS if is_right else SHUFFLED) // max(len(sources), 1)
    else:
        most = affordable_targets(population, space, sources, targets)
    if most < len(every):
        targets = np.sort(np.random.default_rng([seed, SAMPLE_STREAM]).permutation(every)[: max(most, 1)])
    pairs = None if space is None else _in_blocks(*look_alikes(population, space, sources, targets))
    same = _itself(len(population), sources, targets)
    considered = len(sources) * len(targets) - len(same[0]) if pairs is None else len(pairs[0])
    if not considered:
        return NO_DEPENDENCES
    member, outcome = outcomes.member[:, sources], outcomes.correct[:, targets]
    found = passing(outcome, member, pairs, same)
    shuffled = considered <= SHUFFLED or pairs is not None or not is_right
    if shuffled:
        rng, chance = np.random.default_rng(seed), np.zeros(GRID + 1)
        for _ in range(SHUFFLES):
            again = outcome[rng.permutation(len(outcome))]
            chance += passing(again, member, pairs, same, keep=False).count / SHUFFLES
    else:
        chance = expected_by_chance(outcome, member, same)
    return Dependences(
        pairs=_strongest(found.strongest, sources, targets, len(outcome)),
        considered=considered,
        passed=found.count,
        chance=chance,
        shuffles=SHUFFLES if shuffled else None,
        looked_at=len(targets),
        targets=len(every),
        in_all=_in_all(found.of_target, len(every)),
    )


def _itself(examples: int, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"]) -> Listed:
    """Return the pairs of an example with itself."""
    row = np.full(examples, -1, np.int64)
    row[sources] = np.arange(len(sources))
    column = np.flatnonzero(row[targets] >= 0)
    return row[targets[column]], column


def _in_blocks(rows: Int[ndarray, " pair"], columns: Int[ndarray, " pair"]) -> Listed:
    """Return the pairs in the order in which all pairs would be tested."""
    order = np.lexsort((columns, rows, columns // BLOCK))
    return rows[order], columns[order]


def _in_all(of_target: Int[ndarray, " target"], targets: int) -> Estimate:
    """Return how many pairs pass with all targets, from a random sample of them without replacement."""
    looked_at = len(of_target)
    each = Estimate.of_mean(of_target.astype(np.float64), "target", level=LEVEL)
    if looked_at == targets or np.isnan(each.low):
        exact = targets * each.value if looked_at < targets else float(of_target.sum())
        ends = (exact, exact) if looked_at == targets else (float("nan"), float("nan"))
        return Estimate(exact, *ends, looked_at, "target", LEVEL)
    narrower = np.sqrt(1 - looked_at / targets)  # of a sample without replacement
    low, high = (targets * (each.value + narrower * (end - each.value)) for end in (each.low, each.high))
    return Estimate(targets * each.value, float(low), float(high), looked_at, "target", LEVEL)


def _strongest(
    found: Strongest, sources: Int[ndarray, " source"], targets: Int[ndarray, " target"], runs: int
) -> tuple[Dependence, ...]:
    each = zip(
        sources[found.row].tolist(), targets[found.column].tolist(),
        found.value.tolist(), found.low.tolist(), found.high.tolist(), strict=True,
    )  # fmt: skip
    return tuple(
        Dependence(source, target, Estimate(value, low, high, runs, "run", LEVEL))
        for source, target, value, low, high in each
    )
