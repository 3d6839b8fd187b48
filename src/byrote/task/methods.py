"""Methods: what a control may change within the training of a run, one class for each place where it acts.

Each has a name, which is its column in the record, and a strength, which is a knob. `byrote.training.pack` calls them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.objectives import Objective
from byrote.task.schedule import Knob

if TYPE_CHECKING:
    from torch import Tensor


class Method:
    """A change of training, as a frozen value. Its text is its identity; `strength` is a number, a schedule or a controller."""

    name: ClassVar[str]
    zero: ClassVar[float] = 0.0
    """The strength at which it changes nothing."""

    @property
    def strength(self) -> Knob:
        """How much it changes: the knob of this method."""
        raise NotImplementedError


class Transform(Method):
    """Changes the inputs of a batch before the forward pass, as augmentation does."""

    def transform(self, inputs: Any, strength: float, seed: int) -> Any:
        """Return the inputs `[example, ...]` of one run's batch, changed; all that is random comes from `seed`."""
        raise NotImplementedError


class Mixing(Method):
    """Mixes each example of a batch with another, and its target with that of the other."""

    def mix(self, inputs: Any, strength: float, seed: int) -> "tuple[Any, Tensor, Tensor]":
        """Return the mixed inputs `[example, ...]`, the position of each one's partner, and the share of its own target."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Batch:
    """What a loss may depend on, for consecutive runs of a pack that have equally many examples.

    `outputs` are `[run, example, output]`, `targets` `[run, example, ...]`. `positions` `[run, example]` says which examples of
    the population these are, `runs` which runs of the pack, and `number` how many examples the population has. `state`
    belongs to the method: a dict that lasts as long as the training of the pack.
    """

    outputs: "Tensor"
    targets: "Tensor"
    positions: "Tensor"
    runs: slice
    number: int
    objective: Objective
    epoch: int
    state: dict[str, Any] = field(default_factory=dict[str, Any])


class LossMethod(Method):
    """Changes the loss that a run is trained with. What is recorded stays the loss of the objective."""

    by_example: ClassVar[bool] = False
    """Whether the loss of an example depends on nothing but that example: on no other of its batch, and on no state."""

    def begin(self, state: dict[str, Any], outputs_without: "Callable[[str], Tensor]") -> None:
        """Prepare what `Batch.state` is to hold, before the first update of a pack.

        `outputs_without` trains models of the same runs without the method of this name, from the same seeds and on the same
        members, and returns what they say of all examples of the population, `[run, example, output]`.
        """

    def losses(self, losses: "Tensor", batch: Batch, strength: "Tensor") -> "Tensor":
        """Return losses `[run, example]`, changed. `strength` is `[run, 1]`; runs must not touch each other."""
        raise NotImplementedError


class Penalty(Method):
    """Adds a number to the loss that depends on the weights alone."""

    def penalty(self, weights: "Sequence[Tensor]", strength: "Tensor") -> "Tensor":
        """Return a number per run, `[run]`, from the trained weights `[run, ...]`."""
        raise NotImplementedError


class Gradients(Protocol):
    """The gradients of an update, before it is made."""

    weights: "Sequence[Tensor]"
    """The trained weights, with their `.grad`; `[run, ...]` where `runs` is a number."""
    runs: int | None
    examples: int
    """How many examples a run's gradient is the mean over."""

    def again(self) -> None:
        """Compute the gradients anew at the weights as they are now, for the same examples and random draws."""
        ...

    def per_example(self, at_once: int = 64) -> "Iterator[list[Tensor]]":
        """Yield the gradient of each example's loss, `[example, ...]` per weight, some at a time. Of a run trained alone only.

        Its inputs are transformed, and its loss is changed by the methods of the loss, as in training.
        """
        ...

    def clipped(self, norm: float) -> "list[Tensor]":
        """Return the sum over examples of their gradients, each scaled to `norm` where it is longer; one per weight."""
        ...


class GradientRule(Method):
    """Changes the gradients before an update, as clipping does."""

    alone: ClassVar[bool] = False
    """Whether it needs runs to be trained one by one, as what asks for the gradient of each example does."""

    def apply(self, gradients: Gradients, strength: Sequence[float], seeds: Sequence[int]) -> None:
        """Change `.grad` of the weights in place; one strength and one seed per run."""
        raise NotImplementedError


@dataclass(frozen=True)
class Progressed:
    """What a stopping rule may look at after each epoch of a run: the means of its training pass, and its sensors.

    `changes` is the share of its members whose prediction differs from the epoch before (NaN in the first, and for what
    predicts no class), `weight_norm` the norm of the weights, `loss` the mean training loss, and `held_out_loss` the mean
    loss over the ordinary sensor canaries that it is not trained on (NaN without any).
    """

    epoch: int
    loss: float
    held_out_loss: float
    changes: float
    weight_norm: float


class StoppingRule(Method):
    """Ends the training of a run early: its weights stay as they are from then on.

    It has no strength that could be set anew. Its column is 1 from the epoch on after which the run ended, and 0 before.
    """

    def stops(self, history: Sequence[Progressed]) -> bool:
        """Return whether the run ends after the last of these epochs."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Watched:
    """What a clean pass after an epoch found of the examples that a rule watches: which of them are right, in their order."""

    epoch: int
    right: Bool[ndarray, " watched"]

    @property
    def recall(self) -> float:
        """The share that is right, from 0 to 1."""
        return float(self.right.mean())


class ExampleRule(Method):
    """Watches some examples of each run, sets the weights of their losses anew after each epoch, and may end the run.

    It reads these examples in evaluation mode, and nothing else. It keeps no state: weights and end follow from what was
    found after each epoch so far, so that a run that is trained again does the same again. Its columns are `NAME`, the
    mean of the weights in the epoch, `NAME_recall`, the share that is right after it, and `NAME_ended`, 1 from the epoch
    on that the run ended with.
    """

    def watched(self, ids: NDArray[np.str_]) -> Int[ndarray, " watched"]:
        """Return the positions of the examples among those with these ids."""
        raise NotImplementedError

    def right(self, columns: Mapping[str, NDArray[Any]], targets: NDArray[Any]) -> Bool[ndarray, " watched"]:
        """Return which examples are right, from the columns of a clean pass and the targets of these examples."""
        raise NotImplementedError

    def weights(self, history: Sequence[Watched], count: int) -> Float[ndarray, " watched"]:
        """Return the factors of the losses of `count` examples in the next epoch; all 1 changes nothing."""
        raise NotImplementedError

    def ends(self, history: Sequence[Watched]) -> bool:
        """Return whether the run ends after the last of these epochs."""
        raise NotImplementedError


class ModuleKnob(Method):
    """Is carried out by modules of the model, which read its strength from a buffer that is called `NAME_knob`.

    A module that has a buffer `which_examples` finds in it, in each batch that it is trained on, the numbers of the examples
    (see `numbers_of`), and else what it put there.
    """


def numbers_of(ids: NDArray[np.str_]) -> Int[ndarray, " example"]:
    """Return a number from 0 to 2**32 - 1 for each id, which depends on nothing else: the start of its SHA-256."""
    return np.array(
        [int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") for name in ids.tolist()], np.int64
    )
