import numpy as np
import pytest

from byrote.experiments.twins import Twins
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import Subsets, Together
from byrote.task.task import Task
from small import small_task

CANARIES = Canaries(mislabeled=12, ordinary=8)


@pytest.fixture(scope="module")
def task() -> Task:
    return small_task(n=240)


@pytest.fixture(scope="module")
def twins(task: Task) -> Twins:
    return Twins.of(task, CANARIES, 3, 0.1)


def test_pairs_are_of_one_class_and_none_is_a_canary(task: Task, twins: Twins) -> None:
    both = np.concatenate([twins.originals, twins.copies])
    assert len(np.unique(both)) == len(both)
    assert (task.train.labels[twins.originals] == task.train.labels[twins.copies]).all()
    source = plant(task, CANARIES, 3).source
    planted = {name.removeprefix("train/") for name in source.tolist() if name}
    assert len(planted) == 20
    assert not planted & set(task.train.ids[both].tolist())
    assert len(both) >= 220 - 4, "at most one example of each class has no partner"


def test_shares_are_nested_stratified_and_leave_out_whole_pairs(task: Task, twins: Twins) -> None:
    quarter, half = (twins.left(task, share) for share in (0.25, 0.5))
    assert half.excluded < quarter.excluded
    assert (half.train.ids == task.train.ids).all()
    out = np.isin(task.train.ids, sorted(half.excluded))
    assert (out[twins.originals] == out[twins.copies]).all()
    assert abs(out.sum() - 110) <= 2
    for label in range(4):
        of_class = task.train.labels[twins.originals] == label
        assert abs(out[twins.originals][of_class].mean() - 0.5) < 0.06
    assert not twins.left(task, 1.0).excluded


def test_copies_take_the_place_of_others_and_stay_with_their_originals(task: Task, twins: Twins) -> None:
    copied = twins.copied(task)
    assert (copied.train.ids == task.train.ids).all()
    np.testing.assert_array_equal(copied.train.inputs[twins.copies], task.train.inputs[twins.originals])
    rest = np.setdiff1d(np.arange(240), twins.copies)
    np.testing.assert_array_equal(copied.train.inputs[rest], task.train.inputs[rest])
    assert copied.train.groups is not None
    member = Together().membership([6], copied.train.groups, 0)
    assert (member[:, twins.originals] == member[:, twins.copies]).all()
    plain = Subsets(0.7).membership([6], copied.train.groups, 0)
    np.testing.assert_array_equal(member[:, rest], plain[:, rest])


def test_canaries_are_the_same_in_all_arms(task: Task, twins: Twins) -> None:
    plain = plant(task, CANARIES, 3)
    at = plain.split == "canary"
    for changed in (
        twins.copied(task),
        twins.mislabeled(task),
        twins.left(task, 0.5),
        twins.copied(twins.mislabeled(task)),
    ):
        population = plant(changed, CANARIES, 3)
        assert (population.ids == plain.ids).all()
        np.testing.assert_array_equal(population.labels[at], plain.labels[at])
        np.testing.assert_array_equal(population.inputs[at], plain.inputs[at])


def test_wrong_labels_are_wrong_and_as_many_as_asked_for(task: Task, twins: Twins) -> None:
    wrong = np.flatnonzero(twins.mislabeled(task).train.labels != task.train.labels)
    np.testing.assert_array_equal(wrong, twins.noisy)
    assert len(wrong) == 22


def test_untouched_examples_are_the_same_in_all_arms(task: Task, twins: Twins) -> None:
    same = np.isin(task.train.ids, twins.counted(task, copies=True, noise=True))
    assert 90 < same.sum() < 130
    for changed in (twins.copied(task), twins.mislabeled(task), twins.copied(twins.mislabeled(task))):
        if changed.train.labels is not task.train.labels:
            np.testing.assert_array_equal(changed.train.labels[same], task.train.labels[same])
        np.testing.assert_array_equal(changed.train.inputs[same], task.train.inputs[same])
    assert len(twins.counted(task, copies=False, noise=False)) == 240
    assert len(twins.counted(task, copies=False, noise=True)) == 240 - 22
