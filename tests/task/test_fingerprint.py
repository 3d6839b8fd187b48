"""Equal code has an equal fingerprint in every process, and code that does something else has another one."""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from byrote.task.fingerprint import fingerprint

CODE = """
import numpy
from math import sqrt
from sklearn.tree import DecisionTreeClassifier

DEPTH = 3
NAMES = {"a", "b", "c", "d"}

class Scaler:
    def __call__(self, x):
        return x / 2

def helper(x):
    # a comment
    return sqrt(x) + 1

def fit(train, seed, depth=4):
    inner = lambda x: helper(x) * DEPTH
    return Scaler(), inner, NAMES, numpy.float32(depth), DecisionTreeClassifier
"""


def loaded(path: Path, code: str) -> ModuleType:
    path.write_text(code)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    try:
        exec(compile(code, str(path), "exec"), vars(module))  # noqa: S102 - the code above
        module.print = fingerprint(module.fit)
    finally:
        del sys.modules[path.stem]
    return module


def of(directory: Path, code: str) -> str:
    """Return the fingerprint of `fit` in a file of its own, so that sources are not mixed up."""
    number = len(list(directory.iterdir()))
    return loaded(directory / f"code_{number}.py", code).print


def test_layout_comments_and_what_is_not_used_do_not_count(tmp_path: Path) -> None:
    same = {
        "a comment": CODE.replace("# a comment", "# another one, about the root"),
        "layout": CODE.replace("sqrt(x) + 1", "(\n        sqrt(x)\n        + 1)\n"),
        "another function": CODE + "\ndef unused():\n    return 1\n",
    }
    reference = of(tmp_path, CODE)
    assert {what: of(tmp_path, code) == reference for what, code in same.items()} == dict.fromkeys(same, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("* DEPTH", "+ DEPTH"),
        ("DEPTH = 3", "DEPTH = 5"),
        ("sqrt(x) + 1", "sqrt(x) + 2"),
        ("from math import sqrt", "from cmath import sqrt"),
        ("x / 2", "x / 3"),
        ("depth=4", "depth=5"),
        ('"d"}', '"e"}'),
        ("import numpy\n", "import torch as numpy\n"),
    ],
)
def test_whatever_the_function_uses_of_its_module_counts(tmp_path: Path, before: str, after: str) -> None:
    assert before in CODE
    assert of(tmp_path, CODE.replace(before, after)) != of(tmp_path, CODE)


@pytest.mark.slow
def test_it_is_the_same_in_another_process(tmp_path: Path) -> None:
    here = of(tmp_path, CODE)
    (tmp_path / "code_of_mine.py").write_text(CODE)
    told = [
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import code_of_mine, byrote.task.fingerprint as f; print(f.fingerprint(code_of_mine.fit))",
            ],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert told == [here, here]


def made(depth: object) -> Callable[..., object]:
    def fit(train: object, seed: int) -> object:
        return train, seed, depth

    return fit


class Fitted:
    def __init__(self, depth: object) -> None:
        self.depth = depth

    def __call__(self, train: object, seed: int) -> object:
        return train, seed, self.depth

    def fit(self, train: object, seed: int) -> object:
        return train, seed, self.depth


@pytest.mark.parametrize(
    "make",
    [
        made,
        Fitted,
        lambda depth: Fitted(depth).fit,
        lambda depth: functools.partial(made(1), depth=depth),
        lambda depth: eval("lambda train, seed, depth=depth: depth", {"depth": depth}),  # noqa: S307 - has no source
    ],
    ids=["closure", "instance", "method", "partial", "no source"],
)
def test_the_values_that_a_function_holds_count(make: Callable[[object], Callable[..., object]]) -> None:
    held: list[object] = [
        1,
        1.0,
        "1",
        None,
        (1, 2),
        [1, [2, 3]],
        [[1, 2], 3],
        {"a": 1},
        {"a": 2},
        {1, 2},
        np.arange(3),
        np.arange(3.0),
        np.array([0, 1, 3]),
        functools.partial(max, 1),
    ]
    prints = [fingerprint(make(value)) for value in held]
    assert len(set(prints)) == len(held)
    assert prints == [fingerprint(make(value)) for value in held]


def test_an_object_that_shows_only_where_it_lies_in_memory_is_the_same_each_time() -> None:
    assert fingerprint(made(object())) == fingerprint(made(object()))


def test_what_refers_to_itself_comes_to_an_end() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert fingerprint(made(ring)) != fingerprint(made([]))


def test_without_a_source_the_compiled_code_counts() -> None:
    texts = ["lambda t, s: 1", "lambda t, s: 2", "lambda t, s: (lambda x: 1)", "lambda t, s: (lambda x: 2)"]
    prints = [fingerprint(eval(text)) for text in texts]  # noqa: S307 - the lines above
    assert len(set(prints)) == len(texts)
    assert prints == [fingerprint(eval(text)) for text in texts]  # noqa: S307
