"""Sums over groups of runs of what they observed about each example, IN (trained on it) and OUT (not) apart."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

ASINH_SCALE = 2.0
"""Margins are transformed by asinh(margin / scale), a scale of so many standard deviations: their spread grows with size."""

CLIP = 1e6
"""Margins are clipped at so many scales; an infinite one counts as this."""

PerExample = Float[ndarray, " example"]


@dataclass(frozen=True)
class Sums:
    """Sums over some IN runs, or some OUT runs, one entry per example.

    `runs` and `correct` count runs. `margins`, `margin_sum` and `margin_squares` are the number, the sum and the sum of squares
    of transformed margins. `traces` and `trace_sum` are the number and the sum of `correctness` during training (IN runs only),
    `paths` and `path_sum` those of `aum`, the mean margin during training, transformed in its own scale.
    """

    runs: PerExample
    correct: PerExample
    margins: PerExample
    margin_sum: PerExample
    margin_squares: PerExample
    traces: PerExample
    trace_sum: PerExample
    paths: PerExample
    path_sum: PerExample

    def minus(self, other: "Sums") -> "Sums":
        """Return the sums over the runs that are not among those of `other`."""
        return Sums(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))

    @property
    def squared_deviations(self) -> PerExample:
        """The squared deviations of the margins from their mean, summed."""
        return np.maximum(self.margin_squares - self.margin_sum**2 / np.maximum(self.margins, 1), 0.0)

    @property
    def median_variance(self) -> float:
        """The median over examples of the variance of an example's margins; NaN where no example has two."""
        several = self.margins > 1
        if not several.any():
            return float("nan")
        return float(np.median(self.squared_deviations[several] / (self.margins[several] - 1)))


def together(parts: Iterable[Sums]) -> Sums:
    """Return the sums over all these groups of runs."""
    parts = list(parts)
    return Sums(*(np.sum([getattr(part, f.name) for part in parts], axis=0) for f in fields(Sums)))


def by_group(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    aum: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    *,
    groups: int,
) -> tuple[list[Sums], list[Sums]]:
    """Return the sums over IN runs and over OUT runs of each example, for at most `groups` groups of runs.

    Runs are sorted by their columns before they are dealt into groups, so that the numbers of the runs do not matter.
    """
    margin_sums = [np.sum(values, dtype=np.float64, where=np.isfinite(values)) for values in margin]
    order = np.lexsort((margin_sums, np.count_nonzero(correct, axis=1)))
    scales = _asinh_scale(margin, member, order), _median_size(aum)
    in_sums: list[Sums] = []
    out_sums: list[Sums] = []
    for group in range(min(groups, len(order))):
        chosen = order[group::groups]
        for sums, counted in ((in_sums, member), (out_sums, ~member)):
            sums.append(_sum(correct, margin, correctness, aum, counted, chosen, scales))
    return in_sums, out_sums


def _sum(
    correct: Bool[ndarray, "run example"],
    margin: Float[ndarray, "run example"],
    correctness: Float[ndarray, "run example"],
    aum: Float[ndarray, "run example"],
    counted: Bool[ndarray, "run example"],
    chosen: Int[ndarray, " group"],
    scales: tuple[float, float],
) -> Sums:
    """Return the sums over the chosen runs, of each example over those in which it is counted."""
    sums = Sums(*np.zeros((len(fields(Sums)), correct.shape[1])))
    for run in chosen:
        use = counted[run]
        transformed, path = (_transformed(each[run], scale) for each, scale in zip((margin, aum), scales, strict=True))
        trace = correctness[run].astype(np.float64)
        has_margin, has_trace, has_path = (use & ~np.isnan(each) for each in (transformed, trace, path))
        terms = [use, use & correct[run], has_margin, np.where(has_margin, transformed, 0.0)]
        terms += [terms[-1] ** 2, has_trace, np.where(has_trace, trace, 0.0), has_path, np.where(has_path, path, 0.0)]
        for total, term in zip((getattr(sums, f.name) for f in fields(Sums)), terms, strict=True):
            total += term
    return sums


def _transformed(values: Float[ndarray, " example"], scale: float) -> PerExample:
    with np.errstate(invalid="ignore"):
        return np.arcsinh(np.clip(values.astype(np.float64) / scale, -CLIP, CLIP))


def _asinh_scale(
    margin: Float[ndarray, "run example"], member: Bool[ndarray, "run example"], order: Int[ndarray, " run"]
) -> float:
    """Return the scale of the transform: ASINH_SCALE times the median standard deviation of an example's margins.

    OUT runs are taken first, then IN runs; where no example has two margins of either, it is the median size of all.
    """
    for counted in (~member, member):
        n, total, squares = np.zeros((3, margin.shape[1]))
        for run in order:
            use = counted[run] & np.isfinite(margin[run])
            values = np.where(use, margin[run].astype(np.float64), 0.0)
            n, total, squares = n + use, total + values, squares + values**2
        several = n > 1
        if several.any():
            variance = np.median((squares - total**2 / np.maximum(n, 1))[several] / (n[several] - 1))
            if variance > 0:
                return float(ASINH_SCALE * np.sqrt(variance))
    return _median_size(margin)


def _median_size(values: Float[ndarray, "run example"]) -> float:
    """Return the median size of those that are neither 0 nor infinite; 1 where there are none."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if sizes.size else 1.0
