"""A score's signature states its evidence: parameters are columns, shapes are axes, keyword-only ones are options."""

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from byrote.errors import ByroteError

AXES = ("run", "step", "example", "target", "class", "token", "view")
"""The closed list of axes a column can have."""

High = Literal["memorized", "hard", "easy", "helps", "member"]
"""What a large value says. `memorized` and `hard` rank first when sorted downwards, `easy` when sorted upwards."""

Interval = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]


class Outcome(Protocol):
    """A function from columns to one value per example (or per example and target)."""

    __name__: str

    def __call__(self, *columns: Any, **options: Any) -> NDArray[Any]:
        """Return the values of these columns."""
        ...


@dataclass(frozen=True)
class Need:
    """One column that a score reads: its name, its axes, and whether it may be undefined (float) or not (bool, int)."""

    column: str
    axes: tuple[str, ...]
    kind: Literal["bool", "int", "float"]

    def __str__(self) -> str:
        return f"{self.column}[{' '.join(self.axes)}]"


@dataclass(frozen=True)
class Score:
    """A function from columns to values, with what it needs, which end is high, and how certain it is.

    Call it on arrays (`memorization(correct, member)`), or bind options (`el2n.bind(step=5)`), which is also how it is
    spelled in files and on the command line: `el2n(step=5)`.
    """

    name: str
    needs: tuple[Need, ...]
    key: tuple[str, ...]
    high: High
    defaults: Mapping[str, Any]
    source: str
    summary: str
    function: Outcome = field(repr=False)
    interval: Interval | None = field(default=None, repr=False)
    bound: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, *columns: Any, **options: Any) -> NDArray[Any]:
        """Return the score of bare arrays, in the order and with the axes of the signature."""
        return self.function(*columns, **{**self.bound, **options})

    def __str__(self) -> str:
        return spell(self.name, self.bound) if self.bound else self.name

    def bind(self, **options: Any) -> "Score":
        """Return the same score with these options; raise ByroteError for an option it does not have."""
        check_options(self.name, options, self.defaults)
        return replace(self, bound={**self.bound, **options})

    @property
    def options(self) -> dict[str, Any]:
        """All options with their values."""
        return {**self.defaults, **self.bound}

    @property
    def axes(self) -> frozenset[str]:
        """Every axis that some needed column has."""
        return frozenset(axis for need in self.needs for axis in need.axes)

    @property
    def sign(self) -> int:
        """+1 when a large value means memorized or hard, -1 when it means easy."""
        return -1 if self.high == "easy" else 1


def score(*, high: High, interval: Interval | None = None) -> Callable[[Outcome], Score]:
    """Read a function's signature into a Score. Line one of its module is the source, line one of its docstring the summary.

    `interval`, where there is an analytic one, takes the same columns and `level=` and returns (low, high).
    """

    def read(function: Outcome) -> Score:
        signature = inspect.signature(function, eval_str=True)
        needs: list[Need] = []
        defaults: dict[str, Any] = {}
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                defaults[name] = parameter.default
            else:
                needs.append(Need(name, _axes(parameter.annotation), _kind(parameter.annotation)))
        module = inspect.getmodule(function)
        return Score(
            name=function.__name__,
            needs=tuple(needs),
            key=_axes(signature.return_annotation),
            high=high,
            defaults=defaults,
            source=_first_line(module.__doc__ if module else None),
            summary=_first_line(function.__doc__),
            function=function,
            interval=interval,
        )

    return read


@dataclass(frozen=True)
class Probe:
    """A question to one trained model about examples: `(model, inputs, labels) -> one value per example`.

    It reads the model in evaluation mode and leaves it, its gradients and all random state as they were. An example's
    value does not depend on who else is asked about.
    """

    name: str
    high: High
    defaults: Mapping[str, Any]
    source: str
    summary: str
    function: Callable[..., Any] = field(repr=False)
    bound: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self, model: Any, inputs: Any, labels: Any, **options: Any) -> Any:
        """Return one value per example, as a tensor."""
        return self.function(model, inputs, labels, **{**self.bound, **options})

    def __str__(self) -> str:
        return spell(self.name, self.bound) if self.bound else self.name

    def bind(self, **options: Any) -> "Probe":
        """Return the same probe with these options; raise ByroteError for an option it does not have."""
        check_options(self.name, options, self.defaults)
        return replace(self, bound={**self.bound, **options})

    @property
    def sign(self) -> int:
        """+1 when a large value means memorized or hard, -1 when it means easy."""
        return -1 if self.high == "easy" else 1


def probe(*, high: High) -> Callable[[Callable[..., Any]], Probe]:
    """Read a function `(model, inputs, labels, *, option=...)` into a Probe, as `score` reads one of columns."""

    def read(function: Callable[..., Any]) -> Probe:
        parameters = inspect.signature(function).parameters.values()
        module = inspect.getmodule(function)
        return Probe(
            name=function.__name__,
            high=high,
            defaults={p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY},
            source=_first_line(module.__doc__ if module else None),
            summary=_first_line(function.__doc__),
            function=function,
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


def _axes(annotation: Any) -> tuple[str, ...]:
    axes = tuple(getattr(annotation, "dim_str", "").split())
    if not axes or any(axis not in AXES for axis in axes):
        raise TypeError(f"{annotation!r} must be a jaxtyping array over {AXES}")
    return axes


def _kind(annotation: Any) -> Literal["bool", "int", "float"]:
    names = {str(dtype).rstrip("0123456789_") for dtype in annotation.dtypes}
    if "bool" in names:
        return "bool"
    return "float" if "float" in names else "int"


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().split("\n")[0]
