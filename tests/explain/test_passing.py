import numpy as np
import pytest

from byrote.evidence.outcomes import Outcomes
from byrote.explain import dependents as of_dependents
from byrote.explain import find_dependences, look_alikes, space
from byrote.explain.dependents import SHUFFLES
from byrote.explain.passing import INFLUENTIAL, expected_by_chance, least_right, passing
from byrote.record import Population, Record
from byrote.record import nearest as distances
from byrote.stats.intervals import newcombe

NOBODY = np.zeros(0, np.int64), np.zeros(0, np.int64)


def drawn(runs: int, sources: int, targets: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of targets of very unequal difficulty, and membership; nothing depends on anything."""
    rng = np.random.default_rng(seed)
    return rng.random((runs, targets)) < rng.random(targets), rng.random((runs, sources)) < 0.7


@pytest.mark.parametrize("runs", [2, 5, 20, 41])
def test_the_least_right_answers_are_those_of_a_slow_search(runs: int) -> None:
    found = least_right(runs, np.arange(runs + 1))
    for runs_in in range(runs + 1):
        for right in range(runs + 1):
            enough = [
                hits
                for hits in range(max(0, right - runs + runs_in), min(right, runs_in) + 1)
                if 0 < runs_in < runs
                and hits / runs_in - (right - hits) / (runs - runs_in) >= INFLUENTIAL
                and newcombe(hits, runs_in, right - hits, runs - runs_in, level=0.9)[0] > 0
            ]
            assert found[runs_in, right] == min(enough, default=runs + 1)


def test_what_passes_by_chance_is_the_mean_of_shuffles() -> None:
    outcome, member = drawn(12, 60, 90)
    same = np.arange(20), np.arange(30, 50)
    rng = np.random.default_rng(0)
    shuffles = [passing(outcome[rng.permutation(12)], member, None, same, keep=False).count for _ in range(300)]
    sums = np.array([each.sum() for each in shuffles])
    expected = expected_by_chance(outcome, member, same)
    assert expected.sum() == pytest.approx(sums.mean(), abs=4 * sums.std() / np.sqrt(300))
    assert (expected > 0).tolist() == (np.sum(shuffles, axis=0) > 0).tolist()


def test_a_sample_of_targets_says_how_many_pairs_pass_in_all(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact number lies within the stated 90 % interval for 80 to 100 % of the seeds."""
    rng, n = np.random.default_rng(1), len(record.population)
    outcomes = Outcomes(rng.random((20, n)) < rng.random(n), rng.random((20, n)) < 0.7)
    sources, targets = np.arange(80), np.arange(80, n)
    exact = find_dependences(record.population, outcomes, sources, targets, None)
    assert exact.in_all.value == exact.in_all.low == exact.in_all.high == exact.found
    assert exact.shuffles == SHUFFLES
    monkeypatch.setattr(of_dependents, "MOST_PAIRS", 80 * 60)
    monkeypatch.setattr(of_dependents, "SHUFFLED", 100)
    held = 0
    for seed in range(40):
        sampled = find_dependences(record.population, outcomes, sources, targets, None, seed=seed)
        assert (sampled.looked_at, sampled.targets, sampled.considered) == (60, len(targets), 80 * 60)
        assert sampled.shuffles is None
        held += sampled.in_all.low <= exact.found <= sampled.in_all.high
    assert 32 <= held <= 40
    chance = [
        find_dependences(record.population, outcomes, sources, targets, None, seed=s).by_chance for s in range(40)
    ]
    assert np.mean(chance) * len(targets) / 60 == pytest.approx(exact.by_chance, rel=0.15)


def test_few_sources_have_the_look_alikes_of_a_full_search(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    labels, inputs = rng.integers(0, 2, 900), rng.normal(size=(900, 6)).astype(np.float32)
    ids = np.array([str(at) for at in range(900)])
    population = Population.of(ids, np.full(900, "train"), labels, inputs)
    points, sources, targets = space(population), np.arange(5), np.arange(900)
    full = look_alikes.look_alikes(population, points, sources, targets)
    asked: list[int] = []
    nearest = distances.nearest

    def counted(*given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(len(given[1]))
        return nearest(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(look_alikes, "nearest", counted)
    monkeypatch.setattr(look_alikes, "MANY", 100)
    few = look_alikes.look_alikes(population, points, sources, targets)
    assert sorted(zip(*full, strict=True)) == sorted(zip(*few, strict=True))
    assert len(full[0])
    assert sum(asked) < 450


def test_groups_of_columns_hold_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(1500, 4)).astype(np.float32)
    queries, others = np.arange(40), np.random.default_rng(1).permutation(1500)[:1403]
    grouped = distances.nearest(points, queries, others, 3)
    monkeypatch.setattr(distances, "FEWEST", 10_000)
    plain = distances.nearest(points, queries, others, 3)
    np.testing.assert_array_equal(plain[0], grouped[0])
    np.testing.assert_array_equal(plain[1], grouped[1])
