"""Recipe: frozen values that say how to train."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from byrote.errors import ByroteError, InvalidData, WrongRecord, refuses_unknown_names, unknown
from byrote.signature import parse_call, spell
from byrote.task.methods import ExampleRule, GradientRule, LossMethod, Method, Mixing, StoppingRule
from byrote.task.schedule import Knob, Schedule, parse_schedule, usable
from byrote.task.signals import Controller

KNOBS = ("learning_rate", "weight_decay")

OPTIMIZERS = (
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "asgd", "muon", "nadam", "radam", "rmsprop", "rprop", "sgd",
)  # fmt: skip
"""Those of torch.optim that need nothing but dense gradients. Which there are depends on the version of torch."""


@refuses_unknown_names
@dataclass(frozen=True)
class Recipe:
    """How to train: values only, so that it can be printed, compared, hashed and changed by a control.

    `epochs` are passes over the run's training set. `batch_size` examples share a forward pass, and the gradients of
    `accumulate` batches an update. `optimizer` is any of torch.optim by its name in small letters, with its options:
    `"adamw"`, `"sgd(nesterov=True)"`, `"adam(betas=(0.9, 0.95))"`; `momentum` is that of SGD. `learning_rate` and
    `weight_decay` are numbers, schedules, or controllers (see `byrote.Signals`). `clip_norm` is the largest norm of the
    gradient of all weights together (None: any). `evaluate_every` n adds a clean pass over test examples and canaries
    every n epochs, for learning curves (0: at the end only). `methods` are what `byrote.controls` change within training,
    in the order in which they act; the strength of each is a knob too. `sense` is how often in an epoch the sensor canaries
    are evaluated for a controller. Raises InvalidData for values that cannot train.
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: Knob = Schedule(0.001)
    momentum: float = 0.9
    weight_decay: Knob = 0.0
    clip_norm: float | None = None
    accumulate: int = 1
    evaluate_every: int = 1
    methods: tuple[Method, ...] = ()
    sense: int = 2

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("accumulate", 1), ("evaluate_every", 0), ("sense", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InvalidData(f"{name}={value!r} cannot train. Give a whole number, {least} or more.")
        for name in (*KNOBS, "momentum"):
            value = getattr(self, name)
            if not usable(value) and (name == "momentum" or not isinstance(value, Schedule | Controller)):
                raise InvalidData(f"{name}={value!r} cannot train. Give a number, 0 or more.")
        if self.clip_norm is not None and not (usable(self.clip_norm) and self.clip_norm > 0):
            raise InvalidData(f"clip_norm={self.clip_norm!r} cannot train. Give a number above 0, or None.")
        for name, knob in self.knobs.items():
            if " at 0x" in str(knob):
                raise InvalidData(
                    f"{name}={knob} has no name to be recorded by. Make the controller a frozen dataclass."
                )
        self._check_single_examples()
        name, options = self.spelled_optimizer
        if name not in OPTIMIZERS:
            raise unknown("optimizer", name, OPTIMIZERS)
        for option in ("lr", "weight_decay"):
            if option in options:
                raise InvalidData(
                    f"{self.optimizer!r} sets {option}. Give it to the recipe: Recipe(learning_rate=, weight_decay=)."
                )

    @property
    def spelled_optimizer(self) -> tuple[str, dict[str, Any]]:
        """The name of the optimizer and its options; raises InvalidData where it is no name with options."""
        try:
            return parse_call(str(self.optimizer))
        except ByroteError as error:
            raise InvalidData(f"optimizer={self.optimizer!r}: {error}") from None

    @property
    def controlled(self) -> bool:
        """Whether a knob reads what the sensor canaries say."""
        return any(not isinstance(knob, float | int | Schedule) for knob in self.knobs.values())

    @property
    def knobs(self) -> dict[str, Knob]:
        """All that is set anew before each update, by the name of its column: learning rate, weight decay, and methods."""
        own = {name: getattr(self, name) for name in KNOBS}
        return {
            **own,
            **{each.name: each.strength for each in self.methods if not isinstance(each, StoppingRule | ExampleRule)},
        }

    @property
    def alone(self) -> bool:
        """Whether a method needs the gradient of each example, so that runs are trained one by one."""
        return any(isinstance(method, GradientRule) and method.alone for method in self.methods)

    def _check_single_examples(self) -> None:
        """Raise InvalidData when a rule asks for gradients of single examples, which another method makes depend on others."""
        if not self.alone:
            return
        rules = [method for method in self.methods if isinstance(method, GradientRule)]
        rule = next(method for method in rules if method.alone)
        others = [method for method in rules if method is not rule]
        others += [each for each in self.methods if isinstance(each, LossMethod) and not each.by_example]
        others += [each for each in self.methods if isinstance(each, Mixing)]
        if others:
            raise InvalidData(
                f"{rule} takes the gradient of each example by itself, and cannot be used with {others[0]}. Give one of them."
            )

    def with_method(self, method: Method) -> "Recipe":
        """Return the recipe with one more method; raise InvalidData when it has one of this name already."""
        for other in self.methods:
            if other.name == method.name:
                raise InvalidData(f"{method} and {other} set the same thing. Give one of them.")
        return replace(self, methods=(*self.methods, method))

    def __str__(self) -> str:
        return spell("recipe", self.values())

    def values(self) -> dict[str, float | int | str | None]:
        """Return every field that trains, as it is spelled in files: `momentum` is that of SGD only, methods if there are any."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        named["methods"] = ", ".join(map(str, self.methods))
        for name, used in (
            ("momentum", self.spelled_optimizer[0] == "sgd"),
            ("methods", bool(self.methods)),
            ("sense", self.controlled),
        ):
            if not used:
                del named[name]
        return {k: v if isinstance(v, float | int | str | None) else str(v) for k, v in named.items()}

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Recipe":
        """Read a recipe from its `values`; raise WrongRecord where that cannot be, as with a controller of the user's own."""
        known = {f.name for f in fields(cls)} - {"methods", "sense"}
        if "methods" in values:
            raise WrongRecord(
                f"The record was trained with {values['methods']}, which is no part of a recipe. Give the task with its controls."
            )
        if {*values, "momentum"} - {"sense"} != known:
            raise WrongRecord(
                f"A recipe has {', '.join(sorted(known))}, but this one has {', '.join(sorted(values)) or 'nothing'}. It was written by another version."
            )
        try:
            knobs = {k: parse_schedule(v) for k, v in values.items() if k in KNOBS and isinstance(v, str)}
        except ByroteError as error:
            raise WrongRecord(f"The recipe of the record cannot be read back. {error}") from None
        return cls(**dict[str, Any]({**values, **knobs}))
