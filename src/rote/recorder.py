"""Recorder: the door for a training loop of your own. Three lines in it, and the same record on disk as any other."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from rote.errors import InvalidData, RoteError, WrongRecord, unknown
from rote.examples import Examples
from rote.observe import observe
from rote.pictures import decode, encode
from rote.record import (
    BASE_COLUMNS,
    Observed,
    Population,
    Record,
    Step,
    finished_runs,
    read_manifest,
    run_path,
    write_manifest,
    write_population,
    write_run,
)
from rote.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

DESIGN = "own loop"
BUFFER_BYTES = 64 << 20
"""Logits that wait for the end of the step; beyond it they are reduced early."""
LOCK_SECONDS = 10
"""Loader workers of a killed loop hold its lock until they notice, which takes them up to five seconds."""

Kind = Literal["seen", "clean"]
Split = Literal["train", "test"]
Positions = NDArray[np.int64]


class Recorder:
    """Writes what a model says about its examples while your own loop trains it: one `Recorder` for each run.

    Call `seen` after each batch and `end_step` after each pass over the data; after step `steps` the run is complete
    and reads like any other. `clean`, in your evaluation, adds what `memorization` and its kin read: at the last step
    of every run, about everyone, members or not.

    `run` numbers the trainings that share a directory, `classes` names the labels (default: their indices). `train`
    and `test` are the examples for the report to show; with them, an id that is in neither is refused. Ids are whole
    numbers or strings, unique within their split.

    A finished step survives the death of the process. To resume from a checkpoint, call `end_step` with the steps
    that follow it: they replace what was recorded of them, and later ones are dropped. So end the step first, and
    save the checkpoint after it.

    Costs a copy of the logits per batch (at most 64 MB wait for the end of the step) and some 500 bytes per example.
    Not for several processes that train one model: gather ids, logits and labels on the first, and record there.

    Raises WrongRecord when the directory holds another audit or this run is finished, RoteError when another process
    is recording this run.
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
    ) -> None:
        for name, value, least in (("run", run, 0), ("steps", steps, 1)):
            if isinstance(value, bool) or value < least:
                raise InvalidData(f"{name}={value!r} cannot be recorded. Give a whole number, {least} or more.")
        self.directory, self.run, self.steps = Path(directory), run, steps
        self._classes = tuple(classes)
        self._check_directory()
        self._roll = _Roll()
        self._looks = _Looks(self.directory, train, test)
        self._roll.add(*self._looks.known)
        self._roll.refusal = self._looks.refusal
        self._parts = _Parts(self.directory / "working" / f"{run:04d}", run)
        self._passes: dict[Kind, _Pass] = {}
        self._waiting: dict[tuple[Kind, Split], list[_Batch]] = {}
        self._waiting_bytes = 0
        self._device = "cpu"
        self._begun = self._complete = False
        self._lock = _lock(self.directory / "working" / f"{run:04d}.lock", run)

    def seen(self, ids: Any, logits: "Tensor", labels: Any) -> None:
        """Note what the training pass said about a batch, whose examples thereby are members of this run.

        Logits `[example, class]` are copied without their graph, so they may be changed afterwards. Of an id that
        comes twice in a step, the last one counts. Raises InvalidData for lengths that differ, at the latest at the
        end of the step for labels out of range, labels that changed, and NaN.
        """
        self._wait("seen", "train", ids, logits, labels, True)

    def clean(self, ids: Any, logits: "Tensor", labels: Any, *, split: Split = "train", member: Any = None) -> None:
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
        self._wait("clean", split, ids, logits, labels, member)

    def end_step(self, step: int) -> None:
        """Write what was recorded since the last call as this step (from 1); after the last step, complete the run.

        Raises InvalidData when nothing was recorded or it cannot be used, RoteError when earlier steps are missing or
        the disk cannot be written.
        """
        self._check_open()
        if isinstance(step, bool) or not 1 <= step <= self.steps:
            raise InvalidData(
                f"Step {step!r} was ended, but this run has steps 1 to {self.steps}. Count from 1, or give `steps` the number of passes."
            )
        self._reduce()
        if not self._passes:
            raise InvalidData(f"Nothing was recorded in step {step}. Call `seen` after each batch, before `end_step`.")
        if not self._begun:
            self._begin(step)
        self._parts.check_before(step)
        self._parts.write(step, self._roll, self._passes)
        self._passes = {}
        if step == self.steps:
            self._finish()

    def _wait(self, kind: Kind, split: Split, ids: Any, logits: "Tensor", labels: Any, member: Any) -> None:
        self._check_open()
        ready = _batch(ids, logits, labels, member)
        classes = ready.logits.shape[1]
        if not self._classes:
            self._classes = tuple(str(i) for i in range(classes))
        if classes != len(self._classes):
            raise InvalidData(
                f"These logits have {classes} classes, but the record has {len(self._classes)}. Give one logit for each class."
            )
        self._waiting.setdefault((kind, split), []).append(ready)
        self._waiting_bytes += ready.logits.nbytes
        if self._waiting_bytes > BUFFER_BYTES:
            self._reduce()

    def _reduce(self) -> None:
        """Turn the logits that wait into columns, and the ids into positions."""
        import torch

        waiting, self._waiting, self._waiting_bytes = self._waiting, {}, 0
        for (kind, split), batches in waiting.items():
            logits = torch.cat([batch.logits for batch in batches])
            labels = torch.cat([batch.labels for batch in batches]).to(logits.device, torch.int64)
            where = self._roll.positions(split, _joined([batch.ids for batch in batches]))
            numbers = labels.cpu().numpy()
            for bad in np.flatnonzero((numbers < 0) | (numbers >= len(self._classes)))[:1]:
                raise InvalidData(
                    f"Label {numbers[bad]} of {self._roll.names[where[bad]]!r} is out of range. "
                    f"{len(self._classes)} classes have labels 0 to {len(self._classes) - 1}."
                )
            self._roll.label(where, numbers)
            said = observe(logits, labels)
            for bad in np.flatnonzero(~np.isfinite(said["loss"]) | np.isnan(said["residual"]))[:1]:
                raise InvalidData(
                    f"The logits of {self._roll.names[where[bad]]!r} are NaN or infinite. "
                    "Lower the learning rate; steps that were ended are kept."
                )
            member = 1
            if kind == "clean":
                member = np.concatenate([np.broadcast_to(batch.member, len(batch.labels)) for batch in batches])
            self._passes.setdefault(kind, _Pass()).put(where, said, member, len(self._roll.names))
            self._device = str(logits.device)

    def _begin(self, step: int) -> None:
        """Open the record on disk, and take over the steps that an earlier process recorded."""
        with FileLock(self.directory / ".lock"):
            self._check_directory()
            if not (self.directory / "record.json").exists():
                write_population(self.directory, _nobody())
                write_manifest(self.directory, self._manifest())
        self._parts.take_over(step, self._roll)
        self._begun = True

    def _finish(self) -> None:
        import torch

        ids, labels, member = self._parts.everyone(self.steps)
        with FileLock(self.directory / ".lock"):
            population = self._looks.publish(ids, labels)
        inside = np.isin(population.ids, np.array(ids, dtype=np.str_)[member])
        settings = {"run": self.run, "seed": None, "key": self._manifest()["key"], "steps": self.steps}
        settings |= {
            "rote": __version__,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "device": self._device,
        }
        steps = self._parts.steps(self.steps, population.ids)
        write_run(run_path(self.directory, self.run), steps, inside, population.ids, settings)
        self._complete = True
        self._parts.remove()
        self._lock.release(force=True)

    def _manifest(self) -> dict[str, Any]:
        body = {"classes": list(self._classes), "steps": {"unit": "epoch", "last": self.steps}}
        return {
            "key": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
            "rote": __version__,
            "task": {"name": self.directory.name, "source": DESIGN, "classes": body["classes"]},
            "recipe": {},
            "design": DESIGN,
            "canaries": "canaries()",
            "seed": None,
            "steps": body["steps"],
            "blocks": [],
        }

    def _check_open(self) -> None:
        if self._complete:
            raise RoteError(
                f"Run {self.run} is complete: its last step, {self.steps}, was ended. Make a Recorder for the next run."
            )

    def _check_directory(self) -> None:
        if not (self.directory / "record.json").exists():
            if finished_runs(self.directory):
                raise WrongRecord(
                    f"{self.directory} has runs but no record.json that says what they are. Choose another directory."
                )
            return
        found = read_manifest(self.directory)
        for name, old, new in (
            ("design", found["design"], DESIGN),
            ("number of steps", found["steps"]["last"], self.steps),
            ("classes", found["task"]["classes"], list(self._classes) or found["task"]["classes"]),
        ):
            if old != new:
                raise WrongRecord(
                    f"{self.directory} holds another audit: its {name} is {old!r}, not {new!r}. Choose another directory."
                )
        self._classes = tuple(found["task"]["classes"])
        path = run_path(self.directory, self.run)
        if path.exists():
            raise WrongRecord(
                f"Run {self.run} is already finished in {self.directory}. Give this one another number, or delete {path} to record it again."
            )


class WithIds:
    """A map-style dataset whose items carry their ids: `(*item, id)`. Made by `with_ids`."""

    def __init__(self, dataset: Any, ids: Sequence[int | str]) -> None:
        self.dataset = dataset
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return _with_id(self.dataset[index], self.ids[index])

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return a batch; loaders ask for it when it is there, and it is faster than one item at a time."""
        batch = getattr(self.dataset, "__getitems__", None)
        items = batch(indices) if batch else [self.dataset[index] for index in indices]
        return [_with_id(item, self.ids[index]) for item, index in zip(items, indices, strict=True)]


def with_ids(dataset: Any, ids: Any = None) -> WithIds:
    """Return the dataset with a stable id at the end of each item, which thereby goes through shuffling and loader workers.

    `ids` are whole numbers or strings, one per item (default: its position). Wrap the dataset before you take subsets
    of it, so that an example has one id in all runs. Raises InvalidData for a dataset without positions, and for ids
    that are repeated or of another number.
    """
    if not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise InvalidData(
            f"{type(dataset).__name__} has no positions to take ids from. Let it yield an id with each item itself."
        )
    if ids is None:
        return WithIds(dataset, range(len(dataset)))
    named = _listed(ids)
    if len(named) != len(dataset):
        raise InvalidData(f"There are {len(dataset)} items but {len(named)} ids. Give one to each item.")
    _check_kind(named)
    twice = [each for each, count in Counter(map(str, named)).items() if count > 1]
    if twice:
        raise InvalidData(
            f"{len(twice)} ids are used more than once, for example {twice[0]!r}. Give every item its own."
        )
    return WithIds(dataset, named)


@dataclass(frozen=True, eq=False)
class _Batch:
    """What came in one call: `ids` as a list or tensor, `member` for all or for each."""

    ids: Any
    logits: "Tensor"
    labels: "Tensor"
    member: Any


def _batch(ids: Any, logits: Any, labels: Any, member: Any) -> _Batch:
    """Check and copy: logits may be changed in place afterwards, or lie in a buffer that the next batch fills."""
    import torch

    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or not logits.is_floating_point():
        raise InvalidData(
            f"Logits must be a tensor [example, class], but they are {_told(logits)}. Give the model's output, before softmax."
        )
    classes = labels if isinstance(labels, torch.Tensor) else torch.as_tensor(labels)
    if classes.ndim != 1 or classes.is_floating_point() or classes.is_complex():
        raise InvalidData(
            f"Labels must be class indices [example], but they are {_told(classes)}. Give whole numbers from 0."
        )
    named = ids.clone() if isinstance(ids, torch.Tensor) and ids.ndim == 1 else _listed(ids)
    n = len(logits)
    if len(named) != n or len(classes) != n:
        raise InvalidData(
            f"There are {len(named)} ids, {n} rows of logits and {len(classes)} labels. Give one of each for every example."
        )
    return _Batch(named, logits.detach().clone(), classes.clone(), _membership(member, n))


def _membership(member: Any, n: int) -> Any:
    """Return 1 for members, 0 for examples held out, -1 where nobody said: for all, or for each."""
    if member is None or member is True:
        return -1 if member is None else 1
    told = np.asarray(member)
    if told.dtype != np.bool_ or told.shape not in ((), (n,)):
        raise InvalidData(f"`member` is {_told(told)} for {n} examples. Give true or false, for all or for each.")
    return told


class _Pass:
    """One pass of the current step, by position: who was in it, what is known of their membership, and the values."""

    def __init__(self) -> None:
        self.given = np.zeros(0, np.bool_)
        self.member = np.zeros(0, np.int8)
        self.values: dict[str, NDArray[Any]] = {}

    def put(
        self, where: Positions, values: Mapping[str, NDArray[Any]], member: NDArray[np.int8] | int, everyone: int
    ) -> None:
        """Take values; where a position comes twice, the last one stays."""
        self.grow(everyone)
        self.given[where] = True
        self.member[where] = member
        for name, column in values.items():
            self.values[name] = _grown(self.values.get(name, column[:0]), everyone)
            self.values[name][where] = column

    def grow(self, everyone: int) -> None:
        """Make room for positions up to `everyone`."""
        self.given = _grown(self.given, everyone)
        self.member = _grown(self.member, everyone, -1)
        self.values = {name: _grown(column, everyone) for name, column in self.values.items()}


class _Roll:
    """Everyone spoken of: a position for each id, and the one label that it has in all steps and runs."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.labels = np.zeros(0, np.int64)
        self.refusal = ""
        self._position: dict[str, int] = {}
        self._by_id: dict[Split, dict[object, int]] = {"train": {}, "test": {}}
        self._table: dict[Split, Positions] = {"train": np.zeros(0, np.int64), "test": np.zeros(0, np.int64)}
        self._array = pa.array([], pa.string())

    def positions(self, split: Split, ids: NDArray[np.int64] | list[Any]) -> Positions:
        """Return where these ids are, after entering the new ones."""
        if isinstance(ids, list):
            return self._look_up(split, ids)
        table, reach = self._table[split], int(ids.max(initial=-1)) + 1
        if reach <= len(table) and ids.min(initial=0) >= 0 and (where := table[ids]).min(initial=0) >= 0:
            return where
        where = self._look_up(split, ids.tolist())
        if ids.min(initial=0) >= 0 and reach <= 8 * len(self.names):  # dense enough for a table
            self._table[split] = _grown(table, reach, -1)
            self._table[split][ids] = where
        return where

    def _look_up(self, split: Split, ids: list[Any]) -> Positions:
        _check_kind(ids)
        known = self._by_id[split]
        for each in ids:
            if each not in known:
                known[each] = self._enter(f"{split}/{each}", self.refusal)
        return np.fromiter(map(known.__getitem__, ids), np.int64, len(ids))

    def add(self, names: Sequence[str], labels: NDArray[np.int64]) -> Positions:
        """Enter everyone in `names` with their labels and return their positions; raise InvalidData where a label differs."""
        where = np.array([self._enter(name, "") for name in names], np.int64)
        self.label(where, labels)
        return where

    def label(self, where: Positions, labels: NDArray[np.int64]) -> None:
        new = self.labels[where] < 0
        self.labels[where[new]] = labels[new]
        for bad in np.flatnonzero(self.labels[where] != labels)[:1]:
            at = where[bad]
            raise InvalidData(
                f"{self.names[at]!r} has label {labels[bad]} here and {self.labels[at]} elsewhere in the record. "
                "An id must always be the same example: wrap the dataset in rote.with_ids before shuffling or taking subsets."
            )

    def array(self) -> pa.Array:
        if len(self._array) != len(self.names):
            self._array = pa.array(self.names, pa.string())
        return self._array

    def _enter(self, name: str, refusal: str) -> int:
        if name not in self._position:
            if refusal:
                raise InvalidData(f"{name!r} was recorded, but {refusal}")
            self._position[name] = len(self.names)
            self.names.append(name)
            if len(self.labels) < len(self.names):
                self.labels = _grown(self.labels, 2 * len(self.names), -1)
        return self._position[name]


class _Looks:
    """What examples look like: as the record on disk has it, and as the user gave it."""

    def __init__(self, directory: Path, train: Examples | None, test: Examples | None) -> None:
        self._directory = directory
        self._given = {"train": train, "test": test}
        there = (directory / "examples.parquet").exists() and (directory / "record.json").exists()
        old = Record(directory).population if there else _nobody()
        self._rows: dict[str, int] = {}
        labels: list[NDArray[np.int64]] = [old.labels]
        for split, examples in self._given.items():
            if examples is not None:
                self._rows |= {f"{split}/{each}": len(self._rows) + i for i, each in enumerate(examples.ids.tolist())}
                labels.append(examples.labels)
        self.known = ([*old.ids.tolist(), *self._rows], np.concatenate(labels))
        self.refusal = ""
        if self._rows:
            self.refusal = "it is not among the examples that the Recorder was given. Give it all that the loop uses, under the same ids."
            blind = [name for name in old.ids.tolist() if name not in self._rows]
            if blind and not old.inputs.size:
                raise InvalidData(
                    f"{directory} has {len(blind)} examples that were recorded without pictures, such as {blind[0]!r}. Give all, or none."
                )
        elif old.inputs.size:
            self.refusal = "the record has pictures of its examples, and none of this one. Give the Recorder `train` and `test` again."

    def publish(self, ids: Sequence[str], labels: NDArray[np.int64]) -> Population:
        """Add those to examples.parquet who are new to it, in the order of their ids, training examples first."""
        old = Record(self._directory).population
        roll = _Roll()
        roll.add(old.ids.tolist(), old.labels)
        order = sorted(range(len(ids)), key=lambda i: (ids[i].startswith("test/"), len(ids[i]), ids[i]))
        roll.add([ids[i] for i in order], labels[order])
        n, new = len(roll.names), roll.names[len(old) :]
        if not new:
            return old
        names = np.array(roll.names, dtype=np.str_)
        population = Population(
            ids=names,
            split=np.where(np.char.startswith(names, "test/"), "test", "train"),
            labels=roll.labels[:n].copy(),
            canary=np.full(n, ""),
            verification=np.zeros(n, np.bool_),
            source=np.full(n, ""),
            true_label=np.full(n, -1),
            groups=np.concatenate([old.groups, np.array([self._group(name) for name in new], dtype=np.str_)]),
            inputs=self._inputs(old, roll.names, new),
        )
        write_population(self._directory, population)
        return population

    def _inputs(self, old: Population, everyone: Sequence[str], new: Sequence[str]) -> NDArray[Any]:
        wanted = new if old.inputs.size else everyone
        lacking = [name for name in wanted if name not in self._rows]
        if lacking and not self._rows and not old.inputs.size:
            return _no_inputs(len(everyone))
        if lacking:
            raise InvalidData(
                f"There is no picture of {lacking[0]!r}, but there are of others. Give the Recorder `train` and `test`, or none in all runs."
            )
        shown = encode(np.concatenate([each.inputs for each in self._given.values() if each is not None]))
        vectors = None if shown.vectors is None else [vector.tolist() for vector in shown.vectors]
        looks = decode(shown.pictures or [None] * len(self._rows), vectors or [None] * len(self._rows))
        rows = looks[[self._rows[name] for name in wanted]]
        if not rows.size:
            return _no_inputs(len(everyone))
        return np.concatenate([old.inputs, rows]) if old.inputs.size else rows

    def _group(self, name: str) -> str:
        split = name.partition("/")[0]
        examples = self._given[split]
        if examples is None or examples.groups is None:
            return ""
        return str(examples.groups[self._rows[name] - self._rows[f"{split}/{examples.ids[0]}"]])


class _Parts:
    """The steps of an unfinished run, a file for each, written aside and renamed.

    They are not forced to the disk, which would cost more than all the rest; one that a power failure tore reads as missing.
    """

    def __init__(self, directory: Path, run: int) -> None:
        self._directory, self._run = directory, run
        self._held: set[int] = set()

    def take_over(self, step: int, roll: _Roll) -> None:
        """Find what an earlier process recorded, and enter everyone of the steps before this one."""
        self._held = {int(path.stem[5:]) for path in self._directory.glob("step-*.arrow")}
        for each in sorted(self._held):
            try:
                if each < step:
                    table = self._read(each)
                    roll.add(table["example"].to_pylist(), table["label"].to_numpy().astype(np.int64))
            except (pa.ArrowInvalid, pa.ArrowKeyError, OSError):
                self._held.discard(each)

    def check_before(self, step: int) -> None:
        """Raise RoteError unless all earlier steps are here."""
        missing = [str(each) for each in range(1, step) if each not in self._held]
        if missing:
            told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise RoteError(
                f"Step {step} of run {self._run} was ended, but {self._directory} lacks the steps before it: {told}. "
                "Resume in the directory where they were recorded, or begin the run again from step 1."
            )

    def write(self, step: int, roll: _Roll, passes: Mapping[Kind, _Pass]) -> None:
        """Write one step, and drop what was recorded of it and of later ones."""
        table = _table(roll, passes)
        aside = self._directory / f".step-{step:05d}.tmp"
        buffer = pa.BufferOutputStream()
        with pa.ipc.new_file(buffer, table.schema) as writer:
            writer.write_table(table)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            for later in [each for each in self._held if each > step]:
                self._path(later).unlink(missing_ok=True)
                self._held.discard(later)
            aside.write_bytes(buffer.getvalue())
            aside.replace(self._path(step))
        except OSError as error:
            raise RoteError(
                f"Cannot write {self._path(step)} ({error.strerror}). Make room or choose another directory; what is finished is kept."
            ) from None
        self._held.add(step)

    def everyone(self, last: int) -> tuple[list[str], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the ids of all steps, their labels, and who is a member: seen, or said to be one."""
        roll, member = _Roll(), np.zeros(0, np.bool_)
        for step in range(1, last + 1):
            table = self._read(step)
            where = roll.add(table["example"].to_pylist(), table["label"].to_numpy().astype(np.int64))
            member = _grown(member, len(roll.names))
            member[where] |= table["member"].to_numpy() == 1
        return roll.names, roll.labels[: len(roll.names)], member

    def steps(self, last: int, ids: NDArray[np.str_]) -> Iterator[Step]:
        """Yield each step with positions in `ids`."""
        index = {name: at for at, name in enumerate(ids.tolist())}
        for step in range(1, last + 1):
            table = self._read(step)
            where = np.array([index[name] for name in table["example"].to_pylist()], np.int64)
            yield Step(step, _observed(table, "", where), _observed(table, "_seen", where))

    def remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self._directory / f"step-{step:05d}.arrow"

    def _read(self, step: int) -> pa.Table:
        with pa.OSFile(str(self._path(step))) as file:
            return pa.ipc.open_file(file).read_all()


def _table(roll: _Roll, passes: Mapping[Kind, _Pass]) -> pa.Table:
    n = len(roll.names)
    clean, seen = passes.get("clean", _Pass()), passes.get("seen", _Pass())
    clean.grow(n)
    seen.grow(n)
    where = np.flatnonzero(clean.given | seen.given)
    columns = {
        "example": pa.DictionaryArray.from_arrays(pa.array(where, pa.int32()), roll.array()),
        "label": pa.array(roll.labels[where], pa.int32()),
        "member": pa.array(np.maximum(clean.member, seen.member)[where]),
    }
    for bad in np.flatnonzero((clean.member == 0) & seen.given)[:1]:
        raise InvalidData(
            f"{roll.names[bad]!r} was given to `seen` and then called no member. What `seen` meets is trained on: leave `member` out."
        )
    for said, suffix in ((clean, ""), (seen, "_seen")):
        for name, kind in BASE_COLUMNS.items():
            if name in said.values:
                columns[name + suffix] = pa.array(said.values[name][where], kind, mask=~said.given[where])
    return pa.table(columns)


def _observed(table: pa.Table, suffix: str, where: Positions) -> Observed | None:
    if f"loss{suffix}" not in table.schema.names:
        return None
    given = table[f"loss{suffix}"].is_valid()
    return Observed(
        where[given.to_numpy()], {name: table[name + suffix].filter(given).to_numpy() for name in BASE_COLUMNS}
    )


def _lock(path: Path, run: int) -> FileLock:
    """Hold this run until the process dies, however it dies; the same process may begin the run anew, as in a notebook."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True, thread_local=False)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout:
        raise RoteError(
            f"Another process is recording run {run} in {path.parents[1]}. "
            "Give this one another number; of several that train one model, let the first record."
        ) from None
    except OSError as error:
        raise RoteError(
            f"Cannot write to {path.parent} ({error.strerror}). Choose another directory, or make this one writable."
        ) from None
    return lock


def _with_id(item: Any, name: int | str) -> tuple[Any, ...]:
    return (*item, name) if isinstance(item, (tuple, list)) else (item, name)


def _nobody() -> Population:
    text, none = np.zeros(0, np.str_), np.zeros(0, np.int64)
    return Population(text, text, none, text, np.zeros(0, np.bool_), text, none, text, _no_inputs(0))


def _no_inputs(n: int) -> NDArray[Any]:
    """Return inputs that are neither pictures nor vectors, so that examples.parquet has null for both."""
    return np.zeros((n, 0, 0, 0), np.float32)


def _listed(ids: Any) -> list[Any]:
    """Return ids as Python values; raise InvalidData for what is no sequence of them."""
    if isinstance(ids, str | bytes) or not hasattr(ids, "__len__") or getattr(ids, "ndim", 1) != 1:
        raise InvalidData(
            f"Ids must be a sequence, one for each example, but they are {_told(ids)}. Let the loader yield them: rote.with_ids."
        )
    return ids.tolist() if hasattr(ids, "tolist") else list(ids)


def _joined(ids: list[Any]) -> NDArray[np.int64] | list[Any]:
    """Return the ids of all batches: an array when all are tensors of whole numbers, else a list."""
    import torch

    if all(
        isinstance(each, torch.Tensor) and not (each.is_floating_point() or each.dtype == torch.bool) for each in ids
    ):
        return torch.cat(ids).cpu().long().numpy()
    return list(chain.from_iterable(map(_listed, ids)))


def _check_kind(ids: list[Any]) -> None:
    """Raise InvalidData unless all are whole numbers or strings; True is not 1 here."""
    for kind in set(map(type, ids)):
        if kind is bool or not issubclass(kind, int | str | np.integer):
            odd = next(each for each in ids if type(each) is kind)
            raise InvalidData(
                f"Ids must be whole numbers or strings, but there is {odd!r}. Give every example one that is stable."
            )


def _grown(array: NDArray[Any], n: int, fill: int = 0) -> NDArray[Any]:
    if len(array) >= n:
        return array
    return np.concatenate([array, np.full(n - len(array), fill, array.dtype)])


def _told(value: Any) -> str:
    """Say what a wrong value is: its shape and type when it has them."""
    shape = getattr(value, "shape", None)
    return repr(value)[:60] if shape is None else f"of shape {tuple(shape)} and type {value.dtype}"
