"""Fitting: one run of a Fit, from its training examples to what its model says about all of them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import ByroteError, Diverged, InvalidData, Remedy
from byrote.objectives import Objective
from byrote.objectives.classification import are_probabilities
from byrote.record import Observed, Population, Step
from byrote.record.inputs import each, rows
from byrote.task.examples import Examples
from byrote.task.fit import Fit, describe_error
from byrote.training.memory import is_out_of_memory

TOLERANCE = 0.01
"""How far probabilities may be from [0, 1] and their sum from 1: half precision rounds that much."""

EVALUATED_AT_ONCE = 1000


def learn(
    fit: Fit, population: Population, member: Bool[ndarray, " example"], seed: int, objective: Objective
) -> Iterator[Step]:
    """Train on the members and yield one step: what the model says about all examples.

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
    for start in range(0, len(population), EVALUATED_AT_ONCE):
        part = slice(start, start + EVALUATED_AT_ONCE)
        inputs = each(lambda array: array.copy(), rows(population.inputs, part))
        predicted: Any = _call("`predict`", predict, inputs)
        columns.append(_columns(predicted, fit, population.ids[part], population.labels[part], train, objective))
    together = {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}
    yield Step(1, Observed(np.arange(len(population)), together), None)


def _examples(population: Population, member: Bool[ndarray, " example"]) -> Examples:
    groups, weights = population.groups[member], population.weights[member]
    return Examples(
        rows(population.inputs, member),
        population.labels[member],
        list(population.ids[member]),
        groups=list(groups) if groups.any() else None,
        weights=None if (weights == 1).all() else weights,
    )


def _call(what: str, function: Callable[..., Any], *given: Any) -> Any:
    try:
        return function(*given)
    except (Exception, SystemExit) as error:
        if isinstance(error, ByroteError) or is_out_of_memory(error):
            raise
        raise ByroteError(f"{what} raises {describe_error(error)}. Correct it.", Remedy("traceback")) from error


def _columns(
    predicted: Any,
    fit: Fit,
    ids: NDArray[np.str_],
    labels: NDArray[Any],
    train: Examples,
    objective: Objective,
) -> dict[str, NDArray[Any]]:
    import torch  # the fit may be of another framework, and the process then starts without torch

    outputs, count = _array(predicted), objective.outputs
    if objective.name == "regression" and outputs.shape == (len(ids),):
        outputs = outputs[:, None]
    if outputs.shape != (len(ids), count):
        raise _wrong_shape(outputs.shape, len(ids), train, objective)
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(outputs.astype(np.float32)).all(axis=1)
    if bad.any():
        raise Diverged(
            f"`predict` returned numbers that are NaN, infinite or beyond float32 for {bad.sum()} of {len(ids)} examples, the first with id {str(ids[bad][0])!r}. "
            "See whether the training diverged."
        )
    tensor = torch.from_numpy(outputs)
    if objective.name == "classification" and fit.outputs == "logits" and are_probabilities(tensor):
        raise InvalidData(
            f"`predict` returned probabilities: no number of {len(ids)} rows is negative, and each row sums to 1. Write byrote.Fit(fit), or return logits."
        )
    if objective.name == "regression" or fit.outputs == "probabilities":
        if objective.name != "regression":
            _check_probabilities(outputs, ids, sums=objective.name == "classification")
        tensor = torch.from_numpy(objective.from_predictions(outputs))
    return objective.observe(tensor, objective.to_tensor(labels))


def _array(predicted: Any) -> NDArray[np.float64]:
    values = predicted.detach().cpu().float() if hasattr(predicted, "detach") else predicted
    try:
        return np.asarray(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidData(
            f"`predict` returned {type(predicted).__name__}, which is no array of numbers ({describe_error(error)}). Return one, `[example, class]`."
        ) from error


def _wrong_shape(found: tuple[int, ...], examples: int, train: Examples, objective: Objective) -> InvalidData:
    count, kind = objective.outputs, objective.name
    absent = np.setdiff1d(np.arange(count), train.labels) if kind == "classification" else np.zeros(0)
    if len(absent) and found == (examples, count - len(absent)):
        return InvalidData(
            f"`predict` returned {found[1]} columns for {count} classes: no training example of this run has label {absent[0]}. "
            f"Put the columns in their places: `wide = numpy.zeros((len(inputs), {count})); wide[:, model.classes_] = model.predict_proba(inputs)`."
        )
    one, several = objective.unit
    return InvalidData(
        f"`predict` returned an array of shape {found} for {examples} examples and {count} {several}. It must have one row per example and one column per {one}: ({examples}, {count})."
    )


def _check_probabilities(outputs: Float[ndarray, "example class"], ids: NDArray[np.str_], *, sums: bool) -> None:
    totals = outputs.sum(axis=1)
    bad = ((outputs < -TOLERANCE) | (outputs > 1 + TOLERANCE)).any(axis=1)
    if sums:
        bad |= np.abs(totals - 1) > TOLERANCE
    if bad.any():
        at = int(np.argmax(bad))
        reason = f": they sum to {totals[at]:.4g}" if sums else ""
        raise InvalidData(
            f"`predict` returned {_row(outputs[at])} for example {str(ids[at])!r}, which are no probabilities{reason}. "
            'If they are logits, write `byrote.Fit(fit, outputs="logits")`.'
        )


def _row(values: Float[ndarray, " class"]) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:4])
    return f"[{shown}{', ...' if len(values) > 4 else ''}]"
