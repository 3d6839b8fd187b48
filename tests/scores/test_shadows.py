"""Everything that the attacks share: each target is judged by others that know nothing of it."""

from functools import cached_property

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from attackers import SETTINGS, area, balanced, caught, chance, draws, others, pooled, prior, to_loss
from byrote.scores import _shadows, bavaria, calibrated_loss, lira, rmia
from byrote.scores._shadows import MIN_LOSS, Shadows, logit
from byrote.signature import Score
from byrote.task.designs import KFold, Subsets

ATTACKS = pytest.mark.parametrize("attack", SETTINGS, ids=str)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def world(seed: int = 0, runs: int = 8, examples: int = 12, inside: int = 4) -> tuple[Floats, Bools]:
    """Losses of a balanced design, lower for members, with spreads of their own."""
    rng = np.random.default_rng(seed)
    member = balanced(rng, runs, examples, inside)
    logits = rng.normal(2, 1, examples) + rng.normal(size=member.shape) * rng.uniform(0.5, 1.5, examples) + member
    return to_loss(logits), member


def test_the_logit_of_a_loss() -> None:
    p = np.array([1e-6, 0.2, 0.5, 0.999])
    np.testing.assert_allclose(logit(-np.log(p)), np.log(p / (1 - p)), rtol=1e-12)
    tiny = np.array([1e-10, 1e-30, MIN_LOSS])
    np.testing.assert_allclose(logit(tiny), -np.log(tiny), rtol=1e-9)
    assert logit(np.zeros(1))[0] == logit(np.array([MIN_LOSS]))[0] == pytest.approx(87.498, abs=1e-3)
    np.testing.assert_array_equal(
        np.isnan(logit(np.array([np.inf, np.nan, -np.inf, 800.0]))), [True, True, False, False]
    )
    half = np.array([0.5, 60000.0, np.inf], np.float16)
    np.testing.assert_allclose(logit(half)[:2], logit(half.astype(np.float64))[:2])
    assert np.isnan(logit(half)[2])


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("k", [2, 4, 6, 4.5])
def test_a_side_is_what_is_left_when_target_and_pick_are_gone(inside: bool, k: float) -> None:
    loss, member = world(int(k), inside=int(k))
    if k == 4.5:
        member[:, ::2] = world(1, inside=5)[1][:, ::2]
    value = logit(loss)
    value[0, 3] = value[2, 3] = np.nan
    found, drawn = Shadows(value, member).moments(slice(0, 12), trained=inside), draws(value)
    for example in range(12):
        for run in range(8):
            judges = others(value, member, drawn, run, example)[0 if inside else 1]
            assert len(judges) == np.broadcast_to(found.count, value.shape)[run, example]
            if judges:
                assert found.mean[run, example] == pytest.approx(np.mean(judges), rel=1e-10)
                squares = np.sum((np.array(judges) - np.mean(judges)) ** 2)
                assert found.squares[run, example] == pytest.approx(squares, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("alike", [True, False])
def test_the_spread_is_pooled_and_smyths(inside: bool, alike: bool) -> None:
    rng = np.random.default_rng(4)
    member = balanced(rng, 10, 30, 5)
    value = rng.normal(size=member.shape) * (1.0 if alike else np.exp(rng.normal(size=30)))
    found, drawn = Shadows(value, member).variances(trained=inside), draws(value)
    for run in range(10):
        judges = [others(value, member, drawn, run, example)[0 if inside else 1] for example in range(30)]
        assert found.pooled[run] == pytest.approx(pooled(judges), rel=1e-10)
        variance, freedom = prior(judges)
        if np.isinf(freedom) or freedom > 1e5:
            assert found.prior_freedom[run] > 1e5
        else:
            assert found.prior_freedom[run] == pytest.approx(freedom, rel=1e-6)
            assert found.prior[run] == pytest.approx(variance, rel=1e-6)
    assert (np.median(found.prior_freedom) > 5) == alike


def test_the_prior_is_found_again() -> None:
    """Variances drawn from 8 degrees of freedom around .7, which 2,000 examples show to about a tenth."""
    rng = np.random.default_rng(0)
    member = balanced(rng, 16, 2000, 8)
    variance = 0.7 * 8 / rng.chisquare(8, 2000)
    found = Shadows(rng.normal(size=member.shape) * np.sqrt(variance), member).variances(trained=True)
    np.testing.assert_allclose(found.prior_freedom, 8, rtol=0.25)
    np.testing.assert_allclose(found.prior, 0.7, rtol=0.05)
    np.testing.assert_allclose(found.pooled, variance.mean(), rtol=0.1)


@pytest.mark.parametrize("kind", ["all differ", "one differs", "float32"])
def test_every_run_is_equally_likely_to_be_left_out(kind: str) -> None:
    """Chi-squared of 12 runs at 6,000 examples, and how often the rare value is drawn: false alarms in one of 5,000."""
    rng = np.random.default_rng(2)
    value, rare = rng.normal(size=(12, 6000)), rng.integers(0, 12, 6000)
    if kind == "one differs":
        value = np.where(np.arange(12)[:, None] == rare, value, value[0])
    if kind == "float32":
        value = value.astype(np.float32).astype(np.float64)
    first = np.argmin(draws(value), axis=0)
    assert stats.chisquare(np.bincount(first, minlength=12)).pvalue > 1e-4
    assert stats.binomtest(int((first == rare).sum()), 6000, 1 / 12).pvalue > 1e-4


def test_a_draw_belongs_to_its_run_and_its_example() -> None:
    """It moves with both, and two runs that are drawn against each other in one example are not always in the same order."""
    rng = np.random.default_rng(3)
    value, run, example = rng.normal(size=(6, 50)), rng.permutation(6), rng.permutation(50)
    before = np.array(draws(value))
    np.testing.assert_array_equal(draws(value[run][:, example]), before[run][:, example])
    assert 10 < np.count_nonzero(before[0] < before[1]) < 40


@ATTACKS
def test_order_and_blocks_change_nothing(attack: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    loss, member = world(1, runs=10, examples=40, inside=5)
    loss[0, 0], loss[3, 1], loss[4] = np.nan, np.inf, loss[5]
    before = attack(loss, member)
    rng = np.random.default_rng(0)
    run, example = rng.permutation(10), rng.permutation(40)
    after = attack(loss[run][:, example], member[run][:, example])
    np.testing.assert_allclose(after, before[run][:, example], rtol=1e-8, atol=1e-8)
    for block in (1, 37, 200):
        monkeypatch.setattr(_shadows, "BLOCK", block)
        np.testing.assert_allclose(attack(loss, member), before, rtol=1e-8, atol=1e-8)


@ATTACKS
def test_arrays_are_left_alone(attack: Score) -> None:
    loss, member = world()
    copies = loss.copy(), member.copy()
    loss.flags.writeable = member.flags.writeable = False
    assert np.isfinite(attack(loss, member)).all()
    np.testing.assert_array_equal(loss, copies[0])
    np.testing.assert_allclose(attack(np.asfortranarray(loss), member), attack(loss, member), rtol=1e-9)
    single = loss.astype(np.float32)
    np.testing.assert_array_equal(attack(single, member), attack(single.astype(np.float64), member))


NULLS = {
    "5 of 10": (10, 5, 6000, "normal"),
    "14 of 20": (20, 14, 3000, "normal"),
    "3 or 4 of 7": (7, 3, 12000, "or one more"),
    "two values": (10, 5, 6000, "two values"),
    "mostly sure": (10, 5, 6000, "mostly sure"),
    "one bad run": (10, 5, 6000, "one bad run"),
}


def innocent(name: str) -> tuple[Floats, Bools]:
    """Losses that do not depend on membership."""
    runs, inside, examples, kind = NULLS[name]
    rng = np.random.default_rng(0)
    member = balanced(rng, runs, examples, inside)
    if kind == "or one more":
        member[:, ::2] = balanced(rng, runs, examples, inside + 1)[:, ::2]
    logits = rng.normal(3, 1, member.shape) * rng.uniform(0.5, 1.5, examples)
    if kind == "two values":
        logits = np.where(rng.random(member.shape) < rng.random(examples), -1.0, 4.0)
    if kind == "one bad run":
        logits[3] -= 6
    loss = to_loss(logits)
    return np.where(logits > 3, 0.0, loss) if kind == "mostly sure" else loss, member


@pytest.mark.parametrize("name", NULLS)
@ATTACKS
def test_where_there_is_nothing_to_see_nothing_is_seen(attack: Score, name: str) -> None:
    """AUC and TPR at 1 % within 4 standard deviations: of 100 such comparisons, one in 160 times one fails by chance."""
    loss, member = innocent(name)
    value = attack(loss, member)
    assert abs(area(np.round(value, 9), member) - 0.5) < 4 * chance(member) + 1e-3 * (name == "two values")
    if name not in ("two values", "mostly sure"):
        noise = np.sqrt(0.01 * 0.99 * (1 / member.sum() + 1 / (~member).sum()))
        assert abs(caught(value, member) - 0.01) < 4 * noise


def naive(monkeypatch: pytest.MonkeyPatch, *, pick: bool) -> None:
    """Take a design for what it is not."""

    def blocks(shadows: Shadows) -> list[tuple[NDArray[np.intp], dict[bool, Bools]]]:
        none = np.zeros(shadows.member.shape[1], np.bool_)
        return [(np.arange(len(shadows.member)), {True: none, False: none})] if pick else []

    given = cached_property(blocks)
    given.__set_name__(Shadows, "blocks_of_runs")
    monkeypatch.setattr(Shadows, "blocks_of_runs", given)


def test_who_leaves_out_only_the_target_sees_a_balanced_design(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, member = innocent("5 of 10")
    before = {str(a): abs(area(a(loss, member), member) - 0.5) / chance(member) for a in SETTINGS}
    naive(monkeypatch, pick=False)
    after = {str(a): abs(area(a(loss, member), member) - 0.5) / chance(member) for a in SETTINGS}
    assert max(before.values()) < 4
    for name in ("lira(variance='own', online=True)", "bavaria(online=True)"):
        assert after[name] > 8


def test_who_picks_another_sees_flipped_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    loss, member = to_loss(rng.normal(3, 1, (10, 6000))), rng.random((10, 6000)) < 0.5
    assert all(abs(area(a(loss, member), member) - 0.5) < 4 * chance(member) for a in SETTINGS)
    naive(monkeypatch, pick=True)
    assert abs(area(bavaria(loss, member), member) - 0.5) > 8 * chance(member)


@pytest.mark.parametrize("runs", [5, 10, 64])
def test_balanced_designs_are_recognized(runs: int) -> None:
    rng = np.random.default_rng(1)
    k = runs // 2
    fixed, coins = balanced(rng, runs, 300, k), rng.random((runs, 300)) < 0.5
    between = np.concatenate([balanced(rng, runs, 150, k), balanced(rng, runs, 150, k + 1)], axis=1)
    never = np.concatenate([fixed, np.zeros((runs, 300), np.bool_)], axis=1)
    assert [blocks(m) for m in (fixed, between, never)] == [[list(range(runs))]] * 3
    assert blocks(coins) == []
    for alone in (3, 5, 8):
        leave_fifth_out = rng.random((alone, 2000)).argsort(axis=1) >= 400
        assert blocks(leave_fifth_out) == []


def blocks(member: Bools) -> list[list[int]]:
    return sorted(runs.tolist() for runs, _ in Shadows(np.zeros(member.shape), member).blocks_of_runs)


def test_blocks_are_found_in_any_order() -> None:
    rng = np.random.default_rng(2)
    half = rng.random((2, 300)) < 0.5
    pairs = np.concatenate([half[:1], ~half[:1], half[1:], ~half[1:], rng.random((1, 300)) < 0.5])
    assert blocks(pairs) == [[0, 1], [2, 3]]
    assert blocks(pairs[[0, 2, 4, 1, 3]]) == [[0, 3], [1, 4]]
    folds = KFold(5).membership([15], np.arange(300).astype(str), 0)
    assert blocks(folds) == [list(range(5)), list(range(5, 10)), list(range(10, 15))]
    two = np.concatenate([balanced(rng, 6, 300, 3), balanced(rng, 8, 300, 5)])
    assert blocks(two) == [list(range(6)), list(range(6, 14))]
    assert Shadows(np.zeros(two.shape), two, spare=False).blocks_of_runs == []


def designed(kind: str, runs: int, examples: int, seed: int) -> Bools:
    rng, ids = np.random.default_rng(seed), np.arange(examples).astype(str)
    if kind == "coins":
        return rng.random((runs, examples)) < 0.5
    if kind == "a fifth left out":
        return rng.random((runs, examples)).argsort(axis=1) >= examples // 5
    if kind == "complements":
        half = rng.random(((runs + 1) // 2, examples)).argsort(axis=1) < examples // 2
        return np.concatenate([half, ~half])[:runs] if runs % 2 == 0 else np.concatenate([half, ~half[:-1]])
    if kind == "two blocks":
        return Subsets(0.5).membership([runs // 2 // 2 * 2, runs - runs // 2 // 2 * 2], ids, seed)
    if kind == "folds":
        return KFold(runs // 2).membership([runs], ids, seed)
    return Subsets(float(kind)).membership([runs], ids, seed)


@pytest.mark.slow
@pytest.mark.parametrize("runs", [4, 5, 6, 8, 10, 20])
@pytest.mark.parametrize("kind", ["0.5", "0.7", "0.3", "coins", "complements", "folds", "a fifth left out"])
def test_few_runs_of_any_design_say_nothing_where_there_is_nothing(kind: str, runs: int) -> None:
    """Runs differ in how good they are, and members and others do not: the AUC of each run is .5 within 4.5 errors."""
    if kind == "folds" and runs % 2:
        return
    examples, rng = 8000, np.random.default_rng(runs)
    member = designed(kind, runs, examples, 100 + runs)
    spread = rng.uniform(0.5, 1.5, examples)
    loss = to_loss(rng.normal(1, 1.5, examples) + rng.normal(size=member.shape) * spread + rng.normal(size=(runs, 1)))
    for attack in SETTINGS:
        value = attack(loss, member)
        for mine, inside in zip(value, member, strict=True):
            judged = np.isfinite(mine)
            if inside[judged].any() and not inside[judged].all():
                assert abs(area(mine, inside) - 0.5) < 4.5 * chance(inside[judged])


@pytest.mark.parametrize(("runs", "kind"), [(5, "0.5"), (4, "0.5"), (5, "complements")])
def test_the_fewest_runs_are_judged_and_find_a_leak(runs: int, kind: str) -> None:
    member = designed(kind, runs, 4000, 3)
    rng = np.random.default_rng(4)
    loss = to_loss(rng.normal(1, 1.5, 4000) + rng.normal(size=member.shape) + 2.5 * member)
    for attack in (lira, rmia, bavaria):
        value = attack(loss, member)
        assert np.isfinite(value).mean() > 0.4
        assert area(value, member) > 0.7


@ATTACKS
def test_coins_with_a_rate_of_their_own(attack: Score) -> None:
    """Only the target itself is left out where coins were flipped: as if its run had not been among the others."""
    rng = np.random.default_rng(5)
    member = rng.random((9, 60)) < rng.uniform(0.3, 0.7, (9, 1))
    loss = to_loss(rng.normal(3, 1, member.shape) + member)
    value, target = attack(loss, member), 4
    member[target] ^= True  # what is true of the target does not matter
    other = attack(loss, member)
    np.testing.assert_allclose(other[target], value[target], rtol=1e-6, atol=1e-9)


@ATTACKS
def test_too_little_is_nan(attack: Score) -> None:
    loss, member = world()
    assert attack(np.empty((0, 5)), np.empty((0, 5), np.bool_)).shape == (0, 5)
    assert attack(np.empty((4, 0)), np.empty((4, 0), np.bool_)).shape == (4, 0)
    offline = "online=False" in str(attack) or attack is calibrated_loss
    assert np.isnan(attack(loss[:1], member[:1])).all()
    assert offline or np.isnan(attack(loss[:2], member[:2])).all()
    for everywhere in (True, False):
        if everywhere or not offline:
            missing = np.where(np.arange(12) == 2, everywhere, member)
            value = attack(loss, missing)
            assert np.isnan(value[:, 2]).all()
            assert np.isfinite(np.delete(value, 2, axis=1)).all()
        assert attack(loss, np.full_like(member, everywhere)).shape == loss.shape


@ATTACKS
def test_a_run_that_contains_everyone_is_one_more(attack: Score) -> None:
    loss, member = world()
    value = attack(np.concatenate([loss, loss[:1]]), np.concatenate([member, np.ones((1, 12), np.bool_)]))
    assert np.isfinite(value).all()


@ATTACKS
def test_one_example(attack: Score) -> None:
    loss, member = world()
    assert np.isfinite(attack(loss[:, :1], member[:, :1])).all()


@ATTACKS
def test_a_loss_that_is_not_there_leaves_its_run_out(attack: Score) -> None:
    loss, member = world(2)
    member[:, 5] = np.arange(8) % 2 == 0
    loss[1, 5] = np.nan
    value = attack(loss, member)
    assert np.isnan(value[1, 5])
    assert np.isfinite(np.delete(value.ravel(), 12 + 5)).all()
    if "pooled" not in str(attack):  # and so has nothing else
        loss[1, 5] = np.inf
        infinite = attack(loss, member)
        assert np.isfinite(infinite[np.arange(8) != 1]).all()
        assert np.isfinite(infinite[1, 5]) == (attack.name == "rmia")


@ATTACKS
def test_half_precision_that_overflows(attack: Score) -> None:
    loss, member = world(3)
    with np.errstate(over="ignore"):
        half = (loss * np.where(np.arange(12) == 7, 1e6, 1)).astype(np.float16)
    assert np.isinf(half).any()
    value = attack(half, member)
    assert np.isfinite(np.delete(value, 7, axis=1)).all()
    assert not np.isinf(value).any()


@ATTACKS
@pytest.mark.parametrize("constant", [0.0, 0.3, 1e-7])
def test_an_example_that_never_varies(attack: Score, constant: float) -> None:
    """Its own variance is unknown, and no rounding error takes its place."""
    loss, member = world(6, runs=10, examples=40, inside=5)
    loss[:, 3] = constant
    loss[0, 4], loss[1:, 4] = 2.0, constant
    value = attack(loss, member)
    assert not np.isinf(value).any()
    if "own" in str(attack):
        assert np.isnan(value[:, 3]).all()
    else:
        assert np.isfinite(value).all()
        assert np.ptp(value[:, 3]) < 1e-9 or attack.name in ("lira", "bavaria")
    assert np.nanmax(np.abs(value)) < 1e4
    everyone = attack(np.full_like(loss, constant), member)
    assert np.isnan(everyone).all() if attack.name in ("lira", "bavaria") else np.ptp(everyone) < 1e-9


@ATTACKS
def test_members_are_found_and_a_high_value_says_so(attack: Score) -> None:
    rng = np.random.default_rng(7)
    member = balanced(rng, 20, 2000, 10)
    loss = to_loss(rng.normal(2, 1, 2000) + rng.normal(size=member.shape) + 2.0 * member)
    best = stats.norm.cdf(2 / np.sqrt(2))
    assert 0.75 < area(attack(loss, member), member) < best + 0.01
    assert attack.high == "member"


@pytest.mark.parametrize("attack", [lira, rmia, bavaria, calibrated_loss], ids=str)
def test_the_mean_over_views_sees_more_than_one(attack: Score) -> None:
    rng = np.random.default_rng(8)
    member, views = balanced(rng, 16, 1000, 8), 4
    logits = rng.normal(2, 1, (1, 1, 1000)) + rng.normal(size=(16, views, 1000)) + 0.8 * member[:, None]
    loss = to_loss(logits)
    each = [attack(loss[:, view], member) for view in range(views)]
    together = area(np.mean(each, axis=0), member)
    assert together > max(area(one, member) for one in each) + 0.08
