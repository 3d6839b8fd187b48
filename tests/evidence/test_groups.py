"""Group memorization of a record: the groups of its task, or given ones."""

from pathlib import Path

import numpy as np
import pytest

from byrote.errors import InvalidData, MissingEvidence
from byrote.evidence.groups import memorized_groups
from byrote.scores import group_memorization
from byrote.task.designs import LeaveGroupOut
from written import written


def test_is_that_of_the_columns_of_the_record(tmp_path: Path) -> None:
    groups = list("aabbcc")
    member = LeaveGroupOut().membership([6], np.array(groups), 0)
    correct = np.random.default_rng(0).random(member.shape) < 0.5
    record = written(tmp_path, member, {"correct": correct}, groups=groups)
    found = memorized_groups(record, level=0.8)
    expected = group_memorization(correct, member, np.array(groups), level=0.8)
    np.testing.assert_array_equal(found.value, expected.value)
    np.testing.assert_array_equal(found.low, expected.low)
    assert found.runs_out.tolist() == [2, 2, 2]
    assert found.level == 0.8
    pairs = np.array(["x", "x", "y", "y", "", ""])
    assert memorized_groups(record, groups=pairs).names.tolist() == ["x", "y"]


def test_a_record_without_groups_and_one_with_another_number_are_refused(tmp_path: Path) -> None:
    member = np.eye(4, dtype=bool)
    record = written(tmp_path, member, {"correct": member})
    with pytest.raises(MissingEvidence, match=r"no example has one.*`groups`"):
        memorized_groups(record)
    with pytest.raises(InvalidData, match=r"3 groups .* 4 examples.*one name per example"):
        memorized_groups(record, groups=np.array(list("abc")))
