from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from torch import nn

from byrote.controls import dropout
from byrote.errors import ByroteError, InvalidData
from byrote.experiments.factors import KFOLD, NAMES, Factor, factors_of, parse_remedy, resized, weights_of
from byrote.experiments.twins import Twins
from byrote.task.canaries import Canaries
from byrote.task.fit import Fit
from byrote.task.models import suited
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from small import small_task


def network(width: int = 32) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 4))


def with_width() -> Task:
    return replace(small_task(epochs=4, n=200), model=network)


def found(task: Task, **options: object) -> tuple[dict[str, Factor], tuple[str, ...]]:
    twins = Twins.of(task, Canaries(10, 10), 0, 0.1)
    factors, left = factors_of(task, twins, **options)  # type: ignore[arg-type]
    return {each.name: each for each in factors}, left


def test_each_factor_changes_one_thing_of_the_task() -> None:
    task = with_width()
    factors, left = found(task)
    assert list(factors) == list(NAMES)
    assert left == ()
    changed = {name: each.change(task) for name, each in factors.items()}
    assert (changed["noise"].train.labels != task.train.labels).mean() == pytest.approx(0.09, abs=0.01)
    assert len(np.unique(changed["variety"].train.inputs.reshape(200, -1), axis=0)) < 120
    assert 80 <= len(changed["data"].excluded) <= 100
    assert changed["time"].recipe == replace(task.recipe, epochs=2)
    assert changed["regularization"].controls == ("dropout(rate=0.5)",)
    assert weights_of(changed["width"].model) == weights_of(partial(network, width=16))  # type: ignore[arg-type]
    assert {name for name, each in factors.items() if each.is_high} == {
        "time",
        "width",
        "regularization",
        "augmentation",
    }


def test_what_a_task_has_no_place_for_is_said() -> None:
    factors, left = found(small_task(epochs=1, n=200))
    assert list(factors) == ["noise", "variety", "data", "regularization", "augmentation"]
    assert any("no whole-number parameter `width`" in sentence for sentence in left)
    assert any("one epoch cannot be halved" in sentence for sentence in left)
    own = replace(small_task(n=200), model=Fit(lambda train, seed: lambda x: x), recipe=Recipe())
    factors, left = found(own)
    assert list(factors) == ["noise", "variety", "data"]
    assert len(left) == 4
    assert sum("byrote.Fit" in sentence for sentence in left) == 3


def test_a_model_without_a_place_for_dropout_gets_weight_decay() -> None:
    task = replace(small_task(n=200), model=Convolution)
    factors, _ = found(task)
    assert factors["regularization"].change(task).controls[0].startswith("weight_decay")


class Convolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(1, 4, 64)

    def forward(self, x: object) -> object:
        return self.filter(x.flatten(1)[:, None])[:, :, 0]  # type: ignore[attr-defined]


def test_only_names_factors_and_remedies_take_the_place_of_the_usual_one() -> None:
    task = with_width()
    factors, left = found(task, only=("time", "noise"))
    assert list(factors) == ["noise", "time"]
    assert "Width was not asked for." in left
    factors, _ = found(task, remedies=["dropout(0.2)", dropout(0.7)])
    assert list(factors)[-2:] == ["dropout(rate=0.2)", "dropout(rate=0.7)"]
    assert "regularization" not in factors
    with pytest.raises(ByroteError, match=r"no factor named 'tiem'. Did you mean 'time'"):
        found(task, only=("tiem",))
    with pytest.raises(InvalidData, match="changes nothing"):
        found(task, remedies=["dropout(0.0)"])


@pytest.mark.parametrize("text", ["kfold(folds=5)", "k-fold", "KFold", "cross_validation", "k_fold(10)"])
def test_k_fold_is_no_remedy_and_it_is_said_what_it_is_good_for(text: str) -> None:
    with pytest.raises(InvalidData) as error:
        parse_remedy(text)
    assert str(error.value) == KFOLD
    assert "detects memorization and does not reduce it" in KFOLD
    assert "memorization estimator" in KFOLD


def test_a_design_is_no_remedy_and_an_unknown_one_is_named() -> None:
    with pytest.raises(InvalidData, match="is a design"):
        parse_remedy("subsets(fraction=0.5)")
    with pytest.raises(ByroteError, match="no control named 'dorpout'"):
        parse_remedy("dorpout(.5)")


def test_width_is_found_by_the_signature_of_the_factory() -> None:
    task = with_width()
    wide = resized(task, 2)
    assert isinstance(wide, Task)
    assert weights_of(wide.model) == weights_of(partial(network, width=64))  # type: ignore[arg-type]
    assert isinstance(resized(replace(task, model=suited((8, 8), 4)), 0.5), Task)
    deaf = resized(replace(task, model=lambda width=8: network()), 0.5)
    assert isinstance(deaf, str)
    assert "as many weights" in deaf
