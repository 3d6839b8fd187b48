"""A run is the same run, whoever is trained beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.errors import ByroteError
from byrote.objectives import Classification
from byrote.record import Population, Step
from byrote.task.recipe import Recipe
from byrote.task.schedule import cosine, linear
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.pack import Pack
from byrote.training.stacked import obstacle
from byrote.training.tensors import to_tensors
from people import CANARIES, CLASSES, FEATURES, TEST, N, noisy, people, perceptron

RUNS = 16
SEEDS = tuple(range(100, 100 + RUNS))
RECIPE = Recipe(epochs=3, batch_size=8, optimizer="sgd", learning_rate=linear(0.1), weight_decay=0.01)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, CLASSES))


def filters() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 1, FEATURES)), nn.Conv2d(1, 6, (1, 3)), nn.ReLU(), nn.Flatten(), nn.Linear(18, CLASSES)
    )


SIZES = {
    "equal": np.full(RUNS, 20),
    "a few more or less": 20 + np.arange(RUNS) % 4,
    "very different": 2 + 2 * np.arange(RUNS),
}


def memberships(sizes: NDArray[np.int64], seed: int = 0) -> NDArray[np.bool_]:
    """Return this many random training examples and canaries per run."""
    random = np.random.default_rng(seed)
    trainable = np.r_[:N, N + TEST : N + TEST + CANARIES]
    member = np.zeros((len(sizes), N + TEST + CANARIES), np.bool_)
    for run, size in enumerate(sizes):
        member[run, random.permutation(trainable)[:size]] = True
    return member


def trained(
    model: Callable[[], nn.Module],
    member: NDArray[np.bool_],
    seeds: Sequence[int] = SEEDS,
    recipe: Recipe = RECIPE,
    engine: Engine | None = None,
    population: Population | None = None,
) -> list[list[Step]]:
    """Return the steps of each run."""
    epochs = train(model, population or people(), member, recipe, seeds, engine or Engine(pack=len(seeds)))
    return [list(steps) for steps in zip(*epochs, strict=True)]


def assert_close(first: list[Step], second: list[Step], tolerance: float = 1e-4) -> None:
    for a, b in zip(first, second, strict=True):
        assert a.step == b.step
        for one, other in ((a.clean, b.clean), (a.seen, b.seen)):
            assert one is not None
            assert other is not None
            np.testing.assert_array_equal(one.positions, other.positions)
            for name in ("loss", "margin", "confidence", "residual"):
                np.testing.assert_allclose(one.values[name], other.values[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("model", [perceptron, normed, filters])
def test_a_run_alone_is_the_run_packed_with_15_others(model: Callable[[], nn.Module], sizes: NDArray[np.int64]) -> None:
    member = memberships(sizes)
    packed = trained(model, member)
    for run in range(RUNS):
        (alone,) = trained(model, member[[run]], SEEDS[run : run + 1])
        assert_close(packed[run], alone)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "adamw", "learning_rate": 0.01},
        {"learning_rate": cosine(0.1, warmup=0.3)},
        {"weight_decay": linear(0.1)},
        {"momentum": 0.0},
        {"batch_size": 100},
        {"batch_size": 1, "epochs": 1},
        {"evaluate_every": 2, "epochs": 2},
    ],
    ids=str,
)
def test_with_every_knob(change: dict[str, Any]) -> None:
    member, recipe = memberships(SIZES["a few more or less"])[:3], replace(RECIPE, **change)
    for run, packed in enumerate(trained(perceptron, member, SEEDS[:3], recipe)):
        (alone,) = trained(perceptron, member[[run]], SEEDS[run : run + 1], recipe)
        if recipe.evaluate_every == 2:
            assert packed.pop(0).clean is alone.pop(0).clean is None
        assert_close(packed, alone)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("model", [perceptron, noisy])
def test_packed_in_the_same_way_it_has_the_same_bits(model: Callable[[], nn.Module], sizes: NDArray[np.int64]) -> None:
    member = memberships(sizes)
    torch.manual_seed(1)
    first = trained(model, member)
    torch.manual_seed(2)
    for one, other in zip(first, trained(model, member), strict=True):
        assert_close(one, other, tolerance=0)


def test_the_place_in_the_pack_does_not_matter() -> None:
    member, order = memberships(SIZES["equal"]), np.random.default_rng(3).permutation(RUNS)
    straight, shuffled = trained(normed, member), trained(normed, member[order], [SEEDS[run] for run in order])
    for place, run in enumerate(order):
        assert_close(shuffled[place], straight[run])


@pytest.mark.parametrize("model", [perceptron, normed])
def test_nothing_leaks_from_one_run_to_another(model: Callable[[], nn.Module]) -> None:
    """With the same number of members, and with more: what the other run is trained on changes no bit, or rounding only."""
    member = memberships(np.array([20, 20]))
    (mine, theirs), seeds = member, SEEDS[:2]
    plain, other = trained(model, member, seeds)
    swapped = memberships(np.array([20, 20]), seed=5)[1]
    assert (swapped != theirs).any()
    same, changed = trained(model, np.stack([mine, swapped]), seeds)
    assert_close(same, plain, tolerance=0)
    with pytest.raises(AssertionError):
        assert_close(changed, other)
    more = memberships(np.array([23]), seed=6)[0]
    assert_close(trained(model, np.stack([mine, more]), seeds)[0], plain)


def test_an_outlier_stays_in_the_run_that_was_trained_on_it() -> None:
    """A batch that had this example in its mean and variance would be another batch altogether."""
    population, member = people(), memberships(np.array([20, 19, 22]))
    member[:, 5] = [True, False, False]
    far = population.inputs.copy()
    far[5] += 1000
    plain = trained(normed, member, SEEDS[:3])
    shifted = trained(normed, member, SEEDS[:3], population=population.with_inputs(far))
    others = np.arange(len(population)) != 5
    for run in (0, 1, 2):
        ends = [steps[run][-1].clean for steps in (plain, shifted)]
        losses = [end.values["loss"][others] for end in ends if end is not None]
        assert np.allclose(*losses, rtol=1e-4, atol=1e-4) is (run > 0)


class Masks(nn.Module):
    """Says which of its outputs dropout has kept: 1 / .3, or 0."""

    def __init__(self) -> None:
        super().__init__()
        self.bias, self.dropout = nn.Parameter(torch.zeros(CLASSES)), nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(torch.ones_like(x[:, :CLASSES])) + 0 * self.bias


def test_dropout_masks_differ_between_runs_and_steps_and_keep_the_right_share() -> None:
    """Each output is kept with probability .3; the margin is positive when the label's alone is kept: .3 x .7 x .7 = .147."""
    recipe = replace(RECIPE, epochs=40, learning_rate=0.0)
    member = memberships(SIZES["equal"])
    margins = np.stack(
        [[step.seen.values["margin"] for step in steps if step.seen] for steps in trained(Masks, member, recipe=recipe)]
    )
    kept = margins > 0
    assert margins.shape == (RUNS, 40, 20)
    np.testing.assert_allclose(np.unique(margins), [-1 / 0.3, 0, 1 / 0.3], rtol=1e-5)
    share, rows = 0.147, kept[0, 0].size * 40
    error = np.sqrt(share * (1 - share) / rows)
    assert abs(kept.mean() - share) < 4 * error / np.sqrt(RUNS)
    assert (np.abs(kept.mean(axis=(1, 2)) - share) < 5 * error).all()
    assert len(np.unique(margins.reshape(RUNS * 40, -1), axis=0)) == RUNS * 40


@pytest.mark.slow
def test_buffers_are_those_of_the_run_alone() -> None:
    population, member = people(), memberships(SIZES["a few more or less"])[:4]
    member = member[np.argsort(-member.sum(axis=1), kind="stable")]
    everyone = np.arange(len(population))

    def pack(runs: list[int]) -> Pack:
        made = Pack(normed, population, Classification(), member[runs], RECIPE, [SEEDS[run] for run in runs], Engine())
        for step in (1, 2):
            made.epoch(step, everyone)
        return made

    packed: Any = pack([0, 1, 2, 3]).networks
    for run in range(4):
        alone: Any = pack([run]).networks
        for name, buffer in alone.network.named_buffers():
            torch.testing.assert_close(packed.buffers[name][run], buffer, rtol=1e-4, atol=1e-5)


class Fragile(nn.Module):
    """Begins with enormous weights now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(FEATURES, CLASSES)
        if torch.initial_seed() == SEEDS[2]:
            nn.init.constant_(self.layer.weight, 1e38)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


def test_the_run_that_diverges_is_named() -> None:
    member = memberships(SIZES["very different"])[:4]
    with pytest.raises(
        ByroteError, match=f"diverged in step 1: the loss of the run with seed {SEEDS[2]} is NaN or inf"
    ):
        trained(Fragile, member, SEEDS[:4])


def unbiased() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, CLASSES))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("model", [perceptron, unbiased])
def test_the_trial_at_the_start_tells_what_can_be_packed(model: Callable[[], nn.Module], precision: Any) -> None:
    """In bf16 the batch norm of a stack refuses some inputs that it takes alone; which ones depends on torch's version."""
    population, engine = people(), Engine(precision=precision, pack=2)
    try:
        trained(model, memberships(np.array([20, 20])), SEEDS[:2], engine=engine)
        works = True
    except ByroteError:
        works = False
    assert works or precision == "bf16"
    few = to_tensors(population, Classification(), "cpu", slice(0, 4))
    assert (obstacle(model, *few, Classification(), precision) == "") is works


class Spy(nn.Module):
    """Notes the state of torch while it computes, and in what numbers."""

    def __init__(self, notes: list[tuple[bool, str, str, bool]]) -> None:
        super().__init__()
        self.layer, self.notes = nn.Linear(FEATURES, CLASSES, bias=False), notes

    def forward(self, x: Tensor) -> Tensor:
        logits = self.layer(x)
        tiny = float(torch.full((1,), 1e-38) * 0.1)
        self.notes.append((self.training, str(logits.dtype), torch.get_float32_matmul_precision(), tiny == 0))
        return logits


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("runs", [1, 3])
def test_settings_hold_inside_an_epoch_only(precision: Any, runs: int) -> None:
    """Training passes are in bf16 when asked for, clean passes never; the caller's torch is as it was between epochs."""
    notes: list[tuple[bool, str, str, bool]] = []
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    state = torch.get_rng_state()
    member = memberships(SIZES["equal"])[:runs]
    for _ in train(
        lambda: Spy(notes), people(), member, RECIPE, SEEDS[:runs], Engine("cpu", precision, "medium", runs)
    ):
        assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before
        assert float(torch.full((1,), 1e-38) * 0.1) > 0
        assert torch.equal(torch.get_rng_state(), state)
    trains = "torch.bfloat16" if precision == "bf16" else "torch.float32"
    assert {note for note in notes if note[0]} == {(True, trains, "medium", True)}
    assert {note for note in notes if not note[0]} == {(False, "torch.float32", "medium", True)}
