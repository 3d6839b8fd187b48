"""Which way of keeping a list is named, on ways written by hand."""

import numpy as np

from byrote.experiments.recalling.way import Change, Problem, Way
from byrote.findings.recalling import advise, as_good
from byrote.stats.estimate import Estimate


def share(value: float, half: float = 0.02) -> Estimate:
    return Estimate(value, value - half, value + half, 100, "answer")


def way(name: str, recall: float, new: float, seconds: float, **more: object) -> Way:
    update = Change(Estimate(seconds, seconds, seconds, 3, "run"), share(1))
    return Way(name, share(recall), name.startswith("memory"), new=share(new), update=update, **more)  # type: ignore[arg-type]


def problem(*ways: Way) -> Problem:
    return Problem("p", "about", "are recalled", "are right", ways)


def test_recall_decides_then_new_data_then_the_time_of_an_update() -> None:
    low, slow, quick = way("in w", 0.8, 0.95, 1e-9), way("memory a", 1, 0.9, 5.0), way("memory b", 1, 0.9, 0.1)
    worse = way("memory c", 1, 0.8, 0.001)
    found = advise(problem(low, slow, quick, worse))
    assert found.take is quick
    assert found.as_good == (slow,)
    assert found.rival is low
    assert advise(problem(way("in x", 1, 0.9, 5.0), low)).rival is None


def test_a_paired_difference_decides_where_each_answer_is_known() -> None:
    rng = np.random.default_rng(0)
    best = rng.random((4, 400)) < 0.9
    worse = best.copy()
    worse[:, :24] = False  # six points less, in every run
    one, other = share(float(worse.mean()), 0.1), share(float(best.mean()), 0.1)
    assert as_good(one, other)  # their intervals overlap
    assert not as_good(one, other, worse, best)
    assert as_good(share(0.895), share(0.9), worse, best)  # less than a point


def test_of_about_equally_quick_ways_the_steadiest_is_taken_whatever_the_clock_says() -> None:
    varied = {"noise": share(0.9), "shift": share(0.2)}, {"noise": share(0.85), "shift": share(0.6)}
    for factor in (0.5, 2.0):
        one = way("memory a", 1, 0.9, 1.0, varied=varied[0])
        other = way("memory b", 1, 0.9, factor, varied=varied[1])
        found = advise(problem(one, other))
        assert found.take is found.steadiest is other
        assert found.as_good == (one,)
    assert advise(problem(way("memory a", 1, 0.9, 1.0))).steadiest is None
