"""Answering: what one way of keeping a list answers in one run, and the examples on which all ways are measured."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.errors import InvalidData
from byrote.experiments.recalling.measuring import Trial
from byrote.experiments.recalling.wanted_task import WantedTask
from byrote.training.tensors import as_read

Labels = Int[ndarray, " example"]


@dataclass(frozen=True, eq=False)
class Part:
    """Some examples: inputs as a model reads them, and labels."""

    inputs: Tensor
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Data:
    """The parts of a task on which ways are measured; see WantedTask. `arbitrary` says which wanted labels nothing explains.

    `rest` are the training examples that are not in the list, in random order; `compared` the wanted examples, then the others.
    """

    wanted: Part
    arbitrary: Bool[ndarray, " wanted"]
    others: Part
    new: Part
    rest: Part
    tests: Part
    kind: str

    @property
    def compared(self) -> Part:
        """What is stored and what is not, one after the other."""
        labels = np.concatenate([self.wanted.labels, self.others.labels])
        return Part(torch.cat([self.wanted.inputs, self.others.inputs]), labels)


@dataclass(frozen=True, eq=False)
class Answerer:
    """One way in one run: what it answers, and how much an example with its label looks stored, by all that it gives out.

    `evidence` is high where an example of `Data.compared` looks stored. `reference` is the same by a network that learned none
    of them, and `reference_right` which of them that one gets right. `update` are new entries, one by
    one, and `deletion` is what forgetting takes.
    """

    answer: Callable[[Tensor], Labels]
    evidence: Float[ndarray, " compared"]
    reference: Float[ndarray, " compared"]
    reference_right: Bool[ndarray, " compared"]
    bytes_each: float = 0.0
    update: tuple[Trial, ...] = ()
    deletion: "Deleted | None" = None

    def right(self, part: Part) -> Bool[ndarray, " example"]:
        """Return which examples are answered with their label."""
        return self.answer(part.inputs) == part.labels


@dataclass(frozen=True)
class Deleted:
    """Seconds for one entry, and the share of the list that is answered right when all of it is gone, and where it never was."""

    seconds: float
    still: float
    never: float


def data_of(listed: WantedTask) -> Data:
    """Return the parts of a task; raise InvalidData where it has no tests, or inputs that are not one array of real numbers."""
    task = listed.task
    if task.test is None:
        raise InvalidData(f"{task.name!r} has no test examples, which show what recall costs on new data. Give some.")
    inputs, tests = (as_read(examples.inputs, "cpu") for examples in (task.train, task.test))
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        raise InvalidData(
            f"Inputs of {task.name!r} are not one array of real numbers, and have no keys by themselves. Make keys by an encoder, and use byrote.recall.Memory."
        )
    labels = task.train.labels
    rest = np.setdiff1d(np.arange(len(labels)), np.concatenate([listed.wanted, listed.held_out]))
    rest = np.random.default_rng(0).permutation(rest[~np.isin(task.train.ids[rest], sorted(task.excluded))])
    wanted, others, new, beside = (
        Part(inputs[some], labels[some]) for some in (listed.wanted, listed.others, listed.new, rest)
    )
    arbitrary = np.isin(listed.wanted, listed.arbitrary)
    return Data(wanted, arbitrary, others, new, beside, Part(tests, task.test.labels), task.train.display.kind)
