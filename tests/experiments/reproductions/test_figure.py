"""Verdicts: an assertion can hold, fail, or be left open, and a figure says so."""

import math

import pytest

from byrote.errors import InvalidData
from byrote.experiments.reproductions.figure import Assertion, Figure, spelled, verdict
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured


def estimate(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 5, "seeds")


@pytest.mark.parametrize(
    ("low", "high", "least", "most", "outcome"),
    [
        (0.1, 0.3, 0.0, math.inf, "holds"),
        (-0.1, 0.3, 0.0, math.inf, "not shown"),
        (-0.3, -0.1, 0.0, math.inf, "does not hold"),
        (0.9, 1.1, 0.8, 1.25, "holds"),
        (0.9, 1.3, 0.8, 1.25, "not shown"),
        (1.6, 1.9, 0.8, 1.25, "does not hold"),
        (math.nan, math.nan, 0.0, math.inf, "not shown"),
        (0.0, 0.3, 0.0, math.inf, "not shown"),
        (-0.3, 0.0, 0.0, math.inf, "does not hold"),
    ],
)
def test_an_outcome_follows_from_the_whole_interval(
    low: float, high: float, least: float, most: float, outcome: str
) -> None:
    assert Assertion("x", estimate(low, high), least, most).outcome == outcome


def test_a_bound_that_may_be_reached_is_within() -> None:
    exactly = Estimate(1.0, 1.0, 1.0, 3, "seeds")
    assert Assertion("all fitted", exactly, least=1.0, strict=False).outcome == "holds"
    assert Assertion("all fitted", exactly, least=1.0).outcome == "does not hold"


def test_the_verdict_of_a_figure() -> None:
    yes, no, open_ = (Assertion("x", estimate(*ends), least=0) for ends in ((1, 2), (-2, -1), (-1, 1)))
    assert verdict([yes, yes]) == "holds"
    assert verdict([yes, no]) == verdict([yes, open_]) == "partly"
    assert verdict([no, open_]) == "does not hold"
    assert verdict([open_]) == "not shown"
    with pytest.raises(InvalidData, match="no verdict"):
        verdict([])
    missing = Figure("p", "figure 1", "t", "c", (), (), "d", missing=NotMeasured("No data."))
    assert missing.verdict == "not measured"
    assert "No data." in missing.sentences()[-1]


def test_an_assertion_without_a_bound_is_refused() -> None:
    with pytest.raises(InvalidData, match="could not fail"):
        Assertion("x", estimate(0, 1))


def test_numbers_are_spelled_with_their_interval() -> None:
    assert spelled(estimate(0.1, 0.3)) == "0.200 [0.100, 0.300]"
    assert spelled(Estimate(2e-6, 2e-6, 2e-6, 1, "x")) == "2.0e-06"
    assert spelled(Estimate(0.0, 0.0, 0.0, 1, "x")) == "0"
    assert "must be above 0; paper" not in str(Assertion("x", estimate(1, 2), least=0))
    assert str(Assertion("x", estimate(1, 2), least=0, paper="3")).endswith("must be above 0); paper: 3")
