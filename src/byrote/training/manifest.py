"""The manifest of a collection: its settings, the key over all that its bits depend on, and whose directory it is."""

import hashlib
import inspect
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy import ndarray

from byrote.errors import ByroteError, Remedy, WrongRecord
from byrote.probes import NO_QUESTIONS, Questions
from byrote.record import Layout, Population, check_text, finished_runs, read_manifest
from byrote.record.inputs import kinds, parts
from byrote.record.storage import Place, exists, refuse_links, scratch_folder
from byrote.task.canaries import Canaries
from byrote.task.designs import Design
from byrote.task.fingerprint import source_of
from byrote.task.fit import Fit
from byrote.task.task import Task
from byrote.training.differences import differences
from byrote.training.sensors import scalar_names
from byrote.version import __version__

ORIGIN = ("source", "options")
"""What says where a task came from, and changes nothing."""


def describe(
    task: Task,
    model: str,
    population: Population,
    design: Design,
    canaries: Canaries,
    seed: int,
    layout: Layout,
    source: str,
    questions: Questions = NO_QUESTIONS,
) -> dict[str, Any]:
    """Return the manifest, with a key over all that the bits of a run depend on; `model` is a digest of what learns."""
    own = isinstance(task.model, Fit)
    for what, texts in (
        ("The task's name", [task.name]),
        ("The class name", task.classes),
        ("The group", population.groups),
    ):
        check_text(what, map(str, texts))
    body: dict[str, Any] = {
        "byrote": __version__,
        "task": {
            "name": task.name,
            **_origin(task, source),
            "classes": list(task.classes),
            "examples": examples_digest(population),
            "model": model,
        },
        "objective": str(task.learned),
        "inputs": [kind.values() for kind in kinds(population.inputs)],
        "recipe": {} if own else task.recipe.values(),
        "design": str(design),
        "canaries": str(canaries),
        "seed": seed,
        "steps": {"unit": "fit", "last": 1} if own else {"unit": "epoch", "last": task.recipe.epochs},
        **layout.values(),
    }
    if task.output is not None:
        body["task"]["output"] = task.output
    if task.controls:
        body["controls"] = list(task.controls)
    if task.excluded:
        body["task"]["excluded"] = _digest(np.array(sorted(task.excluded)))
    if task.always:
        body["task"]["always"] = _digest(np.array(sorted(task.always)))
    if questions.probes:
        body["probes"] = questions.values()
    matters = {**body, "task": {k: v for k, v in body["task"].items() if k not in ORIGIN}}
    return {"key": hashlib.sha256(json.dumps(matters, sort_keys=True).encode()).hexdigest(), **body}


def _origin(task: Task, source: str) -> dict[str, Any]:
    """Return where the task came from: the file it was read from, and the words that say how; or else `source`."""
    read = task.inferred
    found = {"source": (source or (read.source if read else "")).encode(errors="backslashreplace").decode()}
    return {**found, "options": list(read.options)} if read and read.options else found


def layout_of(task: Task, population: Population, questions: Questions = NO_QUESTIONS) -> Layout:
    """Return which columns the runs of a collection have."""
    scalars = () if isinstance(task.model, Fit) else scalar_names(population, task.learned, task.recipe)
    return Layout.of(task.learned, probes=[str(probe) for probe in questions.probes], scalars=scalars)


@contextmanager
def alone(directory: Place) -> Generator[None]:
    """Create the directory and keep other processes of this machine from planning runs in it at the same time.

    A directory that several machines write to has no lock: the last of them to plan has its number of runs written down.
    """
    refuse_links(directory)
    folder = directory if isinstance(directory, Path) else scratch_folder(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=60)
    except Timeout:
        raise ByroteError(
            f"Another process has been planning runs in {directory} for a minute. Wait for it, or choose another directory."
        ) from None
    except OSError as error:
        raise ByroteError(
            f"Cannot write to {folder} ({error.strerror}). Make it writable, or collect elsewhere.",
            Remedy("another_directory"),
        ) from None
    try:
        yield
    finally:
        lock.release()


def plan(
    directory: Place, manifest: dict[str, Any], wanted: int, divide: Callable[[int], list[int]] | None = None
) -> list[int]:
    """Check that the directory is new or holds this very audit; return its blocks of runs, extended to `wanted`.

    `divide` returns the further blocks after so many planned runs; by default it is one.
    """
    blocks: list[int] = []
    if exists(directory / "record.json"):
        found = read_manifest(directory)
        _check_same(directory, found, manifest)
        blocks = list(found["blocks"])
    elif finished_runs(directory):
        raise WrongRecord(
            f"{directory} has runs but no record.json that says what they are.", Remedy("another_directory")
        )
    planned = sum(blocks)
    if wanted <= planned:
        return blocks
    return [*blocks, *([wanted - planned] if divide is None else divide(planned))]


def examples_digest(population: Population) -> str:
    """Return a digest of all examples: ids, labels, inputs, groups, and weights where there are any."""
    inputs = [part for _, part in sorted(parts(population.inputs).items())]
    weights = [] if (population.weights == 1).all() else [population.weights]
    return _digest(population.ids, population.labels, *inputs, population.groups, *weights)


def _digest(*arrays: ndarray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(
            np.ascontiguousarray(array).data.cast("B")
            if array.dtype.kind != "U"
            else "\0".join(array.tolist()).encode()
        )
    return total.hexdigest()


def model_digest(network: Any) -> str:
    """Return a digest of the model's structure, its first weights under a fixed seed, and its code, without comments."""
    kinds = {type(module) for module in network.modules() if not type(module).__module__.startswith("torch.")}
    functions = [
        f for kind in sorted(kinds, key=lambda k: k.__qualname__) for f in vars(kind).values() if inspect.isfunction(f)
    ]
    code = [source_of(function) or function.__qualname__ for function in functions]
    weights = [tensor.detach().cpu().float().numpy() for tensor in network.state_dict().values()]
    return hashlib.sha256("\n".join([repr(network), *code, _digest(*weights)]).encode()).hexdigest()


def _check_same(directory: Place, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    if found.get("key") == wanted["key"]:
        return
    reason = "; ".join(differences(found, wanted)[:3]) or "its key differs"
    raise WrongRecord(
        f"{directory} holds runs of another audit: {reason}. Repeat its settings to add runs to it.",
        Remedy("another_directory"),
    )
