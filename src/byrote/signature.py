"""A score's signature states its evidence: parameters are columns, shapes are axes, keyword-only ones are options."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self, get_args

import numpy as np
from numpy.typing import NDArray

from byrote.arrays import checked, kind_of
from byrote.errors import ByroteError, InvalidData

AXES = ("run", "step", "example", "target", "class", "token", "view")
"""The closed list of axes a column can have."""

High = Literal["memorized", "hard", "easy", "helps", "member"]
"""What a large value says. `memorized` and `hard` rank first when sorted downwards, `easy` when sorted upwards."""

MEANING = {
    "memorized": "memorized",
    "hard": "hard or memorized",
    "easy": "easy, learned from others",
    "helps": "the target depends on it",
    "member": "the run was trained on it",
}
"""What a large value says, in words."""

Interval = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]
Both = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


OBJECTIVE = "objective"
"""The keyword that passes a probe what the model learned. It is no option of the probe."""


class Outcome(Protocol):
    """A function from columns to one value per example (or per example and target)."""

    __name__: str

    def __call__(self, *columns: Any, **options: Any) -> NDArray[Any]:
        """Return the values of these columns."""
        ...


@dataclass(frozen=True)
class Need:
    """One column that a score reads: its name, its axes, and its kind. Float may be undefined; `any` is as it is recorded.

    One with a `default` of None in the signature is `optional`: who calls the score on bare arrays may leave it out.
    """

    column: str
    axes: tuple[str, ...]
    kind: Literal["bool", "int", "float", "any"]
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.column}[{' '.join(self.axes)}]"


@dataclass(frozen=True, kw_only=True)
class Method:
    """What scores and probes have in common: a name, which end is high, options, and where it was published.

    Bind options with `bind(step=5)`; bound ones are spelled in files and on the command line: `el2n(step=5)`.
    """

    name: str
    high: High
    defaults: Mapping[str, Any]
    source: str
    summary: str
    function: Callable[..., Any] = field(repr=False)
    bound: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return spell(self.name, self.bound) if self.bound else self.name

    def bind(self, /, **options: Any) -> Self:
        """Return the same with these options; raise ByroteError for an option it does not have."""
        check_options(self.name, options, self.defaults)
        return replace(self, bound={**self.bound, **options})

    @property
    def options(self) -> dict[str, Any]:
        """All options with their values."""
        return {**self.defaults, **self.bound}

    @property
    def sign(self) -> int:
        """+1 when a large value means memorized or hard, -1 when it means easy."""
        return -1 if self.high == "easy" else 1


@dataclass(frozen=True, kw_only=True)
class Score(Method):
    """A function from columns to values, with what it needs and how certain it is.

    Call it on arrays: `memorization(outcome, member)`.
    """

    needs: tuple[Need, ...]
    key: tuple[str, ...]
    interval: Interval | None = field(default=None, repr=False)
    both: Both | None = field(default=None, repr=False)

    def __call__(self, /, *columns: Any, **options: Any) -> NDArray[Any]:
        """Return the score of bare arrays, in the order and with the axes of the signature; see `byrote.arrays.checked`.

        Raises InvalidData for an array that is not as the signature says, and Unsupported for an empty one.
        """
        check_options(self.name, options, self.defaults)
        if not sum(not need.optional for need in self.needs) <= len(columns) <= len(self.needs):
            raise InvalidData(
                f"{self.name} reads {', '.join(map(str, self.needs))}, and was given {len(columns)} arrays."
            )
        return self.function(*columns, **{**self.bound, **options})

    @property
    def axes(self) -> frozenset[str]:
        """Every axis that some needed column has."""
        return frozenset(axis for need in self.needs for axis in need.axes)


@dataclass(frozen=True, kw_only=True)
class Probe(Method):
    """A question to one trained model about examples: `(model, inputs, labels) -> one value per example`.

    It reads the model in evaluation mode and leaves it, its gradients and all random state as they were. An example's
    value does not depend on which others are in the batch. `objectives` says whether it follows the loss of any
    objective (`objective=`), or reads the logits of a classification only.
    """

    objectives: bool = False

    def __call__(self, model: Any, inputs: Any, labels: Any, *, objective: Any = None, **options: Any) -> Any:
        """Return one value per example, as a tensor. `objective` is what the model learned (default: classification)."""
        given = {**self.bound, **options}
        if self.objectives:
            return self.function(model, inputs, labels, objective=objective, **given)
        return self.function(model, inputs, labels, **given)


def score(*, high: High, interval: Interval | None = None, both: Both | None = None) -> Callable[[Outcome], Score]:
    """Read a function's signature into a Score. Line one of its module is the source, line one of its docstring the summary.

    `interval`, where there is an analytic one, takes the same columns and `level=` and returns (low, high). `both`, in its
    place, returns (value, low, high): for a score whose interval takes as long as its value, and the same steps.
    """
    ends = _ends(both) if both is not None else checked(interval) if interval is not None else None

    def read(function: Outcome) -> Score:
        signature = inspect.signature(function, eval_str=True)
        needs: list[Need] = []
        defaults: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                defaults[name] = parameter.default
            else:
                array = _array_of(parameter.annotation)
                needs.append(Need(name, _axes(array), kind_of(array), parameter.default is None))
        module = inspect.getmodule(function)
        return Score(
            name=function.__name__,
            needs=tuple(needs),
            key=_axes(signature.return_annotation),
            high=high,
            defaults=defaults,
            source=_first_line(module.__doc__ if module else None),
            summary=_first_line(function.__doc__),
            function=checked(function),
            interval=ends,
            both=checked(both) if both is not None else None,
        )

    return read


def _ends(both: Both) -> Interval:
    """Return the interval alone."""
    found = checked(both)

    def interval(*columns: Any, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        _, low, high = found(*columns, level=level)
        return low, high

    return interval


def probe(*, high: High) -> Callable[[Callable[..., Any]], Probe]:
    """Read a function `(model, inputs, labels, *, option=...)` into a Probe, as `score` reads one of columns."""

    def read(function: Callable[..., Any]) -> Probe:
        parameters = inspect.signature(function).parameters.values()
        options = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        module = inspect.getmodule(function)
        return Probe(
            name=function.__name__,
            high=high,
            defaults={name: default for name, default in options.items() if name != OBJECTIVE},
            source=_first_line(module.__doc__ if module else None),
            summary=_first_line(function.__doc__),
            function=checked(function),
            objectives=OBJECTIVE in options,
        )

    return read


def check_options(name: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise ByroteError for an option that a score or a probe does not have."""
    for option in options:
        if option not in known:
            raise ByroteError(f"{name} has no option {option!r}. Its options: {', '.join(known) or 'none'}.")


def parse_call(text: str) -> tuple[str, dict[str, Any]]:
    """Read `name` or `name(option=literal, ...)` without evaluating code; raise ByroteError when it is anything else."""
    problem = ByroteError(f"{text!r} is not a name with options. Write it like Python: 'el2n(step=5)'.")
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)) or node.args:
            raise problem
        options = {k.arg: ast.literal_eval(k.value) for k in node.keywords if k.arg is not None}
        if len(options) < len(node.keywords):
            raise problem
        return node.func.id, options
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise problem from None


def spell(name: str, options: Mapping[str, Any]) -> str:
    """Return the text that `parse_call` reads back."""
    return f"{name}({', '.join(f'{k}={v!r}' for k, v in options.items())})"


def _array_of(annotation: Any) -> Any:
    """Return the array of an annotation that may be None too."""
    return next((part for part in get_args(annotation) if hasattr(part, "dim_str")), annotation)


def _axes(annotation: Any) -> tuple[str, ...]:
    axes = tuple(getattr(annotation, "dim_str", "").split())
    if not axes or any(axis not in AXES for axis in axes):
        raise TypeError(f"{annotation!r} must be a jaxtyping array over {AXES}")
    return axes


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().split("\n")[0]
