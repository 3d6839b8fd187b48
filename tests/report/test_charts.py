"""Charts: a legend tells all lines apart, and nothing but chance is dotted."""

from typing import Any

import numpy as np
import pytest
import vl_convert

from byrote.findings.score_agreement import ScoreAgreement, ScorePair
from byrote.findings.vocabulary import CLASSIFICATION
from byrote.report.charts import DASHES, DOTTED, curves, heat_map, operating_curve
from byrote.report.rows import Curve, CurvePoint, OperatingDot, agreement_cells, far_values, histogram_bars
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

ATTACKS = ("rmia", "loss", "calibrated_loss", "lira", "bavaria")


def encodings(spec: Any, channel: str) -> list[Any]:
    return [layer["encoding"][channel] for layer in spec["layer"] if channel in layer["encoding"]]


def test_the_legend_of_learning_curves_shows_which_lines_are_dashed() -> None:
    points = (CurvePoint(1, 0.5, 0.4, 0.6, 3), CurvePoint(2, 0.6, 0.5, 0.7, 3))
    found = [Curve(name, trained, "noise", points) for name, trained in (("trained on", True), ("left out", False))]
    spec = curves("c", found, {each.name: "red" for each in found}, CLASSIFICATION, description="d").spec
    (dash,) = encodings(spec, "strokeDash")
    colour = encodings(spec, "color")[0]
    assert dash["field"] == colour["field"] == "series", "one legend holds both"
    assert dash["legend"] == colour["legend"]
    assert dash["legend"]["symbolType"] == "stroke"
    assert dict(zip(dash["scale"]["domain"], dash["scale"]["range"], strict=True)) == {
        "trained on": [1, 0],
        "left out": [5, 4],
    }


def test_every_attack_has_a_line_of_its_own_and_chance_alone_is_dotted() -> None:
    dots = [OperatingDot(name, 0.1, 0.2, 0.1, 0.3, name == "rmia") for name in ATTACKS]
    spec = operating_curve("o", dots, lowest=0.01, description="d").spec
    patterns = encodings(spec, "strokeDash")[0]["scale"]["range"]
    assert len({tuple(pattern) for pattern in patterns}) == len(ATTACKS) <= len(DASHES)
    assert spec["layer"][0]["mark"]["strokeDash"] == DOTTED
    assert all(pattern == [1, 0] or pattern[0] >= 4 for pattern in patterns)


def test_far_values_are_left_out_of_a_histogram_and_counted() -> None:
    usual = np.linspace(-0.2, 0.4, 300)
    found = far_values(np.r_[usual, [50.0, -30.0, np.nan]])
    assert (found.count, found.far) == (2, 50.0)
    assert -2 < found.left < -0.2 < 0.4 < found.right < 2
    bars = histogram_bars(usual, 0.1, 302)
    assert sum(bar.count for bar in bars) == 300
    assert sum(bar.share for bar in bars) == pytest.approx(300 / 302)
    assert far_values(usual).count == 0
    assert far_values(np.array([0.0, 90.0])).count == 0


def test_an_agreement_that_is_not_defined_is_a_dash() -> None:
    nan = float("nan")
    pair = ScorePair("memorization", "csl", Estimate(nan, nan, nan, 9, "example"), NotMeasured("Nothing."))
    cells = agreement_cells(ScoreAgreement(("memorization", "csl"), (pair,), 1))
    assert {cell.rank_text for cell in cells if cell.rank is None} == {
        "not defined: all values of one of them are equal, or too few are known"
    }
    spec = heat_map("agreement", cells, ("memorization", "csl"), description="d").spec
    drawn = vl_convert.vegalite_to_svg({**spec, "width": 200})
    assert "null" not in drawn
    assert drawn.count(">\N{EN DASH}<") == 2
