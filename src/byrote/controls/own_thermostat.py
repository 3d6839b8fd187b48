"""The thermostat in a training loop of your own: canaries to plant, and a controller that is told what the model says of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.arrays import checked
from byrote.controls.hold import Mode, hold
from byrote.controls.thermostat import thermostat
from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.task.signals import Reading, Signals

KIND = "mislabeled"


@dataclass(frozen=True, eq=False)
class WrongLabels:
    """Examples that are given a wrong label, in four random parts (positions), and the labels to train with.

    Train on `read_in` and `verify_in` with these `labels`; leave `read_out` and `verify_out` out of the training set. The
    controller is told about `read_in` and `read_out`, and the others say at the end whether the target was met.
    """

    labels: Int[ndarray, " example"]
    read_in: Int[ndarray, " canary"]
    read_out: Int[ndarray, " canary"]
    verify_in: Int[ndarray, " canary"]
    verify_out: Int[ndarray, " canary"]

    @property
    def left_out(self) -> Int[ndarray, " canary"]:
        """Positions of the examples that must not be trained on."""
        return np.sort(np.concatenate([self.read_out, self.verify_out]))


@checked
def wrong_labels(labels: Int[ndarray, " example"], count: int, *, seed: int = 0) -> WrongLabels:
    """Give `count` random examples another of the classes that there are, and split them into the four parts.

    With 200, memorization is known to about .06; with 800 to about .03. Raises InvalidData for fewer than 8, more than half
    of the examples, and fewer than two classes.
    """
    used = np.unique(labels)
    if not 8 <= count <= len(labels) // 2 or len(used) < 2:
        raise InvalidData(
            f"{count} wrong labels cannot be planted in {len(labels)} examples of {len(used)} classes. Give from 8 to {len(labels) // 2}, of two classes or more."
        )
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(labels))[:count]
    changed = labels.copy()
    changed[chosen] = Classification().wrong(labels, chosen, rng)
    return WrongLabels(changed, *(np.sort(part) for part in np.array_split(chosen, 4)))


class Thermostat:
    """Holds memorization at a target in a loop of your own: it is told what the model says of the canaries, and sets the knob.

    `set_knob` is called with each new value (of dropout, weight decay ...: `knob` says how far it may be turned; see
    `byrote.controls`). `chance` is the loss of a network that has learned nothing (log of the number of classes): with
    it, a collapse of the network is not taken for success. `mode` is "hold", "cap" or "floor".
    """

    def __init__(
        self,
        target: float,
        set_knob: Callable[[float], None],
        *,
        knob: str = "dropout",
        mode: Mode = "hold",
        start: float = 0.0,
        chance: float = 0.0,
    ) -> None:
        self.controller: hold = thermostat(target, knob, KIND, mode, start).controller(chance)
        self.set_knob, self.readings = set_knob, tuple[Reading, ...]()
        self.value = self.controller(Signals(0.0))
        set_knob(self.value)

    def step(self, read_in: Any, read_out: Any, *, epoch: float, loss: float = float("nan")) -> float:
        """Tell it the probabilities of the labels of the canaries that it reads, in and out of the training set; return the knob.

        Call it once or twice an epoch, with the model in evaluation mode. `epoch` is how many epochs are done, with fractions;
        `loss` the mean training loss since the last call. Raises InvalidData for what is no probability, and for an epoch
        that is not after the last.
        """
        means = {f"{KIND}/confidence_in": _mean(read_in), f"{KIND}/confidence_out": _mean(read_out)}
        done = self.readings[-1].epoch if self.readings else 0.0
        if not epoch > done:
            raise InvalidData(f"Epoch {epoch!r} does not come after {done!r}. Give how many epochs are done.")
        self.readings = (*self.readings, Reading(float(epoch), means, {}, float(loss)))
        self.value = self.controller(Signals(0.0, readings=self.readings))
        self.set_knob(self.value)
        return self.value

    @property
    def memorization(self) -> Float[ndarray, " reading"]:
        """What the canaries that it reads said, call by call: mean probability of the label, in minus out."""
        return np.array([self.controller.measured(reading) for reading in self.readings])


def _mean(values: Any) -> float:
    found: NDArray[Any] = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, np.float64)
    if found.ndim != 1 or not len(found) or not ((found >= 0) & (found <= 1)).all():
        raise InvalidData(
            f"Canaries have probabilities of their labels, one each, from 0 to 1; this is an array of shape {found.shape}. Give softmax(logits)[range(n), labels]."
        )
    return float(found.mean())
