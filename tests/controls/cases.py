"""One case for each control: what the laws of `test_laws.py` need to know of it."""

from dataclasses import dataclass
from typing import Any

from byrote.controls import CONTROLS
from byrote.controls.control import Control
from byrote.task.schedule import linear
from byrote.task.task import Task
from controls.tasks import copies_task, signal_task, table_task, text_task
from small import small_task


@dataclass(frozen=True)
class Case:
    """`strong` visibly changes training; `still` is spelled so that its machinery runs and changes nothing, if there is one."""

    strong: Control
    still: Control | None = None
    task: Any = small_task
    packs: bool = True
    canaries: int = 4

    def base(self) -> Task:
        return self.task()


CASES: dict[str, Case] = {
    "dropout": Case(CONTROLS["dropout"](0.5), CONTROLS["dropout"](linear(0.0)), packs=False),  # masks differ in a pack
    "weight_decay": Case(CONTROLS["weight_decay"](0.05), CONTROLS["weight_decay"](linear(0.0))),
    "augment": Case(
        CONTROLS["augment"]("crop", "flip", "scale", "noise"),
        CONTROLS["augment"]("crop", "colour", strength=linear(0.0)),
    ),
    "mixup": Case(CONTROLS["mixup"](1.0), CONTROLS["mixup"](linear(0.0))),
    "cutmix": Case(CONTROLS["cutmix"](1.0), CONTROLS["cutmix"](linear(0.0))),
    "input_noise": Case(CONTROLS["input_noise"](0.5), CONTROLS["input_noise"](linear(0.0))),
    "input_dropout": Case(CONTROLS["input_dropout"](0.5), CONTROLS["input_dropout"](linear(0.0))),
    "feature_dropout": Case(CONTROLS["feature_dropout"](0.5), CONTROLS["feature_dropout"](linear(0.0)), table_task),
    "signal_augment": Case(
        CONTROLS["signal_augment"](0.2, 0.2, 0.2), CONTROLS["signal_augment"](strength=linear(0.0)), signal_task
    ),
    "token_dropout": Case(CONTROLS["token_dropout"](0.3, token=1), CONTROLS["token_dropout"](linear(0.0)), text_task),
    "subset": Case(CONTROLS["subset"](0.5)),
    "drop": Case(CONTROLS["drop"](("3", "train/4", "5"))),
    "downweight": Case(CONTROLS["downweight"](("3", "train/4"), 0.1)),
    "relabel": Case(CONTROLS["relabel"]({"3": 0, "train/4": 1, "5": 2, "6": 3})),
    "deduplicate": Case(CONTROLS["deduplicate"](), task=copies_task),
    "balance": Case(CONTROLS["balance"](1.0)),
    "flooding": Case(CONTROLS["flooding"](2.0), CONTROLS["flooding"](linear(0.0))),
    "thermostat": Case(
        CONTROLS["thermostat"](0.0), task=lambda: small_task(n=240, epochs=12), packs=False, canaries=12
    ),
}
