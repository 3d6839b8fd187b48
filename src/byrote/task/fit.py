"""Fit: the door for a training function of your own, in any framework. It is called once for each run."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import cloudpickle
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.task.examples import Examples
from byrote.task.fingerprint import fingerprint

Predict = Callable[[NDArray[Any]], Any]


@dataclass(frozen=True)
class Fit:
    """How a model of any kind learns: `function(train, seed)` returns `predict`, and `predict(inputs)` one row per example.

    `train` are the byrote.Examples of one run: inputs as they were given to the task, labels as models are taught them,
    ids as they are in the record. `seed` is a whole number below 2**32, a different one in each run; all that is random
    should come from it, so that a run that is trained again is the same. `predict` gets an array of inputs, some of
    them at a time, and returns an array or tensor `[example, class]` (or `[example, label]`): `outputs` says whether
    these are probabilities or logits. Probabilities are cut off at 1e-7. Of a regression, it returns predictions
    `[example]` or `[example, target]` in the units of the targets.

    Raises InvalidData when the function cannot be called so.
    """

    function: Callable[[Examples, int], Predict]
    outputs: Literal["probabilities", "logits"] = "probabilities"

    def __post_init__(self) -> None:
        if self.outputs not in ("probabilities", "logits"):
            raise unknown("kind of outputs", str(self.outputs), ("probabilities", "logits"))
        if not callable(self.function):
            raise InvalidData(
                f"byrote.Fit takes a function, but it got {type(self.function).__name__}. Write `def fit(train, seed): ... return predict`."
            )
        try:
            inspect.signature(self.function).bind(None, 0)
        except TypeError:
            raise InvalidData(
                f"The fit function takes {inspect.signature(self.function)}, but it is called with two arguments. Write `def fit(train, seed)`."
            ) from None
        except ValueError:  # a built-in has no signature to read
            pass


def check_fit(fit: Fit) -> None:
    """Raise InvalidData unless the function can be sent to another process."""
    try:
        cloudpickle.dumps(fit)
    except Exception as error:
        raise InvalidData(
            f"The fit function holds something that cannot be sent to worker processes ({describe_error(error)}). Make it inside the function."
        ) from error


def fit_digest(fit: Fit) -> str:
    """Return a digest of all that a Fit's results depend on, as far as its code can be read."""
    return hashlib.sha256(f"{fit.outputs} {fingerprint(fit.function)}".encode()).hexdigest()


def describe_error(error: BaseException) -> str:
    """Return the kind of an exception and the first line of its message."""
    return f"{type(error).__name__}: {str(error).split(chr(10))[0]}".rstrip(": .")
