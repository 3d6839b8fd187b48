"""Subset: the same share of each class, nested, and drawn by the seed."""

from dataclasses import replace

import numpy as np
import pytest

from byrote.controls import drop, subset
from byrote.errors import InvalidData
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task
from small import small_task


def left(task: Task) -> set[str]:
    return set(task.train.ids.tolist()) - task.excluded


def test_each_class_keeps_its_share_and_one_example_at_least() -> None:
    base = small_task(n=200)
    labels = np.array(base.train.labels)
    labels[labels == 3] = 2
    labels[7] = 3
    task = subset(0.25)(replace(base, train=base.train.with_labels(labels)))
    kept = np.isin(task.train.ids, sorted(left(task)))
    for label, count in enumerate(np.bincount(labels)):
        assert (labels[kept] == label).sum() == max(1, round(0.25 * count))
    assert len(task.train) == 200
    assert task.train.ids.tolist() == base.train.ids.tolist()


def test_shares_are_nested_and_seeds_differ() -> None:
    base = small_task()
    quarter, half = left(subset(0.25)(base)), left(subset(0.5)(base))
    assert quarter < half
    assert left(subset(0.5)(base)) == half
    assert left(subset(0.5, seed=1)(base)) != half


def test_what_is_left_out_already_stays_out_and_does_not_count() -> None:
    base = small_task()
    first = subset(0.5)(base)
    second = subset(0.5, seed=3)(first)
    assert left(second) < left(first)
    assert abs(len(left(second)) - len(left(first)) / 2) <= 2
    assert second.controls == ("subset(share=0.5, seed=0)", "subset(share=0.5, seed=3)")


def test_a_regression_has_no_classes() -> None:
    rng = np.random.default_rng(0)
    fit = Fit(lambda train, seed: lambda inputs: np.zeros(len(inputs)))
    task = Task(fit, Examples(rng.normal(size=(50, 3)), rng.normal(size=50)), objective="regression")
    assert len(left(subset(0.3)(task))) == 15


def test_nothing_left_and_no_seed_are_refused() -> None:
    with pytest.raises(InvalidData, match="leaves no training example"):
        subset(0.0)
    with pytest.raises(InvalidData, match="from 0 to 1"):
        subset(1.5)
    with pytest.raises(InvalidData, match="whole number"):
        subset(0.5, seed=-1)
    with pytest.raises(InvalidData, match="drop would leave no training example of 'small'"):
        drop(small_task().train.ids)(small_task())
