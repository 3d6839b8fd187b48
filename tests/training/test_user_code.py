"""What a user's own code raises during training is a sentence, whatever it raises and whenever."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import byrote
from byrote.errors import ByroteError, InvalidData
from byrote.record import Record
from small import perceptron, small_task

ALONE = byrote.Compute(workers=1)


class Stubborn(nn.Module):
    """Takes the batches of the checks, 2 and 8, and batches of 4 and 16; others it reads as fewer, or refuses."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__()
        self.inner, self.silent = perceptron(), silent

    def forward(self, x: Tensor) -> Tensor:
        if len(x) in (2, 4, 8, 16):
            return self.inner(x)
        if self.silent:
            return self.inner(x[:1])
        return self.inner(x.reshape(16, 8, 8))


class Exiting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = perceptron()

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            sys.exit(3)
        return self.inner(x)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            lambda: Stubborn(silent=False),
            r"The model raises RuntimeError in step 1, with a batch of \d+ examples: shape",
        ),
        (lambda: Stubborn(silent=True), r"ValueError in step 1, .*: it returns \d+ rows for \d+ examples"),
        (Exiting, "The model raises SystemExit in training mode, with a batch of 2 examples: 3"),
    ],
)
def test_a_model_that_fails_on_other_batches_is_a_sentence(model: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=told):
        byrote.collect(replace(small_task(), model=model), tmp_path, runs=1, compute=ALONE)


@pytest.mark.cluster
def test_the_same_in_a_worker(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=r"ValueError in step 1, .*: it returns"):
        byrote.collect(
            replace(small_task(), model=lambda: Stubborn(silent=True)),
            tmp_path,
            runs=2,
            compute=byrote.Compute(workers=2),
        )


def leave(*_: object) -> Any:
    raise SystemExit("enough")


@pytest.mark.parametrize(
    ("fit", "told"),
    [
        (leave, "The fit function raises SystemExit: enough"),
        (lambda train, seed: leave, "`predict` raises SystemExit: enough"),
    ],
)
def test_an_exit_in_a_fit_is_a_sentence(fit: Any, told: str, tmp_path: Path) -> None:
    task = small_task()
    with pytest.raises(ByroteError, match=told):
        byrote.collect(byrote.Task(byrote.Fit(fit), task.train, task.test), tmp_path, runs=1, compute=ALONE)


@pytest.mark.parametrize("bad", ["a\ud800", "a\0"])
def test_text_that_no_file_can_hold_is_refused(bad: str, tmp_path: Path) -> None:
    task = small_task()
    n = len(task.train)
    for changed, told in (
        (byrote.Examples(task.train.inputs, task.train.labels, [bad, *map(str, range(1, n))]), "id"),
        (byrote.Examples(task.train.inputs, task.train.labels, groups=[bad] * n), "group"),
    ):
        if "\0" in bad:
            continue  # NumPy has dropped it before anyone could see it
        with pytest.raises(InvalidData, match=r"(is no valid Unicode|holds a zero character)"):
            byrote.collect(replace(task, train=changed), tmp_path / told, runs=0)
    for part in ({"name": bad}, {"classes": (bad, "b", "c", "d")}):
        with pytest.raises(InvalidData, match=r"(is no valid Unicode|holds a zero character)"):
            byrote.collect(replace(task, **part), tmp_path / "x", runs=0)
    recorder = byrote.Recorder(tmp_path / "loop", steps=1)
    recorder.clean([bad], torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(InvalidData, match=r"(is no valid Unicode|holds a zero character)"):
        recorder.end_step(1)


@pytest.mark.parametrize(
    "options",
    [{"run": 1.0}, {"run": "1"}, {"run": True}, {"steps": 2.5}, {"steps": None}, {"run": -1}, {"run": np.nan}],
)
def test_a_recorder_takes_whole_numbers(options: dict[str, Any], tmp_path: Path) -> None:
    name = next(iter(options))
    with pytest.raises(InvalidData, match=rf"{name}=.* cannot be recorded\. Give a whole number"):
        byrote.Recorder(tmp_path, **{"steps": 2, **options})


@pytest.mark.parametrize("step", [1.0, "1", True, None])
def test_steps_are_whole_numbers(step: Any, tmp_path: Path) -> None:
    recorder = byrote.Recorder(tmp_path, run=np.int64(0), steps=np.int32(1))  # type: ignore[arg-type]
    recorder.clean([0], torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(InvalidData, match=r"step=.* cannot be recorded\. Give a whole number"):
        recorder.end_step(step)
    recorder.end_step(1)
    assert Record(tmp_path).runs == (0,)


def test_class_names_of_a_recorder_are_a_list(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="`classes` is 'ab'"):
        byrote.Recorder(tmp_path, steps=1, classes="ab")
