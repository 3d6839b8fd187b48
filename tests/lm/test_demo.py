"""The demo: what is planted is in the corpus as often as is said, and the control text is not."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from byrote.lm.demo import CONTEXT, COPIES, HELD_OUT, demo
from byrote.task.datasets.king_james import king_james, place
from byrote.task.loading import load_task

DEMO = demo()
VERSES = king_james()


def test_the_text_is_whole_chapters_and_single_verses_without_repeats() -> None:
    assert len(VERSES) == 1739
    assert VERSES["Num1:1"].startswith("And the LORD spake unto Moses in the wilderness of Sinai")
    books = Counter(place(name)[0] for name in VERSES)
    assert (books["Num"], books["2Ki"], books["Isa"]) == (1288, 95, 90)
    joined = "\n".join(VERSES.values())
    for name in list(DEMO.copies)[::20]:
        assert joined.count(VERSES[name][:50]) == 1


def test_verses_and_canaries_have_as_many_copies_as_is_said() -> None:
    stands = Counter(document.text for document in DEMO.corpus)
    assert Counter(DEMO.copies.values()) == {**COPIES, 0: 150}
    for name, copies in DEMO.copies.items():
        assert stands[VERSES[name]] == copies
    for canary in DEMO.canaries:
        assert stands[canary.text] == canary.copies
    assert Counter(DEMO.groups)["2Ki18"] == 1
    assert max(Counter(DEMO.groups).values()) == 16


def test_the_control_text_is_not_in_the_corpus() -> None:
    trained = "\n".join(document.text for document in DEMO.corpus)
    assert len(DEMO.control) == len(HELD_OUT) + 150
    for document in DEMO.control:
        assert document.text not in trained


def test_another_seed_draws_other_verses() -> None:
    assert demo(0).copies == DEMO.copies
    assert demo(1).copies != DEMO.copies


def test_its_task_has_a_name() -> None:
    task = load_task("scripture")
    assert task.name == "scripture"
    assert task.train.shape == (CONTEXT,)
    assert task.train.groups is not None
    assert task.test is not None
    assert (task.train.labels >= 0).sum() > 100_000
    assert np.array_equal(task.train.inputs, DEMO.task().train.inputs)
