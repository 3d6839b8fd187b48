"""Any function that fits is a model like others: what it says about everyone is recorded as it says it."""

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.evidence.evaluate import evaluate
from byrote.objectives import Classification
from byrote.objectives.classification import FLOOR
from byrote.record import Observed, Population
from byrote.scores import memorization
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import LeaveOneOut
from byrote.task.examples import Examples
from byrote.task.fit import Fit, check_fit, fit_digest
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.fitting import EVALUATED_AT_ONCE, learn
from executed import ROOT, blocks
from oracles import nearest_neighbour_left_out, problem
from small import small_task

CLASSES = 4


def flat(inputs: NDArray[Any]) -> NDArray[np.float32]:
    return inputs.reshape(len(inputs), -1).astype(np.float32) / 255


def forest(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
    model = RandomForestClassifier(20, random_state=seed).fit(flat(train.inputs), train.labels)
    return lambda inputs: model.predict_proba(flat(inputs))


def boosting(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
    model = HistGradientBoostingClassifier(max_iter=5, random_state=seed).fit(flat(train.inputs), train.labels)
    return lambda inputs: model.predict_proba(flat(inputs))


def linear(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
    torch.manual_seed(seed)
    model = torch.nn.Linear(64, CLASSES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    inputs, labels = torch.from_numpy(flat(train.inputs)), torch.from_numpy(train.labels)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    return lambda inputs: model(torch.from_numpy(flat(inputs)))


def task_of(function: Any, outputs: Any = "probabilities", **given: Any) -> Task:
    task = small_task(**given)
    return Task(Fit(function, outputs), task.train, task.test, classes=task.classes, name=task.name)


def drawn(canaries: Canaries | None = None) -> tuple[Population, NDArray[np.bool_]]:
    """Return a population and a random half of those that can be trained on."""
    population = plant(small_task(), canaries or Canaries(), 0)
    return population, (np.random.default_rng(0).random(len(population)) < 0.5) & (population.split != "test")


def said(fit: Fit) -> Observed:
    population, member = drawn()
    (step,) = learn(fit, population, member, 7, Classification(CLASSES))
    assert (step.step, step.seen) == (1, None)
    assert step.clean is not None
    return step.clean


@pytest.mark.parametrize("function", [forest, boosting])
def test_what_the_model_says_about_everyone_is_recorded(function: Any) -> None:
    population, member = drawn()
    clean = said(Fit(function))
    assert (clean.positions == np.arange(len(population))).all()
    same = function(Examples(population.inputs[member], population.labels[member]), 7)
    p = np.clip(same(population.inputs), FLOOR, 1)
    p /= p.sum(axis=1, keepdims=True)
    own, rows = population.labels, np.arange(len(population))
    rival = np.where(np.eye(CLASSES, dtype=bool)[own], 0, p).max(axis=1)
    expected = {
        "loss": -np.log(p[rows, own]),
        "margin": np.log(p[rows, own] / rival),
        "confidence": p[rows, own],
        "residual": np.linalg.norm(p - np.eye(CLASSES)[own], axis=1),
        "correct": p.argmax(axis=1) == own,
        "prediction": p.argmax(axis=1),
    }
    assert set(clean.values) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(clean.values[name].astype(float), values, rtol=2e-5, atol=2e-6, err_msg=name)


def test_logits_of_a_torch_model_are_recorded() -> None:
    population, member = drawn()
    same = linear(Examples(population.inputs[member], population.labels[member]), 7)(population.inputs)
    expected = torch.nn.functional.cross_entropy(same, torch.from_numpy(population.labels), reduction="none")
    np.testing.assert_allclose(said(Fit(linear, "logits")).values["loss"], expected.detach().numpy(), rtol=1e-5)


def test_the_function_gets_what_it_was_given_in_the_order_and_with_the_ids_of_the_record() -> None:
    population, member = drawn(Canaries.of_each(4))
    got: dict[str, Any] = {}

    def fit(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
        got.update(train=train, seed=seed)
        train.inputs[:] = 0
        return lambda inputs: np.full((len(inputs), CLASSES), 1 / CLASSES)

    before = population.inputs.copy()
    list(learn(Fit(fit), population, member, 2**32 - 1, Classification(CLASSES)))
    train = got["train"]
    assert got["seed"] == 2**32 - 1
    assert list(train.ids) == list(population.ids[member])
    assert any(name.startswith("canary/mislabeled/") for name in train.ids)
    assert (train.labels == population.labels[member]).all(), "canaries have their wrong labels"
    assert train.inputs.dtype == np.uint8
    assert train.inputs.shape[1:] == (8, 8)
    assert train.groups is None
    assert (population.inputs == before).all(), "a function that changes its inputs changes them for no one else"


def test_groups_are_given_when_the_task_has_them() -> None:
    base = small_task()
    train = Examples(base.train.inputs, base.train.labels, groups=[str(i // 2) for i in range(80)])
    population = plant(Task(base.model, train, base.test), Canaries(), 0)
    found: list[Any] = []

    def fit(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
        found.append(train.groups)
        return lambda inputs: np.full((len(inputs), CLASSES), 1 / CLASSES)

    list(learn(Fit(fit), population, population.split == "train", 0, Classification(CLASSES)))
    assert list(found[0]) == list(train.groups if train.groups is not None else ())


def test_everyone_is_asked_once_in_order_and_a_part_at_a_time() -> None:
    population = plant(small_task(n=3 * EVALUATED_AT_ONCE), Canaries(), 0)
    asked: list[NDArray[Any]] = []

    def predict(inputs: NDArray[Any]) -> NDArray[Any]:
        asked.append(inputs.copy())
        inputs[:] = 0  # its own copy
        return np.eye(CLASSES)[asked[-1].reshape(len(inputs), -1)[:, 0] % CLASSES]

    (step,) = learn(
        Fit(lambda train, seed: predict), population, population.split == "train", 0, Classification(CLASSES)
    )
    assert max(map(len, asked)) <= EVALUATED_AT_ONCE
    assert len(asked) > 3
    assert (np.concatenate(asked) == population.inputs).all()
    assert step.clean is not None
    assert (step.clean.values["prediction"] == population.inputs[:, 0, 0] % CLASSES).all()


def test_arrays_of_any_library_are_read() -> None:
    one = np.tile([0.25, 0.25, 0.4, 0.1], (1, 1))
    for give in (np.float16, np.float64, torch.from_numpy, list, lambda a: torch.from_numpy(a).bfloat16()):
        clean = said(Fit(lambda train, seed, give=give: lambda inputs: give(np.repeat(one, len(inputs), axis=0))))
        assert (clean.values["prediction"] == 2).all()


def test_sure_models_have_a_finite_loss_that_the_page_tells() -> None:
    clean = said(Fit(lambda train, seed: lambda inputs: np.eye(CLASSES)[np.zeros(len(inputs), int)]))
    assert clean.values["loss"].max() == pytest.approx(-np.log(FLOOR), abs=1e-4)
    assert clean.values["loss"].min() == pytest.approx(0, abs=1e-6)


def uniform(shape: Callable[[int], tuple[int, ...]], value: float) -> Callable[..., Any]:
    return lambda train, seed: lambda inputs: np.full(shape(len(inputs)), value)


def stops(train: Examples, seed: int) -> Any:
    raise ValueError("no such kernel\nand more lines")


class Model:
    def predict_proba(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    ("function", "outputs", "told"),
    [
        (lambda t, s: Model(), "probabilities", "returned Model, which cannot be called.*Return its predict_proba"),
        (lambda t, s: None, "probabilities", "returned NoneType.*Return a function of inputs"),
        (stops, "probabilities", "The fit function raises ValueError: no such kernel. Correct it"),
        (lambda t, s: lambda x: 1 // 0, "logits", "`predict` raises ZeroDivisionError: .*Correct it"),
        (uniform(lambda n: (n,), 1), "logits", r"shape \(120,\) for 120 examples and 4 classes.*\(120, 4\)"),
        (uniform(lambda n: (n, 5), 0.2), "probabilities", r"shape \(120, 5\)"),
        (uniform(lambda n: (4,), 0.2), "logits", r"shape \(4,\)"),
        (uniform(lambda n: (n, 4), np.nan), "logits", "NaN, infinite or beyond float32 for 120 of 120.*id 'train/0'"),
        (uniform(lambda n: (n, 4), np.inf), "probabilities", "NaN, infinite"),
        (uniform(lambda n: (n, 4), 0.3), "probabilities", r"\[0.3, 0.3, 0.3, 0.3\] for example 'train/0'.*sum to 1.2.*outputs=\"logits\""),
        (lambda t, s: lambda x: np.tile([1.5, -0.5, 0, 0], (len(x), 1)), "probabilities", "no probabilities"),
        (lambda t, s: lambda x: [["a", "b"]] * len(x), "logits", "returned list, which is no array of numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_two_sentences(function: Any, outputs: Any, told: str) -> None:
    with pytest.raises(ByroteError, match=told) as error:
        said(Fit(function, outputs))
    assert "\n" not in str(error.value)


def test_what_the_function_raised_is_the_cause() -> None:
    with pytest.raises(ByroteError) as error:
        said(Fit(stops))
    assert isinstance(error.value.__cause__, ValueError)


def test_that_memory_ran_out_is_told_as_it_is() -> None:
    def large(train: Examples, seed: int) -> Any:
        raise MemoryError

    with pytest.raises(MemoryError):
        said(Fit(large))


def test_a_class_that_is_missing_from_a_run_is_named_and_the_advice_helps() -> None:
    population, member = drawn()
    member &= population.labels != 2
    with pytest.raises(InvalidData, match=r"3 columns for 4 classes: no training .* label 2. Put the columns") as error:
        list(learn(Fit(forest), population, member, 0, Classification(CLASSES)))

    def advised(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
        model = DecisionTreeClassifier(random_state=seed).fit(flat(train.inputs), train.labels)

        def predict(images: NDArray[Any]) -> Any:
            inputs = flat(images)
            names: dict[str, Any] = {"numpy": np, "model": model, "inputs": inputs}
            exec(str(error.value).split("`")[-2], names)  # noqa: S102 - what the error says
            return names["wide"]

        return predict

    (step,) = learn(Fit(advised), population, member, 0, Classification(CLASSES))
    assert step.clean is not None
    assert 2 not in step.clean.values["prediction"]


def test_a_run_of_nobody_is_refused() -> None:
    population, member = drawn()
    with pytest.raises(InvalidData, match="no example at all"):
        list(learn(Fit(forest), population, member & False, 0, Classification(CLASSES)))


def test_fits_that_cannot_be_called_are_refused_when_they_are_made() -> None:
    with pytest.raises(InvalidData, match=r"takes a function, but it got RandomForestClassifier"):
        Fit(RandomForestClassifier())  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match=r"takes \(train\), but it is called with two"):
        Fit(lambda train: train)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ByroteError, match=r"no kind of outputs named 'logit'. Did you mean 'logits'"):
        Fit(forest, "logit")  # pyright: ignore[reportArgumentType]
    lock = threading.Lock()
    held = Fit(lambda train, seed: lock)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match=r"cannot be sent to worker processes.*Make it inside"):
        check_fit(held)
    check_fit(Fit(forest))


def test_a_task_of_a_fit_has_no_recipe() -> None:
    base = small_task()
    with pytest.raises(InvalidData, match=r"would change nothing\. Leave the recipe out"):
        Task(Fit(forest), base.train, base.test, Recipe(epochs=3))


def test_the_digest_tells_functions_and_kinds_of_outputs_apart() -> None:
    fits = [Fit(forest), Fit(boosting), Fit(forest, "logits")]
    assert len({fit_digest(fit) for fit in fits}) == 3
    assert fit_digest(Fit(forest)) == fit_digest(Fit(forest))


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "runs").glob("*.parquet"))}


@pytest.mark.cluster
def test_collect_trains_it_resumes_and_gives_the_same_bytes_in_processes(tmp_path: Path) -> None:
    task = task_of(forest)
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    record = collect(task, alone, runs=4, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    assert record.manifest["steps"] == {"unit": "fit", "last": 1}
    assert record.manifest["recipe"] == {}
    collect(task, shared, runs=2, canaries=Canaries.of_each(2), compute=Compute(workers=1))
    stamps = {path: path.stat().st_mtime_ns for path in (shared / "runs").iterdir()}
    (alone / "runs" / "0003.parquet").unlink()
    before = bytes_of(alone)
    collect(task, alone, runs=4, canaries=Canaries.of_each(2), compute=Compute(workers=2))
    assert {name: data for name, data in bytes_of(alone).items() if name in before} == before
    collect(task, shared, runs=4, canaries=Canaries.of_each(2), compute=Compute(workers=2))
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert len(bytes_of(shared)) == 4


def test_a_deleted_run_comes_back_with_the_same_bytes(tmp_path: Path) -> None:
    collect(task_of(linear, "logits"), tmp_path, runs=3, compute=Compute(workers=1))
    before = bytes_of(tmp_path)
    (tmp_path / "runs" / "0001.parquet").unlink()
    collect(task_of(linear, "logits"), tmp_path, runs=3, compute=Compute(workers=1))
    assert bytes_of(tmp_path) == before
    assert len(set(before.values())) == 3, "each run has a seed and members of its own"


def test_another_function_is_refused_in_the_same_directory(tmp_path: Path) -> None:
    collect(task_of(forest), tmp_path, runs=1, compute=Compute(workers=1))
    with pytest.raises(WrongRecord, match="the model differs"):
        collect(task_of(boosting), tmp_path, runs=1, compute=Compute(workers=1))


def nearest(train: Examples, seed: int) -> Callable[[NDArray[Any]], Any]:
    return KNeighborsClassifier(1).fit(train.inputs, train.labels).predict_proba


def neighbours(n: int) -> tuple[Task, NDArray[np.float64], NDArray[np.int64]]:
    points, labels = problem(3, n=n)
    points = points.astype(np.float32).astype(np.float64)
    return Task(Fit(nearest), Examples(points, labels), Examples(points[:2] + 9, labels[:2])), points, labels


def test_memorization_of_one_nearest_neighbour_left_out_is_exact(tmp_path: Path) -> None:
    task, points, labels = neighbours(24)
    record = collect(task, tmp_path, runs=25, design=LeaveOneOut(), compute=Compute(workers=1))
    found = evaluate(memorization, record).value[:24]
    assert (found == 1.0 - nearest_neighbour_left_out(points, labels)).all()
    assert 0 < found.mean() < 1


def test_memorization_of_one_nearest_neighbour_on_subsets_agrees_with_its_closed_form(tmp_path: Path) -> None:
    """Under a design that keeps each other example with probability q, independently, P(wrong when left out) is a sum.

    The nearest member is the k-th neighbour with probability q (1 - q)^(k - 1). The mean over 100 examples in 40 runs
    is within 4 standard errors but for chance, less often than 1 in 10,000; the seed is fixed.
    """
    task, points, labels = neighbours(100)
    record = collect(task, tmp_path, runs=40, compute=Compute(workers=1))
    distance = np.sum((points[:, None] - points[None]) ** 2, axis=2)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, axis=1)[:, :-1]
    q = 0.7
    weight = q * (1 - q) ** np.arange(99)
    expected = 1 - (weight * (labels[order] == labels[:, None])).sum(axis=1) / weight.sum()
    found = evaluate(memorization, record)
    real = np.flatnonzero(record.population.where("train"))
    error = found.value[real] - expected
    spread = np.sqrt(expected * (1 - expected) / found.runs_out[real])
    assert abs(error.mean()) < 4 * np.sqrt((spread**2).sum()) / len(real)
    assert np.sqrt((error**2).mean()) < 1.5 * np.sqrt((spread**2).mean())
    assert np.corrcoef(found.value[real], expected)[0, 1] > 0.8


@pytest.mark.pages
def test_the_page_works_as_it_stands_there(tmp_path: Path) -> None:
    """But for the libraries that are not installed for tests."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(260, 6)), rng.integers(0, 3, 260)
    x[:, 0] += 2 * y
    given: dict[str, Any] = {"x": x[:200], "y": y[:200], "x_test": x[200:], "y_test": y[200:]}
    first, *others = [
        block
        for block in blocks("docs/own_fit.md")
        if not re.search("import (xgboost|lightning)|from (xgb|transf)", block)
    ]
    with contextlib.chdir(tmp_path):
        exec(compile(first, "docs/own_fit.md", "exec"), given)  # noqa: S102 - our own page
    assert (tmp_path / "audits/forest/report.html").exists()
    assert len(given["record"].runs) == 10
    population = plant(given["task"], Canaries(), 0)
    assert len(others) == 2
    for block in others:
        names = dict(given)
        exec(compile(block, "docs/own_fit.md", "exec"), names)  # noqa: S102 - our own page
        fit = Fit(names["fit"], names.get("outputs", "probabilities"))
        (step,) = learn(fit, population, population.split == "train", 1, Classification(3))
        assert step.clean is not None
        assert step.clean.values["correct"][population.split == "train"].mean() > 0.9


@pytest.mark.pages
def test_the_example_of_ones_own_fit(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples/own_fit.py")], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert "memorization (90 % interval)" in result.stdout
