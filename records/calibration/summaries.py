"""How often the intervals of summaries, and of the estimates below them, hold the truth: simulated data with known truths.

python records/calibration/summaries.py [--draws 300]
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from byrote.stats.estimate import Estimate
from byrote.stats.intervals import clopper_pearson, fisher, newcombe, student, wilson
from byrote.summaries import (
    advantage_at,
    auroc,
    bits_memorized,
    by_group,
    gap,
    gini,
    guess_membership,
    held_out_epsilon,
    mean_exposure,
    one_run_epsilon,
    over_runs,
    pooled_tpr_at_fpr,
    precision_at_k,
    roc,
    spearman,
    tpr_at_fpr,
)

Row = tuple[str, str, float, float, int]
"""Quantity, setting, nominal coverage, measured coverage, draws."""

SIZES = (6, 10, 20, 80)
LEVEL = 0.9

SKEWED: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int]], np.ndarray], float]] = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "exponential": (lambda rng, shape: rng.exponential(size=shape), 1.0),
    "lognormal": (lambda rng, shape: rng.lognormal(size=shape), float(np.exp(0.5))),
}
"""Draws, and their mean."""


def rows(draws: int = 300, seed: int = 0) -> Iterator[Row]:
    """Yield one row per quantity and setting."""
    rng = np.random.default_rng(seed)
    for part in (_estimates, _areas, _rates, _tables, _others):
        yield from part(rng, draws)


def _share(estimates: list[Estimate], truth: float) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in estimates]))


def _estimates(rng: np.random.Generator, draws: int) -> Iterator[Row]:
    """Intervals of stats: cheap, so of ten times as many draws."""
    many = 10 * draws
    for n in SIZES:
        for name, (drawn, mean) in SKEWED.items():
            x = drawn(rng, (many, n))
            low, high = student(x.mean(1), x.var(1, ddof=1), n, level=LEVEL)
            yield "student", f"mean of {n} {name} values", LEVEL, float(np.mean((low <= mean) & (mean <= high))), many
        for p in (0.5, 0.9, 0.98):
            for interval in (wilson, clopper_pearson):
                low, high = interval(rng.binomial(n, p, many), n, level=LEVEL)
                held = float(np.mean((low <= p) & (p <= high)))
                yield interval.__name__, f"share {p} of {n} trials", LEVEL, held, many
        for p_in, p_out in ((0.9, 0.5), (0.98, 0.9), (0.5, 0.5)):
            trials = max(round(0.7 * n), 1), max(n - round(0.7 * n), 1)
            low, high = newcombe(
                rng.binomial(trials[0], p_in, many),
                trials[0],
                rng.binomial(trials[1], p_out, many),
                trials[1],
                level=LEVEL,
            )
            held = float(np.mean((low <= p_in - p_out) & (p_in - p_out <= high)))
            yield "newcombe", f"{p_in} of {trials[0]} IN runs, {p_out} of {trials[1]} OUT runs", LEVEL, held, many
        for rho in (0.0, 0.7, 0.95):
            held = 0
            for _ in range(draws):
                a, b = rng.normal(size=(2, n))
                low, high = fisher(
                    float(np.corrcoef(a, rho * a + np.sqrt(1 - rho**2) * b)[0, 1]), n, rank=False, level=LEVEL
                )
                held += low <= rho <= high
            yield "fisher", f"correlation {rho} of {n} normal pairs", LEVEL, held / draws, draws


def _areas(rng: np.random.Generator, draws: int) -> Iterator[Row]:
    for positives, negatives in ((20, 20), (20, 400), (50, 1000), (200, 200)):
        for area in (0.5, 0.7, 0.9, 0.98):
            sizes, distance = (positives, negatives), np.sqrt(2) * stats.norm.ppf(area)
            ratio, wide = area / (1 - area), np.sqrt(10) * stats.norm.ppf(area)
            kinds: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
                "normal": lambda m=sizes, d=distance: (rng.normal(size=m[0]) + d, rng.normal(size=m[1])),
                "exponential": lambda m=sizes, r=ratio: (r * rng.exponential(size=m[0]), rng.exponential(size=m[1])),
                "positives three times as wide": lambda m=sizes, d=wide: (
                    3 * rng.normal(size=m[0]) + d,
                    rng.normal(size=m[1]),
                ),
            }
            for name, drawn in kinds.items():
                found = [auroc(*_joined(*drawn()), level=LEVEL) for _ in range(draws)]
                setting = f"area {area}, {positives} positives, {negatives} negatives, {name}"
                yield "auroc", setting, LEVEL, _share(found, area), draws


def _rates(rng: np.random.Generator, draws: int) -> Iterator[Row]:
    for negatives, fprs in ((100, (0.1, 0.01)), (1000, (0.1, 0.01, 0.001)), (10_000, (0.01, 0.001))):
        for fpr in fprs:
            for name, family, distance in (
                ("normal", stats.norm, 0.0),
                ("normal", stats.norm, 2.0),
                ("heavy-tailed (t, 3)", stats.t(3), 2.0),
                ("exponential", stats.expon, 2.0),
            ):
                truth = float(family.sf(family.isf(fpr) - distance))
                some = draws if negatives < 10_000 else draws // 2
                found = [
                    tpr_at_fpr(
                        *_joined(*np.add(family.rvs(size=(2, negatives), random_state=rng), [[distance], [0.0]])),
                        fpr=fpr,
                        level=LEVEL,
                    ).tpr
                    for _ in range(some)
                ]
                setting = f"rate {fpr}, {negatives} negatives, {name}, true rate {truth:.3f}"
                yield "tpr_at_fpr", setting, LEVEL, _share(found, truth), some
    inside = []
    for _ in range(draws // 3):
        curve = roc(*_joined(rng.normal(size=200) + 1, rng.normal(size=200)), level=LEVEL)
        truth_ = stats.norm.sf(stats.norm.isf(curve.fpr) - 1)
        inside.append(bool(np.all((curve.low <= truth_ + 1e-12) & (truth_ <= curve.high + 1e-12))))
    yield "roc", "whole curve, 200 positives, 200 negatives, normal", LEVEL, float(np.mean(inside)), len(inside)


def _tables(rng: np.random.Generator, draws: int) -> Iterator[Row]:
    """Several runs, each on half of the examples, of which a tenth leak in every run."""
    area, fpr = 0.9 * 0.5 + 0.1 * float(stats.norm.cdf(5 / np.sqrt(2))), 0.1
    rate = 0.1 * float(stats.norm.sf(stats.norm.isf(fpr) - 5)) + 0.9 * fpr
    some = max(draws // 3, 1)
    for runs in SIZES:
        examples = 200
        tables: list[tuple[np.ndarray, np.ndarray]] = []
        for _ in range(some):
            member = rng.random((runs, examples)).argsort(axis=0) < runs // 2
            tables.append((rng.normal(size=member.shape) + 5 * (rng.random(examples) < 0.1) * member, member))
        setting = f"{runs} runs of {examples} examples, new runs and examples"
        yield "auroc", setting, LEVEL, _share([auroc(*t, level=LEVEL) for t in tables], area), some
        yield (
            "auroc",
            f"{setting}, flat",
            LEVEL,
            _share([auroc(t[0].ravel(), t[1].ravel()) for t in tables], area),
            some,
        )
        found = [tpr_at_fpr(*t, fpr=fpr, level=LEVEL).tpr for t in tables]
        yield "tpr_at_fpr", f"rate {fpr}, {setting}", LEVEL, _share(found, rate), some
        fixed = rng.random(examples) < 0.1  # the same examples leak in every draw: about new runs
        of_runs: list[Estimate] = []
        pooled: list[Estimate] = []
        seen = float(fixed.mean())
        for _ in range(some):
            member = rng.random((runs, examples)).argsort(axis=0) < runs // 2
            values = rng.normal(size=member.shape) + 5 * fixed * member
            of_runs.append(over_runs(lambda v, m: auroc(v, m).value, values, member, level=LEVEL))
            pooled.append(pooled_tpr_at_fpr(values, member, fpr=fpr, level=LEVEL).tpr)
        mean = (1 - seen) * 0.5 + seen * float(stats.norm.cdf(5 / np.sqrt(2)))
        yield "over_runs", f"mean area of {runs} runs, new runs", LEVEL, _share(of_runs, mean), some
        truth = seen * float(stats.norm.sf(stats.norm.isf(fpr) - 5)) + (1 - seen) * fpr
        yield "pooled_tpr_at_fpr", f"rate {fpr}, {runs} runs, new runs", LEVEL, _share(pooled, truth), some
        p_in, p_out = rng.beta(8, 1, (2, examples)) * [[1.0], [0.8]]
        gaps: list[Estimate] = []
        for _ in range(draws):
            member = rng.random((runs, examples)).argsort(axis=0) < max(round(0.7 * runs), 1)
            gaps.append(gap(rng.random(member.shape) < np.where(member, p_in, p_out), member, level=LEVEL))
        yield (
            "gap",
            f"{runs} runs of {examples} examples, 70 %",
            LEVEL,
            _share(gaps, float((p_in - p_out).mean())),
            draws,
        )


def _others(rng: np.random.Generator, draws: int) -> Iterator[Row]:
    """Summaries of one list of values. A bound on epsilon is held where it is at most the true one."""
    values = [_joined(rng.normal(size=200) + 1, rng.normal(size=200)) for _ in range(draws)]
    best = 2 * float(stats.norm.cdf(0.5)) - 1
    yield (
        "advantage_at",
        "200 + 200 normal",
        LEVEL,
        _share([advantage_at(*v, threshold=0.5) for v in values], best),
        draws,
    )
    for n in SIZES:
        pairs = [rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], n).T for _ in range(draws)]
        rho = 6 / np.pi * float(np.arcsin(0.35))
        yield "spearman", f"{n} normal pairs", LEVEL, _share([spearman(*pair) for pair in pairs], rho), draws
        amounts = [gini(rng.exponential(size=n)) for _ in range(draws)]
        yield "gini", f"{n} exponential values", LEVEL, _share(amounts, 0.5), draws
        losses = [bits_memorized(rng.exponential(size=n), classes=10) for _ in range(draws)]
        true_bits = n * (np.log2(10) - 1 / np.log(2))
        yield "bits_memorized", f"{n} exponential losses", LEVEL, _share(losses, true_bits), draws
        candidates = rng.random(100_000)
        exposures = [mean_exposure(rng.random(n), candidates) for _ in range(draws)]
        yield "mean_exposure", f"{n} canaries that were not inserted", LEVEL, _share(exposures, 1 / np.log(2)), draws
        groups = [by_group(rng.normal(size=3 * n), np.repeat([0, 1, 2], n)) for _ in range(draws)]
        held = float(np.mean([all(e.low <= 0 <= e.high for e in group.values()) for group in groups]))
        yield "by_group", f"all of 3 groups of {n} normal values", LEVEL, held, draws
    lists = [(rng.random(500), rng.random(500) < 0.3) for _ in range(draws)]
    yield (
        "precision_at_k",
        "50 of 500 at random",
        LEVEL,
        _share([precision_at_k(*each, k=50) for each in lists], 0.3),
        draws,
    )
    for name, found in (
        ("one_run_epsilon", [_epsilon_of_guesses(rng) for _ in range(draws)]),
        (
            "held_out_epsilon",
            [held_out_epsilon(rng.normal(size=400), rng.random(400) < 0.5).value for _ in range(draws)],
        ),
    ):
        yield name, "no leak: the bound is 0", 0.95, float(np.mean(np.array(found) <= 0)), draws


def _epsilon_of_guesses(rng: np.random.Generator) -> float:
    guesses = guess_membership(rng.normal(size=400), rng.random(400) < 0.5, guess_in=100, guess_out=100)
    return one_run_epsilon(guesses).value


def _joined(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([positives, negatives]), np.arange(len(positives) + len(negatives)) < len(positives)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=300)
    for quantity, setting, nominal, measured, draws in rows(parser.parse_args().draws):
        print(f"{quantity:18s} {setting:75s} {nominal:.2f} {measured:.3f} ({draws})", flush=True)


if __name__ == "__main__":
    main()
