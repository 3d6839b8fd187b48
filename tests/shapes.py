"""The check of array shapes at run time, in every test: `--jaxtyping-packages=byrote,shapes.checked` in pyproject.toml.

Only what is annotated as an array is checked. Other types are checked by pyright; at run time the package refuses wrong ones
in sentences, and tests read these sentences.
"""

import copyreg
import weakref
from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray

NOT_CHECKED = ("byrote.training.batches", "byrote.training.fitting")
"""Modules in which one axis has a name that stands for two lengths."""

# Probes are pickled by value for worker processes, and jaxtyping's wrapper of a function holds a weak reference to itself.
copyreg.pickle(weakref.ref, lambda reference: (weakref.ref, (reference(),)))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with its arrays checked at each call."""
    hints = {name: hint if _has_array(hint) else Any for name, hint in function.__annotations__.items()}
    if function.__module__ in NOT_CHECKED or all(hint is Any for hint in hints.values()):
        return function
    function.__annotations__ = hints
    return beartype(function)


def _has_array(hint: object) -> bool:
    is_array = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return is_array or any(_has_array(part) for part in get_args(hint))
