"""Factors: what may be the cause of a model's memorization, each with two levels; the task has one of them as it is.

By convention the level `high` is the one that textbooks say memorizes more. Not to be confused with `byrote.explain.causes`,
which says why single examples are memorized.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from byrote.controls import Control, parse_control
from byrote.errors import ByroteError, InvalidData, unknown
from byrote.experiments.twins import Twins
from byrote.task.designs import DESIGNS
from byrote.task.fit import Fit
from byrote.task.task import Task

NOISE = 0.1
"""Share of the training examples that get a wrong label where label noise is high."""

NAMES = ("noise", "variety", "data", "time", "width", "regularization", "augmentation")
"""The factors that a task may have, in the order in which their changes are made."""

KFOLD = (
    "K-fold cross-validation detects memorization and does not reduce it: it trains the same model on other parts of the data. "
    "It is a memorization estimator: use `byrote audit --design kfold`. Ask for another remedy."
)


@dataclass(frozen=True, eq=False)
class Factor:
    """Something that may cause memorization, with two levels.

    `low` and `high` are the levels in words; high is said to memorize more. `is_high` says which one the task has as it is,
    and `change` makes the other one of it. `key` is the name of that change on disk, `cost` about how long a run takes then,
    in runs of the task as it is. `cause` completes "memorization comes from ...".
    """

    name: str
    cause: str
    low: str
    high: str
    is_high: bool
    key: str
    change: Callable[[Task], Task]
    cost: float = 1.0

    @property
    def as_is(self) -> int:
        """The level of the task as it is: 1 is high, -1 low."""
        return 1 if self.is_high else -1

    @property
    def other(self) -> str:
        """The level that the task does not have, in words."""
        return self.low if self.is_high else self.high


def factors_of(
    task: Task, twins: Twins, *, only: Sequence[str] = (), remedies: Sequence[Control | str] = ()
) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """Return the factors that can be examined on a task, and a sentence for each that cannot.

    `only` names factors (default: all), `remedies` are controls that are factors of their own, in place of the usual
    regularization. Raises InvalidData for a remedy that cannot act on this task, and ByroteError for an unknown name.
    """
    for name in only:
        if name not in NAMES:
            raise unknown("factor", name, NAMES)
    found: list[Factor] = []
    left: list[str] = []
    asked = tuple(only) or tuple(name for name in NAMES if not (remedies and name == "regularization"))
    for name in NAMES:
        if name not in asked:
            left += [f"{name.capitalize()} was not asked for."] if only else []
            continue
        made = _MAKERS[name](task, twins)
        (left if isinstance(made, str) else found).append(made)  # pyright: ignore[reportArgumentType]
    for each in remedies:
        found.append(_remedy(task, each))
    return tuple(found), tuple(left)


def parse_remedy(text: str) -> Control:
    """Return the control of this text; say of K-fold cross-validation what it is good for."""
    name = re.split(r"[\s(]", text.strip().lower().replace("-", "").replace("_", ""))[0]
    if name in ("kfold", "crossvalidation", "cv") or name in DESIGNS:
        raise InvalidData(KFOLD if name not in DESIGNS or name == "kfold" else f"{text!r} is a design, and no remedy.")
    return parse_control(text)


def resized(task: Task, factor: float) -> Task | str:
    """Return the task whose model is `factor` times as wide, or why there is none."""
    make: Any = task.model
    if isinstance(make, Fit):
        return "Width was not examined: a byrote.Fit has no torch model to resize."
    try:
        found = inspect.signature(make).parameters.get("width")
    except (TypeError, ValueError):
        found = None
    now = None if found is None else found.default
    if not isinstance(now, int) or isinstance(now, bool):
        return (
            "Width was not examined: the function that makes the model has no whole-number parameter `width`. "
            "Write it like `def model(width=64): ...` and give Task(model)."
        )
    new = partial(make, width=max(1, round(factor * now)))
    if weights_of(new) == weights_of(make):
        return f"Width was not examined: the model has as many weights with width={round(factor * now)} as with {now}."
    return replace(task, model=new)


def weights_of(make: Callable[[], Any]) -> int:
    """Return how many weights a model has."""
    import torch

    with torch.random.fork_rng(devices=[]):
        return sum(weight.numel() for weight in make().parameters())


def _data(task: Task, twins: Twins) -> Factor | str:
    if len(twins.originals) < 10:
        return "Data was not examined: there are too few examples to leave half of them out."
    return Factor(
        "data", "too little data", "all examples", "half of the examples", False, "data0.5",
        lambda task: twins.left(task, 0.5), 0.5,
    )  # fmt: skip


def _variety(task: Task, twins: Twins) -> Factor | str:
    if len(twins.originals) < 10:
        return "Variety was not examined: there are too few examples to replace half of them."
    return Factor(
        "variety", "too little variety", "all examples distinct", "every second example a copy of another", False, "copies",
        twins.copied,
    )  # fmt: skip


def _noise(task: Task, twins: Twins) -> Factor | str:
    what = "labels" if task.learned.name != "regression" else "targets"
    return Factor(
        "noise", f"wrong {what}", f"{what} as they are", f"{100 * NOISE:.0f} % more wrong {what}", False, "noise0.1",
        twins.mislabeled,
    )  # fmt: skip


def _time(task: Task, twins: Twins) -> Factor | str:
    if isinstance(task.model, Fit):
        return "Time was not examined: a byrote.Fit trains in its own way."
    epochs = task.recipe.epochs
    if epochs < 2:
        return "Time was not examined: one epoch cannot be halved."
    half = max(1, round(epochs / 2))
    return Factor(
        "time", "too long a training", f"{half} epoch{'s' * (half > 1)}", f"{epochs} epochs", True, "time0.5",
        lambda task: replace(task, recipe=replace(task.recipe, epochs=half)), half / epochs,
    )  # fmt: skip


def _width(task: Task, twins: Twins) -> Factor | str:
    narrow = resized(task, 0.5)
    if isinstance(narrow, str):
        return narrow
    make: Any = task.model
    less: Any = narrow.model
    many, few = weights_of(make), weights_of(less)

    def change(task: Task) -> Task:
        found = resized(task, 0.5)
        assert not isinstance(found, str)
        return found

    return Factor(
        "width", "too many parameters", f"half the width ({few:,} weights)", f"the full width ({many:,} weights)", True,
        "width0.5", change, (few / many) ** 0.5,
    )  # fmt: skip


def _regularization(task: Task, twins: Twins) -> Factor | str:
    if isinstance(task.model, Fit):
        return "Regularization was not examined: a byrote.Fit trains in its own way."
    reasons: list[str] = []
    decay = 5e-4 if task.recipe.spelled_optimizer[0] == "sgd" else 5e-2
    for text in ("dropout(0.5)", f"weight_decay({decay})"):
        control = parse_control(text)
        try:
            control(task)
        except InvalidData as error:
            reasons.append(error.fact)
            continue
        return _with(control, "regularization", "missing regularization")
    return f"Regularization was not examined: {reasons[0]}"


def _augmentation(task: Task, twins: Twins) -> Factor | str:
    if task.train.display.kind != "picture" or isinstance(task.model, Fit):
        return "Augmentation was not examined: it is for pictures and a torch model."
    try:
        control = parse_control("augment(crop)")
        control(task)
    except ByroteError as error:
        return f"Augmentation was not examined: {error.fact}"
    return _with(control, "augmentation", "missing augmentation")


_MAKERS: dict[str, Callable[[Task, Twins], Factor | str]] = {
    "noise": _noise,
    "variety": _variety,
    "data": _data,
    "time": _time,
    "width": _width,
    "regularization": _regularization,
    "augmentation": _augmentation,
}


def _remedy(task: Task, remedy: Control | str) -> Factor:
    control = parse_remedy(remedy) if isinstance(remedy, str) else remedy
    if control(task) is task:
        raise InvalidData(f"{control} changes nothing. Give a strength that does.")
    return _with(control, str(control), f"training without {control}")


def _with(control: Control, name: str, cause: str) -> Factor:
    key = re.sub(r"[^A-Za-z0-9.]+", "_", str(control)).strip("_")
    return Factor(name, cause, f"with {control}", f"without {control.name}", True, key, control)
