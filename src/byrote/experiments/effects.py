"""Effects: from one number per cell and seed to effects, interactions and Shapley shares, each with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray
from scipy import stats

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import t_quantile

LEVEL = 0.9
SMALL = 1e-8

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Effects:
    """What each factor does to a number, from runs whose seeds are paired over the cells of a two-level design.

    `main[factor]` is the mean of the number where the factor is high minus where it is low: above 0, high means more of it.
    `pairs` has for each group of interactions that the design cannot tell apart half of how much the effect of one factor
    is larger where the other is high. Intervals are at 90 %, one by one; `p_values` are two-sided, and `adjusted` are those
    of Holm over the factors, so that 0.1 names a factor that does nothing in at most one experiment in ten. `shares` are the
    Shapley values of the change from all low to all high, divided by that change (`total`); None where it is not shown.
    `df` are the degrees of freedom of each interval, one less than there are seeds; `noise` is the spread (SD) of one run.
    """

    main: tuple[Estimate, ...]
    p_values: Float[ndarray, " factor"]
    adjusted: Float[ndarray, " factor"]
    pairs: tuple[tuple[tuple[Pair, ...], Estimate], ...]
    total: Estimate
    shares: tuple[Estimate, ...] | None
    df: int
    noise: float

    def shown(self, *, level: float = 0.1) -> tuple[int, ...]:
        """Return the factors whose effect is not 0, with a chance of at most `level` that any of them is named wrongly."""
        return tuple(int(at) for at in np.flatnonzero(self.adjusted <= level))


@checked
def effects(
    levels: Int[ndarray, "cell factor"], values: Float[ndarray, "cell seed"], groups: Sequence[Sequence[Pair]] = ()
) -> Effects:
    """Fit value = cell + seed + noise, and cell = sum of main effects and of one interaction of each group.

    A seed is the same in all cells, so what it adds (its initial weights, which examples it leaves out) cancels in every
    effect. Each effect is computed seed by seed, and its interval is Student's over seeds: so an effect may vary more between
    seeds than another does, as that of fewer examples does. One noise for all effects would have more degrees of freedom,
    and would name such an effect far too often. `noise` is what is left within cells and seeds.

    Raises Unsupported when main effects cannot be told apart in the cells that are there, and InvalidData below two seeds.
    """
    cells, seeds = values.shape
    if seeds < 2 or cells < 2:
        raise InvalidData(f"{seeds} seed(s) in {cells} cell(s) cannot give an interval. Give 2 or more of each.")
    if not np.isfinite(values).all():
        raise InvalidData("Effects need a finite value of every cell and seed. Leave out cells that have none.")
    columns, kept = _columns(levels, groups)
    means = values.mean(axis=1)
    inverse = np.linalg.inv(columns.T @ columns)
    coefficients = inverse @ columns.T @ means
    residuals = values - means[:, None] - values.mean(axis=0) + values.mean()
    df = seeds - 1
    variance = float((residuals**2).sum() / ((cells - 1) * df))
    by_seed = inverse @ columns.T @ values
    covariance = np.atleast_2d(np.cov(by_seed)) / seeds
    count = levels.shape[1]
    sizes, covered = 2 * coefficients, 4 * covariance
    estimates = [_estimate(sizes[i], covered[i, i], df, cells * seeds) for i in range(1, len(sizes))]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(sizes) / np.sqrt(np.diag(covered))
    p = np.where(sizes == 0, 1.0, 2 * stats.t.sf(t, df))[1 : count + 1]
    weights = shapley_weights(count, [group[0] for group in kept])
    total = weights.sum(axis=0)
    beta, spread = coefficients[1:], covariance[1:, 1:]
    return Effects(
        main=tuple(estimates[:count]),
        p_values=p,
        adjusted=holm(p),
        pairs=tuple((tuple(group), each) for group, each in zip(kept, estimates[count:], strict=True)),
        total=_estimate(float(total @ beta), float(total @ spread @ total), df, cells * seeds),
        shares=_shares(weights, beta, spread, df, cells * seeds),
        df=df,
        noise=float(np.sqrt(variance)),
    )


def holm(p_values: Float[ndarray, " test"]) -> Float[ndarray, " test"]:
    """Return p-values adjusted for how many there are (Holm, 1979, Scand. J. Statist. 6): small where a test is sure."""
    order = np.argsort(p_values)
    scaled = p_values[order] * (len(p_values) - np.arange(len(p_values)))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def shapley_weights(count: int, pairs: Sequence[Pair]) -> Float[ndarray, "factor term"]:
    """Return the Shapley value of each factor for the change from all low to all high, as weights of the model's coefficients.

    The terms are the factors, coded -1 and 1, then products of two. Computed by its definition, over all subsets of factors
    (Shapley, 1953). A product of two is the same at both ends, and what it adds on the way cancels: so the value of a factor is
    its main effect, and interactions that cannot be told apart do not touch it.
    """

    return _shapley_weights(count, tuple(pairs)).copy()


@cache
def _shapley_weights(count: int, pairs: tuple[Pair, ...]) -> Float[ndarray, "factor term"]:
    def terms(high: frozenset[int]) -> NDArray[np.float64]:
        at = np.array([1.0 if i in high else -1.0 for i in range(count)])
        return np.concatenate([at, [at[i] * at[j] for i, j in pairs]])

    found = np.zeros((count, count + len(pairs)))
    for factor in range(count):
        others = [i for i in range(count) if i != factor]
        for size in range(count):
            weight = 1 / (count * comb(count - 1, size))
            for subset in combinations(others, size):
                before = frozenset(subset)
                found[factor] += weight * (terms(before | {factor}) - terms(before))
    found[np.abs(found) < SMALL] = 0.0
    return found


def fieller(
    top: Float[ndarray, " term"],
    bottom: Float[ndarray, " term"],
    beta: Float[ndarray, " term"],
    covariance: Float[ndarray, "term term"],
    df: int,
    *,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Return the interval of a ratio of two linear functions of normal estimates (Fieller, 1954); NaN where it has no ends."""
    t2 = t_quantile(level, df) ** 2
    a = (bottom @ beta) ** 2 - t2 * bottom @ covariance @ bottom
    b = (top @ beta) * (bottom @ beta) - t2 * top @ covariance @ bottom
    c = (top @ beta) ** 2 - t2 * top @ covariance @ top
    if a <= 0:
        return float("nan"), float("nan")
    root = np.sqrt(max(b * b - a * c, 0.0))
    return float((b - root) / a), float((b + root) / a)


def _shares(
    weights: Float[ndarray, "factor term"],
    beta: Float[ndarray, " term"],
    covariance: Float[ndarray, "term term"],
    df: int,
    n: int,
) -> tuple[Estimate, ...] | None:
    total = weights.sum(axis=0)
    ends = [fieller(row, total, beta, covariance, df) for row in weights]
    if any(np.isnan(end).any() for end in ends):
        return None
    return tuple(
        Estimate(float(row @ beta / (total @ beta)), low, high, n, "run", LEVEL)
        for row, (low, high) in zip(weights, ends, strict=True)
    )


def _columns(
    levels: Int[ndarray, "cell factor"], groups: Sequence[Sequence[Pair]]
) -> tuple[NDArray[np.float64], list[Sequence[Pair]]]:
    """Return the columns of the model: a constant, the factors, and one product of each group that is not a mixture of these."""
    found = np.column_stack([np.ones(len(levels)), levels.astype(np.float64)])
    if np.linalg.matrix_rank(found) < found.shape[1]:
        raise Unsupported(
            f"{len(levels)} cells cannot tell {levels.shape[1]} factors apart: too many cells failed. Leave out what made them fail."
        )
    kept: list[Sequence[Pair]] = []
    for group in groups:
        first, second = group[0]
        wider = np.column_stack([found, levels[:, first] * levels[:, second]])
        if np.linalg.matrix_rank(wider) == wider.shape[1]:
            found, kept = wider, [*kept, group]
    return found, kept


def _estimate(value: float, variance: float, df: int, n: int) -> Estimate:
    half = float(t_quantile(LEVEL, df) * np.sqrt(max(variance, 0.0)))
    return Estimate(float(value), float(value) - half, float(value) + half, n, "run", LEVEL)
