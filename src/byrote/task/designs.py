"""Designs: who is trained on what. Membership is a pure function of the design, the blocks of runs and the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol, cast

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.signature import parse_call, spell

DESIGN_STREAM = 1
"""Separates the random numbers of designs from those of canaries (2) and runs (3) under one seed."""

LEAST_RUNS = 4
"""Fewer runs say nothing about memorization: most examples are left out of one of them, or of none."""


class Design(Protocol):
    """Says which examples each run is trained on."""

    name: ClassVar[str]

    def __str__(self) -> str: ...

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run. `blocks` are runs planned together; `groups` has an entry per training example."""
        ...

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return how many runs this design needs at least to say something about every example."""
        ...


@dataclass(frozen=True)
class Subsets:
    """Random subsets (Feldman & Zhang 2020). Every example is in the same number of runs, up to one, at the end of each block.

    Examples are dealt in chunks of as many as there are runs in the block; a chunk takes the cyclic shifts of one
    random pattern, so that runs have equal sizes too. Marginally each example's pattern is uniform; two chunks are
    independent.
    """

    fraction: float = 0.7
    name: ClassVar[str] = "subsets"

    def __post_init__(self) -> None:
        if not isinstance(cast("object", self.fraction), float | int) or not 0 < self.fraction < 1:
            raise InvalidData(
                f"subsets(fraction={self.fraction!r}) leaves no one in or no one out. Give a fraction between 0 and 1."
            )

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run; earlier blocks do not change when one is added."""
        n, total = len(groups), 0
        counts = np.zeros(n, np.int64)
        parts: list[NDArray[np.bool_]] = []
        for index, runs in enumerate(blocks):
            rng = np.random.default_rng([seed, DESIGN_STREAM, index])
            total += runs
            goal = _goal(counts, runs, self.fraction * total, rng)
            parts.append(_deal(goal - counts, runs, rng))
            counts = goal
        return np.concatenate(parts) if parts else np.zeros((0, n), np.bool_)

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return 20: enough to rank, not to certify; see the report's reliability."""
        return 20


def halves() -> Subsets:
    """Return the balanced halves that membership attacks use (LiRA): every example is in half of the runs."""
    return Subsets(0.5)


@dataclass(frozen=True)
class Together:
    """Balanced random subsets in which all examples of a group are in, or out, together.

    An example is then left out with its copies. Examples without a group are in the same runs as in `Subsets`.
    """

    fraction: float = 0.7
    name: ClassVar[str] = "together"

    def __post_init__(self) -> None:
        Subsets(self.fraction)

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run: each example where the first of its group is."""
        first = np.arange(len(groups))
        _, starts, codes = np.unique(groups, return_index=True, return_inverse=True)
        first[groups != ""] = starts[codes][groups != ""]
        return Subsets(self.fraction).membership(blocks, groups, seed)[:, first]

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return as many as for `Subsets`."""
        return Subsets(self.fraction).default_runs(groups)


@dataclass(frozen=True)
class KFold:
    """Repeated K-fold cross-validation: each repeat leaves every example out once. It thereby is a memorization estimator."""

    folds: int = 5
    name: ClassVar[str] = "kfold"

    def __post_init__(self) -> None:
        if type(cast("object", self.folds)) is not int or self.folds < 2:
            raise InvalidData(f"kfold(folds={self.folds!r}) leaves nothing to train on. Give 2 folds or more.")

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run; raise InvalidData for fewer examples than folds, or an incomplete repeat."""
        n, runs = len(groups), sum(blocks)
        if n < self.folds:
            raise InvalidData(f"{n} examples cannot be cut into {self.folds} folds. Give fewer folds or more examples.")
        if runs % self.folds:
            less = max(runs - runs % self.folds, self.folds)
            raise InvalidData(
                f"{runs} runs do not complete a repeat of {self.folds} folds. Give {less} or {less + self.folds} runs."
            )
        member = np.ones((runs, n), np.bool_)
        for repeat in range(runs // self.folds):
            order = np.random.default_rng([seed, DESIGN_STREAM, repeat]).permutation(n)
            for fold, out in enumerate(np.array_split(order, self.folds)):
                member[repeat * self.folds + fold, out] = False
        return member

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return four repeats."""
        return 4 * self.folds


@dataclass(frozen=True)
class LeaveOneOut:
    """Run r leaves out example r, from the first again after the last. Blind to duplicates: they hide each other."""

    name: ClassVar[str] = "leave_one_out"

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run."""
        return _leave_out(np.arange(len(groups)), sum(blocks))

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return one run per example."""
        return len(groups)


@dataclass(frozen=True)
class LeaveGroupOut:
    """Run r leaves out the r-th group, in alphabetical order: copies of one image, one person's rows.

    An example without a group is left out alone; these come after the groups.
    """

    name: ClassVar[str] = "leave_group_out"

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return who is in which run; raise InvalidData below two groups."""
        if len(np.unique(groups)) < 2:
            raise InvalidData(
                f"leave_group_out needs two groups or more, but there is {len(np.unique(groups))}. Give the examples `groups`."
            )
        return _leave_out(_codes(groups), sum(blocks))

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return one run per group, and per example without one."""
        return int(_codes(groups).max()) + 1


@dataclass(frozen=True)
class Everything:
    """Each run is trained on all training examples: what is memorized shows in canaries only, which are in half of the runs."""

    name: ClassVar[str] = "everything"

    def __str__(self) -> str:
        return _spell(self)

    def membership(self, blocks: Sequence[int], groups: NDArray[np.str_], seed: int) -> Bool[ndarray, "run example"]:
        """Return all examples for each run."""
        return np.ones((sum(blocks), len(groups)), np.bool_)

    def default_runs(self, groups: NDArray[np.str_]) -> int:
        """Return one."""
        return 1


Known = Subsets | Together | KFold | LeaveOneOut | LeaveGroupOut | Everything

DESIGNS: dict[str, type[Known]] = {
    kind.name: kind for kind in (Subsets, Together, KFold, LeaveOneOut, LeaveGroupOut, Everything)
}


def parse_design(text: str) -> Design:
    """Read a design from its text: `subsets(fraction=0.7)`, `halves`, `kfold(folds=5)`, `leave_one_out`, `everything` ..."""
    name, options = parse_call(text)
    if name == "halves" and options:
        raise InvalidData(f"{text!r} is not a design: halves has no options. Write 'subsets(fraction=...)' for others.")
    if name == "halves":
        return halves()
    if name not in DESIGNS:
        raise unknown("design", name, [*DESIGNS, "halves"])
    try:
        return DESIGNS[name](**options)
    except TypeError:
        known = ", ".join(f.name for f in fields(DESIGNS[name])) or "none"
        raise InvalidData(f"{text!r} is not a design: options of {name} are: {known}.") from None


def _spell(design: Known) -> str:
    return spell(design.name, {f.name: getattr(design, f.name) for f in fields(design)})


def _codes(groups: NDArray[np.str_]) -> Int[ndarray, " example"]:
    """Return the number of each example's group; an example without one is a group of its own."""
    codes, own = np.zeros(len(groups), np.int64), groups == ""
    names, codes[~own] = np.unique(groups[~own], return_inverse=True)
    codes[own] = len(names) + np.arange(own.sum())
    return codes


def _leave_out(codes: NDArray[np.int64], runs: int) -> Bool[ndarray, "run example"]:
    return codes[None, :] != (np.arange(runs) % (codes.max() + 1))[:, None]


def _goal(
    counts: Int[ndarray, " example"], runs: int, expected: float, rng: np.random.Generator
) -> Int[ndarray, " example"]:
    """Return how often each example shall have been in after this block: floor or ceiling of the expectation, at random."""
    low = int(np.floor(expected + 1e-9))
    share = expected - low
    must = counts > low
    can = ~must & (counts + runs > low)
    wanted = round(max(share, 0.0) * len(counts)) - int(must.sum())
    goal = np.where(must, low + 1, low)
    if wanted > 0:
        goal[rng.permutation(np.flatnonzero(can))[:wanted]] = low + 1
    return goal


def _deal(needs: Int[ndarray, " example"], runs: int, rng: np.random.Generator) -> Bool[ndarray, "run example"]:
    """Return a matrix whose columns sum to `needs` and whose rows are as equal as can be."""
    member = np.zeros((runs, len(needs)), np.bool_)
    for need in np.unique(needs):
        who = rng.permutation(np.flatnonzero(needs == need))
        chunk, shift = np.divmod(np.arange(len(who)), runs)
        pattern = rng.permuted(np.tile(np.arange(runs) < need, (int(chunk[-1]) + 1, 1)), axis=1)
        member[:, who] = pattern[chunk, (np.arange(runs)[:, None] + shift) % runs]
    return member
