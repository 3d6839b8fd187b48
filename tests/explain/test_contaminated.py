from dataclasses import replace

import numpy as np
import pytest

from byrote.errors import MissingEvidence
from byrote.explain.contaminated import contaminated, contamination
from byrote.explain.neighbours import space
from byrote.explain.planted import check_copies
from byrote.record import Record


def planted(record: Record, *, label: int | None = None) -> tuple[Record, int, int]:
    """Return the record with its first test example replaced by a copy of a training example."""
    population = record.population
    target = int(np.flatnonzero(population.where("test"))[0])
    source = int(np.flatnonzero(population.where("train"))[20])
    inputs, labels = population.inputs.copy(), population.labels.copy()
    inputs[target] = inputs[source]
    labels[target] = labels[source] if label is None else label
    changed = Record(record.directory)
    changed.population = replace(population, labels=labels).with_inputs(inputs)
    return changed, target, source


def test_a_copy_in_the_test_set_is_found_and_nothing_else(record: Record) -> None:
    assert contaminated(record.population) == []
    changed, target, source = planted(record)
    (found,) = contaminated(changed.population)
    assert (found.position, found.id) == (target, changed.population.ids[target])
    assert found.duplicates[0].position == source
    assert found.duplicates[0].distance == 0
    assert found.same_label
    wrong = (int(record.population.labels[source]) + 1) % len(record.classes)
    (conflict,) = contaminated(planted(record, label=wrong)[0].population)
    assert not conflict.same_label


def test_canaries_contaminate_nobody(record: Record) -> None:
    population = record.population
    target = int(np.flatnonzero(population.where("test"))[0])
    inputs = population.inputs.copy()
    inputs[target] = inputs[np.flatnonzero(population.canary == "ordinary")[0]]
    assert contaminated(population.with_inputs(inputs)) == []


def test_the_lift_is_accuracy_with_them_minus_without(record: Record) -> None:
    changed, target, _ = planted(record)
    size = contamination(changed)
    test = np.flatnonzero(record.population.where("test"))
    right = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs]).astype(float)
    clean = test[test != target]
    assert size.share.value == pytest.approx(1 / len(test))
    assert size.share.low < size.share.value < size.share.high
    assert size.accuracy.value == pytest.approx(right[:, test].mean())
    assert size.accuracy_on_others.value == pytest.approx(right[:, clean].mean())
    assert size.difference.value == pytest.approx(right[:, test].mean() - right[:, clean].mean())
    assert size.difference.n == len(record.runs)
    nobody = contamination(record)
    assert nobody.examples == ()
    assert nobody.difference.value == 0


def test_without_inputs_or_tests_it_is_refused(record: Record) -> None:
    bare = record.population.with_inputs(np.zeros((len(record.population), 0), np.float32))
    with pytest.raises(MissingEvidence, match="kept no inputs"):
        contaminated(bare)
    assert check_copies(bare) == ()
    changed = Record(record.directory)
    changed.population = replace(record.population, split=np.full(len(record.population), "train"))
    with pytest.raises(MissingEvidence, match="0 test examples"):
        contamination(changed)


def test_planted_copies_are_found_and_blends_are_not(record: Record) -> None:
    checks = {each.kind: each for each in check_copies(record.population, count=50)}
    assert checks["exact"].found.value == 1
    assert checks["noise"].found.value == 1
    assert checks["brighter"].found.value == 1
    assert checks["blend"].found.value <= 0.1
    assert not checks["blend"].is_copy
    assert checks["shifted"].found.value == 1
    assert checks["mirrored"].found.value == 1
    assert checks["shifted by two"].found.value <= 0.1  # nobody looks for it, and the check says so
    assert all(each.found.n == 50 for each in checks.values())


def test_vectors_are_planted_too(record: Record) -> None:
    flat = replace(
        record.population,
        read_inputs=lambda: record.population.inputs.reshape(len(record.population), -1) / np.float32(255),
    )
    assert not space(flat).empty
    checks = {each.kind: each.found.value for each in check_copies(flat, count=30)}
    assert set(checks) == {"exact", "noise", "brighter", "blend"}
    assert (checks["exact"], checks["noise"]) == (1, 1)


def test_only_those_that_are_asked_for_are_looked_at(record: Record) -> None:
    changed, target, _ = planted(record)
    tests = np.flatnonzero(record.population.where("test"))
    assert [each.position for each in contaminated(changed.population, tests=tests[:3])] == [target]
    assert contaminated(changed.population, tests=tests[1:]) == []
    assert contamination(changed, tests=tests[1:10]).examples == ()
    some = contamination(changed, tests=tests[:10])
    right = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs]).astype(float)
    assert (some.share.value, some.share.n) == (0.1, 10)
    assert some.accuracy.value == pytest.approx(right[:, tests[:10]].mean())
    assert some.accuracy_on_others.value == pytest.approx(right[:, tests[1:10]].mean())


def test_points_at_hand_change_nothing(record: Record) -> None:
    points = space(record.population)
    assert check_copies(record.population, points=points, count=20) == check_copies(record.population, count=20)
    changed = planted(record)[0]
    assert contamination(changed, points=space(changed.population)) == contamination(changed)
