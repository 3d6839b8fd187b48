"""The check of array shapes at run time, in every test: `--jaxtyping-packages=byrote,shapes.checked` in pyproject.toml.

Only what is annotated as an array is checked. Other types are checked by pyright; at run time the package refuses wrong ones
in sentences, and tests read these sentences.
"""

import copyreg
import weakref
from collections.abc import Callable
from typing import Any, get_args

import jaxtyping
from beartype import beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with its arrays checked at each call."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint if _has_array(hint) else Any for name, hint in hints.items()}
    return beartype(function)


def prepare() -> None:
    """Change jaxtyping before the package is imported: leave alone what has no arrays, and let what it wraps be pickled.

    Wrapped, the thousands of short calls without arrays would double the time of a report.
    """
    jaxtyped = jaxtyping.jaxtyped

    def of_arrays(*, typechecker: Any) -> Callable[[Any], Any]:
        wrap = jaxtyped(typechecker=typechecker)
        return lambda found: wrap(found) if _mentions_array(found) else found

    jaxtyping.jaxtyped = of_arrays  # what its import hook decorates functions and classes with
    # Probes are pickled by value for worker processes, and the wrapper of a function holds a weak reference to itself.
    copyreg.pickle(weakref.ref, lambda reference: (weakref.ref, (reference(),)))


def _mentions_array(found: Any) -> bool:
    hints = vars(found).get("__annotations__", {}) if isinstance(found, type) else found.__annotations__
    return any(map(_has_array, hints.values()))


def _has_array(hint: object) -> bool:
    is_array = isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray)
    return is_array or any(map(_has_array, get_args(hint)))
