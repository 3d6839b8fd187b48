import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData
from byrote.task.canaries import Canaries
from byrote.task.loading import BUILT_IN, default_canaries, load_task, module_from
from byrote.task.task import Task

GOOD = """
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import nn

import byrote


@dataclass
class Size:
    width: int = 8


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)


rng = np.random.default_rng(0)
inputs, labels = rng.normal(size=(24, 3)).astype("float32"), np.arange(24) % 2
train, test = byrote.Examples(inputs[:16], labels[:16]), byrote.Examples(inputs[16:], labels[16:])
task = byrote.Task(Net, train, test, byrote.Recipe(epochs=1), name="mine")


def lazily():
    return task


def broken():
    return 1 / 0


number = 3
"""


@pytest.fixture(autouse=True)
def clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading a file puts its folder on the path, and modules among the loaded ones: take both back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and "pytest-of" in str(sys.modules[name].__file__):
            del sys.modules[name]


def write(folder: Path, text: str, name: str = "my_task.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_digits_are_built_in() -> None:
    pytest.importorskip("sklearn")
    task = load_task("digits")
    assert (task.name, len(task.train), len(task.test)) == ("digits", 1_498, 299)
    assert task.model()(torch.zeros(2, 8, 8)).shape == (2, 10)


def test_fashion_is_built_in_with_canaries() -> None:
    task = load_task("fashion")
    assert (len(task.train), len(task.test), task.classes[9]) == (5_000, 1_000, "ankle boot")
    assert task.model()(torch.zeros(2, 28, 28)).shape == (2, 10)
    assert default_canaries(task) == Canaries(50, 50, 50)
    assert set(BUILT_IN) == {"fashion", "fashion-mnist", "digits", "glyphs"}


def test_a_file_defines_a_task(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, GOOD))
    assert isinstance(task, Task)
    assert (task.name, len(task.train)) == ("mine", 16)


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "neighbour_of_my_task.py")
    assert load_task(write(tmp_path, "from neighbour_of_my_task import task")).name == "mine"


def test_a_file_is_found_from_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert load_task("my_task.py").name == "mine"


def test_loading_leaves_no_module_behind(tmp_path: Path) -> None:
    load_task(write(tmp_path, GOOD, "my_own.py"))
    assert "my_own" not in sys.modules


@pytest.mark.parametrize("name", ["torch", "pandas", "json"])
def test_a_file_that_would_hide_a_module_is_refused(tmp_path: Path, name: str) -> None:
    before = sys.modules.get(name)
    with pytest.raises(InvalidData, match=rf"{name}\.py has the name of the module '{name}'.*Rename the file"):
        load_task(write(tmp_path, GOOD, f"{name}.py"))
    assert sys.modules.get(name) is before


def test_a_model_defined_in_a_file_travels_to_processes_that_cannot_import_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = list(sys.path)
    parcel = cloudpickle.dumps(load_task(write(tmp_path, GOOD)).model)
    monkeypatch.setattr(sys, "path", path)
    assert cloudpickle.loads(parcel)()(torch.zeros(2, 3)).shape == (2, 2)


def test_a_module_and_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package_of_mine").mkdir()
    write(tmp_path / "package_of_mine", GOOD, "tasks.py")
    monkeypatch.chdir(tmp_path)
    assert load_task("package_of_mine.tasks:task").name == "mine"
    assert load_task("package_of_mine.tasks:lazily").name == "mine"
    with pytest.raises(InvalidData, match=r"package_of_mine\.tasks:other does not define 'other'"):
        load_task("package_of_mine.tasks:other")
    with pytest.raises(InvalidData, match=r"The task in package_of_mine\.tasks:number is int, not byrote\.Task"):
        load_task("package_of_mine.tasks:number")
    with pytest.raises(InvalidData, match="is a function that raises ZeroDivisionError: division by zero"):
        load_task("package_of_mine.tasks:broken")
    with pytest.raises(InvalidData, match=r"Importing 'package_of_mine\.task' raises ModuleNotFoundError"):
        load_task("package_of_mine.task:task")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import byrote\n\nx = 1 / 0\ntask = 3", r"my_task\.py, line 3, raises ZeroDivisionError: division by zero"),
        ("import byrote\ndef f():\n    return open('nowhere.npy')\nf()", "line 3, raises FileNotFoundError: .*nowhere"),
        ("x = 1\ntask = = 2", r"my_task\.py, line 2, raises SyntaxError"),
        ("import json\n\n\njson.loads('{')", r"my_task\.py, line 4, raises JSONDecodeError"),
        ("import nowhere_to_be_found", "line 1, raises ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("tasks = 3", r"my_task\.py does not define 'task'. Write `task = byrote\.Task\(\.\.\.\)` in it"),
        ("task = [1, 2]", r"The task in .*my_task\.py is list, not byrote\.Task"),
        ("import byrote\ntask = byrote.Task", "function that raises TypeError"),
        ("import byrote\nbyrote.Examples([[1.0], [float('nan')]], [0, 1])", "the first with id '1'"),
    ],
)
def test_a_file_that_defines_no_task_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidData, match=told):
        load_task(write(tmp_path, text))


def test_the_line_is_told_through_a_link(tmp_path: Path) -> None:
    write(tmp_path, "\n\n\n1 / 0")
    (tmp_path / "link.py").symlink_to("my_task.py")
    with pytest.raises(InvalidData, match=r"link\.py, line 4, raises ZeroDivisionError"):
        load_task(str(tmp_path / "link.py"))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("nowhere/my_task.py", f"There is no file 'nowhere{os.sep}my_task.py'"),
        ("my_other_task.py", "There is no file 'my_other_task.py'"),
        ("fashon", "no task named 'fashon'. Did you mean 'fashion'"),
        ("mnist", "Did you mean 'fashion-mnist'"),
        ("", "no task named ''"),
        (":task", "Importing '' raises ValueError"),
    ],
)
def test_what_is_not_there_is_refused(source: str, told: str) -> None:
    with pytest.raises(ByroteError, match=told):
        load_task(source)


def test_a_file_that_is_not_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match=r"notes\.txt' is not a Python file"):
        module_from(Path(write(tmp_path, "task = 3", "notes.txt")))
    with pytest.raises(ByroteError, match="There is no file"):
        module_from(tmp_path)


def test_tasks_of_one_file_are_the_same_every_time(tmp_path: Path) -> None:
    first, second = (load_task(write(tmp_path, GOOD)) for _ in range(2))
    np.testing.assert_array_equal(first.train.inputs, second.train.inputs)
