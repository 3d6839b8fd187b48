"""The controller: a pure function of readings that holds a simulated plant, does not wind up, and lets go of a dead model."""

from collections.abc import Callable

import numpy as np
import pytest

from byrote.controls import hold, parse_control
from byrote.errors import InvalidData
from byrote.task.signals import Reading, Signals

EPOCHS = 60


def reading(epoch: float, measured: float, loss: float = 0.5) -> Reading:
    return Reading(epoch, {"mislabeled/confidence_in": measured + 0.02, "mislabeled/confidence_out": 0.02}, {}, loss)


def plant(controller: hold, noise: float = 0.0, speed: float = 0.12, disturbed: Callable[[int], float] = lambda _: 0.0):
    """Return memorization by half epoch: it fills up at a rate that falls with the knob, and the knob drains it."""
    rng, level, readings, course = np.random.default_rng(0), 0.0, (), []
    for half in range(1, 2 * EPOCHS + 1):
        knob = controller(Signals(0.0, readings=readings))
        level += 0.5 * (speed * (1 - knob) ** 2 * (1 - level) - 0.35 * knob**3 * level) + disturbed(half)
        level = float(np.clip(level, 0, 1))
        readings = (*readings, reading(half / 2, float(np.clip(level + rng.normal(0, noise), -0.02, 0.98))))
        course.append((level, knob))
    return np.array(course), readings


@pytest.mark.parametrize("target", [0.1, 0.2, 0.4, 0.6, 0.8])
def test_it_holds_a_filling_plant_at_the_target(target: float) -> None:
    course, _ = plant(hold(target, chance=2.3), noise=0.02)
    assert abs(course[-20:, 0].mean() - target) < 0.02
    assert course[:, 0].max() < target + 0.15


def test_without_a_controller_the_plant_fills_up() -> None:
    course, _ = plant(hold(0.2, most=1e-9))
    assert course[-1, 0] > 0.9


def test_it_returns_after_a_disturbance() -> None:
    course, _ = plant(hold(0.3), disturbed=lambda half: 0.4 if half == 70 else 0.0)
    assert course[70, 0] > 0.55
    assert abs(course[-10:, 0].mean() - 0.3) < 0.03


def test_the_effort_stays_within_bounds_and_does_not_wind_up() -> None:
    """Long out of reach, then within reach again: the knob leaves its end at once (StyleGAN2-ADA's rule ran away instead)."""
    controller = hold(0.5)
    high = [reading(epoch, 0.95) for epoch in range(1, 200)]
    made = controller.decisions(high)
    assert max(each.effort for each in made) == 1.0
    low = [*high, *(reading(epoch, 0.1) for epoch in range(200, 206))]
    efforts = [each.effort for each in controller.decisions(low)[199:]]
    assert efforts[-1] < 0.3


def test_the_change_per_epoch_is_bounded() -> None:
    controller = hold(0.0, slew=0.2)
    efforts = [each.effort for each in controller.decisions([reading(0.5 * k, 1.0) for k in range(1, 8)])]
    np.testing.assert_allclose(np.diff([0.0, *efforts]), np.minimum(0.1, 1 - np.array([0.0, *efforts[:-1]])))


def test_velocity_form_by_hand() -> None:
    controller = hold(0.2, gain=2.0, integral=0.5, slew=100.0, ahead=0.0)
    made = controller.decisions([reading(1, 0.3), reading(2, 0.5)])
    first = 0.5 * (0.3 - 0.2)
    assert made[0].effort == pytest.approx(first)
    smoothed = 0.3 + 0.5 * (0.5 - 0.3)
    assert made[1].smoothed == pytest.approx(smoothed)
    assert made[1].effort == pytest.approx(first + 2.0 * (smoothed - 0.3) + 0.5 * (smoothed - 0.2))


def test_it_lets_go_of_a_network_that_learns_nothing() -> None:
    controller = hold(0.2, chance=2.3, start=0.9)
    gone = [reading(epoch, 0.25, loss=2.3) for epoch in range(1, 4)]
    fine = [reading(epoch, 0.25, loss=0.4) for epoch in range(1, 4)]
    assert controller.decisions(gone)[0].collapsed
    assert controller.decisions(gone)[-1].effort < controller.decisions(fine)[-1].effort - 0.5


def test_a_cap_never_lets_go_beyond_its_start_and_a_floor_never_brakes_beyond_it() -> None:
    low, high = [reading(k, 0.0) for k in range(1, 20)], [reading(k, 0.9) for k in range(1, 20)]
    assert hold(0.5, mode="cap", start=0.3).decisions(low)[-1].effort == 0.3
    assert hold(0.5, mode="cap", start=0.3).decisions(high)[-1].effort == 1.0
    assert hold(0.5, mode="floor", start=0.6).decisions(low)[-1].effort == 0.0
    assert hold(0.5, mode="floor", start=0.6).decisions(high)[-1].effort == 0.6


def test_a_ramp_asks_for_less_at_first() -> None:
    same = [reading(epoch, 0.2) for epoch in range(1, 5)]
    assert hold(0.4, ramp=20.0).decisions(same)[-1].effort > hold(0.4).decisions(same)[-1].effort == 0.0


def test_the_knob_spans_its_range_on_either_scale() -> None:
    assert [hold(0.1, most=0.6).knob(u) for u in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 0.3, 0.6])
    log = hold(0.1, least=1e-4, most=1e-2, scale="log")
    assert [log.knob(u) for u in (0.0, 0.5, 1.0)] == pytest.approx([1e-4, 1e-3, 1e-2])


def test_its_text_is_its_identity_within_a_control() -> None:
    control = parse_control("dropout(hold(0.2, kind='ordinary', mode='cap'))")
    assert str(control) == "dropout(rate=hold(target=0.2, kind='ordinary', mode='cap'))"
    assert parse_control(str(control)) == control


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"target": 1.2}, "cannot be held at 1.2"),
        ({"target": 0.2, "mode": "clamp"}, "no mode named 'clamp'"),
        ({"target": 0.2, "start": 2.0}, "start=2.0"),
        ({"target": 0.2, "most": 0.0}, "cannot go from"),
        ({"target": 0.2, "scale": "log"}, "cannot go from"),
        ({"target": 0.2, "gain": -1.0}, "gain=-1.0"),
    ],
)
def test_settings_that_cannot_control_are_refused(bad: dict, words: str) -> None:
    with pytest.raises(Exception, match=words):
        hold(**bad)


def test_readings_without_the_kind_are_named() -> None:
    with pytest.raises(InvalidData, match="reads noise canaries that are in the training set"):
        hold(0.2, kind="noise").decisions([reading(1, 0.1)])


def test_the_error_is_a_bound_on_that_of_means_of_probabilities() -> None:
    """The worst case are probabilities of 0 and 1: then the bound is exact."""
    counts = {"mislabeled/in": 50, "mislabeled/out": 80}
    given = Reading(1.0, {"mislabeled/confidence_in": 0.3, "mislabeled/confidence_out": 0.05}, counts)
    draws = np.random.default_rng(0)
    means = draws.binomial(50, 0.3, 20_000) / 50 - draws.binomial(80, 0.05, 20_000) / 80
    assert hold(0.2).error(given) == pytest.approx(means.std(), rel=0.03)
    assert hold(0.2).error(reading(1, 0.2)) == float("inf")  # nothing is known of how many there are
