"""DistributedRecorder: one model that several processes train, each on its part of the batches, recorded as one run."""

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch.distributed as dist
from torch import Tensor

from byrote.errors import ByroteError, InvalidData
from byrote.objectives import Classification, Objective
from byrote.recorder.batches import Rows, batch
from byrote.recorder.recorder import Recorder
from byrote.recorder.registry import Registry, Split
from byrote.recorder.step_rows import StepRows
from byrote.task.examples import Examples


class Part(NamedTuple):
    """What one process has recorded in a step: the rows of each call, in their order."""

    calls: list[pa.RecordBatch]
    layout: Rows
    classes: tuple[str, ...]
    device: str


class DistributedRecorder:
    """A `Recorder` for a model that several processes of `torch.distributed` train: make it, and call it, in every one of them.

    Its arguments and methods are those of `byrote.Recorder`. Each process tells it what it has seen; at `end_step`, which
    all have to call, the first one (rank 0) gathers this and writes it, and the others wait. The record is that of one
    process that saw the batches in turns: the first batch of each process, then the second of each. The copies by which
    `DistributedSampler` makes all parts equally long are the same examples: of an id that comes twice, the last counts.

    Costs about 50 bytes per example and step that are sent to the first process. What it raises, all processes raise.
    Raises ByroteError when `torch.distributed` was not begun.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        run: int = 0,
        steps: int,
        classes: Sequence[str] = (),
        train: Examples | None = None,
        test: Examples | None = None,
        objective: Objective | str = Classification(),
    ) -> None:
        if not (dist.is_available() and dist.is_initialized()):
            raise ByroteError(
                "There is one process here: torch.distributed was not begun. Call torch.distributed.init_process_group first, or use byrote.Recorder."
            )
        self.run, self.steps = run, steps
        self._recorder: Recorder | None = None

        def begin() -> tuple[Rows, tuple[str, ...]]:
            self._recorder = Recorder(
                directory,
                run=run,
                steps=steps,
                classes=classes,
                train=train,
                test=test,
                objective=objective,
                gathered=True,
            )
            return self._recorder.layout, self._recorder.classes

        layout, known = _at_first(begin)
        self._gathered = StepRows(layout, known, Registry((), np.zeros(0, np.int64)))
        self._calls: list[pa.RecordBatch] = []

    def seen(self, ids: Any, outputs: Tensor, labels: Any) -> None:
        """Record the training pass of this process's batch. Raises as that of `Recorder` does, and at once."""
        self._add("train", True, ids, outputs, labels, True)

    def clean(self, ids: Any, outputs: Tensor, labels: Any, *, split: Split = "train", member: Any = None) -> None:
        """Note what the model in evaluation mode says about this process's batch; parts of processes may overlap."""
        self._add(split, False, ids, outputs, labels, member)

    def end_step(self, step: int) -> None:
        """Gather and write what all processes have seen since the last step; all have to call it. Raises as `Recorder` does."""
        parts: list[Any] | None = [None] * dist.get_world_size() if dist.get_rank() == 0 else None
        mine = Part(self._calls, self._gathered.layout, self._gathered.classes, self._gathered.device)
        self._calls = []
        dist.gather_object(mine, parts, dst=0)

        def write() -> None:
            if self._recorder is not None and parts is not None:
                _take_over(self._recorder, parts)
                self._recorder.end_step(step)

        _at_first(write)

    def _add(self, split: Split, seen: bool, ids: Any, outputs: Tensor, labels: Any, member: Any) -> None:
        self._gathered.add(split, seen, batch(ids, outputs, labels, member, self._gathered.layout.objective))
        self._calls += self._gathered.take_rows()


def _take_over(recorder: Recorder, parts: Sequence[Part]) -> None:
    """Give the recorder the rows of all processes, in turns; raise InvalidData when they differ in their number of outputs."""
    filled = [part for part in parts if part.calls]
    for part in filled[1:]:
        if part.classes != filled[0].classes or part.layout != filled[0].layout:
            raise InvalidData(
                f"One process has {len(filled[0].classes)} outputs, and another one {len(part.classes)}. Train one model in all of them."
            )
    if filled:
        turns = chain.from_iterable(zip_longest(*(part.calls for part in parts)))
        recorder.take_over(
            [rows for rows in turns if rows is not None], filled[0].layout, filled[0].classes, filled[0].device
        )


def _at_first(do: Callable[[], Any]) -> Any:
    """Do something in the first process, and return in all what it returned; raise in all what it raised."""
    outcome: list[Any] = [None, None]
    if dist.get_rank() == 0:
        try:
            outcome[0] = do()
        except ByroteError as error:
            outcome[1] = error
    dist.broadcast_object_list(outcome, src=0)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]
