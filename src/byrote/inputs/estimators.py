"""From an estimator and its data to a task: whatever has `fit` and `predict`, as scikit-learn, XGBoost and LightGBM have it."""

import copy
import random
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.frames import Frame, frame_of
from byrote.inputs.labels import MOST
from byrote.inputs.reading import TEST_SHARE
from byrote.inputs.splitting import at_random, bins
from byrote.objectives import Classification, Regression
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.task import Task

SURELY_NOT = np.log(1e-7)
"""The logit, beside the lowest of a row, of a class that a model was never shown: probabilities are cut off there too."""


def is_estimator(value: object) -> bool:
    """Return whether this is an estimator: it can be fitted to inputs and labels, and predicts."""
    return not isinstance(value, type) and hasattr(value, "fit") and hasattr(value, "predict")


def estimator_task(estimator: Any, X: Any, y: Any, X_test: Any = None, y_test: Any = None) -> Task:
    """Return the task of an estimator, which is fitted anew, from a copy, in each run.

    `X` is an array, a DataFrame of pandas or polars with columns of any kind, or a list of texts; the estimator gets the
    same kind, with numbers rounded to float32. `y` are labels of any kind (names, numbers, truth values), or numbers for a
    regressor. Without test examples a fifth of the rows is held out as such, of each class alike, the same in every audit.
    Ids are those of a pandas index that is not just 0, 1, 2 ... and has no repeats, else the positions of the rows.

    Every `random_state` is set from the seed of the run, `n_jobs` to 1, since runs are trained side by side. A classifier
    with `predict_proba` gives probabilities, one with `decision_function` these as logits, any other its predictions as
    sure. Raises InvalidData for what is no classifier or regressor, for several targets of a classifier, for labels
    that are no classes (real numbers, or nearly all different), for missing labels and for data that `Examples` refuses.
    """
    if not is_estimator(estimator):
        called = f"{estimator.__name__}()" if isinstance(estimator, type) else "RandomForestClassifier()"
        raise InvalidData(
            f"{estimator!r} has no `fit` and `predict` to call. Give an estimator, such as {called}, or a byrote.Task."
        )
    if (X_test is None) != (y_test is None):
        raise InvalidData("Test inputs and test labels belong together. Give X_test and y_test, or neither.")
    given = [(X, _targets(y))] if X_test is None else [(X, _targets(y)), (X_test, _targets(y_test))]
    frame = frame_of([inputs for inputs, _ in given])
    labels = np.concatenate([targets for _, targets in given])
    classes = _classes(estimator, labels)
    codes = labels.astype(np.float64) if classes is None else np.searchsorted(classes, labels)
    train, test = _examples(frame, given, codes, classes is not None)
    fit = EstimatorFit(estimator, frame, () if classes is None else tuple(classes.tolist()), _settings(estimator))
    return Task(
        Fit(fit, outputs=fit.outputs),
        train,
        test,
        classes=() if classes is None else tuple(str(name) for name in classes.tolist()),
        name=type(_last(estimator)).__name__.lower(),
        objective=Regression() if classes is None else Classification(),
    )


@dataclass(frozen=True)
class EstimatorFit:
    """What a `Fit` calls: a copy of the estimator, fitted to the examples of a run. `classes` is empty for a regressor."""

    estimator: Any
    frame: Frame
    classes: tuple[Any, ...]
    settings: str
    """All parameters as text: two audits of an estimator with other parameters are not the same."""

    @property
    def outputs(self) -> Literal["probabilities", "logits"]:
        """What the predictions of the estimator are."""
        if not self.classes or hasattr(self.estimator, "predict_proba"):
            return "probabilities"
        return "logits" if hasattr(self.estimator, "decision_function") else "probabilities"

    def __call__(self, train: Examples, seed: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """Return the fitted copy as a function of inputs."""
        model = _prepared(self.estimator, seed)
        targets, present = train.labels, np.arange(0)
        if self.classes and type(_last(model)).__module__.startswith("xgboost"):  # it takes 0, 1, 2 ... without a gap
            present, targets = np.unique(train.labels, return_inverse=True)
        elif self.classes:
            targets = np.array(self.classes)[train.labels]
        with _random_states(seed):
            model.fit(self.frame.decode(train.inputs), targets)
        if not self.classes:
            return lambda inputs: np.asarray(model.predict(self.frame.decode(inputs)))
        where = {label: at for at, label in enumerate(self.classes)}
        own = present if len(present) else np.array([where[each] for each in np.asarray(_own_classes(model, train, self.classes)).tolist()])  # fmt: skip
        return lambda inputs: self._predict(model, self.frame.decode(inputs), own)

    def _predict(self, model: Any, inputs: Any, own: NDArray[np.int64]) -> NDArray[Any]:
        """Return a column for each class; `own` are the positions of those that the model knows."""
        if hasattr(self.estimator, "predict_proba"):
            wide = np.zeros((len(inputs), len(self.classes)))
            wide[:, own] = model.predict_proba(inputs)
            return wide
        if hasattr(self.estimator, "decision_function"):
            found = np.asarray(model.decision_function(inputs), np.float64)
            found = np.stack([-found / 2, found / 2], axis=1) if found.ndim == 1 else found
            if found.shape[1] != len(own):
                raise InvalidData(
                    f"`decision_function` gives {found.shape[1]} columns for {len(own)} classes. Set decision_function_shape='ovr', or use an estimator with predict_proba."
                )
            wide = np.repeat(found.min(axis=1, keepdims=True) + SURELY_NOT, len(self.classes), axis=1)
            wide[:, own] = found
            return wide
        where = {label: at for at, label in enumerate(self.classes)}
        predicted = np.array([where[each] for each in np.asarray(model.predict(inputs)).tolist()])
        return np.eye(len(self.classes))[predicted]


def _own_classes(model: Any, train: Examples, classes: Sequence[Any]) -> Any:
    """Return the labels that a fitted model knows, in the order of its columns."""
    return getattr(model, "classes_", np.array(classes)[np.unique(train.labels)])


def _examples(
    frame: Frame, given: Sequence[tuple[Any, NDArray[Any]]], codes: NDArray[Any], classes: bool
) -> tuple[Examples, Examples]:
    counts = [len(targets) for _, targets in given]
    every = [
        Examples(
            frame.encode(inputs),
            part,
            _index(inputs),
            kind={"texts": "text", "numbers": None}.get(frame.kind, "table"),
            columns=frame.names,
            show=_texts(frame) if frame.kind == "texts" else None,
        ).with_cells(frame.cells)
        for (inputs, _), part in zip(given, np.split(codes, np.cumsum(counts)[:-1]), strict=True)
    ]
    if len(every) == 2:
        return every[0], every[1]
    strata = codes.astype(np.int64) if classes else bins(codes)
    split = at_random(strata, TEST_SHARE)
    return every[0][split.train], every[0][split.test]


def _texts(frame: Frame) -> Callable[[Any], str]:
    def text(codes: NDArray[Any]) -> str:
        return str(frame.decode(codes[None])[0])

    return text


def _index(inputs: Any) -> list[Any] | None:
    """Return the labels of a pandas index that names rows; None where it only counts them, or repeats."""
    index = getattr(inputs, "index", None)
    if not hasattr(inputs, "iloc") or index is None or type(index).__name__ == "RangeIndex" or not index.is_unique:
        return None
    return index.tolist()


def _targets(y: Any) -> NDArray[Any]:
    if y is None:
        raise InvalidData("There are no labels. Call byrote.audit(estimator, X, y).")
    found = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
    gone = [each is None or each != each or type(each).__name__ == "NAType" for each in found.ravel().tolist()]
    if any(gone):
        raise InvalidData(f"{sum(gone)} of {len(found)} labels are missing, the first in row {gone.index(True)}. Drop these rows.")  # fmt: skip
    return found


def _classes(estimator: Any, labels: NDArray[Any]) -> NDArray[Any] | None:
    """Return the classes, sorted; None for a regressor. Raises InvalidData for what is neither."""
    kind = _estimator_kind(estimator, labels)
    if kind not in ("classifier", "regressor"):
        raise InvalidData(
            f"{type(estimator).__name__} is a {kind}, and learns no labels. Give a classifier or a regressor."
        )
    if kind == "regressor":
        if labels.dtype.kind not in "iuf":
            raise InvalidData(f"{type(estimator).__name__} is a regressor, and the labels are {labels.dtype}. Give numbers, or a classifier.")  # fmt: skip
        return None
    if labels.ndim > 1:
        raise InvalidData(
            f"The labels have shape {labels.shape}, and a classifier is audited with one label per example. Write a byrote.Fit with objective='multilabel' for several."
        )
    if labels.dtype.kind == "O" and len({type(each) for each in labels.tolist()}) > 1:
        raise InvalidData("The labels are of several types. Give names only, or numbers only.")
    classes = np.unique(labels)
    _check_few(type(_last(estimator)).__name__, labels, len(classes))
    return classes


def _check_few(estimator: str, labels: NDArray[Any], classes: int) -> None:
    """Refuse numbers of a regression as classes, by the rule for the label of a table: real numbers, or nearly all different."""
    if labels.dtype.kind == "f" and (labels != np.rint(labels)).any():
        raise InvalidData(
            f"{estimator} is a classifier, and the labels are real numbers, {classes:,} different ones such as {labels[labels != np.rint(labels)][0]:g}. Give a regressor, or names of classes: y.astype(str)."
        )
    if classes > max(2, MOST * len(labels)):
        raise InvalidData(
            f"{estimator} is a classifier, and {len(labels):,} rows have {classes:,} different labels, so most are there once: these are no classes. Give {'a regressor' if labels.dtype.kind in 'iuf' else 'labels that several rows share'}."
        )


def _estimator_kind(estimator: Any, labels: NDArray[Any]) -> str:
    tags = getattr(estimator, "__sklearn_tags__", None)
    stated = tags().estimator_type if tags is not None else getattr(estimator, "_estimator_type", None)
    if stated is not None:
        return str(stated)
    sure = hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")
    real = labels.dtype.kind == "f" and bool((labels != np.rint(labels)).any())
    return "classifier" if sure or not real else "regressor"


def _last(estimator: Any) -> Any:
    """Return the estimator within pipelines and searches."""
    while True:
        if getattr(estimator, "steps", None):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "get_params") and is_estimator(inner := estimator.get_params(deep=False).get("estimator")):  # fmt: skip
            estimator = inner
        else:
            return estimator


def _prepared(estimator: Any, seed: int) -> Any:
    """Return a copy whose random states are set, and which uses one thread."""
    model = copy.deepcopy(estimator)
    if not hasattr(model, "get_params"):
        return model
    known = model.get_params(deep=True)
    numbers = np.random.SeedSequence(seed).generate_state(len(known)) % 2**31
    chosen = {
        name: int(number) for name, number in zip(sorted(known), numbers, strict=True) if _is(name, "random_state")
    }
    unset = type(_last(model)).__module__.startswith("sklearn")  # n_jobs=None is one thread there, and all elsewhere
    threads = {name: 1 for name, value in known.items() if _is(name, "n_jobs") and not (value is None and unset)}
    return model.set_params(**chosen, **threads)


def _is(name: str, parameter: str) -> bool:
    """Return whether this is the name of a parameter, of an estimator or of one within it."""
    return name.split("__")[-1] == parameter


def _settings(estimator: Any) -> str:
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else vars(estimator)
    return f"{type(estimator).__module__}.{type(estimator).__qualname__} {sorted((name, repr(each)) for name, each in parameters.items())}"


@contextmanager
def _random_states(seed: int) -> Generator[None, None, None]:
    """Set the states that estimators without a `random_state` draw from, and set them back."""
    ours, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that others draw from
    torch: Any = sys.modules.get("torch")
    torchs = None if torch is None else torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(torchs)
