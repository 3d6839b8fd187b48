"""IN and OUT models, Shokri et al., 2017, arXiv:1610.05820: moments of a value over the other runs, each run the target once.

The runs other than the target are its shadow models: IN runs were trained on the example, OUT runs were not. In a balanced
design their number gives the membership in the target away: an example that is in 14 of 20 runs is in 13 of the other 19 exactly
where it is in the target. So each target leaves out one IN run and one OUT run: itself, and one of the other kind that is drawn
at random. Where an example has one run of a kind more than others, as when half of 7 runs are 3 or 4, one more is left out, so
that all examples have as many. Where membership was drawn independently for each run, the other runs do not depend on the target,
and only the target is left out. Under the null hypothesis an attack then sees nothing.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, UInt64
from numpy import ndarray
from scipy.special import digamma, polygamma

BLOCK = 1 << 16
"""Values, runs times examples, that are processed at once: intermediate results stay in the cache."""

NO_DRAW = np.uint64(2**64 - 1)
"""A draw that is never the smallest."""

MIN_LOSS = 1e-38
"""A smaller positive loss counts as this: float32 has no smaller normal number."""

ROUNDING = 1e-12
"""Squared deviations smaller than this, relative to what they were computed from, are rounding and count as 0."""


def logit(loss: Float[ndarray, "*all"]) -> Float[ndarray, "*all"]:
    """Return log(p / (1 - p)) of the label's probability p = exp(-loss). An infinite loss, or none, gives NaN.

    A loss of 0 was rounded: float32 log-softmax gives it below 2^-24. It counts as half the smallest positive loss, which in
    such data is 2^-24, and a warning says how many there are. A smaller stand-in would make it an outlier of the logits.
    """
    loss = loss.astype(np.float64)
    rounded = loss <= 0
    if rounded.any() and (loss > 0).any():
        least = float(loss[loss > 0].min()) / 2
        warnings.warn(
            f"{np.count_nonzero(rounded)} of {loss.size} losses are 0, as float32 log-softmax gives where a model is sure. "
            f"They count as {least:.1e}, half the smallest positive loss. Losses from logits in float64 have no such zeros.",
            stacklevel=1,  # one place: a text is shown once, whichever attack reads the losses
        )
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


@dataclass(frozen=True, eq=False)
class Shadows:
    """Values of all runs, and which examples each was trained on. A value that is NaN or infinite is left out."""

    value: Float[ndarray, "run example"]
    member: Bool[ndarray, "run example"]

    def blocks(self) -> Iterator[slice]:
        """Yield ranges of examples, so that the memory for all runs is bounded."""
        runs, examples = self.value.shape
        width = max(1, BLOCK // max(runs, 1))
        for start in range(0, examples if runs else 0, width):
            yield slice(start, start + width)

    def moments(self, part: slice, *, trained: bool) -> Moments:
        """Return the moments of these examples over IN runs (`trained`) or OUT runs, less those that each target leaves out."""
        value, member = self.value[:, part], self.member[:, part]
        use = (member == trained) & np.isfinite(value)
        draw = np.where(use, self._run_key[:, None] * self._example_key[part], NO_DRAW) if self._balanced else None
        if draw is not None:
            first, surplus = draw.argmin(axis=0)[None], self._surplus[trained][part]
            for array, removed in ((use, False), (draw, NO_DRAW)):
                np.put_along_axis(array, first, np.where(surplus, removed, np.take_along_axis(array, first, 0)), axis=0)
        count = use.sum(axis=0, keepdims=True).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(use, value, 0.0).sum(axis=0) / count
            deviation = np.where(use, value - mean, 0.0)
            squares = np.einsum("re,re->e", deviation, deviation)
            if draw is not None:
                left_out = np.where(use, deviation, np.take_along_axis(deviation, draw.argmin(axis=0)[None], axis=0))
                left = count - 1
            else:
                left_out, left = deviation, count - use
            left_mean = mean - left_out / left
            left_squares = squares - left_out**2 * (count / left)
            rounding = ROUNDING * squares + count * (ROUNDING * mean) ** 2
        varies = (left > 1) & (left_squares > rounding)
        return Moments(left, np.where(left > 0, left_mean, np.nan), np.where(varies, left_squares, 0.0))

    def variances(self, *, trained: bool) -> Variances:
        """Return the variances over IN runs (`trained`) or OUT runs, by moments of the log variances (Smyth 2004).

        doi:10.2202/1544-6115.1027. `prior_freedom` is infinite when the variances differ no more than by chance, or there are
        fewer than two.
        """
        squares, freedom, number, first, second, noise = np.zeros((6, len(self.value)))
        half = np.maximum(np.arange(len(self.value) + 1), 1) / 2
        expected, variance = digamma(half) - np.log(half), polygamma(1, half)
        for part in self.blocks():
            others = self.moments(part, trained=trained)
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
        return Variances(pooled, np.where(np.isfinite(prior_freedom), prior, pooled), prior_freedom)

    @cached_property
    def _balanced(self) -> bool:
        """Whether the number of IN runs varies, over examples, less than half as much as under independent membership."""
        count = self.member.sum(axis=0)
        varied = self.member[:, (count > 0) & (count < len(self.member))]
        rate = varied.mean(axis=1) if varied.size else np.zeros(0)
        return not varied.size or bool(varied.sum(axis=0).var() < (rate * (1 - rate)).sum() / 2)

    @cached_property
    def _surplus(self) -> dict[bool, Bool[ndarray, " example"]]:
        """Whether an example has one IN run (True), or one OUT run (False), more than others of the design.

        None has where fewer than two IN runs or two OUT runs would be left: their variance would be undefined.
        """
        runs, count = len(self.member), self.member.sum(axis=0)
        varied = np.sort(count[(count > 0) & (count < runs)])
        low, high = varied[[len(varied) // 20, -1 - len(varied) // 20]] if varied.size else (0, 0)
        spare = high == low + 1 and low > 2 and runs - high > 2
        return {True: (count == high) & spare, False: (count == low) & spare}

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
