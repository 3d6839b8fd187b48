"""What the other runs say of an example: mean and spread of a value with it and without it, each run the target in turn.

Shadow models, Shokri et al., 2017, arXiv:1610.05820. In a balanced design the others give the target away: who is in 14 of 20
runs is in 13 of the others exactly where it is in the target. So every target is judged by one run fewer of either side:
itself is left out of its own, and a run that chance picks out of the other; and one more where an example is in one run
more than others, as when half of 7 runs are 3 or 4, so that all are judged by as many. Where coins were flipped for each run, the
others know nothing of the target, and only itself is left out. At the null, nothing is then left to be seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, UInt64
from numpy import ndarray
from scipy.special import digamma, polygamma

BLOCK = 1 << 16
"""Values, runs times examples, that are worked on at once: what lies between stays in the cache."""

LAST = np.uint64(2**64 - 1)
"""The lot that loses against all others."""

SURE = 1e-38
"""A loss below this counts as this. fp32 knows nothing smaller, and the logit of a probability of 1 is infinite."""

ROUNDING = 1e-12
"""A spread that is smaller than this, beside what it was computed from, is rounding, and 0."""


def logit(loss: Float[ndarray, "*all"]) -> Float[ndarray, "*all"]:
    """Return log(p / (1 - p)) of the label's probability p = exp(-loss). An infinite loss, or none, gives NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.maximum(loss.astype(np.float64), SURE)
        value = -loss - np.log(-np.expm1(-loss))
    return np.where(np.isfinite(value), value, np.nan)


@dataclass(frozen=True, eq=False)
class Side:
    """The runs with an example, or those without it, one of them left out: as each target finds them."""

    count: Float[ndarray, "#run example"]
    mean: Float[ndarray, "run example"]
    squares: Float[ndarray, "run example"]
    """Sum of squared deviations from the mean."""

    @property
    def freedom(self) -> Float[ndarray, "#run example"]:
        """Degrees of freedom of `squares`."""
        return np.maximum(self.count - 1, 0)


@dataclass(frozen=True, eq=False)
class Spread:
    """How far one side's values lie from their mean, over all examples, as each target finds it.

    `pooled` is one variance for all. `usual` and `worth` are the scaled inverse chi-squared distribution that the
    variances of single examples come from: about `usual`, and as sure as `worth` more degrees of freedom would make it.
    """

    pooled: Float[ndarray, " run"]
    usual: Float[ndarray, " run"]
    worth: Float[ndarray, " run"]


@dataclass(frozen=True, eq=False)
class Shadows:
    """Values of all runs, and who was in which. A value that is NaN is as if its run had not been."""

    value: Float[ndarray, "run example"]
    member: Bool[ndarray, "run example"]

    def blocks(self) -> Iterator[slice]:
        """Yield ranges of examples, so that a block of all runs is bounded."""
        runs, examples = self.value.shape
        step = max(1, BLOCK // max(runs, 1))
        for start in range(0, examples if runs else 0, step):
            yield slice(start, start + step)

    def side(self, part: slice, *, inside: bool) -> Side:
        """Return count, mean and spread of the runs with these examples, or without them, less one, for each target."""
        value, member = self.value[:, part], self.member[:, part]
        use = (member == inside) & np.isfinite(value)
        lot = np.where(use, self._of_run[:, None] * self._of_example[part], LAST) if self._balanced else None
        if lot is not None:
            first, surplus = lot.argmin(axis=0)[None], self._surplus[inside][part]
            for drawn, gone in ((use, False), (lot, LAST)):
                np.put_along_axis(drawn, first, np.where(surplus, gone, np.take_along_axis(drawn, first, 0)), axis=0)
        count = use.sum(axis=0, keepdims=True).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(use, value, 0.0).sum(axis=0) / count
            apart = np.where(use, value - mean, 0.0)
            squares = np.einsum("re,re->e", apart, apart)
            if lot is not None:
                gone = np.where(use, apart, np.take_along_axis(apart, lot.argmin(axis=0)[None], axis=0))
                left = count - 1
            else:
                gone, left = apart, count - use
            without = mean - gone / left
            spread = squares - gone**2 * (count / left)
            rounding = ROUNDING * squares + count * (ROUNDING * mean) ** 2
        return Side(left, np.where(left > 0, without, np.nan), np.where((left > 1) & (spread > rounding), spread, 0.0))

    def spread(self, *, inside: bool) -> Spread:
        """Return the spread of a side, from the moments of the log variances (Smyth 2004, doi:10.2202/1544-6115.1027).

        `worth` is infinite when the variances differ no more than chance lets them, or there are fewer than two.
        """
        squares, freedom, number, first, second, noise = np.zeros((6, len(self.value)))
        half = np.maximum(np.arange(len(self.value) + 1), 1) / 2
        expected, variance = digamma(half) - np.log(half), polygamma(1, half)
        for part in self.blocks():
            found = self.side(part, inside=inside)
            usable, at = found.squares > 0, found.freedom.astype(np.intp)
            log = np.log(np.where(usable, found.squares, 1.0) / (2 * half[at])) - expected[at]
            log = np.where(usable, log, 0.0)
            squares += found.squares.sum(axis=1)
            freedom += found.freedom.sum(axis=1)
            number += usable.sum(axis=1)
            first += log.sum(axis=1)
            second += np.einsum("re,re->r", log, log)
            noise += np.where(usable, variance[at], 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            pooled = np.where(squares > 0, squares / freedom, np.nan)
            mean = first / number
            extra = (second / number - mean**2) * number / (number - 1) - noise / number
            worth = 2 * _inverse_trigamma(np.where(number > 1, extra, 0.0))
            usual = np.exp(mean + digamma(worth / 2) - np.log(worth / 2))
        return Spread(pooled, np.where(np.isfinite(worth), usual, pooled), worth)

    @cached_property
    def _balanced(self) -> bool:
        """Whether the number of runs with an example varies less than half as much as when coins are flipped."""
        count = self.member.sum(axis=0)
        varied = self.member[:, (count > 0) & (count < len(self.member))]
        rate = varied.mean(axis=1) if varied.size else np.zeros(0)
        return not varied.size or bool(varied.sum(axis=0).var() < (rate * (1 - rate)).sum() / 2)

    @cached_property
    def _surplus(self) -> dict[bool, Bool[ndarray, " example"]]:
        """Whether an example has one run more with it (True), or without it (False), than others of the design.

        No one has where two runs of either side would not be left: nothing could be said of anyone's spread.
        """
        runs, count = len(self.member), self.member.sum(axis=0)
        varied = np.sort(count[(count > 0) & (count < runs)])
        low, high = varied[[len(varied) // 20, -1 - len(varied) // 20]] if varied.size else (0, 0)
        spare = high == low + 1 and low > 2 and runs - high > 2
        return {True: (count == high) & spare, False: (count == low) & spare}

    @cached_property
    def _of_run(self) -> UInt64[ndarray, " run"]:
        """A number for each run that looks like chance, and depends neither on its place nor on that of the examples.

        Run times example, modulo 2^64, is the lot of a run at an example: the smallest one of a side is left out. It
        must not depend on the value alone, for among equal values chance would prefer the rare ones.
        """
        return _scrambled(np.stack([_bits(row).sum(dtype=np.uint64) for row in self.value]))

    @cached_property
    def _of_example(self) -> UInt64[ndarray, " example"]:
        parts = [(_bits(self.value[:, part]) * self._of_run[:, None]).sum(axis=0) for part in self.blocks()]
        return _scrambled(np.concatenate(parts))


def _bits(value: Float[ndarray, "*all"]) -> UInt64[ndarray, "*all"]:
    return np.where(np.isfinite(value), value, 0.0).view(np.uint64)


def _scrambled(bits: UInt64[ndarray, "*all"]) -> UInt64[ndarray, "*all"]:
    """Return odd numbers that look like chance (splitmix64)."""
    for shift, times in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(times)
    return bits ^ (bits >> np.uint64(31)) | np.uint64(1)


def _inverse_trigamma(value: Float[ndarray, " run"]) -> Float[ndarray, " run"]:
    """Return x with trigamma(x) = value by Newton's method on its reciprocal; infinite for values of 0 and less."""
    wanted = np.where(value > 0, value, 1.0)
    x = 0.5 + 1 / wanted
    for _ in range(30):
        now = polygamma(1, x)
        x = np.maximum(x + now * (1 - now / wanted) / polygamma(2, x), 1e-8)
    return np.where(value > 0, x, np.inf)
