"""One case for each control: what the laws of `test_laws.py` need to know of it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from byrote.controls import CONTROLS
from byrote.controls.control import Control
from byrote.task.models import mlp
from byrote.task.schedule import linear
from byrote.task.task import Task
from small import small_task


@dataclass(frozen=True)
class Case:
    """`strong` visibly changes training; `still` is spelled so that its machinery runs and changes nothing, if there is one."""

    strong: Control
    still: Control | None = None
    task: Any = small_task
    packs: bool = True

    def base(self) -> Task:
        return self.task()


def built_in() -> Task:
    """Return the small task with a built-in model, whose factory has a width and a depth."""
    return replace(small_task(), model=partial(mlp, (8, 8), 4, width=32))


CASES: dict[str, Case] = {
    "dropout": Case(CONTROLS["dropout"](0.5), CONTROLS["dropout"](linear(0.0)), packs=False),  # masks differ in a pack
    "weight_decay": Case(CONTROLS["weight_decay"](0.05), CONTROLS["weight_decay"](linear(0.0))),
    "example_tied_dropout": Case(CONTROLS["example_tied_dropout"](0.6), CONTROLS["example_tied_dropout"](linear(0.0))),
    "distill": Case(CONTROLS["distill"](0.9), CONTROLS["distill"](linear(0.0))),
    "without_brakes": Case(CONTROLS["without_brakes"](1.5), task=built_in),
    "width": Case(CONTROLS["width"](0.25), task=built_in),
    "depth": Case(CONTROLS["depth"](2), task=built_in),
    "flooding": Case(CONTROLS["flooding"](2.0), CONTROLS["flooding"](linear(0.0))),
}
