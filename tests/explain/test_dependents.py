import numpy as np
import pytest

from byrote.evidence.evaluate import LEVEL
from byrote.evidence.outcomes import Outcomes
from byrote.explain.dependents import NO_DEPENDENCES, find_dependences
from byrote.explain.neighbours import Space, space
from byrote.explain.passing import INFLUENTIAL
from byrote.record import Record
from byrote.scores import influence


def answers(record: Record, runs: int, seed: int = 0) -> Outcomes:
    """Nothing depends on anything."""
    rng = np.random.default_rng(seed)
    shape = runs, len(record.population)
    return Outcomes(rng.random(shape) < 0.6, rng.random(shape) < 0.5)


@pytest.fixture(scope="module")
def points(record: Record) -> Space:
    return space(record.population)


def test_a_planted_dependence_comes_first_with_the_influence_of_the_score(record: Record) -> None:
    made = answers(record, 40)
    made.correct[:, 200] = made.member[:, 7]
    found = find_dependences(record.population, made, np.arange(20), np.arange(100, 220), None)
    best = found.pairs[0]
    assert (best.source, best.target, best.influence.value) == (7, 200, 1.0)
    assert influence.interval is not None
    value = influence(made.correct[:, 100:220], made.member[:, :20])
    low, high = influence.interval(made.correct[:, 100:220], made.member[:, :20], level=LEVEL)
    assert found.found == np.count_nonzero((value >= INFLUENTIAL) & (low > 0))
    for pair in found.pairs[:50]:
        at = pair.source, pair.target - 100
        sizes = pair.influence.value, pair.influence.low, pair.influence.high
        np.testing.assert_allclose(sizes, (value[at], low[at], high[at]), atol=1e-12)


def test_where_nothing_depends_on_anything_the_list_is_called_chance(record: Record) -> None:
    """Over 10 seeds the found number stays within a quarter of the promised one, and the share of chance near 1."""
    for seed in range(10):
        found = find_dependences(
            record.population, answers(record, 20, seed), np.arange(100), np.arange(100, 300), None
        )
        assert found.found == pytest.approx(found.by_chance, rel=0.25)
        assert found.false_share() > 0.75


def test_a_real_effect_is_not_called_chance(record: Record) -> None:
    made = answers(record, 60)
    made.correct[:, 100:140] = made.member[:, :40]
    found = find_dependences(record.population, made, np.arange(40), np.arange(100, 140), None)
    assert found.false_share(40) < 0.01


def test_nobody_depends_on_itself_and_look_alikes_share_a_label(record: Record, points: Space) -> None:
    made = answers(record, 12)
    train = np.flatnonzero(record.population.where("train"))
    found = find_dependences(record.population, made, train, train, None)
    assert found.considered == len(train) * (len(train) - 1)
    assert all(pair.source != pair.target for pair in found.pairs)
    alike = find_dependences(record.population, made, train, train, points)
    assert 0 < alike.considered < found.considered / 10
    labels = record.population.labels
    assert all(labels[pair.source] == labels[pair.target] != -1 and pair.source != pair.target for pair in alike.pairs)


def test_nothing_to_look_at_is_nothing_found(record: Record) -> None:
    nobody = np.zeros(0, np.int64)
    found = find_dependences(record.population, answers(record, 5), nobody, np.arange(5), None)
    assert found is NO_DEPENDENCES
    assert np.isnan(found.false_share())
