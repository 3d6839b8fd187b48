import numpy as np
import pytest

import byrote.record.surroundings as module
from byrote.record import Population
from byrote.record.display import Display
from byrote.record.surroundings import COLUMNS, NEAREST, NEIGHBOURS, surroundings

N, TESTS = 60, 6


def given(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs in two clusters, labels of which some are wrong, no groups, and who is taught: all but the first few."""
    rng = np.random.default_rng(seed)
    labels = np.arange(N) % 2
    inputs = rng.normal(size=(N, 3)) + 3 * labels[:, None]
    return inputs, np.where(rng.random(N) < 0.1, 1 - labels, labels), np.full(N, ""), np.arange(N) >= TESTS


def by_loop(
    inputs: np.ndarray, labels: np.ndarray, groups: np.ndarray, taught: np.ndarray, bank: np.ndarray
) -> np.ndarray:
    """Return the same values by sorting all distances of one example after the other."""
    points = (inputs - inputs[bank].mean(axis=0)) / inputs[bank].std(axis=0) / np.sqrt(inputs.shape[1])
    near: dict[int, list[tuple[float, int]]] = {}
    for i in np.flatnonzero(taught):
        others = [j for j in bank if j != i and not (groups[i] and groups[i] == groups[j])]
        near[int(i)] = sorted((float(np.linalg.norm(points[i] - points[j])), int(j)) for j in others)[:NEIGHBOURS]
    usual = np.median([np.mean([d for d, _ in each]) for each in near.values()])
    found = np.full((3, len(labels)), np.nan)
    for i, each in near.items():
        agree = sum(labels[j] == labels[i] for _, j in each)
        same, other = (
            max(NEAREST * usual, min([d for d, j in each if (labels[j] == labels[i]) == kind] or [each[-1][0]]))
            for kind in (True, False)
        )
        mean = np.mean([d for d, _ in each])
        odds = np.log((agree + 0.5) / (len(each) - agree + 0.5))
        found[:, i] = odds, np.log(other / same), np.log(max(mean, NEAREST * usual) / usual)
    return found


def test_is_what_a_slow_search_finds() -> None:
    inputs, labels, groups, taught = given()
    found = surroundings(inputs, labels, groups, taught)
    expected = by_loop(inputs, labels, groups, taught, np.flatnonzero(taught))
    for name, values in zip(COLUMNS, expected, strict=True):
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-4, atol=1e-4)
        assert np.isnan(getattr(found, name)[:TESTS]).all()


def test_examples_of_one_group_are_no_neighbours() -> None:
    inputs, labels, groups, taught = given()
    inputs[21:24], labels[21:24], groups[20:24] = inputs[20], labels[20], "one person"
    alone = surroundings(inputs, labels, np.full(N, ""), taught)
    found = surroundings(inputs, labels, groups, taught)
    expected = by_loop(inputs, labels, groups, taught, np.flatnonzero(taught))
    np.testing.assert_allclose(found.isolation, expected[2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.class_separation, expected[1], rtol=1e-4, atol=1e-4)
    assert alone.class_separation[20] > found.class_separation[20] + 1  # a copy of its label is very near


def test_above_its_size_the_bank_is_a_sample_and_parts_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BANK", 25)
    inputs, labels, groups, taught = given(1)
    who = np.flatnonzero(taught)
    bank = who[np.linspace(0, len(who) - 1, 25).astype(int)]
    found = surroundings(inputs, labels, groups, taught)
    for name, values in zip(COLUMNS, by_loop(inputs, labels, groups, taught, bank), strict=True):
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-4, atol=1e-4)


def test_a_wrong_label_and_an_outlier_stand_out() -> None:
    inputs, labels, groups, taught = given(2)
    inputs = inputs + 3 * (np.arange(N) % 2)[:, None]
    right = np.arange(N) % 2
    labels, outlier = right.copy(), 40
    labels[30] = 1 - labels[30]
    inputs[outlier] += 30
    found = surroundings(inputs, labels, groups, taught)
    assert np.nanargmin(found.label_agreement) == 30
    assert np.nanargmin(found.class_separation) == 30
    assert np.nanargmax(found.isolation) == outlier


@pytest.mark.parametrize(
    "kind", ["text", "targets", "label sets", "nothing kept", "not a number", "all the same", "one"]
)
def test_says_nothing_where_distances_or_labels_mean_nothing(kind: str) -> None:
    inputs, labels, groups, taught = given()
    inputs = {
        "nothing kept": inputs[:, :0],
        "not a number": np.where(inputs == inputs[30, 0], np.nan, inputs),
        "all the same": np.ones_like(inputs),
    }.get(kind, inputs)
    labels = {"targets": labels.astype(np.float32), "label sets": np.eye(2, dtype=np.int8)[labels]}.get(kind, labels)
    taught = np.arange(N) == 0 if kind == "one" else taught
    split = np.where(taught, "train", "test")
    display = Display(kind="text") if kind == "text" else None
    population = Population.of(np.array([f"{i}" for i in range(N)]), split, labels, inputs, display=display)
    assert all(np.isnan(getattr(population.surroundings, name)).all() for name in COLUMNS)
    assert groups.shape == (N,)
