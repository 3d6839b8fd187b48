"""One door for arrays: what is right passes as it is, what can be made right is, and the rest is refused in a sentence."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import torch
from jaxtyping import AbstractArray, Bool, Float, Int, Shaped
from numpy import ndarray

import byrote
from byrote.arrays import checked, is_checked
from byrote.errors import ByroteError, InvalidData, Unsupported
from byrote.signature import Probe, Score

WITHOUT_EXPORTS = ("evidence.reliability", "evidence.c_profile", "membership.blind", "membership.quantile_attack")
"""Modules that users import from directly."""


def _is_array(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def _takes_arrays(function: Callable[..., Any]) -> bool:
    """Whether an argument is an array, or an array or something else."""
    annotations = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
    return any(_is_array(each) or any(map(_is_array, get_args(each))) for each in annotations)


def public_functions() -> dict[str, Callable[..., Any]]:
    """Return every function, and method of a class, that a room exports, by its full name."""
    rooms = [f"byrote.{room.name}" for room in pkgutil.iter_modules(byrote.__path__) if room.name != "__main__"]
    found: dict[str, Callable[..., Any]] = {}
    for name in ["byrote", *rooms, *(f"byrote.{each}" for each in WITHOUT_EXPORTS)]:
        module = importlib.import_module(name)
        for word in dir(module):
            thing = getattr(module, word)
            home = getattr(thing, "__module__", None) or ""
            if word.startswith("_") or "._" in home or not home.startswith("byrote"):
                continue
            if isinstance(thing, Score | Probe):
                found[f"{name}.{word}"] = thing.function
            elif inspect.isfunction(thing):
                found[f"{home}.{word}"] = thing
            elif inspect.isclass(thing) and not home.startswith("byrote.objectives"):
                methods = {key: each for key, each in vars(thing).items() if inspect.isfunction(each)}
                found |= {f"{home}.{word}.{key}": each for key, each in methods.items() if not key.startswith("_")}
    return found


OF_TOKENS = ("decode", "documents_forced")
"""Functions that are called for each token, or take a list of arrays, which are checked one by one further down."""

OF_INDEXES = ("byrote.recall.index.", "byrote.recall.exact.", "byrote.recall.approximate.")
"""Classes whose methods get arrays that a memory has checked."""


def test_every_public_function_that_takes_arrays_is_checked() -> None:
    functions = {name: each for name, each in public_functions().items() if not name.startswith(OF_INDEXES)}
    unchecked = {name for name, each in functions.items() if _takes_arrays(each) and not is_checked(each)}
    assert {name for name in unchecked if not name.endswith(OF_TOKENS)} == set()
    assert sum(map(_takes_arrays, functions.values())) > 80


SIZES = {"run": 8, "step": 6, "example": 160, "candidate": 50, "feature": 3, "target": 70, "shape": 4, "class": 3}
SIZES |= {"document": 160, "passage": 40, "token": 5, "other": 7, "control": 12, "text": 20, "model": 4, "canary": 30}
SIZES |= {
    "score": 5,
    "observation": 25,
    "time": 6,
    "pair": 9,
    "trial": 9,
    "checkpoint": 4,
    "size": 4,
    "mark": 5,
    "kind": 2,
    "alternative": 6,
}
OPTIONS: dict[str, Any] = {
    "fpr": 0.2, "k": 5, "classes": 3, "parameters": 100, "guess_in": 5, "guess_out": 5, "threshold": 0.0,
    "symbols": 8, "documents": 3, "limit": 0.2,
    "summary": lambda values, member: float(values[member].mean()), "statistic": lambda member: float(member[0, 0]),
}  # fmt: skip
"""What functions need beside arrays."""

PARTICULAR = ("confidence_sequence", "judge_passages", "memorization_profile")
"""Functions whose arrays have to fit each other in more than their lengths; or may be None."""


def bare_functions() -> dict[str, Callable[..., Any]]:
    """Return the public functions that need nothing but NumPy arrays and a few numbers."""
    found: dict[str, Callable[..., Any]] = {}
    for name, function in public_functions().items():
        parameters = inspect.signature(function).parameters.values()
        others = [
            each for each in parameters if not _arrays(each.annotation) and each.default is inspect.Parameter.empty
        ]
        arrays = [form for each in parameters for form in _arrays(each.annotation)]
        if name.endswith(PARTICULAR):
            continue
        if arrays and all(each.name in OPTIONS for each in others) and all(a.array_type is ndarray for a in arrays):
            found[name] = function
    return found


def _arrays(annotation: Any) -> list[Any]:
    return [each for each in (annotation, *get_args(annotation)) if _is_array(each)]


def right(function: Callable[..., Any]) -> dict[str, Any]:
    """Return arguments that the function takes."""
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        forms = _arrays(parameter.annotation)
        if forms:
            shape = [SIZES[axis.strip("*")] for axis in forms[0].dim_str.split()]
            names = {str(dtype) for dtype in forms[0].dtypes} if isinstance(forms[0].dtypes, tuple) else {"any"}
            mask = rng.random(shape) < 0.5
            if "bool" in names:
                given[name] = mask
            elif "float64" in names or "any" in names:
                given[name] = rng.random(shape).round() if name == "critical" else rng.random(shape)
                if name == "probabilities":
                    given[name] /= given[name].sum(axis=-1, keepdims=True)
            else:
                given[name] = rng.integers(0, 3, shape)
        elif name in OPTIONS:
            given[name] = OPTIONS[name]
    return given


BARE = bare_functions()
MASKED = [name for name, each in BARE.items() if any(np.asarray(value).dtype == bool for value in right(each).values())]


def same(one: Any, other: Any) -> bool:
    """Whether two results have the same numbers, to the last bit."""
    return repr(one) == repr(other) and all(
        np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
        for a, b in zip(_parts(one), _parts(other), strict=True)
    )


def _parts(result: Any) -> list[Any]:
    if not isinstance(result, tuple | dict) and not hasattr(result, "__dict__"):
        return [result]
    parts = result if isinstance(result, tuple) else (result if isinstance(result, dict) else vars(result)).values()
    return [each for each in parts if isinstance(each, np.ndarray)]


@pytest.mark.parametrize("name", MASKED)
def test_zeros_and_ones_are_booleans(name: str) -> None:
    function, given = BARE[name], right(BARE[name])
    expected = function(**given)
    masks = [key for key, value in given.items() if np.asarray(value).dtype == bool]
    for change in (
        lambda mask: mask.astype(int),
        lambda mask: mask.astype(np.float32),
        lambda mask: mask.astype(np.uint8),
        lambda mask: mask.tolist(),
        lambda mask: torch.tensor(mask),
        lambda mask: torch.tensor(mask).float(),
        lambda mask: pd.Series(mask) if mask.ndim == 1 else pd.DataFrame(mask),
    ):
        assert same(function(**(given | {key: change(given[key]) for key in masks})), expected)


@pytest.mark.parametrize("name", BARE)
def test_real_numbers_of_any_kind_are_taken(name: str) -> None:
    function, given = BARE[name], right(BARE[name])
    arrays = {key: value for key, value in given.items() if isinstance(value, np.ndarray)}
    expected = function(**given)
    assert same(function(**(given | {key: value.tolist() for key, value in arrays.items()})), expected)
    assert same(function(**(given | {key: torch.tensor(value) for key, value in arrays.items()})), expected)


WRONG: dict[str, Callable[[np.ndarray], Any]] = {
    "one more axis": lambda array: array[None],
    "three more axes": lambda array: array[None, None, None],
    "no axis": lambda array: array.flat[0],
    "another length": lambda array: array[..., :-1],
    "no entry": lambda array: array[..., :0],
    "text": lambda array: array.astype(str),
    "objects": lambda array: array.astype(object),
    "complex": lambda array: array + 1j,
    "dates": lambda array: array.astype(int).astype("datetime64[s]"),
    "None": lambda array: None,
    "one text": lambda array: "a",
    "a dict": lambda array: {"a": array},
    "ragged": lambda array: [[1, 2], [3]],
    "a number": lambda array: 3,
}


@pytest.mark.parametrize("name", BARE)
def test_what_is_wrong_is_refused_in_a_sentence(name: str) -> None:
    function, given = BARE[name], right(BARE[name])
    parameters = inspect.signature(function).parameters
    axes = {
        key: _arrays(each.annotation)[0].dim_str.split() for key, each in parameters.items() if _arrays(each.annotation)
    }
    for key in [key for key, value in given.items() if isinstance(value, np.ndarray)]:
        last = axes[key][-1:]
        shared = any(last == [axis] for other, found in axes.items() if other != key for axis in found)
        for what, change in WRONG.items():
            if key == "groups" or (what in ("another length", "no entry") and not shared):
                continue
            if what in ("one more axis", "three more axes") and "*" in "".join(axes[key]):
                continue
            if parameters[key].default is None and change(given[key]) is None:
                continue
            names = None if what in ("another length", "no entry") else f"`{key}`"
            with pytest.raises(ByroteError, match=names):
                function(**(given | {key: change(given[key])}))


@pytest.mark.parametrize("name", [name for name, each in BARE.items() if "level" in inspect.signature(each).parameters])
@pytest.mark.parametrize("level", [90, 0, 1, -0.1, float("nan"), "0.9", None, True])
def test_a_level_is_a_share(name: str, level: Any) -> None:
    with pytest.raises(InvalidData, match=r"`level` is"):
        BARE[name](**right(BARE[name]), level=level)


def open_to_all(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, for a type checker one of any arguments."""
    return function


@open_to_all
@checked
def twice(
    values: Float[ndarray, "run example"], mask: Bool[ndarray, " example"] | None = None, *, times: int = 2
) -> float:
    """Double."""
    return float(values[:, mask if mask is not None else slice(None)].sum()) * times


@open_to_all
@checked(text=("groups",))
def passed(
    values: Float[ndarray, "example *shape"] | None = None,
    positions: Int[ndarray, " position"] | slice = slice(None),
    groups: Shaped[ndarray, " example"] | None = None,
    labels: Int[ndarray, " example"] | None = None,
) -> tuple[Any, ...]:
    """Return what came through."""
    return values, positions, groups, labels


def test_what_is_right_is_passed_on_as_it_is() -> None:
    for values in (np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float16), np.zeros((2, 3))):
        assert passed(values)[0] is values
    labels = np.zeros(2, np.int32)
    assert passed(labels=labels)[3] is labels
    assert passed(positions=slice(3))[1] == slice(3)
    assert passed(positions=[])[1].dtype == np.int64


def test_masks_may_be_missing() -> None:
    values = np.arange(6.0).reshape(2, 3)
    assert twice(values) == 30
    assert twice(values, None) == 30
    assert twice(values, [0, 1, 1]) == twice(values.tolist(), mask=[False, True, True]) == 24
    assert twice(values, times=np.int64(3)) == twice(values, times=3.0) == 45


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"values": [[0.5]], "mask": [2]},
            r"twice: `mask` has to be booleans .* int64 .*\(1,\) .* 1 entries .* such as 2",
        ),
        ({"values": [[0.5]], "mask": [np.nan]}, "such as nan"),
        ({"values": [0.5]}, r"`values` has the shape \(1,\), and needs 2 axes: \[run example\]"),
        ({"values": [[0.5, 1]], "mask": [1]}, "`mask` has 1 along the axis example, and `values` has 2"),
        ({"values": [["a"]]}, r"`values` is an array of <U1 .*real numbers"),
        ({"values": None}, r"`values` is NoneType \(None\)"),
        ({"values": [[2**60]]}, "beyond 2\\^53"),
        ({"values": [[0.5]], "times": 1.5}, r"`times` is 1.5. Give a whole number"),
        ({"values": [[0.5]], "times": "3"}, r"`times` is str \('3'\). Give a number"),
        ({"values": np.ma.masked_array([[0.5, 1]], [[True, False]])}, "1 masked"),
    ],
)
def test_refusals_name_function_argument_and_what_was_given(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        twice(**given)


def test_nothing_is_no_number() -> None:
    with pytest.raises(Unsupported, match=r"`values` is empty, with the shape \(0, 3\)"):
        twice(np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"labels": [True, False]}, "whole numbers .*flatnonzero"),
        ({"labels": [0.5]}, "whole numbers"),
        ({"labels": [np.inf]}, "whole numbers"),
        ({"labels": [2.0**60]}, "whole numbers"),
        ({"groups": np.array(["a", None], object)}, "or text"),
        (
            {"values": np.zeros((2, 3, 4)), "labels": [1, 2, 3]},
            "`labels` has 3 along the axis example, and `values` has 2",
        ),
        (
            {"values": pd.Series([0.0, 1.0]), "labels": pd.Series([1, 2], index=[1, 0])},
            "index of `labels` is not that of `values`",
        ),
    ],
)
def test_more_refusals(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        passed(**given)


def test_text_and_whole_numbers_given_as_others() -> None:
    _, _, groups, labels = passed(groups=pd.Series(["a", "b"]), labels=[1.0, 2.0])
    assert groups.tolist() == ["a", "b"]
    assert labels.dtype == np.int64
    assert passed(labels=np.array([1, 2], np.uint8))[3].dtype == np.int64


@open_to_all
@checked
def asked(inputs: Float[torch.Tensor, "example *shape"], labels: Int[torch.Tensor, " example"]) -> float:
    """Ask."""
    return float(inputs.sum() + labels.sum())


def test_tensors() -> None:
    inputs = torch.ones(2, 3)
    assert asked(inputs, torch.ones(2, dtype=torch.int64)) == 8
    assert asked(np.ones((2, 3)), [1, 1]) == asked(inputs.double(), torch.ones(2)) == 8
    with pytest.raises(InvalidData, match=r"`inputs` is a tensor of torch.int64 with the shape \(2, 3\)"):
        asked(inputs.long(), torch.ones(2, dtype=torch.int64))
    with pytest.raises(InvalidData, match="`labels` has 3 along the axis example, and `inputs` has 2"):
        asked(inputs, torch.ones(3, dtype=torch.int64))
