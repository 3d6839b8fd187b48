"""Arrays that users give: `checked` makes each what the function's annotations say, or refuses it in a sentence."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, overload

import numpy as np
from jaxtyping import AbstractArray
from numpy import ndarray

from byrote.errors import InvalidData, Unsupported

Given = ParamSpec("Given")
Result = TypeVar("Result")
Kind = Literal["bool", "int", "float", "any"]

WORDS: dict[Kind, tuple[str, str]] = {
    "bool": ("booleans", "Give True and False, or 1 and 0."),
    "int": ("whole numbers", "Give whole numbers; positions of a mask are np.flatnonzero(mask)."),
    "float": ("real numbers", "Give real numbers, such as array.astype(float)."),
    "any": ("numbers or booleans", "Give real numbers or booleans."),
}
"""What each kind is called, and what to give."""


@overload
def checked(function: Callable[Given, Result], /) -> Callable[Given, Result]: ...
@overload
def checked(*, text: Sequence[str]) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]: ...
def checked(function: Callable[..., Any] | None = None, /, *, text: Sequence[str] = ()) -> Any:
    """Return the function with its arguments made what its annotations say at each call, or refused.

    An array may be an ndarray, a list, a pandas Series or a torch tensor. `Bool` takes booleans, and 0 and 1 of any numeric
    type; `Int` takes whole numbers; `Float` takes real numbers and keeps their precision; `Shaped` takes any of these as it is,
    and text too where the parameter is named in `text`. Arrays of the right type are passed on as they are. The number of axes
    has to be that of the annotation, and axes of one name have to be equally long. `level` has to be between 0 and 1, and
    what is annotated as a number has to be one. Raises InvalidData, which names function, argument and what was given. Where
    the function returns no array, it raises Unsupported for an array without entries; positions (`Int`) may be none.

    Annotations are read once, at the first call.
    """
    if function is None:
        return partial(_checked, text=tuple(text))
    return _checked(function, ())


def is_checked(function: Callable[..., Any]) -> bool:
    """Return whether the function checks what it is given."""
    return getattr(function, "checks_arrays", False)


def kind_of(annotation: Any) -> Kind:
    """Return what the entries of a jaxtyping array are; `any` is Shaped."""
    if not isinstance(annotation.dtypes, tuple | list):
        return "any"
    names = {str(dtype).rstrip("0123456789_") for dtype in annotation.dtypes}
    if "bool" in names:
        return "bool"
    return "float" if "float" in names else "int"


def _checked(function: Callable[..., Any], text: tuple[str, ...]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = _parameters(function, text)
        bound = given.signature.bind(*args, **kwargs)
        _convert(function.__name__, bound.arguments, given)
        return function(*bound.args, **bound.kwargs)

    vars(call)["checks_arrays"] = True
    return call


@dataclass(frozen=True)
class _Form:
    """One jaxtyping annotation: the kind of the entries, the names of the axes, and whether it is a torch tensor."""

    kind: Kind
    axes: tuple[str, ...]
    tensor: bool
    text: bool

    def __str__(self) -> str:
        return f"{WORDS[self.kind][0]}{' or text' if self.text else ''} with the axes [{' '.join(self.axes)}]"


@dataclass(frozen=True)
class _Parameters:
    """What the parameters of a function may be: forms of arrays, and types of other values; and whether arrays may be empty."""

    signature: Signature
    may_be_empty: bool
    forms: Mapping[str, tuple[_Form, ...]]
    types: Mapping[str, tuple[Any, ...]]


@cache
def _parameters(function: Callable[..., Any], text: tuple[str, ...]) -> _Parameters:
    forms: dict[str, tuple[_Form, ...]] = {}
    types: dict[str, tuple[Any, ...]] = {}
    found = signature(function)
    for name, parameter in found.parameters.items():
        annotation = parameter.annotation
        parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        arrays = [part for part in parts if _is_array(part)]
        if arrays:
            forms[name] = tuple(_form(array, name in text) for array in arrays)
        types[name] = tuple(part for part in parts if part not in arrays)
    return _Parameters(found, _has_array(found.return_annotation), forms, types)


def _is_array(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def _has_array(annotation: Any) -> bool:
    return _is_array(annotation) or any(map(_has_array, get_args(annotation)))


def _form(annotation: Any, text: bool) -> _Form:
    return _Form(kind_of(annotation), tuple(annotation.dim_str.split()), annotation.array_type is not ndarray, text)


def _convert(function: str, arguments: dict[str, Any], expected: _Parameters) -> None:
    """Replace each argument by what the function expects, or raise InvalidData or Unsupported."""
    lengths: dict[str, tuple[str, int | tuple[int, ...]]] = {}
    indexes: dict[str, tuple[str, Any]] = {}
    for name, value in arguments.items():
        forms, types = expected.forms.get(name, ()), expected.types[name]
        if not forms:
            arguments[name] = _number(function, name, value, types)
        elif not isinstance(value, _plain(types)):
            form, array = _array(f"{function}: `{name}`", value, forms)
            _check_axes(function, name, array.shape, form, lengths)
            _check_index(function, name, value, form, indexes)
            if 0 in array.shape and form.kind != "int" and not expected.may_be_empty:
                raise Unsupported(
                    f"{function}: `{name}` is empty, with the shape {tuple(array.shape)}. Give at least one entry."
                )
            arguments[name] = array


def _plain(types: tuple[Any, ...]) -> tuple[type, ...]:
    return tuple(each for each in types if isinstance(each, type) and each is not Parameter.empty)


def _number(function: str, name: str, value: Any, types: tuple[Any, ...]) -> Any:
    """Return an argument that is no array; raise InvalidData for a number that is none, and a level that is no share."""
    wanted = [each for each in types if each in (int, float)]
    if not wanted or len(wanted) < len([each for each in types if each is not NoneType]):
        return value
    if value is None and NoneType in types:
        return value
    number = _item(value)
    if issubclass(type(number), bool | np.bool_) or not issubclass(type(number), Real):
        raise InvalidData(f"{function}: `{name}` is {_described(value)}. Give a number.")
    try:
        float(number)
    except OverflowError:
        raise InvalidData(f"{function}: `{name}` has {len(str(number))} digits. Give a number below 1e308.") from None
    if float not in wanted and not issubclass(type(number), Integral):
        if not np.isfinite(float(number)) or number != int(number):
            raise InvalidData(f"{function}: `{name}` is {value!r}. Give a whole number.")
        number = int(number)
    if name == "level" and not 0 < number < 1:
        raise InvalidData(f"{function}: `level` is {value!r}. Give a share between 0 and 1, such as .9 for 90 %.")
    return number


def _item(value: Any) -> Any:
    """Return the number in an array without axes, and anything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _array(what: str, value: Any, forms: tuple[_Form, ...]) -> tuple[_Form, Any]:
    """Return the value as an array, and which form it has."""
    if forms[0].tensor:
        return forms[0], _tensor(what, value, forms[0])
    array = _as_ndarray(what, value, forms[0])
    form = next((form for form in forms if _fits(array, form)), forms[0])
    return form, _cast(what, array, form)


def _fits(array: ndarray, form: _Form) -> bool:
    """Return whether an array is of this form among several: whole numbers that are all 0 or 1 are booleans too."""
    if form.kind == "bool":
        return array.dtype.kind == "b" or (array.dtype.kind in "iu" and bool(np.isin(array, (0, 1)).all()))
    return form.kind == "any" or array.dtype.kind in {"int": "iu", "float": "f"}[form.kind]


def _as_ndarray(what: str, value: Any, form: _Form) -> ndarray:
    if _is_tensor(value):
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if np.ma.is_masked(value):
        raise InvalidData(f"{what} has {np.ma.count_masked(value)} masked entries. Leave them out, or fill them.")
    if not (isinstance(value, list | tuple) or hasattr(value, "__array__")):
        raise InvalidData(f"{what} is {_described(value)}, and has to be {form}. Give an array.")
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidData(
            f"{what} is {_described(value)} that is no array: {error}. Give {form}, with rows of one length."
        ) from None


def _cast(what: str, array: ndarray, form: _Form) -> ndarray:
    """Return the array with the entries that the function expects. What is right already is returned as it is."""
    kind = array.dtype.kind
    if form.text and (kind == "U" or (kind == "O" and all(isinstance(each, str) for each in array.flat))):
        return array.astype(np.str_)
    if kind not in "biuf":
        raise InvalidData(f"{what} is {_described(array)}, and has to be {form}. {WORDS[form.kind][1]}")
    if form.kind == "bool" and kind != "b":
        other = array[(array != 0) & (array != 1)]
        if len(other):
            raise InvalidData(
                f"{what} has to be {form}, and {_described(array)} was given with {len(other)} entries that are neither "
                f"0 nor 1, such as {other[0]}. {WORDS['bool'][1]}"
            )
        return array == 1
    if form.kind == "int" and kind != "i":
        return _whole(what, array, form)
    if form.kind == "float" and (kind != "f" or array.dtype.itemsize > 8):
        real = array.astype(np.float64)
        if kind in "iu" and array.dtype.itemsize == 8 and (np.abs(real) > 2**53).any():
            raise InvalidData(
                f"{what} has whole numbers beyond 2^53, which are not exact as real numbers. Subtract an offset."
            )
        return real
    return array


def _whole(what: str, array: ndarray, form: _Form) -> ndarray:
    refused = InvalidData(f"{what} is {_described(array)}, and has to be {form}. {WORDS['int'][1]}")
    if array.dtype.kind == "b":
        raise refused
    if array.size and not (np.abs(array) <= 2**53).all():
        raise refused
    whole = array.astype(np.int64)
    if (whole != array).any():
        raise refused
    return whole


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _tensor(what: str, value: Any, form: _Form) -> Any:
    """Return the value as a torch tensor; what is none becomes one on the CPU, real numbers in torch's default precision."""
    torch: Any = sys.modules["torch"]
    if not isinstance(value, torch.Tensor):
        array = _cast(what, _as_ndarray(what, value, form), form)
        return torch.as_tensor(array, dtype=torch.get_default_dtype() if array.dtype.kind == "f" else None)
    fits = {
        "bool": value.dtype == torch.bool,
        "int": value.dtype in (torch.int8, torch.int16, torch.int32, torch.int64),
        "float": value.is_floating_point(),
        "any": not value.is_complex(),
    }[form.kind]
    if fits:
        return value
    if form.kind == "float" or value.is_complex():  # token ids are no real numbers
        raise InvalidData(f"{what} is {_described(value)}, and has to be {form}. Give a tensor such as x.float().")
    array = _cast(what, _as_ndarray(what, value, form), form)
    return torch.as_tensor(array, device=value.device)


def _check_axes(
    function: str,
    name: str,
    shape: tuple[int, ...],
    form: _Form,
    lengths: dict[str, tuple[str, int | tuple[int, ...]]],
) -> None:
    """Raise InvalidData where the axes are not those of the form, or not as long as those of another argument."""
    variadic = next((at for at, axis in enumerate(form.axes) if axis == "..." or axis.startswith("*")), None)
    fixed = len(form.axes) - (variadic is not None)
    if len(shape) < fixed or (variadic is None and len(shape) > fixed):
        raise InvalidData(
            f"{function}: `{name}` has the shape {tuple(shape)}, and needs {'at least ' if variadic is not None else ''}"
            f"{fixed} {'axis' if fixed == 1 else 'axes'}: [{' '.join(form.axes)}]. Give an array with these axes, in this order."
        )
    for axis, length in _lengths(form.axes, variadic, tuple(shape)):
        if axis.isdigit():
            known: tuple[str, int | tuple[int, ...]] = (f"a {form}", int(axis))
        else:
            known = lengths.setdefault(axis, (f"`{name}`", length))
        if known[1] != length:
            raise InvalidData(
                f"{function}: `{name}` has {length} along the axis {axis.lstrip('*')}, and {known[0]} has {known[1]}. "
                "Give arrays of the same things in the same order."
            )


def _lengths(
    axes: tuple[str, ...], variadic: int | None, shape: tuple[int, ...]
) -> Iterable[tuple[str, int | tuple[int, ...]]]:
    """Yield each named axis with its length, and a named group of axes with its shape."""
    if variadic is None:
        pairs: list[tuple[str, int | tuple[int, ...]]] = list(zip(axes, shape, strict=True))
    else:
        after = len(axes) - variadic - 1
        middle = shape[variadic : len(shape) - after]
        ends = shape[len(shape) - after :] if after else ()
        pairs = [
            *zip(axes[:variadic], shape[:variadic], strict=True),
            (axes[variadic], middle),
            *zip(axes[variadic + 1 :], ends, strict=True),
        ]
    yield from ((axis, length) for axis, length in pairs if axis not in ("...", "_"))


def _check_index(function: str, name: str, value: Any, form: _Form, indexes: dict[str, tuple[str, Any]]) -> None:
    """Raise InvalidData where two pandas Series have other row names: they are read by position."""
    index = getattr(value, "index", None)
    if not (form.axes and hasattr(index, "equals")):
        return
    other, known = indexes.setdefault(form.axes[0], (name, index))
    if not known.equals(index):
        raise InvalidData(
            f"{function}: the index of `{name}` is not that of `{other}`. Align them, or give .to_numpy() of both to read "
            "them by position."
        )


def _described(value: Any) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{'a tensor' if _is_tensor(value) else 'an array'} of {dtype} with the shape {tuple(shape)}"
    text = repr(value)
    return f"{type(value).__name__} ({text if len(text) <= 40 else text[:37] + '...'})"
