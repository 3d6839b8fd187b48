"""Recorder: the door for a training loop of your own. Three lines in it, and the same record on disk as any other."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import torch.distributed as dist
from filelock import FileLock, Timeout
from torch import Tensor

from byrote.errors import ByroteError, InvalidData, WrongRecord, unknown
from byrote.objectives import Classification, Objective, Regression, parse_objective
from byrote.record import (
    Layout,
    check_text,
    finished_runs,
    read_manifest,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from byrote.record.storage import place, refuse_links
from byrote.recorder.batches import Batch, Rows, batch
from byrote.recorder.display_examples import DisplayExamples, population_of
from byrote.recorder.partial_run import PartialRun
from byrote.recorder.registry import Split
from byrote.recorder.step_rows import StepRows
from byrote.task.examples import Examples
from byrote.version import __version__

DESIGN = "own loop"
LOCK_SECONDS = 10
"""Loader workers of a killed loop hold its lock until they notice, which takes them up to five seconds."""


class Recorder:
    """Writes what a model says about its examples while your own loop trains it: one `Recorder` for each run.

    Call `seen` after each batch and `end_step` after each pass over the data; after step `steps` the run is complete
    and reads like any other. `clean`, in your evaluation, adds what `memorization` and its kin read: at the last step
    of every run, about all examples, members or not.

    `run` numbers the trainings that share a directory, `classes` names the labels (default: their indices). `train`
    and `test` are the examples for the report to show; with them, an id that is in neither is refused. Ids are whole
    numbers or strings, unique within their split.

    `objective` is a `byrote.Classification`, `Regression`, `Multilabel` or `Tokens`, or its text. Outputs are logits; those of a
    regression are predictions in the units of the labels that you give, and it takes `train`, or its own `mean` and
    `scale`, to know how much the targets vary.

    A finished step survives the death of the process. To resume from a checkpoint, call `end_step` with the steps
    that follow it: they replace what was recorded of them, and later ones are dropped. So end the step first, and
    save the checkpoint after it.

    Costs a copy of the outputs per batch (at most 64 MB wait for the end of the step; those of texts are reduced at
    once) and some 600 bytes per example, twice that while a run is completed. For several processes that train one
    model there is `byrote.DistributedRecorder`. `gathered=True` says that this recorder gets all batches of its run,
    although `torch.distributed` has several processes.

    Raises WrongRecord when the directory holds another audit or this run is finished, ByroteError when another process
    is recording this run or several processes train together.
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
        gathered: bool = False,
    ) -> None:
        if not gathered and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            raise ByroteError(
                f"{dist.get_world_size()} processes train here together, and each would record its own part as if it were all. Use byrote.DistributedRecorder; where you gather the batches yourself, or each process trains a run of its own, say gathered=True."
            )
        for name, value, least in (("run", run, 0), ("steps", steps, 1)):
            _whole(name, value, least)
        run, steps = int(run), int(steps)
        if not isinstance(classes, list | tuple):
            raise InvalidData(f"`classes` is {classes!r}. Give a list of names, one for each class.")
        names = tuple(map(str, classes))
        check_text("The class name", names)
        where = place(directory)
        if not isinstance(where, Path):
            raise ByroteError(
                f"A Recorder keeps unfinished steps beside the record, so it cannot write to {where}. Give it a local directory, and copy that when the runs are complete."
            )
        refuse_links(where)
        refuse_links(where / "working" / f"{run:04d}")
        self.directory, self.run, self.steps = where, run, steps
        given = parse_objective(objective) if isinstance(objective, str) else objective
        if not hasattr(given, "observe"):
            raise InvalidData(
                f"`objective` is {type(given).__name__}. Give byrote.Classification(), Regression(...), Multilabel() or Tokens()."
            )
        train, test = (None if each is None else _checked(each, given) for each in (train, test))
        layout = Rows(_fitted(given, train, names))
        classes = self._check_directory(layout.objective, names)
        self._display = DisplayExamples(train, test)
        self._gathered = StepRows(layout, classes, self._display.registry(population_of(self.directory)))
        self._recorded: list[pa.RecordBatch] = []
        self._steps = PartialRun(self.directory / "working" / f"{run:04d}", run)
        self._begun = self._complete = False
        self._lock = _lock(self.directory / "working" / f"{run:04d}.lock", run)

    @property
    def layout(self) -> Rows:
        """The columns that are recorded, as far as they are known before the first batch."""
        return self._gathered.layout

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none before the first batch says how many there are."""
        return self._gathered.classes

    def seen(self, ids: Any, outputs: Tensor, labels: Any) -> None:
        """Record the training pass of a batch, whose examples thereby are members of this run.

        Outputs (logits `[example, class]`) are copied without their graph, so they may be changed afterwards. Of an id that
        comes twice in a step, the last one counts. Raises InvalidData for lengths that differ, at the latest at the
        end of the step for labels out of range, labels that changed, and NaN.
        """
        self._add("train", True, batch(ids, outputs, labels, True, self._gathered.layout.objective))

    def clean(self, ids: Any, outputs: Tensor, labels: Any, *, split: Split = "train", member: Any = None) -> None:
        """Note what the model in evaluation mode says about a batch, at the end of the current step.

        Training examples that `seen` never met count as held out of this run. `member` (true or false, for all or for
        each) is for loops that call no `seen`: it says which of them the model was trained on. Raises as `seen` does.
        """
        if split not in ("train", "test"):
            raise unknown("split", split, ("train", "test"))
        if split == "test" and member is not None:
            raise InvalidData(
                "Test examples have no `member`: no run is trained on them. Give them as split='train' if one was."
            )
        self._add(split, False, batch(ids, outputs, labels, member, self._gathered.layout.objective))

    def end_step(self, step: int) -> None:
        """Write what was recorded since the last call as this step (from 1); after the last step, complete the run.

        Raises InvalidData when nothing was recorded or it cannot be used, ByroteError when earlier steps are missing or
        the disk cannot be written.
        """
        self._check_open()
        step = _whole("step", step, 0)
        if not 1 <= step <= self.steps:
            raise InvalidData(
                f"Step {step!r} was ended, but this run has steps 1 to {self.steps}. Count from 1, or give `steps` the number of passes."
            )
        self._recorded += self._gathered.take_rows()
        if not self._recorded:
            raise InvalidData(f"Nothing was recorded in step {step}. Call `seen` after each batch, before `end_step`.")
        if not self._begun:
            self._begin(step)
        self._steps.layout = self._gathered.layout
        self._steps.write(step, self._recorded)
        self._recorded = []
        if step == self.steps:
            self._finish()

    def take_over(self, rows: Sequence[pa.RecordBatch], layout: Rows, classes: tuple[str, ...], device: str) -> None:
        """Record rows that other processes have reduced, in this order; see `DistributedRecorder`."""
        self._check_open()
        self._gathered.layout, self._gathered.classes, self._gathered.device = layout, classes, device
        for each in rows:
            self._gathered.add_rows(each)

    def _add(self, split: Split, seen: bool, given: Batch) -> None:
        self._check_open()
        self._gathered.add(split, seen, given)

    def _begin(self, step: int) -> None:
        """Open the record on disk, and take over the steps that an earlier process recorded."""
        with FileLock(self.directory / ".lock"):
            self._check_directory(self._gathered.layout.objective, self._gathered.classes)
            if not (self.directory / "record.json").exists():
                write_population(self.directory, population_of(self.directory))
                write_manifest(self.directory, self._manifest())
        self._steps.layout = self._gathered.layout
        self._steps.take_over(step, self._gathered.registry)
        self._begun = True

    def _finish(self) -> None:
        names, labels, member = self._steps.examples()
        with FileLock(self.directory / ".lock"):
            population = self._display.publish(self.directory, names, labels)
        settings = {
            "run": self.run,
            "seed": None,
            "key": read_manifest(self.directory)["key"],
            "steps": self.steps,
            "byrote": __version__,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": self._gathered.device,
        }
        trained = np.isin(population.ids, np.array(names, np.str_)[member])
        steps = self._steps.steps(population.ids)
        write_run(
            run_path(self.directory, self.run),
            steps,
            trained,
            population.ids,
            settings,
            Layout.of(self._gathered.layout.objective),
        )
        self._complete = True
        self._steps.remove()
        self._lock.release(force=True)

    def _manifest(self) -> dict[str, Any]:
        """Return record.json of a record that a loop of the user's own writes."""
        body: dict[str, Any] = {
            "classes": list(self._gathered.classes),
            "steps": {"unit": "epoch", "last": self.steps},
            "objective": str(self._gathered.layout.objective),
        }
        return {
            "key": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
            "byrote": __version__,
            "task": {"name": self.directory.name, "source": DESIGN, "classes": body["classes"]},
            "objective": body["objective"],
            "recipe": {},
            "design": DESIGN,
            "canaries": "canaries()",
            "seed": None,
            "steps": body["steps"],
            **Layout.of(self._gathered.layout.objective).values(),
            "blocks": [],
        }

    def _check_open(self) -> None:
        if self._complete:
            raise ByroteError(
                f"Run {self.run} is complete: its last step, {self.steps}, was ended. Make a Recorder for the next run."
            )

    def _check_directory(self, objective: Objective, classes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the classes of the record, or those given where there is none yet; raise WrongRecord for another audit."""
        if not (self.directory / "record.json").exists():
            if finished_runs(self.directory):
                raise WrongRecord(
                    f"{self.directory} has runs but no record.json that says what they are. Choose another directory."
                )
            return classes
        found = read_manifest(self.directory)
        for name, old, new in (
            ("design", found["design"], DESIGN),
            ("number of steps", found["steps"]["last"], self.steps),
            ("objective", _kind(found["objective"]), _kind(str(objective))),
            ("classes", found["task"]["classes"], list(classes) or found["task"]["classes"]),
        ):
            if old != new:
                raise WrongRecord(
                    f"{self.directory} holds another audit: its {name} is {old!r}, not {new!r}. Choose another directory."
                )
        path = run_path(self.directory, self.run)
        if path.exists():
            raise WrongRecord(
                f"Run {self.run} is already finished in {self.directory}. Give this one another number, or delete {path} to record it again."
            )
        return tuple(found["task"]["classes"])


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidData(f"{name}={value!r} cannot be recorded. Give a whole number, {least} or more.")
    return int(value)


def _checked(examples: Examples, objective: Objective) -> Examples:
    return examples.with_labels(objective.check(examples.labels, examples.ids))


def _fitted(objective: Objective, train: Examples | None, classes: Sequence[str]) -> Objective:
    """Return the objective as far as it is known before the first batch."""
    if isinstance(objective, Regression) and not objective.scale:
        if train is None:
            raise InvalidData(
                "A regression is recorded in units of the training targets' standard deviation. Give `train`, or Regression(mean=(...,), scale=(...,))."
            )
        return objective.fitted(train.labels, len(classes))
    return objective


def _kind(text: str) -> str:
    """Return what must be equal in all runs of a record: the units of a regression, the kind of everything else."""
    return text if text.startswith(Regression.name) else text.split("(")[0]


def _lock(path: Path, run: int) -> FileLock:
    """Hold this run until the process dies, however it dies; the same process may begin the run anew, as in a notebook."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True, thread_local=False)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise ByroteError(
            f"Another process is recording run {run} in {path.parents[1]}. "
            "Give this one another number; of several that train one model, let the first record."
        ) from None
    except OSError as error:
        raise ByroteError(
            f"Cannot write to {path.parent} ({error.strerror}). Choose another directory, or make this one writable."
        ) from None
    return lock
