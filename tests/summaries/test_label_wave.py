"""Label Wave against a loop over steps and examples, a planted turn, and its interval."""

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.errors import Unsupported
from byrote.scores import prediction_changes
from byrote.summaries import label_wave
from byrote.summaries._first_minimum import first_minimum

Floats = NDArray[np.float64]


def _planted(share: list[float], n: int, seed: int = 0) -> Floats:
    """Predictions over ten classes of which this share changes from one step to the next."""
    rng = np.random.default_rng(seed)
    steps = [rng.integers(10, size=n)]
    for part in share:
        steps.append((steps[-1] + (rng.random(n) < part) * rng.integers(1, 10, n)) % 10)
    return np.stack(steps).astype(np.float64)


def _loop(seen: Floats) -> tuple[list[int], list[int]]:
    changed, compared = [0] * len(seen), [0] * len(seen)
    for history in seen.T:
        before = None
        for step, now in enumerate(history):
            if np.isnan(now):
                continue
            if before is not None:
                compared[step] += 1
                changed[step] += now != before
            before = now
    return changed, compared


@pytest.mark.parametrize("window", [1, 3])
def test_equals_the_loop(window: int) -> None:
    seen = _planted([0.5, 0.4, 0.2, 0.1, 0.3, 0.5], 60)
    seen[np.random.default_rng(1).random(seen.shape) < 0.2] = np.nan
    wave = label_wave(seen, window=window)
    changed, compared = _loop(seen)
    assert wave.changed.tolist() == changed
    assert wave.compared.tolist() == compared
    assert wave.changed.sum() == np.nansum(prediction_changes(seen))
    share = [c / n if n else np.nan for c, n in zip(changed, compared, strict=True)]
    expected = [np.mean(share[max(t - window + 1, 0) : t + 1]) for t in range(len(seen))]
    np.testing.assert_allclose(wave.smoothed[window:], expected[window:])
    assert np.isnan(wave.smoothed[:window]).all()


def test_finds_the_turn_and_is_sure_of_it() -> None:
    share = [0.9, 0.7, 0.5, 0.3, 0.1, 0.4, 0.6, 0.6]
    wave = label_wave(_planted(share, 4000), window=1)
    assert (wave.stop.value, wave.stop.low, wave.stop.high) == (6, 6, 6)  # between the fifth and the sixth step
    assert (wave.stop.n, wave.stop.unit) == (4000, "example")
    assert label_wave(_planted(share, 4000), window=3).stop.value == 7


def test_few_examples_leave_the_turn_open() -> None:
    share = [0.5, 0.4, 0.3, 0.25, 0.25, 0.3, 0.4]
    few, many = (label_wave(_planted(share, n, seed=4), window=1).stop for n in (30, 30000))
    assert few.low < few.high
    assert 4 <= many.low <= many.high <= 7


def test_what_never_rises_has_no_stop() -> None:
    wave = label_wave(_planted([0.9, 0.6, 0.3, 0.1], 5000), window=1)
    assert wave.stop.value == wave.stop.low == wave.stop.high == np.inf


def test_a_longer_schedule_repeats_the_beginning() -> None:
    seen = _planted([0.9, 0.5, 0.2, 0.6, 0.9, 0.1, 0.1], 500)
    assert label_wave(seen[:6], window=1).stop == label_wave(seen, window=1).stop


def test_the_seed_and_the_names_of_the_classes() -> None:
    seen = _planted([0.5, 0.4, 0.3, 0.3, 0.4, 0.4], 40)
    assert label_wave(seen).stop == label_wave(9 - seen).stop
    assert label_wave(seen, seed=1).stop.value == label_wave(seen, seed=2).stop.value


@pytest.mark.parametrize(("steps", "window"), [(4, 3), (2, 1), (9, 0)])
def test_too_few_steps_are_refused(steps: int, window: int) -> None:
    with pytest.raises(Unsupported, match=rf"window of {window}, .*{steps} steps.*two steps more"):
        label_wave(np.zeros((steps, 5)), window=window)


def test_no_example_and_none_that_was_presented() -> None:
    with pytest.raises(Unsupported, match="`prediction_seen` is empty"):
        label_wave(np.zeros((6, 0)))
    assert label_wave(np.full((6, 3), np.nan)).stop.value == np.inf


@pytest.mark.parametrize(
    ("series", "step"),
    [([3, 2, 1, 2, 0, 1], 3), ([3, 1, 1, 2], 2), ([1, 2], 1), ([2, 1], np.inf), ([], np.inf), ([5, 5, 5], np.inf)],
)
def test_first_minimum(series: list[float], step: float) -> None:
    assert first_minimum(np.array(series, float)) == step


def test_first_minimum_passes_over_what_is_missing() -> None:
    assert first_minimum(np.array([np.nan, 3, np.nan, 1, 2])) == 4
