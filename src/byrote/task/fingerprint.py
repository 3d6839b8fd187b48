"""Fingerprint: a digest of what a function does, as far as its code can be read, equal in every process."""

import ast
import functools
import hashlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Set
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np


def fingerprint(function: Callable[..., Any]) -> str:
    """Return a digest of a function's code, of the values it holds, and of what it uses from the same module.

    Comments and layout do not count. Functions and constants of other modules count by their name only.
    """
    return hashlib.sha256("\n".join(_described(function, _home(function), {})).encode()).hexdigest()


def _home(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    return str(getattr(value, "__module__", ""))


def _described(value: Any, home: str, known: dict[int, Any]) -> Iterator[str]:
    if id(value) in known:
        yield "described before"
        return
    if not isinstance(value, bool | int | float | complex | str | bytes | None):
        known[id(value)] = value  # held, so that its id is no one else's
    describe = functools.partial(_all_described, home=home, known=known)
    if isinstance(value, functools.partial):
        yield from describe(value.func, value.args, value.keywords)
    elif isinstance(value, MethodType):
        yield from describe(value.__func__, value.__self__)
    elif isinstance(value, FunctionType):
        yield source_of(value) or "\n".join(_compiled(value.__code__))
        yield from describe(value.__defaults__, value.__kwdefaults__, _closed_over(value), _globals(value, home))
    elif isinstance(value, type):
        yield source_of(value) or value.__qualname__
        yield from describe(*(each for each in vars(value).values() if isinstance(each, FunctionType)))
    elif isinstance(value, ModuleType):
        yield value.__name__
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    elif isinstance(value, Mapping):
        yield from describe(*value.items())
    elif isinstance(value, Set):
        yield from sorted("\n".join(describe(each)) for each in value)
    elif isinstance(value, list | tuple):
        yield f"{len(value)} of them"
        yield from describe(*value)
    else:
        yield re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
        if type(value).__module__ == home:
            yield from describe(type(value), vars(value) if hasattr(value, "__dict__") else ())


def _all_described(*values: Any, home: str, known: dict[int, Any]) -> Iterator[str]:
    for value in values:
        yield from _described(value, home, known)


def source_of(value: Callable[..., Any]) -> str:
    """Return the source without comments and layout; nothing where there is none to read."""
    try:
        text = textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        return ""
    try:
        return ast.unparse(ast.parse(text))
    except SyntaxError:  # a lambda within a longer expression
        return text


def _compiled(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _compiled(constant)
        else:
            yield repr(constant)


def _closed_over(function: FunctionType) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            held[name] = cell.cell_contents
        except ValueError:  # not bound yet
            held[name] = None
    return held


def _globals(function: FunctionType, home: str) -> dict[str, Any]:
    """Return what the function uses of its module; what comes from elsewhere, by its full name."""
    used: dict[str, Any] = {}
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            value = function.__globals__[name]
            elsewhere = callable(value) and getattr(value, "__module__", None) != home
            used[name] = f"{value.__module__}.{getattr(value, '__qualname__', name)}" if elsewhere else value
    return used


def _names(code: CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
