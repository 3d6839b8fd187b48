import numpy as np
import pytest

import byrote.record.nearest as search
from byrote.explain.neighbours import NEAR_DUPLICATE, USUAL_NEIGHBOURS, nearest, space
from byrote.record import Population, Record


def population(inputs: np.ndarray, labels: np.ndarray, canaries: int = 0) -> Population:
    n = len(inputs)
    split = np.array(["train"] * (n - canaries) + ["canary"] * canaries)
    ids = np.array([f"{each}/{i}" for i, each in enumerate(split)])
    return Population.of(ids, split, labels, inputs, canary=np.where(split == "canary", "noise", ""))


@pytest.mark.parametrize("block", [1 << 26, 2000])
def test_nearest_equals_a_slow_search(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(search, "BLOCK_BYTES", block)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 7)).astype(np.float32)
    queries, candidates = np.arange(0, 60, 3), np.arange(10, 60)
    where, distance = nearest(points, queries, candidates, 4)
    for row, query in enumerate(queries):
        far = {int(c): float(np.linalg.norm(points[c] - points[query])) for c in candidates if c != query}
        expected = sorted(far, key=lambda c: far[c])[:4]
        assert list(where[row]) == expected
        np.testing.assert_allclose(distance[row], [far[c] for c in expected], rtol=1e-5)


def test_a_query_is_never_its_own_neighbour_and_copies_are_at_zero() -> None:
    points = np.repeat(np.random.default_rng(1).normal(size=(5, 900)).astype(np.float32) + 50, 2, axis=0)
    where, distance = nearest(points, np.arange(10), np.arange(10), 1)
    assert list(where[:, 0]) == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]
    assert (distance == 0).all()


def test_missing_neighbours_are_told_apart() -> None:
    points = np.eye(3, dtype=np.float32)
    where, distance = nearest(points, np.array([0]), np.array([0, 1]), 3)
    assert list(where[0]) == [1, -1, -1]
    assert np.isinf(distance[0, 1:]).all()


def test_uint8_distances_are_root_mean_square_of_the_brightness() -> None:
    images = np.zeros((3, 4, 4), np.uint8)
    images[1] = 255
    images[2, 0] = 255
    found = space(population(images, np.zeros(3, np.int64)))
    _, distance = nearest(found.points, np.array([0]), np.array([1, 2]), 2)
    np.testing.assert_allclose(distance[0], [0.5, 1.0], rtol=1e-6)


def test_features_count_alike_whatever_their_unit() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(50, 3)).astype(np.float32)
    labels = np.zeros(50, np.int64)
    everyone = np.arange(50)
    same = space(population(vectors, labels))
    scaled = space(population(vectors * np.array([1, 1000, 0.001], np.float32), labels))
    assert (nearest(same.points, everyone, everyone, 5)[0] == nearest(scaled.points, everyone, everyone, 5)[0]).all()


def test_near_duplicates_are_judged_by_their_class_and_canaries_do_not_count() -> None:
    rng = np.random.default_rng(3)
    tight, loose = rng.normal(0, 1, (40, 20)), rng.normal(0, 10, (40, 20)) + 500
    close = np.repeat(tight[:1], 30, axis=0)  # canaries, all equal: they must not say what is usual
    inputs = np.concatenate([tight, loose, close]).astype(np.float32)
    labels = np.repeat([0, 1, 0], [40, 40, 30])
    found = space(population(inputs, labels, canaries=30))
    assert found.near[1] > 5 * found.near[0] > 0
    between = NEAR_DUPLICATE * found.near[1] * 0.9
    assert found.is_duplicate(1, between)
    assert not found.is_duplicate(0, between)
    assert found.is_duplicate(7, 0.0)
    assert not found.is_duplicate(7, 0.001)


def test_remoteness_ranks_the_outlier_first() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    vectors[17] += 12
    remote = space(population(vectors, np.zeros(60, np.int64))).remoteness(np.arange(60))
    assert remote.argmax() == 17
    assert remote[17] > 0.95
    assert remote.min() < 0.1


def test_the_distance_to_a_class_is_one_at_its_fence() -> None:
    rng = np.random.default_rng(5)
    tight, loose = rng.normal(0, 1, (40, 20)), rng.normal(0, 10, (40, 20)) + 500
    vectors, labels = np.concatenate([tight, loose]).astype(np.float32), np.repeat([0, 1], 40)
    found = space(population(vectors, labels))
    gaps = np.linalg.norm(found.points[:, None].astype(np.float64) - found.points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    for label, mine in ((0, slice(0, 40)), (1, slice(40, 80))):
        mean = np.sort(gaps[:, mine], axis=1)[:, :USUAL_NEIGHBOURS].mean(axis=1)
        lower, upper = np.percentile(mean[mine], (25, 75))
        expected = mean / (upper + 1.5 * (upper - lower))
        np.testing.assert_allclose(found.distance_to(np.arange(80), np.full(80, label)), expected, rtol=1e-5)
    mixed = found.distance_to(np.array([3, 50, 3]), np.array([0, 0, 1]))
    assert mixed[0] < 1 < min(mixed[1:])
    assert np.isnan(found.distance_to(np.array([3, 4]), np.array([-1, 2]))).all()


def test_a_class_of_equal_examples_says_nothing_about_distances() -> None:
    vectors = np.concatenate([np.zeros((20, 3)), np.random.default_rng(6).normal(size=(9, 3))]).astype(np.float32)
    vectors[19] += 5  # one that is not equal leaves the quartiles at 0
    found = space(population(vectors, np.repeat([0, 1], [20, 9])))
    assert np.isnan(found.distance_to(np.array([22]), np.array([0]))).all()


def test_a_record_without_inputs_has_no_points(record: Record) -> None:
    empty = record.population.with_inputs(np.zeros((len(record.population), 0), np.float32))
    found = space(empty)
    assert found.empty
    assert np.isnan(found.remoteness(np.arange(3))).all()
    assert np.isnan(found.distance_to(np.arange(3), np.zeros(3, np.int64))).all()
