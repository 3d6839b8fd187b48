"""Episodes: what is drawn, and an interval that is about new classes."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.recall.episodes import accuracy_over_episodes, draw_episodes
from byrote.stats.estimate import Estimate

LABELS = np.repeat([3, 5, 7, 8, 20, 21], [9, 8, 10, 2, 8, 12])[np.random.default_rng(0).permutation(49)]


def test_an_episode_has_examples_of_its_classes_and_none_twice() -> None:
    found = draw_episodes(LABELS, 4, 3, queries=5, count=50, seed=1)
    assert (found.classes.shape, found.support.shape, found.query.shape) == ((50, 4), (50, 4, 3), (50, 4, 5))
    assert (LABELS[found.support] == found.classes[:, :, None]).all()
    assert (LABELS[found.query] == found.classes[:, :, None]).all()
    for classes, support, query in zip(found.classes, found.support, found.query, strict=True):
        assert len(set(classes)) == 4
        assert len(set(support.ravel()) | set(query.ravel())) == 4 * 8
    assert set(found.classes.ravel()) == {3, 5, 7, 20, 21}, "8 has too few examples, and each other class is drawn"
    used = np.concatenate([found.support.ravel(), found.query.ravel()])
    assert len(np.unique(used)) == np.count_nonzero(LABELS != 8)


def test_the_seed_decides() -> None:
    one, again, other = (draw_episodes(LABELS, 3, 1, count=9, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.support, again.support)
    assert not np.array_equal(one.support, other.support)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"way": 6}, "5 of 6 classes have the 6 examples"),
        ({"way": 2, "shot": 7}, "1 of 6 classes .*Give fewer"),
        ({"way": 0}, "way=0"),
        ({"shot": 0}, "shot=0"),
        ({"queries": 0}, "queries=0"),
        ({"count": 0}, "count=0"),
    ],
)
def test_episodes_that_cannot_be_drawn_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        draw_episodes(LABELS, **{"way": 2, "shot": 1, **options})


def test_the_variance_is_the_jackknife_over_classes_less_the_noise_of_episodes() -> None:
    rng = np.random.default_rng(2)
    classes = np.stack([rng.choice(12, 3, replace=False) for _ in range(40)])
    skill = rng.normal(0, 0.2, 12)
    accuracy = skill[classes].mean(1) + rng.normal(0, 0.05, 40)
    without = np.array([accuracy[~(classes == c).any(1)].mean() for c in range(12)])
    jackknife = 11 / 12 * ((without - without.mean()) ** 2).sum()
    variance = jackknife - 2 * accuracy.var(ddof=1) / 40
    assert variance > accuracy.var(ddof=1) / 40
    found = accuracy_over_episodes(accuracy, classes)
    half = 1.795885 * np.sqrt(variance)  # Student's .95 quantile at 11 degrees of freedom
    assert (found.n, found.unit) == (12, "classes")
    np.testing.assert_allclose(
        [found.value, found.low, found.high], accuracy.mean() + np.array([0, -half, half]), rtol=1e-5
    )


def test_it_is_no_shorter_than_the_noise_of_episodes_allows() -> None:
    rng = np.random.default_rng(3)
    classes = np.stack([rng.choice(200, 2, replace=False) for _ in range(50)])
    found = accuracy_over_episodes(rng.normal(size=50), classes)
    least = Estimate.of_mean(rng.normal(size=50), "episodes")
    assert found.high - found.low > 0.6 * (least.high - least.low)


def test_what_has_no_interval_is_nan() -> None:
    assert np.isnan(accuracy_over_episodes(np.array([0.5]), np.array([[1, 2]])).low)
    always = accuracy_over_episodes(np.array([0.5, 0.7, 0.9]), np.array([[1, 2], [1, 3], [1, 4]]))
    assert (always.value, np.isnan(always.low)) == (pytest.approx(0.7), True)


def test_it_holds_the_mean_over_new_classes_where_students_does_not() -> None:
    """A query of class c is right with a probability of its own, so the mean over all classes is .8 exactly."""
    rng = np.random.default_rng(4)
    held = np.zeros(2)
    for _ in range(300):
        skill = rng.choice([0.6, 0.7, 0.8, 0.9, 1.0], 60)
        classes = np.stack([rng.choice(60, 5, replace=False) for _ in range(200)])
        accuracy = rng.binomial(5, skill[classes]).mean(1) / 5
        for at, found in enumerate((accuracy_over_episodes(accuracy, classes), Estimate.of_mean(accuracy, "episodes"))):
            held[at] += found.low <= 0.8 <= found.high
    assert 0.84 < held[0] / 300 < 0.96  # 3.5 standard errors around .9
    assert held[1] / 300 < 0.7
