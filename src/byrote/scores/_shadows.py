"""IN and OUT models, Shokri et al., 2017, arXiv:1610.05820: moments of a value over the other runs, each run the target once.

The runs other than the target are its shadow models: IN runs were trained on the example, OUT runs were not. In a balanced
design their number gives the membership in the target away: an example that is in 14 of 20 runs is in 13 of the other 19 exactly
where it is in the target. So each target leaves out one IN run and one OUT run: itself, and one of the other kind that is drawn
at random from the target's block. A block is a set of runs of which every example is in the same number: all runs of one random
balanced design, one repeat of k folds, two runs that are complements. Where an example is in one run of a block more than others
are, as when half of 7 runs are 3 or 4, one more is left out, so that all examples have as many. A run in no block was drawn
independently of the others, and leaves out only itself. Under the null hypothesis an attack then sees nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64
from numpy import ndarray
from scipy.special import digamma, expit, gammaln, polygamma

BLOCK = 1 << 16
"""Values, runs times examples, that are processed at once: intermediate results stay in the cache."""

KEPT = 1 << 19
"""Moments of so many values at most are kept, for other attacks on the same values: 24 bytes for each value, twice or more."""

NO_DRAW = np.uint64(2**64 - 1)
"""A draw that is never the smallest."""

MIN_LOSS = 1e-38
"""A smaller positive loss counts as this: float32 has no smaller normal number."""

EXACT = 1e-9
"""An eigenvalue of the membership smaller than this, relative to the largest, is rounding: the design is exactly balanced."""

SAME = 1e-6
"""An entry of the projection on exact blocks, 1 over the size of the block, is larger than this, and rounding smaller."""

ENOUGH = 3
"""Examples per run from which blocks are looked for."""

MANY = 20
"""Expected examples in all runs or none, from which their absence says that the design is balanced."""

ROUNDING = 1e-12
"""Squared deviations smaller than this, relative to what they were computed from, are rounding and count as 0."""


def logit(loss: Float[ndarray, "*all"]) -> Float[ndarray, "*all"]:
    """Return log(p / (1 - p)) of the label's probability p = exp(-loss). An infinite loss, or none, gives NaN.

    A loss of 0 was rounded: float32 log-softmax gives it below 2^-24. It counts as half the smallest positive loss, which in
    such data is 2^-24. A smaller stand-in would make it an outlier of the logits.
    """
    loss = loss.astype(np.float64)
    rounded = loss <= 0
    if rounded.any() and (loss > 0).any():
        least = float(loss[loss > 0].min()) / 2
        loss = np.where(rounded, least, loss)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.maximum(loss, MIN_LOSS)
        value = -loss - np.log(-np.expm1(-loss))
    return np.where(np.isfinite(value), value, np.nan)


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of a value over the IN runs, or the OUT runs, of each example that a target is compared with."""

    count: Float[ndarray, "#run example"]
    mean: Float[ndarray, "run example"]
    squares: Float[ndarray, "run example"]
    """Sum of squared deviations from the mean."""

    @property
    def freedom(self) -> Float[ndarray, "#run example"]:
        """Degrees of freedom of `squares`."""
        return np.maximum(self.count - 1, 0)


@dataclass(frozen=True, eq=False)
class Variances:
    """The variance of a value around each example's mean over IN runs, or over OUT runs, as each target estimates it.

    `pooled` is one variance for all examples. `prior` and `prior_freedom` are the parameters of a scaled inverse chi-squared
    prior of the variances of single examples (s0^2 and d0 of Smyth 2004).
    """

    pooled: Float[ndarray, " run"]
    prior: Float[ndarray, " run"]
    prior_freedom: Float[ndarray, " run"]

    def posterior(self, others: "Moments", prior_freedom: Float[ndarray, "run 1"]) -> Float[ndarray, "run example"]:
        """Return the posterior variance of each example, with its own squared deviations."""
        return (prior_freedom * self.prior[:, None] + others.squares) / (prior_freedom + others.freedom)


Block = tuple[Int[ndarray, "_"], dict[bool, Bool[ndarray, " example"]]]
"""A block of runs of the design, with the examples that have one IN run (True), or one OUT run (False), more than others."""


@dataclass(frozen=True, eq=False)
class Shadows:
    """Values of all runs, and which examples each was trained on. A value that is NaN or infinite is left out."""

    value: Float[ndarray, "run example"]
    member: Bool[ndarray, "run example"]
    spare: bool = True
    """Whether the design may be balanced. Not where the target is no run of the design: each run then leaves out itself only."""
    known_blocks: list[Block] | None = None
    """The `blocks_of_runs`, where they are known."""

    def of(self, value: Float[ndarray, "run example"]) -> "Shadows":
        """Return the shadows with another value of the same runs and examples: blocks of the design are not looked for again."""
        return Shadows(value, self.member, self.spare, self.blocks_of_runs)

    def blocks(self) -> Iterator[slice]:
        """Yield ranges of examples, so that the memory for all runs is bounded."""
        runs, examples = self.value.shape
        width = max(1, BLOCK // max(runs, 1))
        for start in range(0, examples if runs else 0, width):
            yield slice(start, start + width)

    def moments(self, part: slice, *, trained: bool, spare: bool = True) -> Moments:
        """Return the moments of these examples over IN runs (`trained`) or OUT runs, less those that each target leaves out.

        Without `spare` only the target itself is left out.
        """
        key = part.start, trained, spare
        found = self._kept.get(key)
        if found is None:
            found = self._measured(part, trained=trained, spare=spare)
            if self.value.size <= KEPT:
                self._kept[key] = found
        return found

    def _measured(self, part: slice, *, trained: bool, spare: bool) -> Moments:
        value, member = self.value[:, part], self.member[:, part]
        use = (member == trained) & np.isfinite(value)
        blocks = self.blocks_of_runs if spare else []
        draw = np.where(use, self._run_key[:, None] * self._example_key[part], NO_DRAW) if blocks else None
        for runs, surplus in blocks:
            _leave_out_first(use, draw, runs, surplus[trained][part])
        count = use.sum(axis=0, keepdims=True).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(use, value, 0.0).sum(axis=0) / count
            deviation = np.where(use, value - mean, 0.0)
            squares = np.einsum("re,re->e", deviation, deviation)
            left_out, left = deviation, count - use
            if draw is not None:
                left_out, left = deviation.copy(), np.broadcast_to(count, value.shape) - use
                for runs, _ in blocks:
                    first = _first(draw, runs)
                    other = ~use[runs] & np.take_along_axis(use, first, axis=0)
                    left_out[runs] = np.where(other, np.take_along_axis(deviation, first, axis=0), deviation[runs])
                    left[runs] -= other
            left_mean = mean - left_out / left
            left_squares = squares - left_out**2 * (count / left)
            rounding = ROUNDING * squares + count * (ROUNDING * mean) ** 2
        varies = (left > 1) & (left_squares > rounding)
        return Moments(left, np.where(left > 0, left_mean, np.nan), np.where(varies, left_squares, 0.0))

    def variances(self, *, trained: bool) -> Variances:
        """Return the variances over IN runs (`trained`) or OUT runs, by moments of the log variances (Smyth 2004).

        doi:10.2202/1544-6115.1027. `prior_freedom` is infinite when the variances differ no more than by chance, or there are
        fewer than two. Where no example has two such runs left, as with 4 or 5 runs of halves, only the target is left out: one
        number for all examples of a target gives no membership away.
        """
        if trained not in self._fitted:
            found, freedom = self._variances(trained=trained, spare=True)
            if not freedom and self.blocks_of_runs:
                found, _ = self._variances(trained=trained, spare=False)
            self._fitted[trained] = found
        return self._fitted[trained]

    def _variances(self, *, trained: bool, spare: bool) -> tuple[Variances, bool]:
        """Return the variances, and whether any example has two runs left."""
        squares, freedom, number, first, second, noise = np.zeros((6, len(self.value)))
        half = np.maximum(np.arange(len(self.value) + 1), 1) / 2
        expected, variance = digamma(half) - np.log(half), polygamma(1, half)
        for part in self.blocks():
            others = self.moments(part, trained=trained, spare=spare)
            usable, at = others.squares > 0, others.freedom.astype(np.intp)
            log = np.log(np.where(usable, others.squares, 1.0) / (2 * half[at])) - expected[at]
            log = np.where(usable, log, 0.0)
            squares += others.squares.sum(axis=1)
            freedom += others.freedom.sum(axis=1)
            number += usable.sum(axis=1)
            first += log.sum(axis=1)
            second += np.einsum("re,re->r", log, log)
            noise += np.where(usable, variance[at], 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            pooled = np.where(squares > 0, squares / freedom, np.nan)
            mean = first / number
            extra = (second / number - mean**2) * number / (number - 1) - noise / number
            prior_freedom = 2 * _inverse_trigamma(np.where(number > 1, extra, 0.0))
            prior = np.exp(mean + digamma(prior_freedom / 2) - np.log(prior_freedom / 2))
        found = Variances(pooled, np.where(np.isfinite(prior_freedom), prior, pooled), prior_freedom)
        return found, bool(freedom.any())

    @cached_property
    def blocks_of_runs(self) -> list[Block]:
        """The blocks of the design, each with the examples that have one IN run (True), or one OUT run (False), more than others.

        The indicators of exact blocks span the null space of the membership, less its mean over examples: the projection on
        it is above 0 for two runs of one block only. The remaining runs are one block if balanced up to one run. With few
        examples (ENOUGH per run) sums are equal by accident, and all runs are one block or none.
        """
        if self.known_blocks is not None:
            return self.known_blocks
        if not self.spare:
            return []
        count = self.member.sum(axis=0)
        varied = self.member[:, (count > 0) & (count < len(self.member))]
        exact = _exact_blocks(varied) if varied.shape[1] >= ENOUGH * len(varied) else []
        rest = np.setdiff1d(np.arange(len(self.member)), np.concatenate([np.zeros(0, np.intp), *exact]))
        blocks = [*exact, rest] if len(rest) > 2 and _balanced(self.member[rest]) else exact
        return [(runs, _surplus(self.member[runs], alone=len(runs) == len(self.member))) for runs in blocks]

    @cached_property
    def _kept(self) -> dict[tuple[int, bool, bool], Moments]:
        return {}

    @cached_property
    def _fitted(self) -> dict[bool, Variances]:
        return {}

    @cached_property
    def _run_key(self) -> UInt64[ndarray, " run"]:
        """A pseudorandom number for each run, which depends neither on its position nor on that of the examples.

        The key of a run times the key of an example, modulo 2^64, is the draw of the run at the example: of the IN runs, or
        the OUT runs, the one with the smallest draw is left out. The draw must not depend on the value alone, or rare values
        would be left out more often than frequent ones.
        """
        return _scrambled(np.stack([_bits(row).sum(dtype=np.uint64) for row in self.value]))

    @cached_property
    def _example_key(self) -> UInt64[ndarray, " example"]:
        parts = [(_bits(self.value[:, part]) * self._run_key[:, None]).sum(axis=0) for part in self.blocks()]
        return _scrambled(np.concatenate(parts))


def _first(draw: UInt64[ndarray, "run example"], runs: Int[ndarray, " block"]) -> Int[ndarray, "1 example"]:
    """Return the run of the block with the smallest draw, of each example."""
    return runs[draw[runs].argmin(axis=0)][None]


def _leave_out_first(
    use: Bool[ndarray, "run example"],
    draw: UInt64[ndarray, "run example"] | None,
    runs: Int[ndarray, " block"],
    surplus: Bool[ndarray, " example"],
) -> None:
    """Remove, in place, the run of the block with the smallest draw from the examples that have one more."""
    if draw is not None and surplus.any():
        first = _first(draw, runs)
        for array, removed in ((use, False), (draw, NO_DRAW)):
            np.put_along_axis(array, first, np.where(surplus, removed, np.take_along_axis(array, first, 0)), axis=0)


def _exact_blocks(member: Bool[ndarray, "run example"]) -> list[Int[ndarray, " block"]]:
    """Return the smallest sets of runs of which every example is in the same number."""
    if not member.size:
        return []
    centred = member - member.mean(axis=1, keepdims=True)
    size, vectors = np.linalg.eigh(centred @ centred.T)
    null = vectors[:, size <= EXACT * size[-1]]
    same = np.abs(null @ null.T) > SAME
    found = [np.flatnonzero(block) for block in np.unique(same, axis=0)]
    return [runs for runs in found if len(runs) > 1 and np.ptp(member[runs].sum(axis=0)) == 0]


def _balanced(member: Bool[ndarray, "run example"]) -> bool:
    """Return whether the number of IN runs varies, over examples, less than half as much as under independent membership.

    Examples that are in all runs or none are left aside: they may be no part of the design. So the variance under
    independence is that of a binomial number that is neither 0 nor all. A design that leaves far fewer of them than
    independence would is balanced too: the numbers of 3 runs of halves, 1 and 2, vary as those of coins do.
    """
    runs, count = len(member), member.sum(axis=0)
    varied = count[(count > 0) & (count < runs)]
    mean = float(varied.mean()) if varied.size else 1.0
    if not 1 < mean < runs - 1:
        return True
    number = np.arange(1, runs)
    log_odds = _root(lambda x: float(_truncated(x, runs) @ number) - mean)
    share = _truncated(log_odds, runs)
    ends = float(expit(log_odds) ** runs + expit(-log_odds) ** runs)
    few_ends = len(count) * ends > MANY and len(count) - len(varied) < len(count) * ends / 2
    return few_ends or bool(varied.var() < (share @ (number - mean) ** 2) / 2)


def _truncated(log_odds: float, runs: int) -> Float[ndarray, " number"]:
    """Return the probabilities of 1 to runs - 1 successes in so many trials, given that it is one of these."""
    number = np.arange(1, runs)
    log = number * log_odds - gammaln(number + 1) - gammaln(runs - number + 1)
    share = np.exp(log - log.max())
    return share / share.sum()


def _surplus(member: Bool[ndarray, "run example"], *, alone: bool) -> dict[bool, Bool[ndarray, " example"]]:
    """Return whether an example has one IN run (True), or one OUT run (False), more than others of the block.

    None has where the others have no run of the kind left, if there is no run outside the block: they have no value then.
    """
    runs, count = len(member), member.sum(axis=0)
    varied = np.sort(count[(count > 0) & (count < runs)])
    low, high = varied[[len(varied) // 20, -1 - len(varied) // 20]] if varied.size else (0, 0)
    one_more = high == low + 1
    return {
        True: (count == high) & (one_more and (low > 1 or not alone)),
        False: (count == low) & (one_more and (runs - high > 1 or not alone)),
    }


def _bits(value: Float[ndarray, "*all"]) -> UInt64[ndarray, "*all"]:
    return np.where(np.isfinite(value), value, 0.0).view(np.uint64)


def _scrambled(bits: UInt64[ndarray, "*all"]) -> UInt64[ndarray, "*all"]:
    """Return odd pseudorandom numbers (splitmix64)."""
    for shift, times in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(times)
    return bits ^ (bits >> np.uint64(31)) | np.uint64(1)


def _inverse_trigamma(value: Float[ndarray, " run"]) -> Float[ndarray, " run"]:
    """Return x with trigamma(x) = value by Newton's method on its reciprocal; infinite for values of 0 and less."""
    target = np.where(value > 0, value, 1.0)
    x = 0.5 + 1 / target
    for _ in range(30):
        trigamma = polygamma(1, x)
        x = np.maximum(x + trigamma * (1 - trigamma / target) / polygamma(2, x), 1e-8)
    return np.where(value > 0, x, np.inf)


def _root(function: Callable[[float], float]) -> float:
    """Return where an increasing function of log odds is 0, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if function(middle) > 0 else (middle, high)
    return low
