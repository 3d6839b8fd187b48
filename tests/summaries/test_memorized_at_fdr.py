"""The list of memorized examples against SciPy's tests, its false discovery rate where that is known, and power."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from byrote.errors import Unsupported
from byrote.summaries import memorized_at_fdr

Bools = NDArray[np.bool_]


def _record(seed: int, examples: int, runs: int, memorized: int, gain: float = 0.7) -> tuple[Bools, Bools]:
    """The first `memorized` examples are right `gain` more often with than without; the others just as often."""
    rng = np.random.default_rng(seed)
    member = rng.permuted(np.tile((np.arange(runs) < runs // 2)[:, None], (1, examples)), axis=0)
    without = np.where(np.arange(examples) < memorized, 0.2, rng.random(examples))
    extra = np.where(np.arange(examples) < memorized, gain, 0.0)
    return rng.random((runs, examples)) < without + extra * member, member


@pytest.mark.parametrize("seed", range(3))
def test_p_values_are_fishers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct, member = rng.random((2, 9, 40)) < 0.6
    found = memorized_at_fdr(correct, member)
    for i in range(40):
        right, inside = correct[:, i], member[:, i]
        if inside.all() or not inside.any():
            assert np.isnan(found.p_value[i])
            continue
        table = [[(right & inside).sum(), (~right & inside).sum()], [(right & ~inside).sum(), (~right & ~inside).sum()]]
        assert found.p_value[i] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


@pytest.mark.parametrize("any_dependence", [False, True])
def test_the_list_equals_scipys(any_dependence: bool) -> None:
    correct, member = _record(0, 300, 20, 60)
    found = memorized_at_fdr(correct, member, any_dependence=any_dependence)
    adjusted = stats.false_discovery_control(found.p_value, method="by" if any_dependence else "bh")
    np.testing.assert_array_equal(found.listed, adjusted <= 0.1)
    assert found.tested == 300
    assert found.cut == found.p_value[found.listed].max()
    assert 10 < found.listed.sum() < 90


def test_the_realised_rate_is_at_most_nominal_and_the_power_is_not_lost() -> None:
    """200 records of 500 examples, 100 of them memorized by .7 and seen 15 times each way."""
    shares, power, careful = [], [], []
    for seed in range(200):
        correct, member = _record(seed, 500, 30, 100)
        found = memorized_at_fdr(correct, member)
        shares.append(found.listed[100:].sum() / max(found.listed.sum(), 1))
        power.append(found.listed[:100].mean())
        careful.append(memorized_at_fdr(correct, member, any_dependence=True).listed.sum() <= found.listed.sum())
    assert np.mean(shares) <= 0.1
    assert np.mean(shares) > 0
    assert np.mean(power) > 0.8
    assert all(careful)


def test_where_all_nulls_are_true_a_list_is_rare() -> None:
    """400 records: more than .1 of them with any entry has an interval above .1 only by a fault."""
    wrong = sum(memorized_at_fdr(*_record(seed, 100, 20, 0)).listed.any() for seed in range(400))
    assert stats.binomtest(wrong, 400, alternative="greater").proportion_ci(0.999).low <= 0.1


def test_runs_that_go_up_and_down_together_do_not_break_it() -> None:
    """Every run has its own accuracy, shared by all examples: dependent p-values, all nulls true."""
    wrong = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        member = rng.permuted(np.tile((np.arange(20) < 10)[:, None], (1, 100)), axis=0)
        wrong += memorized_at_fdr(rng.random((20, 100)) < rng.random((20, 1)), member).listed.any()
    assert stats.binomtest(wrong, 300, alternative="greater").proportion_ci(0.999).low <= 0.1


def test_examples_in_every_run_or_in_none_are_not_tested() -> None:
    correct, member = _record(1, 30, 20, 10)
    alone = memorized_at_fdr(correct, member)
    always, never = np.ones((20, 1), bool), np.zeros((20, 1), bool)
    found = memorized_at_fdr(np.hstack([correct, always, always]), np.hstack([member, always, never]))
    assert np.isnan(found.p_value[30:]).all()
    assert not found.listed[30:].any()
    np.testing.assert_array_equal(found.listed[:30], alone.listed)
    assert (found.tested, found.cut) == (30, alone.cut)


def test_nothing_to_test_lists_nothing() -> None:
    found = memorized_at_fdr(np.ones((3, 4), bool), np.ones((3, 4), bool))
    assert (found.tested, found.cut, found.listed.any()) == (0, 0, False)
    assert not memorized_at_fdr(np.zeros((20, 5), bool), _record(2, 5, 20, 0)[1]).listed.any()


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(Unsupported, match=rf"{re.escape(str(rate))}.*between 0 and 1"):
        memorized_at_fdr(*_record(3, 5, 10, 0), fdr=rate)
