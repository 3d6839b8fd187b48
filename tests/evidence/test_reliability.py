"""Reliability of any score: halves by hand, known noise, new runs, and refusals."""

from pathlib import Path

import numpy as np
import pytest

from byrote.errors import MissingEvidence, Unsupported
from byrote.evidence.evaluate import evaluate
from byrote.evidence.reliability import reliability
from byrote.record import Record
from byrote.scores import csl, forgetting, loss, mean_confidence, memorization
from byrote.summaries import length_of_halves, split_half
from written import written


def _ensemble(where: Path, seed: int, runs: int = 24, n: int = 400) -> Record:
    """Members are always right, others with a chance that is the example's own."""
    rng = np.random.default_rng(seed)
    chance = np.random.default_rng(99).random(n)
    member = rng.permuted(np.tile(np.arange(runs) < runs // 2, (n, 1)), axis=1).T
    return written(where, member, {"correct": member | (rng.random((runs, n)) < chance)})


def _traced(where: Path, noise: float, runs: int = 8, n: int = 300, seed: int = 0) -> Record:
    """A loss of one step: the example's own plus the run's noise."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=n)
    losses = own + noise * rng.normal(size=(runs, 1, n))
    return written(where, np.ones((runs, n), bool), {}, {"loss": losses})


def test_one_halving_is_split_half_of_two_halves(tmp_path: Path) -> None:
    record = _ensemble(tmp_path, 0)
    order = np.random.default_rng(7).permutation(24)
    first, second = (evaluate(memorization, record, runs=half.tolist()).value for half in (order[:12], order[12:]))
    member = np.stack([record.member(run) for run in record.runs])
    length = length_of_halves(member[order[:12]], member[order[12:]])
    for rank in (True, False):
        found = reliability(memorization, record, halvings=1, rank=rank, seed=7, level=0.8)
        assert found == split_half(first, second, rank=rank, length=length, level=0.8)


def test_a_score_inside_runs_is_averaged_as_evaluate_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    seen = (rng.random((7, 5, 60)) < rng.random(60)).astype(float)
    seen[:, :, :9] = 0.0  # never learned: infinite forgetting
    seen[:4, :, 9:12] = 0.0
    record = written(tmp_path, rng.random((7, 60)) < 0.7, {}, {"correct": seen})
    order = np.random.default_rng(3).permutation(7)
    first, second = (evaluate(forgetting, record, runs=half.tolist()).value for half in (order[:3], order[3:6]))
    assert np.isinf(first).any()
    found, expected = reliability(forgetting, record, halvings=1, seed=3), split_half(first, second, rank=True)
    assert found.n == expected.n
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=2e-3
    )
    with pytest.raises(Unsupported, match=r"infinity.*rank=True"):
        reliability(forgetting, record, rank=False)


def test_a_run_says_nothing_of_whom_it_was_not_trained_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    member = rng.random((6, 50)) < 0.7
    record = written(tmp_path, member, {"loss": np.where(member, rng.random((6, 50)), 1e3 * rng.random((6, 50)))})
    order = np.random.default_rng(3).permutation(6)
    first, second = (evaluate(loss, record, runs=half.tolist()).value for half in (order[:3], order[3:]))
    expected = split_half(first, second)
    assert reliability(loss, record, halvings=1, seed=3, rank=False).value == pytest.approx(expected.value, abs=1e-6)


def test_it_is_the_share_of_the_variance_that_repeats(tmp_path: Path) -> None:
    """Noise of variance 4 in each of 8 runs is 1/2 in their mean, against 1: reliability 2/3."""
    found = reliability(csl, _traced(tmp_path, 2.0, n=3000), rank=False)
    assert found.value == pytest.approx(2 / 3, abs=0.03)
    assert found.low < 2 / 3 < found.high
    assert (found.n, found.unit) == (3000, "example")


def test_it_predicts_how_well_new_runs_agree(tmp_path: Path) -> None:
    one, other = _ensemble(tmp_path / "a", 1), _ensemble(tmp_path / "b", 2)
    predicted = reliability(memorization, one, rank=False)
    seen = np.corrcoef(evaluate(memorization, one).value, evaluate(memorization, other).value)[0, 1]
    assert predicted.value == pytest.approx(seen, abs=0.05)


def test_perfect_and_null(tmp_path: Path) -> None:
    assert reliability(csl, _traced(tmp_path / "a", 0.0)).value == pytest.approx(1, abs=1e-6)
    null = _traced(tmp_path / "b", 1e6, seed=5)
    found = reliability(csl, null)
    assert found.low < 0 < found.high
    assert found == reliability(csl, null)
    assert found != reliability(csl, null, seed=1)


def test_examples_of_another_split_do_not_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    own = np.concatenate([np.zeros(50), np.full(50, 100.0)])
    losses = own + rng.normal(size=(8, 1, 100))
    ids = [f"{'train' if i < 50 else 'canary'}/{i}" for i in range(100)]
    record = written(tmp_path, np.ones((8, 100), bool), {}, {"loss": losses}, ids=ids)
    assert reliability(csl, record, rank=False).value < 0.7
    assert reliability(csl, record, rank=False, where="all").value > 0.99
    assert reliability(csl, record).n == 50


def test_too_few_runs_and_no_spread_are_refused(tmp_path: Path) -> None:
    small = _ensemble(tmp_path / "a", 0, runs=2)
    with pytest.raises(MissingEvidence, match=r"needs 4 runs .* 2 finished.*Record 4 runs"):
        reliability(memorization, small)
    one = _traced(tmp_path / "b", 1.0, runs=1)
    with pytest.raises(MissingEvidence, match=r"needs 2 runs .* 1 finished.*Record 2 runs"):
        reliability(csl, one)
    flat = written(tmp_path / "c", np.ones((4, 5), bool), {}, {"confidence": np.full((4, 2, 5), 0.5)})
    with pytest.raises(Unsupported, match=r"4 runs .* 5 train examples.*more runs"):
        reliability(mean_confidence, flat)
