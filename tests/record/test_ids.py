"""Ids of a record, made and taken apart."""

import pytest

from byrote.record import make_id, make_ids, name_of, split_of


@pytest.mark.parametrize("name", ["5", "cats/1.png", "", "train/5"])
def test_what_was_made_is_taken_apart_again(name: str) -> None:
    assert split_of(make_id("test", name)) == "test"
    assert name_of(make_id("test", name)) == name


def test_many_at_once_are_the_same() -> None:
    assert make_ids("train", [7, "x"]).tolist() == ["train/7", "train/x"]


def test_what_has_no_split_before_it_is_no_id_of_a_record() -> None:
    assert split_of("cats/1.png") == ""
