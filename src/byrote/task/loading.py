"""Find a task by its name: one that ships with byrote, a Python file, or `package.module:name`."""

import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from byrote.errors import ByroteError, InvalidData, Remedy, unknown
from byrote.task.canaries import Canaries
from byrote.task.datasets import digits, fashion_mnist, glyphs
from byrote.task.designs import Design, Subsets, Together
from byrote.task.examples import Examples
from byrote.task.models import suited
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import UNNAMED, Task

HIDDEN = ("byrote", "numpy", "pandas", "scipy", "sklearn", "torch", "torchvision", "transformers")
"""Names that no file of a task may have, whether or not these modules are loaded yet."""

CANARY_SHARE = 0.01
"""Canaries of each usual kind when the user does not say: one per cent of the training examples."""


def fashion() -> Task:
    """5,000 + 1,000 images of clothes, embedded in the package."""
    recipe = Recipe(epochs=30, batch_size=64, optimizer="sgd", learning_rate=linear(0.1))
    return _image_task("fashion", *fashion_mnist.fashion(), recipe, fashion_mnist.CLASSES)


def full_fashion_mnist() -> Task:
    """All 60,000 + 10,000 images of Fashion-MNIST, from a local copy or downloaded once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "byrote" / "fashion-mnist"
    recipe = Recipe(epochs=15, batch_size=128, optimizer="sgd", learning_rate=linear(0.1))
    return _image_task("fashion-mnist", *fashion_mnist.fashion_mnist(cache), recipe, fashion_mnist.CLASSES)


def handwritten_digits() -> Task:
    """1,498 + 299 handwritten 8x8 digits from scikit-learn."""
    recipe = Recipe(epochs=30, batch_size=32, optimizer="sgd", learning_rate=linear(0.1))
    return _image_task("digits", *digits.digits(), recipe, digits.CLASSES)


def printed_glyphs() -> Task:
    """6,615 + 1,564 pictures of 440 characters, embedded in the package; the test set has other typefaces."""
    recipe = Recipe(epochs=15, batch_size=64, optimizer="sgd", learning_rate=linear(0.1))
    train, test = glyphs.by_typeface()
    return _image_task("glyphs", train, test, recipe, glyphs.names(train))


BUILT_IN: dict[str, Callable[[], Task]] = {
    "fashion": fashion,
    "fashion-mnist": full_fashion_mnist,
    "digits": handwritten_digits,
    "glyphs": printed_glyphs,
}


ELSEWHERE = {"scripture": "byrote.lm.demo:scripture"}
"""Tasks that are made of more than this room has, by their name: where they are, as one writes it for a task of one's own."""


def load_task(source: str) -> Task:
    """Return the task called `source`; raise ByroteError, with the line in the user's file, when it cannot be had."""
    if source in BUILT_IN:
        return BUILT_IN[source]()
    source = ELSEWHERE.get(source, source)
    if source.endswith(".py") or os.sep in source:
        return _named(_checked(_attribute(module_from(Path(source)), "task", source), source), Path(source).stem)
    module, colon, name = source.partition(":")
    if not colon:
        raise unknown("task", source, [*BUILT_IN, *ELSEWHERE, "my_task.py", "package.module:task"])
    return _checked(_attribute(_imported(module), name, source), source)


def _named(task: Task, name: str) -> Task:
    """Return the task with the name of its file, unless it has one of its own: so two files have two records."""
    return task if task.name != UNNAMED else replace(task, name=name)


def default_canaries(task: Task) -> Canaries:
    """Return the canaries to plant when the user does not say: of each usual kind, one per cent of the training examples.

    So every audit checks itself. Those of wrong labels and the ordinary ones are examples of the task, taken out of its
    training examples: 2 % of the data are canaries, half of these with a wrong label. Give Canaries() to plant none.
    """
    return Canaries.of_each(round(CANARY_SHARE * len(task.train)))


def default_design(task: Task) -> Design:
    """Return the design where the user does not say: random subsets; of a task read from files with groups, of whole groups."""
    groups = task.train.groups
    return Together() if task.inferred is not None and groups is not None and (groups != "").any() else Subsets()


def _image_task(name: str, train: Examples, test: Examples, recipe: Recipe, classes: tuple[str, ...]) -> Task:
    return Task(suited(train.inputs.shape[1:], len(classes)), train, test, recipe, classes, name)


def module_from(path: Path) -> Any:
    """Run a Python file of the user and return its module; raise with the line where it fails."""
    if not path.is_file():
        raise ByroteError(f"There is no file {str(path)!r}. Give the path of a Python file.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ByroteError(f"{str(path)!r} is not a Python file. Give one whose name ends in .py.")
    _check_name(path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    with _importing(path.stem, module):
        try:
            spec.loader.exec_module(module)
        except ByroteError:
            raise
        except (Exception, SystemExit) as error:
            raise _raised(path, error) from error
    return module


def _check_name(path: Path) -> None:
    """Raise InvalidData for the name of an installed module, which the file would hide from all that imports it."""
    file = Path(getattr(sys.modules.get(path.stem), "__file__", None) or "")
    packages = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    if path.stem in {*HIDDEN, *sys.stdlib_module_names} or packages & set(file.parents):
        raise InvalidData(f"{path} has the name of the module {path.stem!r}, and would hide it. Rename the file.")


@contextmanager
def _importing(name: str, module: Any) -> Generator[None]:
    """Let the module find itself while it runs, as dataclasses and `@score` need, and be forgotten then.

    A module that cannot be imported again travels to worker processes by value.
    """
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        yield
    finally:
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before


def _raised(path: Path, error: BaseException) -> InvalidData:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == path.resolve()]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else "?"
    return InvalidData(
        f"{path}, line {line}, raises {type(error).__name__}: {error}. Correct the file.",
        Remedy("traceback"),
    )


def _imported(name: str) -> Any:
    sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise InvalidData(
            f"Importing {name!r} raises {type(error).__name__}: {error}. Correct the name or the module.",
            Remedy("traceback"),
        ) from error


def _attribute(module: Any, name: str, source: str) -> Any:
    if not hasattr(module, name):
        raise InvalidData(f"{source} does not define {name!r}. Write `{name} = byrote.Task(...)` in it.")
    return getattr(module, name)


def _checked(found: Any, source: str) -> Task:
    if isinstance(found, Task):
        return found
    if callable(found):
        try:
            made = found()
        except ByroteError:
            raise
        except (Exception, SystemExit) as error:
            raise InvalidData(
                f"The task in {source} is a function that raises {type(error).__name__}: {error}. Correct it.",
                Remedy("traceback"),
            ) from error
        return _checked(made, source)
    raise InvalidData(
        f"The task in {source} is {type(found).__name__}, not byrote.Task. Write `task = byrote.Task(model, train, test)`."
    )
