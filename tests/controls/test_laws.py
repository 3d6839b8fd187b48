"""Laws of every control: its text is its identity, at zero it changes nothing, else it does, and packs do not matter."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.controls import CONTROLS, apply, parse_control
from byrote.errors import InvalidData
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.engine import Engine
from byrote.training.loop import train
from controls.cases import CASES, Case

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
SEEDS = [5, 6, 7]


def losses(task: Task, runs: int = 1, canaries: int = 4) -> NDArray[np.float32]:
    """Return the loss of all examples after each epoch that has a clean pass, by run, of runs in one pack."""
    population = plant(task, Canaries.of_each(canaries), 0)
    member = (np.random.default_rng(0).random((3, len(population))) < 0.7) & (population.split != "test")
    member[1:] = member[0]  # equally many, so that they are in one pack
    if task.excluded:
        member &= ~np.isin(population.ids, [f"train/{name}" for name in task.excluded])
    steps = list(
        train(
            learner(task),
            population,
            member[:runs],
            task.recipe,
            SEEDS[:runs],
            Engine(pack=runs),
            objective=task.learned,
        )
    )
    return np.array([step.clean.values["loss"] for step in steps[-1] if step.clean is not None])


def test_every_control_has_a_case() -> None:
    assert set(CASES) == set(CONTROLS)


@EVERY
def test_its_text_is_its_identity(case: Case) -> None:
    for control in (case.strong, case.still):
        if control is not None:
            assert parse_control(str(control)) == control
            assert hash(parse_control(str(control))) == hash(control)


@EVERY
def test_at_zero_it_is_the_identity(case: Case) -> None:
    base, zero = case.base(), type(case.strong).zero
    if zero is not None:
        assert case.strong.at(zero)(base) is base


@EVERY
def test_a_schedule_that_stays_at_zero_changes_no_bit(case: Case) -> None:
    if case.still is not None:
        base = case.base()
        changed = case.still(base)
        assert changed.controls == (str(case.still),)
        np.testing.assert_array_equal(losses(changed), losses(base))


@EVERY
def test_it_changes_training_and_names_itself(case: Case) -> None:
    base = case.base()
    changed = case.strong(base)
    assert changed.controls == (str(case.strong),)
    assert not base.controls
    assert not np.array_equal(losses(changed, canaries=case.canaries), losses(base, canaries=case.canaries))


@EVERY
def test_a_run_does_not_depend_on_its_pack(case: Case) -> None:
    if case.packs:
        changed = case.strong(case.base())
        together = losses(changed, 3)
        np.testing.assert_allclose(together[0], losses(changed)[0], rtol=2e-3, atol=2e-4)


@EVERY
def test_a_strength_that_is_no_number_is_refused(case: Case) -> None:
    control = case.strong
    if fields(control) and isinstance(control.strength, int | float):
        for bad in (float("nan"), -1.0):
            with pytest.raises(InvalidData):
                control.at(bad)


@EVERY
def test_a_fit_is_refused_or_left_to_learn_from_other_data(case: Case) -> None:
    def fit(train: Examples, seed: int):
        return lambda inputs: np.full((len(inputs), 4), 0.25)

    base = case.base()
    if base.learned.name == "tokens":  # a fit predicts a row per example, and no tokens
        with pytest.raises(InvalidData, match=r"byrote\.Fit predicts a row"):
            Task(Fit(fit), base.train, objective=base.learned)
        return
    own = Task(Fit(fit), base.train, base.test, classes=base.classes)
    try:
        changed = case.strong(own)
    except InvalidData as error:
        assert str(case.strong) in str(error)  # noqa: PT017
    else:
        assert changed.model is own.model


def test_controls_compose_in_order_and_contradictions_are_refused() -> None:
    base = CASES["dropout"].base()
    first, second = parse_control("dropout(0.3)"), parse_control("flooding(0.1)")
    both = apply([first, second], base)
    assert both.controls == (str(first), str(second))
    assert [method.name for method in both.recipe.methods] == ["dropout", "flooding"]
    with pytest.raises(InvalidData, match=r"dropout\(rate=0.5\) and dropout\(rate=0.3\) set the same thing"):
        parse_control("dropout(0.5)")(both)
