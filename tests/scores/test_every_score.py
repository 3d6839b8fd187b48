"""One suite over every score in SCORES."""

import numpy as np
import pytest

import laws
from byrote.errors import ByroteError, InvalidData
from byrote.scores import SCORES
from byrote.signature import AXES, Score
from cases import columns

ALL = [pytest.param(score, id=score.name) for score in SCORES.values()]
ACROSS_RUNS = [case for case in ALL if "run" in case.values[0].axes]
RANKING = [case for case in ALL if case.values[0].high not in ("helps", "member")]
ATTACKS = [case for case in ALL if case.values[0].high == "member"]
WITH_INTERVAL = [case for case in ALL if case.values[0].interval]


@pytest.mark.parametrize("score", ALL)
def test_relabelling_examples_permutes_the_result(score: Score) -> None:
    laws.relabelling_examples_permutes_the_result(score)


@pytest.mark.parametrize("score", ACROSS_RUNS)
def test_runs_have_no_order(score: Score) -> None:
    laws.runs_have_no_order(score)


@pytest.mark.parametrize("score", RANKING)
def test_the_hard_rank_first(score: Score) -> None:
    laws.the_hard_rank_first(score)


@pytest.mark.parametrize("score", ATTACKS)
def test_members_rank_first(score: Score) -> None:
    assert score.key == ("run", "example")
    laws.members_rank_first(score)


@pytest.mark.parametrize("score", WITH_INTERVAL)
def test_the_interval_holds_the_value(score: Score) -> None:
    laws.the_interval_holds_the_value(score)


@pytest.mark.parametrize("score", ALL)
def test_says_what_it_is(score: Score) -> None:
    assert SCORES[score.name] is score
    assert score.summary.endswith(".")
    assert any(str(year) in score.source for year in range(2018, 2027))
    assert set(score.key) <= set(AXES)
    assert score.axes <= set(AXES)
    assert not score.defaults.keys() & {need.column for need in score.needs}


@pytest.mark.parametrize("score", ALL)
def test_unknown_option_is_refused(score: Score) -> None:
    with pytest.raises(ByroteError, match=rf"{score.name} .*'steps'.*options: "):
        score.bind(steps=3)


@pytest.mark.parametrize("score", ALL)
def test_wrong_axes_are_refused(score: Score) -> None:
    arguments = [np.expand_dims(column, 0) for column in columns(score)]
    with pytest.raises(InvalidData, match=rf"{score.name}: `{score.needs[0].column}` has the shape"):
        score(*arguments)


@pytest.mark.parametrize("score", ALL)
def test_wrong_kind_is_refused(score: Score) -> None:
    arguments = [column.astype(str) for column in columns(score)]
    with pytest.raises(InvalidData, match=rf"{score.name}: `{score.needs[0].column}` is an array of <U"):
        score(*arguments)


def test_causal_intervals_exist() -> None:
    assert {case.values[0].name for case in WITH_INTERVAL} == {
        "memorization",
        "shrunk_memorization",
        "soft_memorization",
        "counterfactual",
        "influence",
        "soft_influence",
        "c_score",
    }
