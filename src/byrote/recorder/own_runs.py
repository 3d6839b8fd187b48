"""Runs of your own: which examples each is trained on, and data sets that carry the ids, for a loop or a training library."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from byrote.errors import InvalidData, WrongRecord
from byrote.objectives import Classification, Objective
from byrote.record import finished_runs, make_id
from byrote.record.inputs import each, is_picture, rows
from byrote.recorder.display_examples import population_of
from byrote.recorder.distributed import DistributedRecorder
from byrote.recorder.ids import WithIds, with_ids
from byrote.recorder.recorder import Recorder
from byrote.task.designs import Subsets, Together
from byrote.task.examples import Examples

OWN_RUN_STREAM = 31


@dataclass(frozen=True, eq=False)
class OwnRun:
    """One run: train a fresh model on `train`, whose items are `(*item, id)`.

    `all_train` are all training examples, those that this run leaves out too, and `test` the test examples (None: there
    are none); a clean pass at the end of the run is over both. `seed` is a whole number below 2**32, another one in each
    run; no random state is set with it.
    """

    directory: Path
    number: int
    seed: int
    train: "Subset[Any]"
    all_train: WithIds
    test: WithIds | None
    classes: tuple[str, ...] = ()
    objective: Objective | str = Classification()
    shown: tuple[Examples | None, Examples | None] = (None, None)

    def recorder(self, steps: int) -> "Recorder | DistributedRecorder":
        """Return the recorder of this run; one for several processes when `torch.distributed` was begun with more than one.

        Raises as `Recorder` does.
        """
        shared = torch.distributed.is_available() and torch.distributed.is_initialized()
        kind = DistributedRecorder if shared and torch.distributed.get_world_size() > 1 else Recorder
        train, test = self.shown
        return kind(
            self.directory,
            run=self.number,
            steps=steps,
            classes=self.classes,
            train=train,
            test=test,
            objective=self.objective,
        )


def own_runs(
    directory: Path | str,
    train: Any,
    test: Any = None,
    *,
    runs: int | Sequence[int] = 20,
    fraction: float = 0.7,
    seed: int = 0,
    clean: Any = None,
    classes: Sequence[str] = (),
    objective: Objective | str = Classification(),
) -> Iterator[OwnRun]:
    """Yield the runs that the record in `directory` lacks, each with a random `fraction` of the training examples.

    `train` and `test` are `byrote.Examples`, which the report then shows, or data sets with a length whose items are
    `(inputs, label)`, or dicts with `labels`; `byrote.with_ids(data, ids)` gives them ids of your own. `clean` are the same
    training examples, in the same order, as the clean pass (and the report) reads them: without augmentation.

    `runs` is how many there shall be in the end, or their numbers, so that several processes share the work. Which examples
    run 7 is trained on depends on the seed, 7, the number of examples and their groups only: examples of one group
    (`byrote.Examples(groups=...)`), such as copies or the messages of one person, are in a run together or not at all. After
    each run, every example has been in the same number of runs, up to one: of 4 runs with `fraction` .7 in 2 or 3. `classes`
    and `objective` are those of `byrote.Recorder`.

    Raises InvalidData for data without a length, a `clean` of another length, and runs or a fraction that cannot be;
    WrongRecord where the record has other training examples, by their ids: other inputs under the same ids are not seen.
    """
    everything, tested = _with_ids(train), None if test is None else _with_ids(test)
    unchanged = everything if clean is None else with_ids(_items(clean), list(everything.ids))
    numbers = _numbers(runs)
    shown = next((each for each in (train, clean) if isinstance(each, Examples)), None)
    shown_test = test if isinstance(test, Examples) else None
    groups = np.full(len(everything), "")
    if shown is not None and shown.groups is not None:
        groups = shown.groups
    design = Together(fraction) if (groups != "").any() else Subsets(fraction)
    where = Path(directory)
    _check_same(where, everything)

    def each_run() -> Iterator[OwnRun]:
        blocks_of_one = [1] * (max(numbers) + 1)  # balanced after each, so however many runs there will be
        member = design.membership(blocks_of_one, groups, seed)
        for number in numbers:
            if number in finished_runs(where):
                continue
            data: Any = everything
            chosen = Subset(data, np.flatnonzero(member[number]).tolist())
            own = int(np.random.SeedSequence([seed, OWN_RUN_STREAM, number]).generate_state(1)[0])
            yield OwnRun(
                where, number, own, chosen, unchanged, tested, tuple(map(str, classes)), objective, (shown, shown_test)
            )

    return each_run()


def _check_same(directory: Path, data: WithIds) -> None:
    """Raise WrongRecord where the record was made with other training examples, as far as their ids tell."""
    known = population_of(directory)
    there = set(known.ids[known.where("train")].tolist())
    if there and there != {make_id("train", each) for each in data.ids}:
        raise WrongRecord(
            f"The record in {directory} is about {len(there):,} training examples, and these are {len(data):,}, or have other ids. Give the same data, or another directory."
        )


class _Items:
    """Examples as a data set: `(inputs, label)`, inputs as byrote's own training gives them to a model."""

    def __init__(self, examples: Examples) -> None:
        self._inputs = each(_as_read, examples.inputs)
        self._labels = torch.from_numpy(examples.labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        inputs, label = rows(self._inputs, index), self._labels[index]
        return (*inputs, label) if isinstance(inputs, tuple) else (inputs, label)


def _as_read(part: NDArray[Any]) -> torch.Tensor:
    tensor = torch.from_numpy(part)
    return tensor / 255 if is_picture(part) else tensor


def _items(data: Any) -> Any:
    return _Items(data) if isinstance(data, Examples) else data


def _with_ids(data: Any) -> WithIds:
    if isinstance(data, Examples):
        return with_ids(_items(data), data.ids.tolist())
    if isinstance(data, Mapping):
        raise InvalidData("The data are a dict. Give byrote.Examples(inputs, labels), or a data set of examples.")
    return data if isinstance(data, WithIds) else with_ids(data)


def _numbers(runs: int | Sequence[int]) -> list[int]:
    given = list(range(runs)) if isinstance(runs, int) and not isinstance(runs, bool) else runs
    if not isinstance(given, Sequence) or not given or any(type(each) is not int or each < 0 for each in given):
        raise InvalidData(f"runs={runs!r} are no runs. Give how many there shall be, or their numbers: range(10, 20).")
    return list(given)
