"""One target and a few references: the same numbers as plain loops, chance where nothing leaks, and what is refused."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from attackers import to_loss
from byrote.errors import InvalidData, Unsupported
from byrote.membership.target import TargetAudit, audit_target
from byrote.summaries import auroc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
OFFLINE = ["loss", "calibrated_loss", "rmia(online=False)", "lira(online=False)", "bavaria(online=False)"]
ONLINE = ["rmia", "lira", "bavaria"]


def world(
    k: int, leak: float, seed: int = 0, n: int = 800, *, halves: bool = False
) -> tuple[Floats, Bools, Floats, Bools]:
    """Return losses of a target and its members, and of k references and theirs; a member's logit is `leak` higher."""
    rng = np.random.default_rng(seed)
    member, inside = rng.permutation(n) < n // 2, (rng.random((k, n)) < 0.5) & halves
    ease = rng.normal(1, 1.5, n)
    both = np.concatenate([member[None], inside])
    loss = to_loss(ease + rng.normal(size=both.shape) + leak * both + rng.normal(0, 0.5, (k + 1, 1)))
    return loss[0], member, loss[1:], inside


def named(found: TargetAudit) -> dict[str, Floats]:
    return {attack.name: attack.value for attack in found.attacks}


def test_offline_values_are_those_of_plain_loops() -> None:
    loss, member, references, _ = world(3, 1.0, n=200)
    value = named(audit_target(loss, member, references))
    assert list(value) == OFFLINE
    logits = [-np.log(np.expm1(row)) for row in references]
    variance = np.mean([np.var([row[at] for row in logits], ddof=1) for at in range(200)])
    for at in range(200):
        seen = [float(np.exp(-row[at])) for row in references]
        assert value["loss"][at] == -loss[at]
        assert value["calibrated_loss"][at] == pytest.approx(np.mean([row[at] for row in references]) - loss[at])
        assert value["rmia(online=False)"][at] == pytest.approx(-loss[at] - np.log((1.3 * np.mean(seen) + 0.7) / 2))
        z = (-np.log(np.expm1(loss[at])) - np.mean([row[at] for row in logits])) / np.sqrt(variance)
        assert value["lira(online=False)"][at] == pytest.approx(z, rel=1e-8)


def test_online_values_are_those_of_plain_loops() -> None:
    loss, member, references, inside = world(4, 1.0, n=200, halves=True)
    value = named(audit_target(loss, member, references, inside))
    assert list(value) == OFFLINE + ONLINE
    logits = -np.log(np.expm1(references))
    squares, freedom = {True: 0.0, False: 0.0}, {True: 0, False: 0}
    for at in range(200):
        for kind in (True, False):
            mine = logits[inside[:, at] == kind, at]
            squares[kind] += float(((mine - mine.mean()) ** 2).sum()) if len(mine) else 0.0
            freedom[kind] += max(len(mine) - 1, 0)
    scale = {kind: (squares[kind] / freedom[kind]) ** 0.5 for kind in (True, False)}
    for at in range(200):
        trained = inside[:, at]
        if not trained.any() or trained.all():
            assert np.isnan(value["lira"][at])
            continue
        own = -np.log(np.expm1(loss[at]))
        p_in, p_out = (
            stats.norm.logpdf(own, logits[trained == kind, at].mean(), scale[kind]) for kind in (True, False)
        )
        assert value["lira"][at] == pytest.approx(p_in - p_out, rel=1e-7, abs=1e-8)
        p = np.exp(-references[:, at])
        expected = (p[trained].mean() + p[~trained].mean()) / 2
        assert value["rmia"][at] == pytest.approx(-loss[at] - np.log(expected))


@pytest.mark.slow
@pytest.mark.parametrize(("k", "halves"), [(1, False), (2, False), (4, False), (2, True), (4, True)])
def test_nothing_is_found_where_nothing_leaks(k: int, halves: bool) -> None:
    """AUROCs of 40 targets within 4 standard errors of .5; p <= .1 in at most 11 of 40 (99.9 % of such binomial numbers)."""
    areas, p = list[dict[str, float]](), list[float]()
    for seed in range(40):
        loss, member, references, inside = world(k, 0.0, seed, 300, halves=halves)
        found = audit_target(loss, member, references, inside if halves else None)
        areas.append({attack.name: attack.auroc.value for attack in found.attacks})
        p.append(found.p_value)
    for name in areas[0]:
        each = np.array([area[name] for area in areas])
        assert abs(each.mean() - 0.5) < 4 * each.std(ddof=1) / 40**0.5
    assert np.count_nonzero(np.array(p) <= 0.1) <= 11


def test_a_leak_is_found_and_references_help() -> None:
    areas = []
    for k in (1, 2, 8):
        loss, member, references, _ = world(k, 1.5, n=2000)
        found = audit_target(loss, member, references)
        assert found.p_value == 0.001
        assert 0.5 < found.by_chance < 0.54
        areas.append(found.strongest.auroc.value)
        assert areas[-1] > auroc(-loss, member).value + 0.01
    assert areas == sorted(areas)


def test_one_reference_has_no_variance() -> None:
    found = audit_target(*world(1, 1.0)[:3])
    assert [attack.name for attack in found.attacks] == OFFLINE[:3]
    assert list(found.missing) == OFFLINE[3:]
    assert "two references" in found.missing["lira(online=False)"]


def test_examples_without_a_loss_are_counted() -> None:
    loss, member, references, _ = world(2, 1.0)
    loss[:5] = np.nan
    references[0, 7] = np.nan
    found = audit_target(loss, member.astype(int), references)
    assert found.left_out == 5
    value = named(found)
    assert np.isnan(value["loss"][:5]).all()
    assert np.isfinite(value["lira(online=False)"][5:]).all()


def test_what_gives_members_away_is_refused() -> None:
    loss, member, references, _ = world(3, 1.0)
    with pytest.raises(Unsupported, match=r"0 reference models.*one supports offline RMIA"):
        audit_target(loss, member)
    with pytest.raises(Unsupported, match=r"reference_loss.*is empty"):
        audit_target(loss, member, references[:0])
    with pytest.raises(Unsupported, match="was given 800 and 0"):
        audit_target(loss, np.ones(800, np.bool_), references)
    rng = np.random.default_rng(0)
    complement = np.stack([~member, *(rng.random((2, 800)) < 0.5)])
    with pytest.raises(Unsupported, match=r"reference 0.*correlate with -1\.00 over 800 examples"):
        audit_target(loss, member, references, complement)
    balanced = rng.permuted(np.arange(4)[:, None] < np.full(800, 2), axis=0)
    with pytest.raises(Unsupported, match=r"of the references and of the target|of reference 0 and of the target"):
        audit_target(loss, balanced[0], references, balanced[1:])


def test_probabilities_are_refused_and_no_losses_are() -> None:
    loss, member, references, _ = world(3, 1.0)
    sure = loss / 20, references / 20  # most probabilities are near 1
    with pytest.raises(InvalidData, match=r"these are probabilities, not losses\. Give -np\.log of them"):
        audit_target(np.exp(-sure[0]), member, np.exp(-sure[1]))
    rng = np.random.default_rng(0)
    heaps = np.where(rng.random((4, 800)) < 0.37, 0.994, 0.46) + rng.normal(0, 0.001, (4, 800))  # nothing was learned
    cut = np.minimum(np.concatenate([loss[None], references]), 1)
    for honest in (heaps, cut, np.concatenate([loss[None], references]), np.stack([sure[0], *sure[1]])):
        assert audit_target(honest[0], member, honest[1:]).attacks
    for seed in range(20):
        scale = 0.1 + 0.2 * seed
        losses = scale * np.concatenate([each[None] if each.ndim == 1 else each for each in world(3, 1.0, seed)[::2]])
        assert audit_target(losses[0], member, losses[1:]).attacks


def test_what_is_no_loss_is_refused() -> None:
    member = np.arange(8) < 4
    with pytest.raises(InvalidData, match=r"losses below 0.*-log of the label's probability"):
        audit_target(np.linspace(-1, 1, 8), member, np.ones((1, 8)))
