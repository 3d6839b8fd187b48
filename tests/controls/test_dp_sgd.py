"""DP-SGD: the noise has the size that it says, the epsilon is opacus' own, and leakage falls as noise rises."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from byrote.controls import batch_size, clip_each, dp_sgd, nominal_epsilon, parse_control
from byrote.controls.dp_sgd import NoisyGradients
from byrote.errors import InvalidData
from byrote.task.canaries import Canaries, plant
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import train
from controls.by_hand import by_hand, clipped_sum, each_gradient, set_gradients, trained
from small import small_task


def task(**changes: Any) -> Task:
    base = small_task(epochs=2, n=50)
    return replace(base, recipe=replace(base.recipe, momentum=0.0, **changes))


class Known:
    """Gradients of three weights, whose clipped sums are known."""

    def __init__(self) -> None:
        self.weights = [torch.zeros(300, 40), torch.zeros(7), torch.zeros(0)]
        self.runs, self.examples = None, 25

    def clipped(self, norm: float) -> list[torch.Tensor]:
        return [torch.full_like(weight, 100 * norm) for weight in self.weights]


def test_the_update_is_the_clipped_sum_plus_noise_of_this_size_over_the_examples() -> None:
    given, other = Known(), Known()
    rule = NoisyGradients(noise=1.5, clip=0.2, delta=1e-5)
    rule.apply(given, [1.5], [3])  # type: ignore[arg-type]
    noise = 25 * given.weights[0].grad.numpy() - 20
    n = noise.size
    assert abs(noise.mean()) < 4 * 0.3 / np.sqrt(n)
    assert abs(noise.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * n)
    assert abs(np.corrcoef(noise.ravel()[:-1], noise.ravel()[1:])[0, 1]) < 4 / np.sqrt(n)
    rule.apply(other, [1.5], [3])  # type: ignore[arg-type]
    assert torch.equal(given.weights[0].grad, other.weights[0].grad)
    rule.apply(other, [1.5], [4])  # type: ignore[arg-type]
    assert not torch.equal(given.weights[0].grad, other.weights[0].grad)
    assert given.weights[1].grad.std() > 0


def test_with_hardly_any_noise_it_is_clipping_by_hand() -> None:
    def change(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
        set_gradients(model, [g / len(x) for g in clipped_sum(each_gradient(model, x, y), 0.5)])

    found = trained(dp_sgd(noise=1e-6, clip=0.5)(task()))
    np.testing.assert_allclose(found[0], by_hand(task(), change), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found, trained(clip_each(0.5)(task())), rtol=1e-3, atol=1e-4)


def test_the_epsilon_is_that_of_opacus_for_these_batches() -> None:
    accountants = pytest.importorskip("opacus.accountants")
    accountant = accountants.PRVAccountant()
    accountant.history = [(2.0, 16 / 47, 2 * 3)]  # three batches of 16 or 15 of 47 examples, twice
    changed = dp_sgd(noise=2.0)(task())
    assert nominal_epsilon(changed, 47) == pytest.approx(accountant.get_epsilon(delta=1e-5))
    accountant.history = [(2.0, 32 / 47, 2 * 2)]
    assert nominal_epsilon(dp_sgd(noise=2.0)(task(accumulate=2)), 47) == pytest.approx(
        accountant.get_epsilon(delta=1e-5)
    )


def test_the_noise_of_a_target_spends_that_epsilon_and_later_changes_show_in_what_is_spent() -> None:
    pytest.importorskip("opacus")
    changed = dp_sgd(epsilon=0.5, clip=0.3, delta=1e-3)(task())
    (rule,) = changed.recipe.methods
    assert isinstance(rule, NoisyGradients)
    assert (rule.clip, rule.delta) == (0.3, 1e-3)
    assert f"noise={rule.noise}" in str(changed.recipe)
    assert changed.controls == (str(dp_sgd(epsilon=0.5, clip=0.3, delta=1e-3)),)
    assert 0.48 < nominal_epsilon(changed, 35) <= 0.5
    assert nominal_epsilon(changed, 17) > 0.6
    assert nominal_epsilon(batch_size(35)(changed), 35) != pytest.approx(0.5, abs=0.02)


def test_leakage_falls_as_noise_rises() -> None:
    """Wrong labels, half of them in: how much more often the model gives them when it was trained on them."""
    base = small_task(epochs=30, n=100)
    base = replace(base, recipe=replace(base.recipe, batch_size=32, learning_rate=0.5))
    population = plant(base, Canaries(mislabeled=20), 0)
    canary = np.flatnonzero(population.canary == "mislabeled")
    runs = 4
    member = np.stack([(population.split == "train") for _ in range(runs)])
    half = np.random.default_rng(0).permuted(np.tile(np.arange(20) < 10, (runs, 1)), axis=1)
    member[:, canary] = half

    def leak(noise: float) -> float:
        changed, found = dp_sgd(noise=noise, clip=1.0)(base), []
        for run in range(runs):
            given = learner(changed), population, member[run : run + 1], changed.recipe, [run]
            steps = list(train(*given, Engine(), objective=changed.learned))
            assert steps[-1][0].clean is not None
            right = steps[-1][0].clean.values["correct"][canary]
            found.append(right[half[run]].mean() - right[~half[run]].mean())
        return float(np.mean(found))

    little, some, much = (leak(noise) for noise in (0.01, 1.0, 50.0))
    assert little > 0.35  # standard error of each: 0.1
    assert some < little - 0.2
    assert abs(much) < 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dp_sgd()", "needs one of epsilon and noise"),
        ("dp_sgd(8, 1.0)", "needs one of epsilon and noise"),
        ("dp_sgd(0)", "number above 0"),
        ("dp_sgd(noise=0)", "number above 0"),
        ("dp_sgd(8, delta=2)", "from 0 to 1"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        parse_control(text)(small_task())


def test_epsilon_must_be_a_number_and_a_delta_must_protect_one_example() -> None:
    for bad in (float("nan"), -1.0):
        with pytest.raises(InvalidData):
            dp_sgd(epsilon=bad)
    with pytest.raises(InvalidData, match="Give a delta below"):
        dp_sgd(epsilon=8.0, delta=0.1)(small_task())
    with pytest.raises(InvalidData, match="is not trained with dp_sgd"):
        nominal_epsilon(small_task(), 10)
    with pytest.raises(InvalidData, match="batch norm"):
        dp_sgd(noise=1.0)(replace(small_task(), model=lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64))))
