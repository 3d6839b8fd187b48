"""Early stopping: rules against the summaries of the same name, and a run that has ended stays as it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from byrote.controls import early_stop
from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification
from byrote.record import Step
from byrote.summaries._first_minimum import first_minimum
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.methods import Progressed
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.loop import train
from byrote.training.replay import replay
from byrote.training.tensors import to_tensors
from small import small_task

FIELD = {"validation": "held_out_loss", "weight_norm": "weight_norm", "label_wave": "changes"}


def history(field: str, series: np.ndarray) -> list[Progressed]:
    plain = Progressed(1, 1.0, np.nan, np.nan, np.nan)
    return [replace(plain, epoch=i, **{field: float(value)}) for i, value in enumerate(series, start=1)]


def ends(control: early_stop, series: np.ndarray) -> int | None:
    """Return the epoch after which the rule ends a run."""
    whole = history(FIELD[control.rule], series)
    return next((i for i in range(1, len(whole) + 1) if control.stops(whole[:i])), None)


@pytest.mark.parametrize("rule", ["weight_norm", "label_wave"])
def test_a_rule_ends_as_soon_as_the_summary_of_its_name_knows_the_minimum(rule: str) -> None:
    rng, found = np.random.default_rng(0), 0
    for _ in range(200):
        series = np.round(np.cumsum(rng.normal(-0.3 if rule == "label_wave" else 0.3, 0.5, 12)), 1)
        own = -series
        if rule == "label_wave":
            own = np.array([np.nan, np.nan, *(series[i - 2 : i + 1].mean() for i in range(2, 12))])
        known = [i for i in range(1, 13) if np.isfinite(first_minimum(own[:i]))]
        assert ends(early_stop(rule), series) == (known[0] if known else None)
        found += bool(known)
    assert found > 50


def test_validation_waits_and_a_new_minimum_starts_the_wait_anew() -> None:
    series = np.array([3.0, 2.0, 2.5, 2.4, 1.9, 2.0, 2.0, 2.1, 2.2])
    assert ends(early_stop("validation", 1), series) == 3
    assert ends(early_stop("validation", 2), series) == 4
    assert ends(early_stop("validation"), series) == 8
    assert ends(early_stop("validation", 5), series) is None


@pytest.mark.parametrize("rule", list(FIELD))
def test_nan_and_what_stays_equal_never_end_a_run(rule: str) -> None:
    for series in (np.full(12, np.nan), np.ones(12), np.array([np.nan, 1.0, *[np.nan] * 10])):
        assert ends(early_stop(rule, 1), series) is None


def network() -> nn.Module:
    """With all that a run could change once it has ended: dropout, and running means of batch norm."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 4)
    )


def task() -> Task:
    base = small_task(epochs=12)
    recipe = replace(base.recipe, learning_rate=0.1, optimizer="adamw", weight_decay=0.1)
    return replace(base, model=network, recipe=replace(recipe, learning_rate=0.02))


def steps_of(task: Task, runs: int, seeds: list[int]) -> list[list[Step]]:
    population = plant(task, Canaries(ordinary=8, mislabeled=8), 0)
    member = np.random.default_rng(1).random((runs, len(population))) < 0.7
    member &= population.split != "test"
    steps = list(
        train(learner(task), population, member, task.recipe, seeds, Engine(pack=runs), objective=task.learned)
    )
    return [[step[run] for step in steps] for run in range(runs)]


def test_runs_that_have_ended_stay_exactly_as_they_were_while_others_go_on() -> None:
    runs = steps_of(early_stop("validation", 1)(task()), 6, list(range(6)))
    ended = [[int(step.scalars["early_stop"]) for step in steps] for steps in runs]
    first = [own.index(1) if 1 in own else len(own) for own in ended]
    assert len(set(first)) > 1
    assert min(first) < 11
    for own, steps, at in zip(ended, runs, first, strict=True):
        assert own == [0] * at + [1] * (len(steps) - at)
        norms = [step.scalars["weight_norm"] for step in steps]
        assert len(set(norms[at:])) <= 1
        assert len(set(norms[: at + 1])) == len(norms[: at + 1])
        if at < len(steps):
            stopped = steps[at].clean
            assert stopped is not None
            for step in steps[at:]:
                assert step.clean is not None
                again = step.clean.values["loss"][np.searchsorted(step.clean.positions, stopped.positions)]
                exact = len(step.clean.positions) == len(stopped.positions)  # else they are evaluated in other batches
                np.testing.assert_allclose(again, stopped.values["loss"], rtol=0 if exact else 1e-4, atol=0)


def test_a_run_ends_with_the_weights_that_it_has_then() -> None:
    """The run alone, trained for as many epochs without the rule, is the same run."""
    base = replace(task(), model=small_task().model)
    (steps,) = steps_of(early_stop("label_wave")(base), 1, [3])
    at = [step.scalars["early_stop"] for step in steps].index(1.0) + 1
    assert 1 < at < base.recipe.epochs
    (plain,) = steps_of(replace(base, recipe=replace(base.recipe, epochs=at)), 1, [3])
    assert steps[-1].clean is not None
    assert plain[-1].clean is not None
    np.testing.assert_array_equal(steps[-1].clean.values["loss"], plain[-1].clean.values["loss"])


def test_without_canaries_validation_never_ends_a_run() -> None:
    base = replace(task(), model=small_task().model)
    population = plant(base, Canaries(), 0)
    member, recipe = (population.split != "test")[None], early_stop("validation", 1)(base).recipe
    steps = list(train(learner(base), population, member, recipe, [0], Engine(), objective=base.learned))
    assert [step[0].scalars["early_stop"] for step in steps] == [0.0] * recipe.epochs


def test_the_record_says_it_and_a_replay_ends_at_the_same_epoch(tmp_path: Path) -> None:
    changed = early_stop("validation", 1)(replace(task(), model=small_task().model))
    record = collect(changed, tmp_path, runs=16, canaries=Canaries(ordinary=8), compute=Compute(workers=1))
    ended = [record.scalar(run, "early_stop") for run in record.runs]
    run = next(run for run, own in zip(record.runs, ended, strict=True) if 0 < own.sum() < 11)
    assert len(record.run_settings(run)["pack"]) > 1
    inputs, labels = to_tensors(record.population, Classification(), "cpu")
    at = int(np.argmax(ended[record.runs.index(run)])) + 1
    found = {each.epoch: each.model for each in replay(changed, record, run, epochs=[at - 1, at, 12])}
    with torch.no_grad():
        losses = {
            epoch: functional.cross_entropy(model(inputs), labels, reduction="none").numpy()
            for epoch, model in found.items()
        }
    np.testing.assert_array_equal(losses[at], losses[12])
    assert not np.array_equal(losses[at - 1], losses[at])
    np.testing.assert_allclose(losses[12], record.at_step(run, "loss", 12), rtol=1e-4, atol=1e-5)


def test_unknown_rules_and_predictions_that_are_no_classes_are_refused() -> None:
    with pytest.raises(ByroteError, match=r"no rule of early_stop named 'validate'. Did you mean 'validation'"):
        early_stop("validate")
    with pytest.raises(InvalidData, match="patience=0"):
        early_stop("validation", 0)
    base = small_task()
    numbers = Examples(base.train.inputs, np.arange(len(base.train), dtype=np.float64))
    regression = replace(base, train=numbers, test=None, classes=(), objective="regression")
    with pytest.raises(InvalidData, match="is for classification"):
        early_stop("label_wave")(regression)
    assert early_stop("weight_norm")(regression).recipe.methods
