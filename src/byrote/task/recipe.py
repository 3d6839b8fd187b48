"""Recipe: frozen values that say how to train."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from byrote.errors import InvalidData, unknown
from byrote.signature import spell
from byrote.task.schedule import Schedule, usable

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Recipe:
    """How to train: values only, so that it can be printed, compared, hashed and changed by a control.

    `epochs` are passes over the run's training set, `batch_size` examples share an optimizer step, `learning_rate` and
    `weight_decay` are numbers or schedules. `evaluate_every` n adds a clean pass over test examples and canaries
    every n epochs, for learning curves (0: at the end only). `momentum` is SGD's. Raises InvalidData for values that
    cannot train.
    """

    epochs: int = 20
    batch_size: int = 64
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: float | Schedule = Schedule(0.001)
    momentum: float = 0.9
    weight_decay: float | Schedule = 0.0
    evaluate_every: int = 1

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("evaluate_every", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InvalidData(f"{name}={value!r} cannot train. Give a whole number, {least} or more.")
        for name in ("learning_rate", "momentum", "weight_decay"):
            value = getattr(self, name)
            if not usable(value) and (name == "momentum" or not isinstance(value, Schedule)):
                raise InvalidData(f"{name}={value!r} cannot train. Give a number, 0 or more.")
        if self.optimizer not in ("sgd", "adamw"):
            raise unknown("optimizer", str(self.optimizer), ("sgd", "adamw"))

    def __str__(self) -> str:
        return spell("recipe", self.values())

    def values(self) -> dict[str, float | int | str]:
        """Return every field as it is spelled in files."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: str(v) if isinstance(v, Schedule) else v for k, v in named.items()}
