"""What differs between two manifests, in words that name what a user changed."""

from typing import Any

from byrote.training.differences import differences

TASK = {"source": "t.csv", "options": ["--label", "y", "--drop", "when"], "examples": "a" * 64, "model": "b" * 64}
MANIFEST = {"task": TASK, "seed": 0, "inputs": [1], "key": "x"}


def changed(**task: Any) -> list[str]:
    return differences(MANIFEST, {**MANIFEST, "task": {**TASK, **task}, "key": "y"})


def test_an_option_that_is_left_out_is_all_that_is_said() -> None:
    found = changed(options=["--label", "y", "--id", "no"], examples="c" * 64, model="d" * 64)
    assert found == [
        "it was made with --drop when, which is not given here",
        "it was made without --id no, which is given here",
    ]


def test_a_changed_file_is_called_one() -> None:
    (found,) = changed(examples="c" * 64, model="d" * 64)
    assert found.startswith("the data differ (rows, labels or inputs of t.csv changed since")


def test_long_settings_are_shown_where_they_differ() -> None:
    long = "x" * 100
    (found,) = differences({"design": f"{long}one"}, {"design": f"{long}two"})
    assert "one'" in found
    assert "two'" in found
    assert len(found) < 160
    assert differences({"seed": 0}, {"seed": 1}) == ["seed is 0 there and 1 here"]
