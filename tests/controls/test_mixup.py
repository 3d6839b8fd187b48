"""Mixup against the authors' loss: share * own + (1 - share) * partner's, whether weights, runs or parts are several."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from byrote.controls import mixup
from byrote.errors import InvalidData
from byrote.record import Population
from byrote.task.canaries import Canaries, plant
from byrote.task.recipe import Recipe
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import train
from controls.tasks import table_task, text_task


def test_inputs_and_shares_are_mixed_alike() -> None:
    x = torch.randn(10, 3)
    mixed, partner, share = mixup(1.0).mix({"a": x, "b": 2 * x}, 1.0, 5)
    assert sorted(partner.tolist()) == list(range(10))
    assert len(set(share.tolist())) == 1
    for i in range(10):
        expected = share[i] * x[i] + (1 - share[i]) * x[partner[i]]
        torch.testing.assert_close(mixed["a"][i], expected)
        torch.testing.assert_close(mixed["b"][i], 2 * expected)
    again = mixup(1.0).mix(x, 1.0, 5)
    assert torch.equal(again[0], mixed["a"])
    assert not torch.equal(mixup(1.0).mix(x, 1.0, 6)[0], mixed["a"])


@pytest.mark.parametrize("alpha", [0.3, 1.0, 5.0])
def test_the_share_is_drawn_from_beta(alpha: float) -> None:
    shares = [mixup(alpha).mix(torch.zeros(1, 1), alpha, seed)[2].item() for seed in range(300)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_at_alpha_0_nothing_is_mixed() -> None:
    x = torch.randn(10, 3)
    mixed, _, share = mixup(1.0).mix(x, 0.0, 5)
    assert torch.equal(mixed, x)
    assert (share == 1).all()


def test_one_update_is_that_of_the_authors_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient of one plain step from the same weights, computed by hand from the batch that was mixed."""
    seen: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]] = []
    plain = mixup.mix

    def watched(self: mixup, inputs: torch.Tensor, strength: float, seed: int):
        found = plain(self, inputs, strength, seed)
        seen.append((inputs, *found))
        return found

    monkeypatch.setattr(mixup, "mix", watched)
    base = table_task()
    recipe = Recipe(epochs=1, batch_size=64, optimizer="sgd", momentum=0.0, learning_rate=0.5)
    task = mixup(1.0)(replace(base, recipe=recipe))
    population = plant(task, Canaries(), 0)
    member = (population.split == "train")[None]
    (step,) = [
        each[0]
        for each in train(learner(task), population, member, task.recipe, [3], Engine(pack=1), objective=task.learned)
    ]
    torch.manual_seed(3)
    own, mixed, partner, share = seen[0]
    x, y = torch.from_numpy(population.inputs).float(), torch.from_numpy(population.labels)
    at = (own[:, None] == x[None]).all(2).float().argmax(1)
    model = _first_weights(task, population, member)
    outputs = model(mixed)
    loss = torch.nn.functional.cross_entropy
    (
        share * loss(outputs, y[at], reduction="none") + (1 - share) * loss(outputs, y[at][partner], reduction="none")
    ).mean().backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight -= 0.5 * weight.grad
        expected = loss(model(x), y, reduction="none").numpy()
    assert step.clean is not None
    np.testing.assert_allclose(step.clean.values["loss"], expected[step.clean.positions], rtol=1e-4, atol=1e-5)


def _first_weights(task: object, population: Population, member: np.ndarray) -> torch.nn.Module:
    """Return the model as the run with seed 3 begins."""
    from byrote.training.stacked import fresh

    return fresh(task.model, 3, torch.device("cpu"))  # type: ignore[attr-defined]


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"is text. Use token_dropout"):
        mixup(1.0)(text_task())
