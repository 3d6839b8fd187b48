"""The supervisor names what went wrong, and is silent when nothing did."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.controls import hold
from byrote.controls.supervisor import forecast, judge
from byrote.task.signals import Reading

COUNTS = {"mislabeled/in": 100, "mislabeled/out": 100}


def readings(measured: list[float] | NDArray[np.float64]) -> list[Reading]:
    return [
        Reading(epoch, {"mislabeled/confidence_in": value, "mislabeled/confidence_out": 0.0}, COUNTS)
        for epoch, value in enumerate(measured, 1)
    ]


def kinds(
    measured: NDArray[np.float64], knob: NDArray[np.float64], losses: object = 0.4, verified: object = None
) -> list[str]:
    losses = np.broadcast_to(np.asarray(losses, np.float64), measured.shape)
    said = measured if verified is None else np.asarray(verified)
    return [event.kind for event in judge(hold(0.2, chance=2.3), readings(measured), knob, losses, said)]


def test_nothing_is_said_of_a_run_that_held() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        measured = 0.2 + rng.normal(0, 0.04, 30)
        assert kinds(measured, np.linspace(0, 0.6, 30), verified=measured + rng.normal(0, 0.05, 30)) == []


def test_a_target_out_of_reach_is_named_with_the_knob_and_the_value() -> None:
    measured, knob = np.full(20, 0.6), np.full(20, 0.9)
    (event,) = judge(hold(0.2, chance=2.3), readings(measured), knob, np.full(20, 0.4), measured)
    assert event.kind == "unreachable"
    assert event.epoch == 1
    assert "from epoch 1 on the knob was at its strongest value, 0.9, and memorization was 0.60" in event.sentence


def test_a_miss_that_only_the_verification_canaries_are_sure_of_is_named_too() -> None:
    measured, knob, losses = np.full(20, 0.28), np.full(20, 0.9), np.full(20, 0.4)
    given = hold(0.2, chance=2.3), readings(measured), knob, losses, measured
    assert judge(*given) == (), "less than two standard errors from the target"
    assert judge(*given, (0.15, 0.35)) == ()
    (event,) = judge(*given, (0.22, 0.35))
    assert event.kind == "unreachable"
    below = np.where(np.arange(20) == 17, 0.19, measured)
    assert judge(hold(0.2, chance=2.3), readings(below), knob, losses, measured, (0.22, 0.35)) == ()


def test_it_is_named_with_the_epoch_from_which_it_was_stuck() -> None:
    measured, knob = np.linspace(0.1, 0.7, 20), np.concatenate([np.linspace(0, 0.8, 12), np.full(8, 0.9)])
    (event,) = judge(hold(0.2), readings(measured), knob, np.full(20, 0.4), measured)
    assert (event.epoch, event.kind) == (13, "unreachable")


def test_a_model_that_has_just_begun_is_not_out_of_reach() -> None:
    measured, knob = (
        np.concatenate([np.full(12, 0.0), np.full(8, 0.6)]),
        np.concatenate([np.zeros(12), np.full(8, 0.3)]),
    )
    assert judge(hold(0.6), readings(measured), knob, np.full(20, 0.4), measured) == ()


def test_a_model_that_memorizes_too_little_is_out_of_reach_at_the_weak_end() -> None:
    measured, knob = np.full(20, 0.0), np.zeros(20)
    (event,) = judge(hold(0.6), readings(measured), knob, np.full(20, 0.4), measured)
    assert "weakest value" in event.sentence


def test_a_sensor_that_says_something_else_than_the_verification_is_named() -> None:
    assert kinds(np.full(20, 0.2), np.full(20, 0.1), verified=np.full(20, 0.9)) == ["sensor"]


def test_a_collapse_is_no_success() -> None:
    losses = np.concatenate([np.linspace(2.3, 0.5, 10), np.full(10, 2.31)])
    assert kinds(np.full(20, 0.2), np.full(20, 0.5), losses) == ["collapse"]
    assert kinds(np.full(20, 0.2), np.full(20, 0.5), np.full(20, 2.31)) == []  # it had not learned before either


def test_a_knob_that_swings_is_named() -> None:
    assert kinds(np.full(20, 0.2), np.tile([0.1, 0.6], 10)) == ["unsteady"]


def test_the_forecast_goes_on_as_in_the_last_epochs() -> None:
    assert forecast(np.array([0.1, 0.12, 0.14, 0.16, 0.18]), ahead=5) == pytest.approx(0.28)
    assert np.isnan(forecast(np.array([0.1, np.nan])))
