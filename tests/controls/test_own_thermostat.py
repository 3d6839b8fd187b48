"""The thermostat in a loop of one's own does what the control does within byrote."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from byrote import Thermostat, wrong_labels
from byrote.controls import hold
from byrote.errors import InvalidData
from byrote.task.signals import Signals


def test_wrong_labels_are_wrong_and_split_at_random() -> None:
    labels = np.random.default_rng(0).integers(0, 5, 1000)
    planted = wrong_labels(labels, 200, seed=1)
    parts = [planted.read_in, planted.read_out, planted.verify_in, planted.verify_out]
    chosen = np.concatenate(parts)
    assert [len(part) for part in parts] == [50] * 4
    assert len(set(chosen.tolist())) == 200
    assert (planted.labels[chosen] != labels[chosen]).all()
    rest = np.setdiff1d(np.arange(1000), chosen)
    np.testing.assert_array_equal(planted.labels[rest], labels[rest])
    np.testing.assert_array_equal(planted.left_out, np.sort(np.concatenate([planted.read_out, planted.verify_out])))
    assert set(planted.labels.tolist()) <= set(range(5))


def test_it_is_the_controller_of_the_control() -> None:
    values: list[float] = []
    thermostat = Thermostat(0.2, values.append, chance=2.3)
    for epoch, inside in enumerate((0.1, 0.3, 0.6, 0.7), 1):
        thermostat.step(np.full(9, inside), np.full(5, 0.05), epoch=epoch, loss=0.5)
    assert values[0] == 0.0
    assert values[-1] == thermostat.value == hold(0.2, chance=2.3)(Signals(0.0, readings=thermostat.readings))
    np.testing.assert_allclose(thermostat.memorization, [0.05, 0.25, 0.55, 0.65])


def test_it_holds_memorization_of_a_real_model() -> None:
    """Fifty noisy patterns of four classes; without the thermostat the wrong labels are learned by heart."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 1200)
    inputs = torch.from_numpy(np.eye(4)[labels] @ rng.normal(size=(4, 60)) + rng.normal(0, 1.2, (1200, 60))).float()
    planted = wrong_labels(labels, 320)
    targets, kept = torch.from_numpy(planted.labels), np.setdiff1d(np.arange(1200), planted.left_out)

    def course(target: float | None) -> list[float]:
        torch.manual_seed(0)
        drop = nn.Dropout(0.0)
        model = nn.Sequential(nn.Linear(60, 256), nn.ReLU(), drop, nn.Linear(256, 4))
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)

        def probabilities(which: np.ndarray) -> torch.Tensor:
            with torch.no_grad():
                return model.eval()(inputs[which]).softmax(1)[range(len(which)), targets[which]]

        own = (
            None if target is None else Thermostat(target, lambda value: setattr(drop, "p", value), chance=math.log(4))
        )
        found = []
        for epoch in range(1, 61):
            model.train()
            for batch in np.array_split(rng.permutation(kept), 16):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
                optimizer.step()
            if own is not None:
                own.step(probabilities(planted.read_in), probabilities(planted.read_out), epoch=epoch)
            found.append(float(probabilities(planted.verify_in).mean() - probabilities(planted.verify_out).mean()))
        return found

    assert np.mean(course(None)[-10:]) > 0.85
    assert abs(np.mean(course(0.3)[-10:]) - 0.3) < 0.12  # 80 and 80 canaries: a standard error of about .05


@pytest.mark.parametrize(
    ("given", "words"),
    [([1.2], "from 0 to 1"), ([[0.1]], r"shape \(1, 1\)"), ([], "one each"), ([float("nan")], "from 0 to 1")],
)
def test_what_is_no_probability_is_refused(given: list, words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        Thermostat(0.2, lambda _: None).step(given, [0.1], epoch=1)


def test_time_must_go_on() -> None:
    thermostat = Thermostat(0.2, lambda _: None)
    thermostat.step([0.1], [0.1], epoch=1)
    with pytest.raises(InvalidData, match=r"Epoch 1 does not come after 1\.0"):
        thermostat.step([0.1], [0.1], epoch=1)


def test_too_many_wrong_labels_are_refused() -> None:
    with pytest.raises(InvalidData, match="Give from 8 to 50"):
        wrong_labels(np.arange(100) % 3, 60)
