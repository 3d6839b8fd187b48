"""A classifier that never sees a model finds members only where the split is broken."""

import numpy as np
import pytest
from numpy.typing import NDArray

from attackers import balanced
from byrote.errors import Unsupported
from byrote.membership.blind import blind_baseline, blind_features


def examples(n: int = 600, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 8, 8, 3)).astype(np.uint8), rng.integers(0, 5, n)


def test_random_designs_give_one_half() -> None:
    """The interval holds .5 in about 90 of 100 designs: in 80 or fewer by chance once in 500 times."""
    features = blind_features(*examples(200))
    held = 0
    for seed in range(100):
        member = balanced(np.random.default_rng(seed), 10, 200, 5)
        found = blind_baseline(member, features, seed=seed)
        held += found.low <= 0.5 <= found.high
        assert abs(found.value - 0.5) < 0.06
    assert 80 < held <= 98


@pytest.mark.parametrize("planted", ["date", "class", "brightness", "pixels"])
def test_a_planted_split_is_seen(planted: str) -> None:
    inputs, labels = examples()
    rng = np.random.default_rng(1)
    flat = inputs.reshape(len(inputs), -1).astype(float)
    order = {
        "date": np.arange(600.0),
        "class": labels + 0.1 * rng.normal(size=600),
        "brightness": flat.mean(axis=1),
        "pixels": flat[:, :96].mean(axis=1) - flat[:, 96:].mean(axis=1),
    }[planted]
    cut = np.quantile(order, 0.5)
    member = (order > cut)[None] ^ (rng.random((8, 600)) < 0.15)
    found = blind_baseline(member, blind_features(inputs, labels))
    assert found.low > 0.55
    assert (found.n, found.unit) == (8, "run")
    one = blind_baseline(member[:1], blind_features(inputs, labels))
    assert one.low > 0.5
    assert one.low < one.value < one.high <= 1


def test_the_two_halves_do_not_know_each_other() -> None:
    """More features than examples fit any membership; held-out examples do not."""
    rng = np.random.default_rng(2)
    found = blind_baseline(balanced(rng, 20, 120, 10), rng.normal(size=(120, 300)))
    assert abs(found.value - 0.5) < 0.05


def test_features_are_what_they_say() -> None:
    inputs, labels = examples(50)
    features = blind_features(inputs, labels)
    assert features.shape == (50, 5 + 2 + 4 + 64)
    np.testing.assert_array_equal(features[:, :5].argmax(axis=1), labels)
    np.testing.assert_allclose(features[:, 7], inputs.reshape(50, -1).mean(axis=1), rtol=1e-5)
    small = blind_features(np.arange(6.0).reshape(3, 2), np.zeros(3, np.int64))
    np.testing.assert_array_equal(small[:, -2:], [[0, 1], [2, 3], [4, 5]])
    assert np.isfinite(
        blind_baseline(np.eye(3, 40, dtype=np.bool_) ^ True ^ (np.arange(40) % 2 == 0), np.ones((40, 1))).value
    )


def test_runs_with_nothing_to_guess_do_not_count() -> None:
    features = blind_features(*examples(100))
    member = balanced(np.random.default_rng(0), 6, 100, 3)
    found = blind_baseline(np.concatenate([member, np.ones((2, 100), np.bool_)]), features)
    assert found == blind_baseline(member, features)


def test_what_it_cannot_judge_is_refused() -> None:
    features = blind_features(*examples(100))
    with pytest.raises(Unsupported, match=r"2 runs .* 100 examples.*Give more examples"):
        blind_baseline(np.ones((2, 100), np.bool_), features)
    features[3, 1] = np.nan
    with pytest.raises(Unsupported, match=r"1 values .* 100 examples.*finite row for each"):
        blind_baseline(np.ones((2, 100), np.bool_), features)


@pytest.mark.parametrize("shape", [(600,), (600, 3)])
def test_targets_that_are_no_classes_are_features_as_they_are(shape: tuple[int, ...]) -> None:
    inputs, _ = examples()
    targets = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    features = blind_features(inputs, targets)
    columns = targets.reshape(600, -1)
    np.testing.assert_array_equal(features[:, : columns.shape[1]], columns)
    np.testing.assert_array_equal(
        features[:, columns.shape[1] :], blind_features(inputs, np.zeros(600, np.int64))[:, 1:]
    )


def test_many_classes_are_few_features_that_give_one_half_and_see_a_split() -> None:
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.arange(1200) % 300)
    features = blind_features(rng.normal(size=(1200, 3)), labels)
    assert features.shape[1] < 100
    nothing = blind_baseline(balanced(rng, 10, 1200, 5), features)
    assert abs(nothing.value - 0.5) < 0.04
    split = np.stack([(labels % 2 == run % 2) for run in range(4)])
    assert blind_baseline(split, features).value > 0.6
