"""Inputs reach a model as they are given, alone and in a pack; a model may return a dict, a tuple or an object."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.objectives import Classification
from byrote.record import Population
from byrote.record.inputs import InputKind, are_one_real, describe, is_one_real, kinds
from byrote.task.canaries import Canaries, plant
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.checks import check_model
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.pack import Pack
from byrote.training.tensors import to_tensors

N = 24


def population_of(inputs: Any) -> Population:
    ids = np.array([f"train/{i}" for i in range(2)])
    return Population.of(ids, np.full(2, "train"), np.array([0, 1]), inputs)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_whole_numbers_stay_whole(kind: str) -> None:
    given = Examples(np.array([[0, 3], [7, 120]], kind), [0, 1]).inputs
    found, _ = to_tensors(population_of(given), Classification(2), "cpu")
    assert found.dtype == torch.int64
    assert found.tolist() == [[0, 3], [7, 120]]


def test_bool_stays_and_real_numbers_become_float32() -> None:
    mask = Examples(np.array([[True, False], [False, False]]), [0, 1]).inputs
    found, _ = to_tensors(population_of(mask), Classification(2), "cpu")
    assert found.dtype == torch.bool
    assert found.tolist() == [[True, False], [False, False]]
    for kind in ("float16", "float32", "float64"):
        real = Examples(np.array([[0.5, -2], [1, 3]], kind), [0, 1]).inputs
        found, _ = to_tensors(population_of(real), Classification(2), "cpu")
        assert found.dtype == torch.float32
        assert found.tolist() == [[0.5, -2], [1, 3]]


@pytest.mark.parametrize(
    ("shape", "divisor"), [((2,), 1), ((2, 3), 1), ((2, 3, 3), 255), ((2, 1, 3, 3), 255), ((2, 2, 1, 3, 3), 1)]
)
def test_only_byte_pictures_are_divided_by_255(shape: tuple[int, ...], divisor: int) -> None:
    given = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape) * 3
    found, _ = to_tensors(population_of(given), Classification(2), "cpu")
    assert found.is_floating_point() == (divisor == 255)
    np.testing.assert_allclose(found.numpy(), given.astype(np.float64) / divisor, rtol=1e-6)


def text() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return token ids, their mask, and whether token 3 stands in the part that counts."""
    rng = np.random.default_rng(0)
    tokens, mask = rng.integers(0, 12, (N, 5)), np.arange(5) < rng.integers(2, 6, (N, 1))
    return tokens, mask, ((tokens % 3 == 0) & mask).sum(axis=1) % 2


class Reader(nn.Module):
    """Mean of the embeddings of what the mask lets through. What it returns is one of several forms."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.embed, self.head, self.form = nn.Embedding(12, 6), nn.Linear(6, 2), form

    def forward(self, tokens: Tensor, mask: Tensor) -> Any:
        assert tokens.dtype == torch.int64
        assert mask.dtype == torch.bool
        logits = self.head((self.embed(tokens) * mask[..., None]).sum(-2) / mask.sum(-1, keepdim=True))
        forms = {"dict": {"hidden": tokens, "logits": logits}, "tuple": (tokens, logits), "tensor": logits}
        return forms.get(self.form) if self.form in forms else SimpleNamespace(logits=logits, hidden=tokens)


def reading(form: str = "tensor", output: Any = None, *, layout: str = "dict") -> Task:
    tokens, mask, y = text()
    inputs = {"tokens": tokens, "mask": mask} if layout == "dict" else (tokens, mask)
    return Task(
        lambda: Reader(form),
        Examples(inputs, y),
        None,
        Recipe(epochs=2, batch_size=6, learning_rate=0.05),
        output=output,
    )


def values(task: Task, seeds: list[int]) -> list[dict[str, Any]]:
    """Return the columns of each run after two epochs, trained side by side."""
    population = plant(task, Canaries(), 0)
    members = np.stack([np.arange(N) % 2 == 0] * len(seeds))
    make: Any = learner(task)
    pack = Pack(make, population, task.learned, members, task.recipe, seeds, Engine())
    pack.epoch(1, np.arange(N))
    return [dict(step.clean.values) for step in pack.epoch(2, np.arange(N)) if step.clean]


@pytest.mark.parametrize(
    ("form", "output"), [("dict", "logits"), ("tuple", 1), ("tuple", -1), ("object", "logits")], ids=str
)
@pytest.mark.parametrize("layout", ["dict", "tuple"])
def test_the_named_output_is_what_is_learned(form: str, output: Any, layout: str) -> None:
    plain = values(reading(), [0, 1])
    for found, expected in zip(values(reading(form, output, layout=layout), [0, 1]), plain, strict=True):
        for name, column in expected.items():
            np.testing.assert_array_equal(found[name], column, err_msg=name)


def test_models_with_several_inputs_learn_the_same_side_by_side_and_alone() -> None:
    packed = values(reading("dict", "logits"), [0, 1, 2])
    for seed, found in enumerate(packed):
        (alone,) = values(reading("dict", "logits"), [seed])
        np.testing.assert_allclose(found["loss"], alone["loss"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "output", "match"),
    [
        ("dict", None, r"dict with 'hidden', 'logits'.*Task\(output='hidden'\), or return"),
        ("tuple", None, r"tuple of 2: a tensor \[2, \d+\].*Task\(output=0\), or return"),
        ("object", None, r"SimpleNamespace with .*'logits'.*output="),
        ("dict", "logit", "dict with 'hidden', 'logits'.*'logit'. Did you mean 'logits'"),
        ("tuple", 5, "tuple of 2.*output 5. Name another"),
        ("object", "logit", "'logit'. Did you mean 'logits'"),
        ("tensor", "logits", r"a tensor of shape \(2, 2\), which has no output 'logits'"),
    ],
)
def test_an_output_that_is_not_there(form: str, output: Any, match: str) -> None:
    task = reading(form, output)
    with pytest.raises(InvalidData, match=match):
        check_model(task, plant(task, Canaries(), 0))


@pytest.mark.parametrize("layout", ["dict", "tuple"])
def test_the_record_says_how_inputs_reach_the_model(tmp_path: Path, layout: str) -> None:
    task = reading(layout=layout)
    record = collect(task, tmp_path, runs=2, canaries=Canaries.of_each(1), compute=Compute(workers=1))
    assert len(record.runs) == 2
    said = json.loads((tmp_path / "record.json").read_text())["inputs"]
    names = ("tokens", "mask") if layout == "dict" else ("0", "1")
    assert said == [
        {"name": names[0], "dtype": "int64", "shape": [5], "divided_by": 1},
        {"name": names[1], "dtype": "bool", "shape": [5], "divided_by": 1},
    ]
    assert record.inputs == kinds(task.train.inputs)
    assert describe(record.inputs) == f"{names[0]}: int64 [5], as given; {names[1]}: bool [5], as given"


def test_the_record_says_that_pictures_are_divided(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (N, 4, 4)).astype(np.uint8)
    task = Task(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 2)),
        Examples(images, np.arange(N) % 2),
        None,
        Recipe(epochs=1),
    )
    record = collect(task, tmp_path, runs=2, canaries=Canaries(), compute=Compute(workers=1))
    assert describe(record.inputs) == "uint8 [4, 4], divided by 255"


@pytest.mark.parametrize(
    ("inputs", "is_followed"),
    [
        (np.zeros((2, 3), np.float32), True),
        (np.zeros((2, 4, 4), np.uint8), True),
        (np.zeros((2, 3), np.uint8), False),
        (np.zeros((2, 3), np.int16), False),
        (np.zeros((2, 3), np.bool_), False),
        ((np.zeros((2, 3), np.float32),), False),
        ({"x: float32 [3], as given": np.zeros((2, 3), np.float32)}, False),
    ],
    ids=["floats", "pictures", "bytes", "whole numbers", "bool", "a tuple", "a dict"],
)
def test_gradients_are_followed_to_one_array_of_real_numbers(inputs: Any, is_followed: bool) -> None:
    assert is_one_real(inputs) == is_followed
    assert are_one_real([InputKind.parse(kind.values()) for kind in kinds(inputs)]) == is_followed


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"4.*5|5.*4"):
        Examples({"a": np.zeros((5, 2)), "b": np.zeros((4, 2))}, np.zeros(5, np.int64))


def test_an_input_that_the_model_does_not_take_is_named() -> None:
    tokens, mask, y = text()
    task = Task(lambda: Reader("tensor"), Examples({"token": tokens, "mask": mask}, y), None, Recipe(epochs=1))
    with pytest.raises(InvalidData, match=r"input 'token', .*takes 'tokens', 'mask'. Did you mean 'tokens'"):
        check_model(task, plant(task, Canaries(), 0))


@pytest.mark.parametrize(
    ("optimizer", "match"),
    [("adam(beta=(0.9, 0.99))", "torch.optim.Adam named 'beta'. Did you mean 'betas'"),
     ("sgd(nestrov=True)", "torch.optim.SGD named 'nestrov'. Did you mean 'nesterov'")],
)  # fmt: skip
def test_a_misspelled_option_of_an_optimizer_comes_with_the_nearest(optimizer: str, match: str) -> None:
    plain = reading()
    task = Task(plain.model, plain.train, None, Recipe(epochs=1, optimizer=optimizer))
    with pytest.raises(InvalidData, match=match):
        check_model(task, plant(task, Canaries(), 0))


@pytest.mark.parametrize(
    ("model", "first", "match"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 2), nn.Softmax(1)), 0, "gives probabilities.*leave out the softmax"),
        (lambda: nn.Linear(3, 2), 1, "labels are 1 to 2.*subtract 1"),
        (lambda: nn.Linear(3, 4), 0, r"shape \(2, 4\) for 2 examples, but the task has 2 classes"),
    ],
)
def test_outputs_that_are_no_logits_of_the_classes(model: Any, first: int, match: str) -> None:
    x = np.random.default_rng(0).normal(size=(N, 3))
    task = Task(model, Examples(x, first + np.arange(N) % 2), None, Recipe(epochs=1))
    with pytest.raises(InvalidData, match=match):
        check_model(task, plant(task, Canaries(), 0))
