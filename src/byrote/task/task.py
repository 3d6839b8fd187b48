"""Task: what an audit is about."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from byrote.errors import InvalidData, refuses_unknown_names
from byrote.objectives import Classification, Objective, Tokens, parse_objective
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.inferred import Inferred
from byrote.task.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


UNNAMED = "task"
"""The name of a task that has none. One from a file then takes that of the file."""


@refuses_unknown_names
@dataclass(frozen=True, eq=False)
class Task:
    """What an audit is about: a model factory, examples to learn from, examples to be tested on, a recipe and an objective.

    `model()` returns a fresh `torch.nn.Module`, which maps a batch of inputs to what the `objective` says: one logit
    per class for `byrote.Classification()`, the default; for `byrote.Tokens()` logits of every next token. Or else
    `model` is a `byrote.Fit`, which trains a model of any kind in its own way, without a recipe. A model that returns a
    dict, an object or a tuple says by `output` which part is meant: `output="logits"`, `output=0`. `test=None`: there
    is no test set; the report then says what is missing.

    `objective` is a `byrote.Classification`, `Regression`, `Multilabel` or `Tokens`, or its text: `"regression"`.
    `classes` are names to show (default: the indices): of classes, of labels, or of targets (default: the columns of a
    DataFrame of them); tokens have none. `controls` are the texts of the controls that made this task of another (see
    `byrote.controls`), and `excluded` the ids of training examples that no run is trained on, for which canaries and
    designs are as if they were. `always` are the ids of training examples that every run is trained on, whatever the
    design leaves out; no canary is made of them. `inferred` is how files were read to make it, for people (see
    `byrote.open_task`). Raises InvalidData when the parts do not fit each other, also when the
    columns of two DataFrames are not in the same order.
    """

    model: "Callable[[], nn.Module] | Fit"
    train: Examples
    test: Examples | None = None
    recipe: Recipe = Recipe()
    classes: tuple[str, ...] = ()
    name: str = UNNAMED
    objective: Objective | str = Classification()
    output: str | int | None = None
    controls: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    inferred: Inferred | None = None

    def __post_init__(self) -> None:
        for part, value in (("train", self.train), ("test", self.test)):
            if not isinstance(cast("object", value), Examples) and not (part == "test" and value is None):
                raise InvalidData(f"Task.{part} must be byrote.Examples, but it is {type(value).__name__}.")
        if not isinstance(cast("object", self.recipe), Recipe):
            raise InvalidData(f"Task.recipe must be byrote.Recipe, but it is {type(self.recipe).__name__}.")
        if isinstance(self.model, Fit):
            if self.recipe != Recipe():
                raise InvalidData(
                    f"A byrote.Fit trains in its own way, and {self.recipe} would change nothing. Leave the recipe out."
                )
        elif not callable(self.model) or _is_module(self.model):
            raise InvalidData(
                "Task.model must be a function that returns a fresh model, or a byrote.Fit. Give the class or a lambda, not a model."
            )
        if self.test is not None and self.train.layout != self.test.layout:
            raise InvalidData(
                f"Training inputs are {_spelled(self.train)} and test inputs {_spelled(self.test)}. They must have the same type and shape."
            )
        if self.test is not None and self.test.display.columns not in ((), self.train.display.columns):
            raise InvalidData(
                f"Training inputs have the columns {_listed(self.train.display.columns)}, and test inputs {_listed(self.test.display.columns)}. Give both the same, in the same order."
            )
        self._check_excluded()
        self._take_objective()
        if isinstance(self.objective, Classification):
            self._check_classes()

    @property
    def learned(self) -> Objective:
        """The objective, fitted to the training examples."""
        return cast("Objective", self.objective)

    @property
    def examples(self) -> dict[str, Examples]:
        """The training examples, and the test examples if there are any, by split."""
        return {"train": self.train} if self.test is None else {"train": self.train, "test": self.test}

    def _check_excluded(self) -> None:
        """Raise InvalidData for ids that no training example has, for those named on both sides, and when none is left."""
        for name, named in (("excluded", self.excluded), ("always", self.always)):
            absent = named - set(self.train.ids.tolist()) if named else ()
            if absent:
                raise InvalidData(
                    f"{len(absent)} ids in `{name}` are of no training example, for example {min(absent)!r}. Give ids of Task.train."
                )
        both = self.excluded & self.always
        if both:
            raise InvalidData(
                f"{len(both)} training examples are excluded, and every run must be trained on them, for example {min(both)!r}. Leave them out of one of the two."
            )
        if len(self.excluded) == len(self.train):
            raise InvalidData("All training examples are excluded. Leave some in.")

    def _take_objective(self) -> None:
        """Check all targets, and fit the objective to those of the training examples."""
        given = parse_objective(self.objective) if isinstance(self.objective, str) else self.objective
        if not hasattr(given, "observe"):
            raise InvalidData(
                f"Task.objective must be byrote.Classification(), Regression(), Multilabel() or Tokens(), but it is {type(given).__name__}."
            )
        for split, examples in self.examples.items():
            object.__setattr__(self, split, examples.with_labels(given.check(examples.labels, examples.ids)))
        if self.test is not None and self.train.labels.shape[1:] != self.test.labels.shape[1:]:
            raise InvalidData(
                f"Training examples have targets of shape {self.train.labels.shape[1:]} and test examples {self.test.labels.shape[1:]}. They must be equal."
            )
        if isinstance(given, Tokens):
            object.__setattr__(self, "objective", self._tokens(given))
            return
        if not isinstance(given, Classification):
            self._name_targets()
        elif not self.classes:
            object.__setattr__(self, "classes", tuple(str(i) for i in range(self._top() + 1)))
        fitted = given.fitted(self.train.labels, len(self.classes))
        object.__setattr__(self, "objective", fitted)
        if not self.classes:
            object.__setattr__(self, "classes", tuple(str(i) for i in range(fitted.outputs)))
        if len(self.classes) != fitted.outputs:
            raise InvalidData(
                f"There are {len(self.classes)} names in `classes` for {fitted.outputs} targets. Give one for each, or none."
            )

    def _tokens(self, given: Tokens) -> Tokens:
        """Return the objective with its vocabulary; raise InvalidData for what a language task cannot have."""
        if isinstance(self.model, Fit):
            raise InvalidData(
                "A byrote.Fit predicts a row per example, and a text has one per token. Give a function that returns a torch model."
            )
        if self.classes:
            raise InvalidData(
                "`classes` names what is predicted, and tokens have no names. Leave it out; give `show` to Examples."
            )
        top = max(int(examples.labels.max()) for examples in self.examples.values())
        fitted = given.fitted(self.train.labels, 0)
        return fitted if given.vocabulary else given.fitted(self.train.labels, top + 1)

    def _name_targets(self) -> None:
        """Name targets as the columns of a DataFrame; raise InvalidData where these stand in another order elsewhere."""
        names, tested = self.train.label_columns, () if self.test is None else self.test.label_columns
        if names and tested and names != tested:
            raise InvalidData(
                f"Training targets have the columns {_listed(names)}, and test targets {_listed(tested)}. Give both the same, in the same order."
            )
        known = names or tested
        if known and not self.classes:
            object.__setattr__(self, "classes", known)
        elif known != self.classes and sorted(known) == sorted(self.classes):
            raise InvalidData(
                f"The targets have the columns {_listed(known)}, and `classes` names them {_listed(self.classes)}. Give `classes` in the order of the columns, or leave it out."
            )

    def _top(self) -> int:
        """Return the largest label; raise InvalidData when it cannot be a count of classes."""
        top = max(int(examples.labels.max()) for examples in self.examples.values())
        count = sum(len(examples) for examples in self.examples.values())
        if top >= count:
            raise InvalidData(
                f"Label {top} is larger than the number of examples. Map the classes to 0, 1, 2 ... or name them all in `classes`."
            )
        return top

    def _check_classes(self) -> None:
        present = len(np.unique(self.train.labels))
        if present < 2:
            raise InvalidData(
                f"All {len(self.train)} training examples have label {self.train.labels[0]}. An audit needs two classes or more."
            )
        for part, value in self.examples.items():
            if value.labels.max() >= len(self.classes):
                where = int(np.argmax(value.labels))
                raise InvalidData(
                    f"Label {value.labels[where]} of {part} example {str(value.ids[where])!r} is out of range: "
                    f"{len(self.classes)} classes have labels 0 to {len(self.classes) - 1}."
                )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:20]) + (" ..." if len(names) > 20 else "") if names else "without names"


def _spelled(examples: Examples) -> str:
    texts = [f"{name + ': ' if name else ''}{dtype} {list(shape)}" for name, (dtype, shape) in examples.layout.items()]
    return ", ".join(texts)


def _is_module(model: object) -> bool:
    """Return whether this is a model, which is callable too but gives no fresh one. Its class is only known once torch is."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)
