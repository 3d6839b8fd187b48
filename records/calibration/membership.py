"""Null rates of the membership attacks and of the report's p-value: how often each sees a leak where there is none."""

import warnings
from collections.abc import Iterator

import numpy as np
from records.calibration.rows import Row, of_draws

from byrote.evidence.evaluate import AttackValues
from byrote.membership.attacks import ATTACKS, strongest_by_chance
from byrote.scores import bavaria, lira, loss, rmia
from byrote.summaries import auroc
from byrote.task.designs import KFold, Subsets

DESIGNS = ("halves", "subsets of 70 %", "complements", "folds", "a fifth left out", "groups of 5")
RUNS = (4, 5, 6, 8, 10, 20)
BOUNDS = (0.01, 0.05, 0.1)
SOURCES = (*ATTACKS, rmia.bind(online=False), lira.bind(online=False), bavaria.bind(online=False))


def design(name: str, runs: int, examples: int, rng: np.random.Generator) -> np.ndarray:
    """Return who is in which run, `[run, example]`."""
    ids, seed = np.arange(examples).astype(str), int(rng.integers(1 << 31))
    if name == "complements":
        half = rng.random(((runs + 1) // 2, examples)).argsort(axis=1) < examples // 2
        return np.concatenate([half, ~half[: runs // 2]])
    if name == "folds":
        return KFold(runs // 2).membership([runs // 2 * 2], ids, seed)
    if name == "a fifth left out":
        return rng.random((runs, examples)).argsort(axis=1) >= examples // 5
    if name == "groups of 5":
        return np.repeat(Subsets(0.5).membership([runs], ids[: examples // 5], seed), 5, axis=1)
    return Subsets(0.7 if name == "subsets of 70 %" else 0.5).membership([runs], ids, seed)


def losses(member: np.ndarray, rng: np.random.Generator, group: int = 1) -> np.ndarray:
    """Return losses that know nothing of membership; runs differ in quality, examples in difficulty and in spread.

    Examples of one `group` have the same losses, up to a little noise.
    """
    runs, examples = member.shape
    number = examples // group
    noise = rng.normal(size=(runs, number)) * rng.uniform(0.5, 1.5, number) + rng.normal(0, 0.5, (runs, 1))
    logits = np.repeat(rng.normal(1, 1.5, number) + noise, group, axis=1) + 0.1 * rng.normal(size=member.shape)
    return np.logaddexp(0, -logits)


def p_value(name: str, runs: int, examples: int, seed: int) -> float:
    """Return the p-value that the report would show of one record in which nothing leaks."""
    rng = np.random.default_rng([seed, runs, examples])
    member = design(name, runs, examples, rng)
    group = 5 if name == "groups of 5" else 1
    groups = np.repeat(np.arange(examples // group), group).astype(str) if group > 1 else np.full(examples, "")
    values = AttackValues(loss, tuple(range(len(member))), np.arange(examples), -losses(member, rng, group), member)
    return strongest_by_chance(values, ATTACKS, groups, seed=seed)[1]


def p_values(*, records: int = 200, examples: int = 400) -> Iterator[Row]:
    """Yield how often the p-value of the strongest attack is at most a bound, for each design and for all together."""
    quantity = "p_value of the strongest attack"
    every: list[np.ndarray] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name in DESIGNS:
            every.append(np.array([p_value(name, 10, examples, seed) for seed in range(records)]))
            for bound in BOUNDS:
                yield of_draws(quantity, f"{name}, 10 runs", every[-1] <= bound + 1e-12, nominal=bound)
    for bound in BOUNDS:
        yield of_draws(quantity, "all of these designs", np.concatenate(every) <= bound + 1e-12, nominal=bound)


def areas(*, attacked: int = 20_000) -> Iterator[Row]:
    """Yield the mean AUROC of each attack (.5 is right).

    An AUROC is the mean over runs of one record with `attacked` examples, and `draws` counts the pairs of run and example.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name in DESIGNS[:-1]:
            for runs in RUNS:
                yield from _areas(name, runs, attacked)


def _areas(name: str, runs: int, examples: int) -> Iterator[Row]:
    rng = np.random.default_rng([runs, examples, 7])
    member = design(name, runs, examples, rng)
    found = losses(member, rng)
    for attack in SOURCES:
        value = np.stack([-row for row in found]) if attack is loss else attack(found, member)
        each: list[float] = []
        for mine, inside in zip(value, member, strict=True):
            judged = np.isfinite(mine)
            if inside[judged].any() and not inside[judged].all():
                each.append(auroc(mine[judged], inside[judged]).value)
        if each:
            count = int(np.isfinite(value).sum())
            yield Row(f"AUROC of {attack}", f"{name}, {runs} runs", 0.5, float(np.mean(each)), count)
