"""Scores over steps: each against a loop over one history, laws between them, and bad histories."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

import laws
from byrote.errors import MissingEvidence
from byrote.scores import (
    csg,
    csl,
    cumulative_el2n,
    first_learned,
    forgetting,
    learning_time,
    loss_iqr,
    prediction_changes,
    second_split_forgetting,
    sgal,
)
from byrote.signature import Score

Floats = NDArray[np.float64]


def _presented(history: Floats) -> list[float]:
    return [value for value in history.tolist() if not np.isnan(value)]


def _first_learned(history: Floats) -> float:
    if not _presented(history):
        return np.nan
    return next((step for step, value in enumerate(history, start=1) if value == 1), np.inf)


def _changes(history: Floats) -> float:
    seen = _presented(history)
    return sum(a != b for a, b in pairwise(seen)) if seen else np.nan


def _second_split(history: Floats) -> float:
    if history[0] != 1 or not _presented(history[1:]):
        return np.nan
    for step in range(1, len(history)):
        rest = _presented(history[step:])
        if history[step] == 0 and not any(rest):
            return step
    return np.inf


def _iqr(history: Floats) -> float:
    seen = _presented(history)
    return float(np.subtract(*np.percentile(seen, [75, 25]))) if seen else np.nan


def _mean(history: Floats) -> float:
    seen = _presented(history)
    return sum(seen) / len(seen) if seen else np.nan


def _total(history: Floats) -> float:
    return sum(_presented(history)) if _presented(history) else np.nan


def _squares(history: Floats) -> float:
    return sum(v * v for v in _presented(history)) if _presented(history) else np.nan


ORACLES: list[tuple[Score, Callable[[Floats], float], list[float] | None]] = [
    (first_learned, _first_learned, [0.0, 1.0, np.nan]),
    (prediction_changes, _changes, [0.0, 1.0, 2.0, np.nan]),
    (second_split_forgetting, _second_split, [0.0, 1.0, 1.0, np.nan]),
    (loss_iqr, _iqr, None),
    (cumulative_el2n, _mean, None),
    (sgal, _total, None),
    (csg, _squares, None),
]
IDS = [score.name for score, *_ in ORACLES]
SKIPS_GAPS = [case for case in ORACLES if case[0] not in (first_learned, second_split_forgetting)]


def _histories(steps: int, values: list[float] | None) -> Floats:
    rng = np.random.default_rng(steps)
    drawn = rng.exponential(size=(steps, 300)) if values is None else rng.choice(values, size=(steps, 300))
    if values is None:
        drawn[rng.random(drawn.shape) < 0.3] = np.nan
    return drawn


@pytest.mark.parametrize("steps", [1, 2, 3, 9])
@pytest.mark.parametrize(("score", "oracle", "values"), ORACLES, ids=IDS)
def test_equals_the_loop(
    score: Score, oracle: Callable[[Floats], float], values: list[float] | None, steps: int
) -> None:
    histories = _histories(steps, values)
    histories[:, 0] = np.nan
    expected = [oracle(history) for history in histories.T]
    assert np.isnan(expected).any()
    np.testing.assert_allclose(score(histories), expected, rtol=1e-12, atol=1e-15)
    single = histories.astype(np.float32)
    np.testing.assert_allclose(score(single), [oracle(h.astype(np.float64)) for h in single.T], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("score", "oracle", "values"), SKIPS_GAPS, ids=[case[0].name for case in SKIPS_GAPS])
def test_a_missing_step_changes_nothing(score: Score, oracle: object, values: list[float] | None) -> None:
    histories = _histories(7, values)
    padded = np.insert(histories, [0, 3, 7], np.nan, axis=0)
    np.testing.assert_allclose(score(padded), score(histories), rtol=1e-12)


@pytest.mark.parametrize(("score", "oracle", "values"), ORACLES, ids=IDS)
def test_no_step_and_no_example(score: Score, oracle: object, values: object) -> None:
    np.testing.assert_array_equal(score(np.zeros((0, 3))), [np.nan] * 3)
    assert score(np.zeros((4, 0))).shape == (0,)


def test_first_learned_is_at_most_learning_time_and_equal_where_nothing_is_forgotten() -> None:
    seen = _histories(9, [0.0, 1.0])
    first, time, events = first_learned(seen), learning_time(seen), forgetting(seen)
    assert (first <= time).all()
    np.testing.assert_array_equal(first[events == 0], time[events == 0])
    assert (events == 0).sum() > 3


def test_forgetting_changes_the_prediction() -> None:
    """With two classes each forgetting event is a change, and between two of them there is another."""
    seen = _histories(9, [0.0, 1.0])
    learned = (seen == 1).any(axis=0)
    assert (prediction_changes(seen) >= 2 * forgetting(seen) - 1)[learned].all()


def test_a_mislabeled_example_that_is_always_taken_for_what_it_is_never_changes() -> None:
    assert prediction_changes(np.full((5, 1), 3.0)).tolist() == [0]
    np.testing.assert_array_equal(prediction_changes(np.array([[np.nan, 1.0], [2.0, np.nan]])), [0, 0])


def test_prediction_changes_do_not_depend_on_the_names_of_the_classes() -> None:
    seen = _histories(9, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(
        prediction_changes(np.array([7.0, 4.0, 0.0])[seen.astype(int)]), prediction_changes(seen)
    )


def test_second_split_forgetting_counts_steps_since_the_start() -> None:
    lost_at_once, lost_later, slipped, kept, never, unseen = (
        [1, 0, 0, 0],
        [1, 1, np.nan, 0],
        [1, 0, 1, 1],
        [1, 1, 1, 1],
        [0, 0, 1, 0],
        [1, np.nan, np.nan, np.nan],
    )
    traces = np.array([lost_at_once, lost_later, slipped, kept, never, unseen], float).T
    np.testing.assert_array_equal(second_split_forgetting(traces), [1, 3, np.inf, np.inf, np.nan, np.nan])
    assert second_split_forgetting.high == "easy"


def test_loss_iqr_is_highest_for_what_is_fitted_late() -> None:
    steps = np.arange(20)
    easy, late, never = np.where(steps < 2, 2.0, 0.0), np.where(steps < 10, 4.0, 0.0), np.full(20, 4.0)
    np.testing.assert_array_equal(loss_iqr(np.stack([easy, late, never], axis=1)), [0, 4, 0])


def test_loss_iqr_of_a_run_that_diverged() -> None:
    inf = np.inf
    losses = np.array([[1.0, inf, 1.0], [1.0, inf, 2.0], [1.0, inf, 3.0], [inf, inf, inf], [inf, 1.0, np.nan]])
    np.testing.assert_array_equal(loss_iqr(losses), [inf, np.nan, inf])


def test_loss_iqr_moves_with_the_scale_and_not_with_a_shift() -> None:
    losses = _histories(9, None)
    np.testing.assert_allclose(loss_iqr(3 * losses + 5), 3 * loss_iqr(losses), rtol=1e-12, atol=1e-12)


def test_sgal_of_all_steps_is_csl_and_until_reads_the_first() -> None:
    losses = _histories(9, None)
    np.testing.assert_array_equal(sgal(losses), csl(losses))
    np.testing.assert_array_equal(sgal(losses, until=4), csl(losses[:4]))
    np.testing.assert_array_equal(cumulative_el2n(losses, until=4), cumulative_el2n(losses[:4]))
    np.testing.assert_array_equal(csg(losses, until=4), csg(losses[:4]))
    assert str(sgal.bind(until=4)) == "sgal(until=4)"


@pytest.mark.parametrize("score", [sgal, cumulative_el2n, csg], ids=lambda score: score.name)
@pytest.mark.parametrize("until", [0, -1, 10])
def test_steps_that_are_not_there_are_refused(score: Score, until: int) -> None:
    with pytest.raises(MissingEvidence, match=rf"until={until}, .* 9 steps.*from 1 to 9"):
        score(_histories(9, None), until=until)


def test_csg_of_inputs_ten_times_as_large_is_a_hundredth() -> None:
    gradient = _histories(9, None)
    np.testing.assert_allclose(csg(gradient / 10), csg(gradient) / 100, rtol=1e-12)


def test_csg_obeys_the_laws() -> None:
    laws.relabelling_examples_permutes_the_result(csg)
    laws.the_hard_rank_first(csg)
    assert [str(need) for need in csg.needs] == ["input_gradient[step example]"]
