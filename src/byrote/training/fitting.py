"""Fitting: one run of a Fit, from its training examples to what its model says about everyone."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import ByroteError, InvalidData, Remedy
from byrote.objectives.classification import observe
from byrote.record import Observed, Population, Step
from byrote.task.examples import Examples
from byrote.task.fit import Fit, describe_error
from byrote.training.memory import is_out_of_memory

FLOOR = 1e-7
"""Probabilities below it are taken for it: log 0 is no number. The largest loss is therefore 16.1."""


TOLERANCE = 0.01
"""How far probabilities may be from [0, 1] and their sum from 1: half precision rounds that much."""


ASKED_AT_ONCE = 1000


def learn(
    fit: Fit, population: Population, member: Bool[ndarray, " example"], seed: int, classes: int
) -> Iterator[Step]:
    """Train on the members and yield one step: what the model says about everyone.

    Raises InvalidData when there is no member or when what `predict` returns cannot be used, ByroteError when the
    function raises; that memory ran out is raised as it is.
    """
    if not member.any():
        raise InvalidData("This run would be trained on no example at all. Use a larger fraction or more examples.")
    train = _examples(population, member)
    predict: Any = _call("The fit function", fit.function, train, seed)
    if not callable(predict):
        better = "its predict_proba" if hasattr(predict, "predict_proba") else "a function of inputs"
        raise InvalidData(
            f"The fit function returned {type(predict).__name__}, which cannot be called with inputs. Return {better}."
        )
    columns: list[dict[str, NDArray[Any]]] = []
    for start in range(0, len(population), ASKED_AT_ONCE):
        part = slice(start, start + ASKED_AT_ONCE)
        said: Any = _call("`predict`", predict, population.inputs[part].copy())
        columns.append(_columns(said, fit, population.ids[part], population.labels[part], train, classes))
    together = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    yield Step(1, Observed(np.arange(len(population)), together), None)


def _examples(population: Population, member: Bool[ndarray, " example"]) -> Examples:
    groups = population.groups[member]
    return Examples(
        population.inputs[member],
        population.labels[member],
        list(population.ids[member]),
        groups=list(groups) if groups.any() else None,
    )


def _call(what: str, function: Callable[..., Any], *given: Any) -> Any:
    try:
        return function(*given)
    except Exception as error:
        if isinstance(error, ByroteError) or is_out_of_memory(error):
            raise
        raise ByroteError(f"{what} raises {describe_error(error)}. Correct it.", Remedy("traceback")) from error


def _columns(
    said: Any,
    fit: Fit,
    ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    train: Examples,
    classes: int,
) -> dict[str, NDArray[Any]]:
    import torch

    outputs = _array(said)
    if outputs.shape != (len(ids), classes):
        raise _wrong_shape(outputs.shape, len(ids), train, classes)
    bad = ~np.isfinite(outputs).all(axis=1)
    if bad.any():
        raise InvalidData(
            f"`predict` returned NaN or infinite numbers for {bad.sum()} of {len(ids)} examples, the first with id {str(ids[bad][0])!r}. "
            "See whether the training diverged."
        )
    logits = outputs if fit.outputs == "logits" else _logarithms(outputs, ids)
    return dict(observe(torch.from_numpy(logits), torch.from_numpy(labels)))


def _array(said: Any) -> Float[ndarray, "example class"]:
    values = said.detach().cpu().float() if hasattr(said, "detach") else said
    try:
        return np.asarray(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidData(
            f"`predict` returned {type(said).__name__}, which is no array of numbers ({describe_error(error)}). Return one, `[example, class]`."
        ) from error


def _wrong_shape(found: tuple[int, ...], asked: int, train: Examples, classes: int) -> InvalidData:
    absent = np.setdiff1d(np.arange(classes), train.labels)
    if len(absent) and found == (asked, classes - len(absent)):
        return InvalidData(
            f"`predict` returned {found[1]} columns for {classes} classes: no training example of this run has label {absent[0]}. "
            f"Put the columns in their places: `wide = numpy.zeros((len(inputs), {classes})); wide[:, model.classes_] = model.predict_proba(inputs)`."
        )
    return InvalidData(
        f"`predict` returned an array of shape {found} for {asked} examples and {classes} classes. It must have one row per example and one column per class: ({asked}, {classes})."
    )


def _logarithms(outputs: Float[ndarray, "example class"], ids: NDArray[np.str_]) -> Float[ndarray, "example class"]:
    sums = outputs.sum(axis=1)
    beyond = (outputs < -TOLERANCE) | (outputs > 1 + TOLERANCE)
    bad = beyond.any(axis=1) | (np.abs(sums - 1) > TOLERANCE)
    if bad.any():
        at = int(np.argmax(bad))
        raise InvalidData(
            f"`predict` returned {_row(outputs[at])} for example {str(ids[at])!r}, which are no probabilities: they sum to {sums[at]:.4g}. "
            'If they are logits, write `byrote.Fit(fit, outputs="logits")`.'
        )
    return np.log(np.clip(outputs, FLOOR, 1.0))


def _row(values: Float[ndarray, " class"]) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:4])
    return f"[{shown}{', ...' if len(values) > 4 else ''}]"
