"""The whole experiment: on a nearest neighbour whose memorization is known, and on a small network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from byrote.errors import InvalidData, Unsupported, WrongRecord
from byrote.experiments.arms import estimate_seconds, plan_causes
from byrote.experiments.effects import Effects
from byrote.experiments.model_causes import ModelCauses, model_causes
from byrote.experiments.responses import Measured, tails
from byrote.findings.model_causes import causes_rows, factor_rows, helps
from byrote.record import Record
from byrote.report.causes_page import write_causes
from byrote.report.why import not_examined, why
from byrote.stats.not_measured import NotMeasured
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.progress import Progress

ONE = Compute(workers=1)


def nearest(train: Examples, seed: int) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """Say the label of the nearest training example: it is right about everything that it was trained on."""

    def predict(x: NDArray[np.float32]) -> NDArray[np.float64]:
        found = np.argmin(((x[:, None] - train.inputs[None]) ** 2).sum(axis=2), axis=1)
        return np.where(np.eye(2)[train.labels[found]] > 0, 0.9, 0.1)

    return predict


def points(n: int = 600) -> Task:
    rng = np.random.default_rng(0)
    labels = np.arange(n + 100) % 2
    x = (rng.normal(0, 1, (n + 100, 6)) + 3 * labels[:, None] * np.array([1, 0, 0, 0, 0, 0])).astype(np.float32)
    return Task(Fit(nearest), Examples(x[:n], labels[:n]), Examples(x[n:], labels[n:]), name="neighbours")


def network(width: int = 16) -> nn.Module:
    if width < 16:
        return Broken()
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 2))


class Broken(nn.Module):
    """A model whose loss is soon infinite."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.layer(x)
        return torch.where(self.layer.bias.abs().sum() > 2, out * float("inf"), out)


def learner(epochs: int = 6, model: Callable[..., nn.Module] = network) -> Task:
    own = points(160)
    recipe = Recipe(epochs=epochs, batch_size=16, learning_rate=linear(0.05))
    return replace(own, model=model, recipe=recipe, name="learner")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("causes")


@pytest.fixture(scope="module")
def neighbours(place: Path) -> ModelCauses:
    return model_causes(points(), place / "neighbours", runs=44, seed=3, compute=ONE)


def test_of_a_nearest_neighbour_wrong_labels_raise_the_gap_by_what_is_known(neighbours: ModelCauses) -> None:
    """It is always right when trained on an example. A wrong label costs its own example, and each it is nearest to."""
    found = neighbours.effects["gap"]
    assert isinstance(found, Effects), found
    by_name = dict(zip(neighbours.plan.names, found.main, strict=True))
    quiet = [neighbours.kept.index(name) for name in ("as_is", "copies", "data0.5", "copies+data0.5")]
    right = (
        1 - neighbours.values["gap"][quiet].mean()
    )  # when left out, without noise; with it, both labels may be wrong:
    expected = right - ((0.9**2 + 0.1**2) * right + 2 * 0.9 * 0.1 * (1 - right))
    assert by_name["noise"].value == pytest.approx(expected, abs=0.03)
    assert neighbours.plan.names[neighbours.named[0]] == "noise"
    assert 0 < by_name["data"].value < expected
    assert by_name["variety"].value == pytest.approx(by_name["data"].value, abs=0.03), (
        "half as many distinct, both ways"
    )
    assert neighbours.as_is("canaries").value > 0.5


def test_a_fit_has_only_factors_of_the_data_and_no_curve_over_time(neighbours: ModelCauses) -> None:
    assert neighbours.plan.names == ("noise", "variety", "data")
    assert isinstance(neighbours.time, NotMeasured)
    assert isinstance(neighbours.widths, NotMeasured)
    assert len(neighbours.plan.arms) == 8 + 2
    assert neighbours.plan.by_size[-1] == (1.0, 0)
    assert estimate_seconds(neighbours.plan, "nowhere") is None
    left = not_examined(neighbours)
    assert sum("Fit" in sentence for sentence in left) == 3


def test_arms_share_seeds_canaries_and_members(neighbours: ModelCauses, place: Path) -> None:
    records = [Record(place / "neighbours/cells" / name) for name in neighbours.kept]
    same = np.isin(records[0].population.ids, [f"train/{name}" for name in neighbours.plan.untouched])
    for record in records[1:]:
        assert (record.population.ids == records[0].population.ids).all()
        assert record.run_settings(1)["seed"] == records[0].run_settings(1)["seed"]
        planted = record.population.canary != ""
        inside, first = record.member(1), records[0].member(1)
        np.testing.assert_array_equal(inside[planted], first[planted])
        kept = same & (inside | ~first)
        assert (kept == same).all() or "data" in str(record.directory), "only fewer examples take members away"


def test_the_same_call_trains_nothing_again(neighbours: ModelCauses, place: Path) -> None:
    seen: list[Progress] = []
    again = model_causes(points(), place / "neighbours", runs=44, seed=3, compute=ONE, progress=seen.append)
    np.testing.assert_array_equal(again.values["gap"], neighbours.values["gap"])
    assert all(now.of_runs == 0 for now in seen)
    with pytest.raises(WrongRecord):
        model_causes(points(), place / "neighbours", runs=44, seed=1, compute=ONE)


def test_rows_and_sentences_say_the_same_numbers(neighbours: ModelCauses, place: Path) -> None:
    rows = factor_rows(neighbours)
    assert rows[0]["name"] == "noise"
    assert [row["kind"] for row in causes_rows(neighbours)] == ["factor"] * 3 + ["interaction"] * 3 + ["size"] * 4
    said = why(neighbours)
    assert f"wrong labels (+{100 * rows[0]['gap']:.1f} points" in said.causes
    assert "byrote relabel" in said.help or "nothing that was tried" in said.help
    assert "runs in 10 arms of 4" in said.trust
    page = write_causes(neighbours, place / "causes.html").read_text()
    assert said.causes.replace("'", "&#39;") in page
    assert '"effects-gap"' in page
    assert "byrote causes: neighbours" in page


@pytest.mark.slow
def test_an_arm_that_diverges_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    seen: list[Progress] = []
    found = model_causes(learner(), tmp_path, runs=12, only=("time", "width"), compute=ONE, progress=seen.append)
    assert set(found.failed) == {"width0.5", "time0.5+width0.5"}
    assert "diverged" in found.failed["width0.5"]
    assert found.kept == ("as_is", "time0.5")
    assert isinstance(found.effects["gap"], NotMeasured)
    assert "cannot tell" in found.effects["gap"].fact
    assert any(sentence.startswith("width0.5 was left out of everything") for sentence in not_examined(found))
    assert "Causes were not measured" in why(found).causes
    assert write_causes(found, tmp_path / "causes.html").exists()
    assert seen[0].of_runs == found.plan.runs
    assert [now.steps for now in seen] == sorted(now.steps for now in seen)
    assert seen[-1].steps == seen[-1].of_steps


@pytest.mark.slow
def test_a_network_is_followed_over_time_and_what_would_help_is_said(tmp_path: Path) -> None:
    own = learner(model=lambda width=32: nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 2)))
    found = model_causes(replace(own, test=None), tmp_path, runs=24, only=("time", "noise"), compute=ONE)
    assert not found.tested
    assert not isinstance(found.time, NotMeasured)
    assert found.time.accuracy is None
    assert found.time.epochs == (1, 2, 3, 4, 5, 6)
    first = helps(found)[0]
    assert first.what == "3 epochs"
    assert "training examples left out" in why(found).now
    assert estimate_seconds(found.plan, tmp_path) == 0


def test_a_model_that_learned_nothing_is_no_model_to_explain(tmp_path: Path) -> None:
    constant = replace(points(), model=Fit(lambda train, seed: lambda x: np.full((len(x), 2), 0.5)))
    with pytest.raises(Unsupported, match="learned nothing"):
        model_causes(constant, tmp_path, runs=16, compute=ONE)


def test_bad_input_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="Give 8 runs or more"):
        model_causes(points(), tmp_path, runs=5)
    with pytest.raises(InvalidData, match="100 or more"):
        plan_causes(points(60))
    with pytest.raises(InvalidData, match="cross-validation detects"):
        plan_causes(learner(), remedies=["kfold(5)"])
    assert not list(tmp_path.iterdir())


def test_the_tail_is_chosen_by_other_runs() -> None:
    """Ten of a hundred examples are hard for all: known when trained on, else not. Those of one run alone do not count."""
    rng = np.random.default_rng(0)
    arms: list[Measured] = []
    for _ in range(12):
        member = rng.random((3, 100)) < 0.5
        correct = np.ones((3, 100), np.bool_)
        correct[:, :10] = member[:, :10]
        correct[0, 50:60] = member[0, 50:60]
        nothing = np.zeros(3)
        arms.append(Measured(nothing, nothing, nothing, nothing, nothing, 0.0, True, correct, member, ~member))
    assert tails(arms) == pytest.approx(np.ones((12, 3)))
    lonely = [replace(arm, correct=np.where(np.arange(100) < 10, True, arm.correct)) for arm in arms]
    assert tails(lonely)[:, 0].mean() < 0.5, "only run 0 finds 50 to 59 hard, and it does not choose"


def test_the_plan_is_stated_beforehand_and_arms_are_shared() -> None:
    plan = plan_causes(learner(), runs=96)
    assert plan.runs <= 96
    assert plan.arms[0].name == "as_is"
    assert len({arm.name for arm in plan.arms}) == len(plan.arms)
    names = [plan.arms[at].name for _, at in plan.by_width]
    assert names == ["width0.25", "width0.5", "as_is", "width2", "width4"]
    assert plan.arms[plan.rows[0]].name == "as_is"
    assert plan.arms[0].task.recipe.evaluate_every == 1
    assert all(arm.task.recipe.evaluate_every == 0 for arm in plan.arms[1:])
    half = next(arm for arm in plan.arms if arm.name == "data0.5")
    assert half.cost == 0.5
