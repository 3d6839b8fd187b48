"""Parse: from the text of a control, such as `dropout(0.5)`, to the control. No code is evaluated."""

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from byrote.controls.control import Control
from byrote.errors import ByroteError, InvalidData, unknown
from byrote.task.schedule import cosine, linear
from byrote.task.task import Task

VALUES: dict[str, Callable[..., Any]] = {"linear": linear, "cosine": cosine}
"""What a strength may be besides a number: schedules, and the controllers that other files add to it."""


def parse_with(text: str, known: Mapping[str, type[Control]]) -> Control:
    """Read `name`, `name(0.5)`, `name(rate=0.5)` or `name(crop, flip)`: literals, bare words and schedules as options."""
    problem = InvalidData(f"{text!r} is not a control. Write it like Python: 'dropout(0.5)'.")
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise problem from None
    call = ast.Call(node, [], []) if isinstance(node, ast.Name) else node
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        raise problem
    if call.func.id not in known:
        raise unknown("control", call.func.id, known)
    kind = known[call.func.id]
    return _called(kind, call, problem, _spelling(kind))


def apply(controls: Sequence[Control], task: Task) -> Task:
    """Return the task that these controls make of this one, in order."""
    for control in controls:
        task = control(task)
    return task


def _called(make: Callable[..., Any], call: ast.Call, problem: ByroteError, spelling: str) -> Any:
    values = [_value(each, problem) for each in call.args]
    options: dict[str, Any] = {}
    for each in call.keywords:
        if each.arg is None:
            raise problem
        options[each.arg] = _value(each.value, problem)
    parameters = list(inspect.signature(make).parameters.values())
    if len(parameters) == 1 and len(values) > 1:  # augment(crop, flip)
        values = [tuple(values)]
    for name in options:
        if name not in {parameter.name for parameter in parameters}:
            raise unknown(f"option of {spelling}", name, [parameter.name for parameter in parameters])
    try:
        inspect.signature(make).bind(*values, **options)
    except TypeError as error:
        raise InvalidData(f"{ast.unparse(call)!r} cannot be read: {error}. Write {spelling}.") from None
    return make(*values, **options)


def _value(node: ast.expr, problem: ByroteError) -> Any:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(each, problem) for each in node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id not in VALUES:
            raise unknown("schedule or controller", node.func.id, VALUES)
        return _called(VALUES[node.func.id], node, problem, node.func.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise problem from None


def _spelling(kind: type[Control]) -> str:
    return f"{kind.name}({', '.join(each.name for each in fields(kind))})"
