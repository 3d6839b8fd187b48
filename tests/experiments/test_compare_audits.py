"""Two audits that exist: exact p-values against all orders of the runs, and the false discoveries of the list."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from torch import nn

from byrote.errors import InvalidData, WrongRecord
from byrote.experiments.compare_audits import AuditChange, changed, compare_audits, difference
from byrote.scores import memorization
from byrote.task.canaries import Canaries
from byrote.task.recipe import Recipe
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

ALONE = Compute(workers=1)


def by_enumeration(before: np.ndarray, before_member: np.ndarray, after: np.ndarray, after_member: np.ndarray) -> float:
    """Return the p-value from all ways to say which IN runs, and which OUT runs, were those before."""
    right = np.concatenate([before, after])
    sides = []
    for mine in (True, False):
        runs = np.flatnonzero(np.concatenate([before_member, after_member]) == mine)
        first = int((before_member == mine).sum())
        sides.append(
            [(right[list(part)].mean(), right[np.setdiff1d(runs, part)].mean()) for part in combinations(runs, first)]
        )
    changes = np.array([abs((i1 - i2) - (o1 - o2)) for i1, i2 in sides[0] for o1, o2 in sides[1]])
    observed = memorization(after[:, None], after_member[:, None]) - memorization(
        before[:, None], before_member[:, None]
    )
    if (changes >= changes.max() - 1e-9).mean() > 0.1:
        return float("nan")
    return float((changes >= abs(observed[0]) - 1e-9).mean())


def test_p_values_are_those_of_all_orders_of_the_runs() -> None:
    rng, tested = np.random.default_rng(0), 0
    for _ in range(30):
        before, after = rng.random(7) < rng.random(), rng.random(6) < rng.random()
        before_member, after_member = (
            rng.permutation([1, 1, 1, 1, 0, 0, 0]) > 0,
            rng.permutation([1, 1, 1, 1, 0, 0]) > 0,
        )
        found = changed(before[:, None], before_member[:, None], after[:, None], after_member[:, None]).p_value[0]
        expected = by_enumeration(before, before_member, after, after_member)
        assert found == pytest.approx(expected, nan_ok=True)
        tested += np.isfinite(expected)
    assert tested > 10


def drawn(
    rng: np.random.Generator, runs: int, inside: np.ndarray, outside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    member = rng.permuted(np.tile(np.arange(runs)[:, None] < 0.7 * runs, (1, len(inside))), axis=0)
    return rng.random(member.shape) < np.where(member, inside, outside), member


def test_of_the_listed_examples_few_have_not_changed() -> None:
    rng = np.random.default_rng(1)
    n, share, found, at_null = 300, [], [], []
    outside = rng.beta(0.5, 0.5, n)
    inside = np.maximum(outside, rng.random(n))
    for _ in range(20):
        same = changed(*drawn(rng, 20, inside, outside), *drawn(rng, 20, inside, outside))
        at_null.append(same.listed.any())
        moved = np.arange(n) < 60
        lower, upper = np.where(moved, 0.0, outside), np.where(moved, 1.0, inside)
        shifted = changed(*drawn(rng, 20, upper, lower), *drawn(rng, 20, np.where(moved, lower, inside), lower))
        share.append((shifted.listed & ~moved).sum() / max(shifted.listed.sum(), 1))
        found.append(shifted.no_longer[moved].mean())
        assert not (shifted.newly & moved).any()
    assert np.mean(at_null) <= 0.1
    assert np.mean(share) <= 0.1
    assert np.mean(found) > 0.95


def test_numbers_are_compared_by_welch_for_four_groups() -> None:
    rng = np.random.default_rng(2)
    member = rng.permuted(np.tile(np.arange(12)[:, None] < 8, (1, 500)), axis=0)
    null = changed(*(part for _ in range(2) for part in (rng.normal(0, 1, (12, 500)), member)))
    assert stats.kstest(null.p_value, "uniform").pvalue > 0.001
    shifted = changed(rng.normal(0, 1, (12, 500)) + 5 * member, member, rng.normal(0, 1, (12, 500)), member)
    assert shifted.listed.mean() > 0.99
    assert (shifted.change[shifted.listed] < 0).all()


def test_differences_are_paired_only_where_runs_are_the_same() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 1, 8)
    before, after = shared + rng.normal(0, 0.01, 8), shared + 1 + rng.normal(0, 0.01, 8)
    close, p = difference(before, after, paired=True)
    assert (close.low, close.high) == pytest.approx(stats.ttest_1samp(after - before, 0).confidence_interval(0.9))
    wide, other = difference(before, after, paired=False)
    assert (wide.low, wide.high) == pytest.approx(
        stats.ttest_ind(after, before, equal_var=False).confidence_interval(0.9)
    )
    assert wide.high - wide.low > 10 * (close.high - close.low)
    assert p < other


@pytest.mark.parametrize("fdr", [0.0, 1.0])
def test_a_false_discovery_rate_must_lie_between_0_and_1(fdr: float) -> None:
    right, member = np.ones((2, 1), np.bool_), np.array([[True], [False]])
    with pytest.raises(InvalidData, match="false discovery rate"):
        changed(right, member, right, member, fdr=fdr)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> AuditChange:
    where, task = tmp_path_factory.mktemp("audits"), small_task(epochs=25)
    task = replace(task, train=task.train.with_labels(np.random.default_rng(0).permutation(task.train.labels)))
    before = collect(task, where / "before", runs=12, canaries=Canaries(4, 4, 4), compute=ALONE)
    after = collect(
        replace(task, recipe=replace(task.recipe, epochs=1)),
        where / "after",
        runs=12,
        canaries=Canaries(4, 4, 4),
        compute=ALONE,
    )
    return compare_audits(before, after)


def test_two_audits_of_one_task_are_compared_run_by_run(found: AuditChange) -> None:
    assert found.paired
    assert found.left_out == 0
    assert len(found.ids) == len(found.examples.before) == 80 - 8
    before, after, change = found.measures["memorization"]
    assert change.high < 0
    assert change.value == pytest.approx(after - before)
    assert found.examples.no_longer.any()
    assert all(found.examples.change[found.examples.no_longer] < 0)


def test_an_audit_compared_with_itself_has_not_changed(found: AuditChange) -> None:
    same = compare_audits(found.before, Path(found.before))
    assert not same.examples.listed.any()
    assert all(change.value == 0 for _, _, change in same.measures.values())
    assert not any(each.sure for each in same.classes)


def test_audits_of_other_examples_are_matched_by_id_or_refused(found: AuditChange, tmp_path: Path) -> None:
    task = small_task(epochs=2)
    fewer = collect(task, tmp_path / "fewer", runs=2, take=40, compute=ALONE)
    matched = compare_audits(found.before, fewer)
    assert not matched.paired
    assert len(matched.ids) + matched.left_out == 72 + 40 - len(matched.ids)
    numbers = task.train.labels.astype(np.float32)
    other = type(task)(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 1)),
        type(task.train)(task.train.inputs.astype(np.float32) / 255, numbers),
        recipe=Recipe(epochs=1),
        objective="regression",
    )
    with pytest.raises(WrongRecord, match="learns classification"):
        compare_audits(found.before, collect(other, tmp_path / "other", runs=2, compute=ALONE))
