"""The noise floor by simulation: labels drawn from known probabilities, none or some of them altered."""

import numpy as np
import pytest

from byrote.explain import beyond_noise, noise_floor


def draw(
    seed: int, *, altered: float, spread: float, n: int = 2_000, differing: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of models that are twice too sure (in log-odds), labels, and which of these were altered.

    `differing` is the standard deviation of the logarithm of that factor between examples.
    """
    rng = np.random.default_rng(seed)
    z = rng.normal(0, spread, n)
    second = 1 / (1 + np.exp(-z))
    labels = (rng.random(n) < second).astype(np.int64)
    wrong = rng.random(n) < altered
    sure = 1 / (1 + np.exp(-2 * z * np.exp(differing * rng.normal(size=n))))
    return np.stack([1 - sure, sure], axis=1), np.where(wrong, 1 - labels, labels), wrong


@pytest.mark.slow
def test_noise_alone_is_explained_and_lists_nobody() -> None:
    """Best possible accuracy about .77. The test is at 5 %: 3 or more of 10 data sets have a chance of .01."""
    lists = 0
    for seed in range(10):
        probabilities, labels, _ = draw(seed, altered=0, spread=1.9)
        floor = noise_floor(probabilities, labels)
        assert 0.15 < floor.disagreements / floor.examples < 0.30
        assert floor.expected == pytest.approx(floor.disagreements, rel=0.2)
        candidates = probabilities.argmax(axis=1) != labels
        lists += beyond_noise(floor.probability_altered(probabilities, labels), candidates).any()
    assert lists <= 2


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "differing"), [(1.9, 0.0), (1.9, 0.7), (6, 0.7)])
def test_models_that_are_too_sure_of_some_examples_name_nobody_in_vain(spread: float, differing: float) -> None:
    """5 % altered, best possible accuracy .82 and .94. A straight line through the log-odds lists .2 to .6 false ones here."""
    false = []
    for seed in range(10):
        probabilities, labels, wrong = draw(seed, altered=0.05, spread=spread, differing=differing)
        floor = noise_floor(probabilities, labels)
        candidates = probabilities.argmax(axis=1) != labels
        listed = beyond_noise(floor.probability_altered(probabilities, labels), candidates)
        false.append((listed & ~wrong).sum() / max(listed.sum(), 1))
    assert np.mean(false) <= 0.15


@pytest.mark.slow
def test_altered_labels_are_listed_at_the_false_discovery_rate() -> None:
    """20 % altered, models that are mostly right: few false ones, and a third of the altered."""
    false, recall, share = [], [], []
    for seed in range(10):
        probabilities, labels, wrong = draw(seed, altered=0.2, spread=6)
        floor = noise_floor(probabilities, labels)
        candidates = probabilities.argmax(axis=1) != labels
        listed = beyond_noise(floor.probability_altered(probabilities, labels), candidates)
        false.append((listed & ~wrong).sum() / max(listed.sum(), 1))
        recall.append((listed & wrong).sum() / wrong.sum())
        share.append(floor.altered)
    assert np.mean(false) <= 0.12
    assert np.mean(recall) > 0.15
    assert 0.05 < np.mean(share) < 0.2


def test_no_list_where_models_are_wrong_more_often_than_not_by_noise() -> None:
    """Best possible accuracy .6: whatever else is seen, no label is called altered."""
    probabilities, labels, _ = draw(0, altered=0.1, spread=0.9)
    floor = noise_floor(np.where(probabilities > 0.5, 0.999, 0.001), labels)
    assert floor.expected / floor.examples > 0.3
    assert floor.altered == 0
    assert not floor.probability_altered(probabilities, labels).any()


def test_the_list_is_the_longest_of_which_few_are_expected_to_be_unaltered() -> None:
    """Means of 1 - p over the list: .05, .075, .15, ..."""
    probability = np.array([0.7, 0.95, 0.9, 0.99, 0.1])
    candidates = np.array([True, True, True, False, True])
    assert beyond_noise(probability, candidates, fdr=0.1).tolist() == [False, True, True, False, False]
    assert beyond_noise(probability, candidates, fdr=0.2).tolist() == [True, True, True, False, False]
    assert not beyond_noise(probability, candidates, fdr=0.01).any()
