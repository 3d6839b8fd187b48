"""One case for each control: what the laws of `test_laws.py` need to know of it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from byrote.controls import CONTROLS
from byrote.controls.control import Control
from byrote.task.models import mlp
from byrote.task.schedule import linear
from byrote.task.task import Task
from controls.tasks import copies_task, language_task, signal_task, table_task, text_task
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


def long_task() -> Task:
    """A task that is trained until the loss of held-out examples rises."""
    return small_task(epochs=25)


def built_in() -> Task:
    """Return the small task with a built-in model, whose factory has a width and a depth."""
    return replace(small_task(), model=partial(mlp, (8, 8), 4, width=32))


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
    "wanted": Case(CONTROLS["wanted"](tuple(map(str, range(0, 80, 5))), 1.0)),
    "relabel": Case(CONTROLS["relabel"]({"3": 0, "train/4": 1, "5": 2, "6": 3})),
    "deduplicate": Case(CONTROLS["deduplicate"](), task=copies_task),
    "balance": Case(CONTROLS["balance"](1.0)),
    "example_tied_dropout": Case(CONTROLS["example_tied_dropout"](0.6), CONTROLS["example_tied_dropout"](linear(0.0))),
    "distill": Case(CONTROLS["distill"](0.9), CONTROLS["distill"](linear(0.0))),
    "without_brakes": Case(CONTROLS["without_brakes"](1.5), task=built_in),
    "width": Case(CONTROLS["width"](0.25), task=built_in),
    "depth": Case(CONTROLS["depth"](2), task=built_in),
    "flooding": Case(CONTROLS["flooding"](2.0), CONTROLS["flooding"](linear(0.0))),
    "thermostat": Case(
        CONTROLS["thermostat"](0.0), task=lambda: small_task(n=240, epochs=12), packs=False, canaries=12
    ),
    "label_smoothing": Case(CONTROLS["label_smoothing"](0.3), CONTROLS["label_smoothing"](linear(0.0))),
    "generalized_cross_entropy": Case(
        CONTROLS["generalized_cross_entropy"](0.7), CONTROLS["generalized_cross_entropy"](linear(0.0))
    ),
    "early_learning_regularization": Case(
        CONTROLS["early_learning_regularization"](3.0), CONTROLS["early_learning_regularization"](linear(0.0), 0.9)
    ),
    "flooding_per_example": Case(CONTROLS["flooding_per_example"](2.0), CONTROLS["flooding_per_example"](linear(0.0))),
    "temperature": Case(CONTROLS["temperature"](4.0), CONTROLS["temperature"](linear(1.0, 1.0))),
    "trim": Case(CONTROLS["trim"](0.2), CONTROLS["trim"](linear(0.0))),
    "confidence_penalty": Case(CONTROLS["confidence_penalty"](0.5), CONTROLS["confidence_penalty"](linear(0.0))),
    "l1": Case(CONTROLS["l1"](1e-3), CONTROLS["l1"](linear(0.0))),
    "l2": Case(CONTROLS["l2"](0.05), CONTROLS["l2"](linear(0.0))),
    "early_stop": Case(CONTROLS["early_stop"]("validation", 1), task=long_task),
    "clip": Case(CONTROLS["clip"](0.1)),
    "clip_each": Case(CONTROLS["clip_each"](0.1), packs=False),  # trained one by one
    "winsorize": Case(CONTROLS["winsorize"](0.25), CONTROLS["winsorize"](linear(0.0), 4), packs=False),
    "sam": Case(CONTROLS["sam"](0.1), CONTROLS["sam"](linear(0.0))),
    "dp_sgd": Case(CONTROLS["dp_sgd"](noise=1.0), packs=False),
    "batch_size": Case(CONTROLS["batch_size"](8)),
    "learning_rate": Case(CONTROLS["learning_rate"](0.05), CONTROLS["learning_rate"](linear(0.2))),
    "epochs": Case(CONTROLS["epochs"](2), CONTROLS["epochs"](1.0)),
    "goldfish": Case(CONTROLS["goldfish"](3), CONTROLS["goldfish"](linear(0.0)), language_task),
    "ngram_penalty": Case(
        CONTROLS["ngram_penalty"](1.0, n=2, ceiling=0.01), CONTROLS["ngram_penalty"](linear(0.0)), language_task
    ),
    "optimizer": Case(CONTROLS["optimizer"]("adamw"), CONTROLS["optimizer"]("sgd")),
}
