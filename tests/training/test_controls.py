"""What a recipe says beyond epochs and a learning rate: any optimizer, clipping, accumulation, and knobs that read signals."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.objectives import Classification
from byrote.record import Population, Step
from byrote.task.canaries import Canaries, plant
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.signals import Signals
from byrote.training.checks import check_model
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.sensors import is_sensor, scalar_names
from people import CLASSES, members, people, perceptron
from small import small_task

RECIPE = Recipe(epochs=3, batch_size=8, optimizer="sgd", learning_rate=0.1, momentum=0.0)


def trained(recipe: Recipe, runs: int = 1, population: Population | None = None, model: Any = perceptron) -> list[Any]:
    """Return the steps of each run, trained side by side."""
    population = population or people()
    member = np.stack([members(population, 20)] * runs)
    steps = list(train(model, population, member, recipe, list(range(runs)), Engine(pack=runs)))
    return [[step[run] for step in steps] for run in range(runs)]


def losses(steps: list[Step]) -> np.ndarray:
    assert steps[-1].clean is not None
    return steps[-1].clean.values["loss"]


def by_hand(recipe: Recipe, kind: Any, seed: int = 0, clip: float | None = None, **options: Any) -> np.ndarray:
    """Train as a user would write it, in the batches of one run: the member order comes from the run's seed."""
    population, torch_order = people(), torch.Generator().manual_seed(seed)
    x, y = torch.from_numpy(population.inputs), torch.from_numpy(population.labels)
    member = torch.from_numpy(np.flatnonzero(members(population, 20)))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = perceptron()
    optimizer = kind(model.parameters(), **options)
    for _ in range(recipe.epochs):
        shuffled = member[torch.randperm(len(member), generator=torch_order)]
        batches = shuffled.tensor_split(-(-len(member) // recipe.batch_size))
        for first in range(0, len(batches), recipe.accumulate):
            group = batches[first : first + recipe.accumulate]
            for batch in group:
                (nn.functional.cross_entropy(model(x[batch]), y[batch]) / len(group)).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            optimizer.zero_grad()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(x), y, reduction="none").numpy()


@pytest.mark.parametrize(
    ("optimizer", "kind", "options"),
    [
        ("sgd(nesterov=True)", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("adam(betas=(0.8, 0.95))", torch.optim.Adam, {"betas": (0.8, 0.95)}),
        ("adamw(amsgrad=True)", torch.optim.AdamW, {"amsgrad": True}),
        ("rmsprop(alpha=0.9)", torch.optim.RMSprop, {"alpha": 0.9}),
        ("adagrad", torch.optim.Adagrad, {}),
        ("rprop", torch.optim.Rprop, {}),
    ],
)
def test_any_optimizer_of_torch_is_what_torch_does(optimizer: str, kind: Any, options: dict[str, Any]) -> None:
    recipe = Recipe(epochs=3, batch_size=8, optimizer=optimizer, learning_rate=0.01)
    decay = {} if kind is torch.optim.Rprop else {"weight_decay": 0.0}
    expected = by_hand(recipe, kind, lr=0.01, **options, **decay)
    np.testing.assert_allclose(losses(trained(recipe)[0]), expected, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "adam", "rmsprop"])
@pytest.mark.parametrize(
    "change", [{"clip_norm": 0.3}, {"accumulate": 2}, {"accumulate": 5, "clip_norm": 0.2}], ids=str
)
def test_clipping_and_accumulation_are_of_each_run(optimizer: str, change: dict[str, Any]) -> None:
    """Side by side as alone, and as written by hand."""
    recipe = Recipe(epochs=3, batch_size=6, optimizer=optimizer, learning_rate=0.02, momentum=0.0, **change)
    kind = {
        "sgd": torch.optim.SGD,
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "rmsprop": torch.optim.RMSprop,
    }
    expected = by_hand(recipe, kind[optimizer], clip=recipe.clip_norm, lr=0.02, weight_decay=0.0)
    np.testing.assert_allclose(losses(trained(recipe)[0]), expected, rtol=1e-4)
    np.testing.assert_allclose(losses(trained(recipe, runs=3)[0]), expected, rtol=1e-3)


def test_clipping_bounds_the_change_of_the_weights() -> None:
    """Plain SGD moves the weights by at most the rate times the bound, update by update."""
    rate, bound = 0.5, 0.01
    recipe = Recipe(epochs=1, batch_size=100, optimizer="sgd", learning_rate=rate, momentum=0.0, clip_norm=bound)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = float(torch.cat([weight.detach().flatten() for weight in perceptron().parameters()]).norm())
    (steps,) = trained(recipe)
    assert 0 < abs(steps[0].scalars["weight_norm"] - start) <= rate * bound * 1.001


def test_an_optimizer_that_cannot_be_made_is_refused_before_training() -> None:
    task = small_task()
    for optimizer, message in (
        ("adam(beta=0.9)", "no option of torch.optim.Adam named 'beta'. Did you mean 'betas'"),
        ("rprop", "has no weight decay"),
    ):
        recipe = Recipe(optimizer=optimizer, weight_decay=0.1)
        with pytest.raises(InvalidData, match=message):
            check_model(replace(task, recipe=recipe), plant(task, Canaries(), 0))


@dataclass(frozen=True)
class Recorded:
    """Learns at a constant rate, and keeps what it was told."""

    rate: float = 0.1
    seen: tuple[list[Signals], ...] = ([],)

    def __call__(self, signals: Signals) -> float:
        self.seen[0].append(signals)
        return self.rate

    def __str__(self) -> str:
        return f"recorded({self.rate})"


@dataclass(frozen=True)
class Thirds:
    """A rate that depends on the sensor canaries: another one in each run of a pack."""

    def __call__(self, signals: Signals) -> float:
        return 0.1 / (1 + signals.canaries.get("loss_out", 0.0))

    def __str__(self) -> str:
        return "thirds()"


def audited() -> Population:
    """A population with eight canaries, half of which verify."""
    population = people()
    canary = population.split == "canary"
    verification = canary & (np.cumsum(canary) % 2 == 0)
    return replace(population, verification=verification)


def test_a_controller_sees_progress_and_sensors_and_never_the_verification_canaries() -> None:
    population, controller = audited(), Recorded(seen=([],))
    recipe = Recipe(epochs=3, batch_size=8, optimizer="sgd", learning_rate=controller, momentum=0.0, sense=1)
    (steps,) = trained(recipe, population=population)
    seen = controller.seen[0]
    assert [signals.epoch for signals in seen] == [1] * 3 + [2] * 3 + [3] * 3
    assert [signals.update for signals in seen] == [0, 1, 2] * 3
    np.testing.assert_allclose([signals.progress for signals in seen], np.arange(9) / 9)
    assert all(not signals.canaries for signals in seen[:3])
    sensors, member = is_sensor(population), members(population, 20)
    assert sensors.sum() == 2
    for epoch in (1, 2):
        clean = steps[epoch - 1].clean
        assert clean is not None
        for name in ("loss", "correct"):
            value = dict(zip(clean.positions.tolist(), clean.values[name], strict=True))
            for side, mask in (("in", sensors & member), ("out", sensors & ~member)):
                expected = np.mean([value[at] for at in np.flatnonzero(mask)])
                assert seen[3 * epoch].canaries[f"{name}_{side}"] == pytest.approx(expected)


def test_what_the_verification_canaries_say_changes_no_training() -> None:
    """Their labels are another set in the second record: what they say differs, what is learned does not."""
    first = audited()
    labels = first.labels.copy()
    hidden = first.verification
    labels[hidden] = (labels[hidden] + 1) % CLASSES
    member = members(first, 20) & ~hidden
    recipe = Recipe(epochs=4, batch_size=8, optimizer="sgd", learning_rate=Thirds(), momentum=0.0)
    runs = []
    for population in (first, replace(first, labels=labels)):
        steps = list(train(perceptron, population, member[None], recipe, [0], Engine()))
        runs.append(losses([step for (step,) in steps]))
    np.testing.assert_array_equal(runs[0][~hidden], runs[1][~hidden])
    assert (runs[0][hidden] != runs[1][hidden]).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "adam"])
def test_each_run_of_a_pack_has_a_knob_of_its_own(optimizer: str) -> None:
    population = audited()
    recipe = Recipe(epochs=4, batch_size=8, optimizer=optimizer, learning_rate=Thirds(), momentum=0.9)
    member = np.stack([members(population, count) for count in (20, 20, 20)])
    together = list(train(perceptron, population, member, recipe, [0, 1, 2], Engine(pack=3)))
    for run in range(3):
        alone = [step for (step,) in train(perceptron, population, member[:1], recipe, [run], Engine())]
        np.testing.assert_allclose(losses([step[run] for step in together]), losses(alone), rtol=1e-3)
        rates = [[step.scalars["learning_rate"] for step in steps] for steps in (alone, [s[run] for s in together])]
        np.testing.assert_allclose(rates[0], rates[1], rtol=1e-4)
    assert len({step.scalars["learning_rate"] for step in together[-1]}) == 3


def test_a_controller_that_gives_no_number_is_named() -> None:
    recipe = Recipe(epochs=1, optimizer="sgd", learning_rate=Recorded(float("nan")))
    with pytest.raises(ByroteError, match=r"recorded\(nan\) gave nan in epoch 1"):
        trained(recipe)


def test_knobs_norms_and_signals_are_recorded_for_each_step() -> None:
    population = audited()
    recipe = Recipe(epochs=2, batch_size=10, optimizer="sgd", learning_rate=linear(0.4))
    (steps,) = trained(recipe, population=population)
    assert set(steps[1].scalars) == set(scalar_names(population, Classification(), recipe))
    assert [step.scalars["learning_rate"] for step in steps] == pytest.approx([0.4 * (1 - 2 / 6), 0.4 * (1 - 5 / 6)])
    plain = replace(population, split=np.full(len(population), "train"))
    assert scalar_names(plain, Classification(), recipe) == ("learning_rate", "weight_decay", "weight_norm")


@pytest.mark.parametrize(
    "recipe",
    [Recipe(), Recipe(epochs=2, optimizer="sgd(nesterov=True)", learning_rate=linear(0.3, warmup=0.1), clip_norm=1.0)],
)
def test_a_recipe_is_read_back_from_its_values(recipe: Recipe) -> None:
    assert Recipe.parse(recipe.values()) == recipe


def test_a_recipe_of_another_version_is_refused() -> None:
    values = Recipe().values()
    with pytest.raises(WrongRecord, match="written by another version"):
        Recipe.parse({k: v for k, v in values.items() if k != "clip_norm"})
    with pytest.raises(WrongRecord, match="no schedule named 'recorded'"):
        Recipe.parse({**values, "learning_rate": "recorded(rate=0.1)"})
