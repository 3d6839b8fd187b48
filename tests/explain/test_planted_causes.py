"""The rules on planted cases whose cause is known: how many of each are called so, and how many of those called so are."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from byrote.explain import Explanation, explain
from byrote.explain.contaminated import contaminated
from byrote.record import Record
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import linear
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute

pytestmark = pytest.mark.slow

CLASSES, FEATURES, USUAL, EACH = 4, 24, 320, 24
KINDS = ("usual", "wrong", "copy", "source", "blend", "far")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, CLASSES))


def planted_task() -> Task:
    """Return four clouds of points, with wrong labels, copies, points between two clouds, and points far out."""
    rng = np.random.default_rng(1)
    centres = rng.normal(0, 1, (CLASSES, FEATURES))

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % CLASSES
        return centres[labels] + rng.normal(0, 0.35, (count, FEATURES)), labels

    usual, sides = drawn(USUAL)
    wrong, before = drawn(EACH)
    source, own = drawn(EACH)
    copy = source + rng.normal(0, 0.01, source.shape)
    first = np.arange(EACH) % CLASSES
    second = (first + 1 + np.arange(EACH) // CLASSES % (CLASSES - 1)) % CLASSES
    blend = (centres[first] + centres[second]) / 2 + rng.normal(0, 0.3, (EACH, FEATURES))
    far = rng.normal(0, 1.4, (EACH, FEATURES))
    odd = rng.integers(0, CLASSES, EACH)
    test, answers = drawn(80)
    test[:EACH] = source + rng.normal(0, 0.01, source.shape)
    answers[:EACH] = own
    parts = {
        "usual": (usual, sides),
        "wrong": (wrong, (before + 1) % CLASSES),
        "source": (source, own),
        "copy": (copy, own),
        "blend": (blend, np.where(rng.random(EACH) < 0.5, first, second)),
        "far": (far, odd),
    }
    return Task(
        network,
        Examples(
            np.concatenate([x for x, _ in parts.values()]).astype(np.float32),
            np.concatenate([y for _, y in parts.values()]),
            [f"{kind}-{i}" for kind, (x, _) in parts.items() for i in range(len(x))],
        ),
        Examples(test.astype(np.float32), answers),
        Recipe(epochs=25, batch_size=32, learning_rate=linear(0.01)),
        name="planted causes",
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(
        planted_task(), Path(tmp_path_factory.mktemp("planted")) / "record", runs=24, compute=Compute(workers=1)
    )


@pytest.fixture(scope="module")
def table(planted: Record) -> dict[str, Counter[str]]:
    found = explain(planted, np.flatnonzero(planted.population.where("train")))
    return {kind: Counter(each.cause for each in found if kind_of(each) == kind) for kind in KINDS}


def kind_of(each: Explanation) -> str:
    return each.id.removeprefix("train/").split("-")[0]


def precision(table: dict[str, Counter[str]], cause: str, *kinds: str) -> float:
    return sum(table[kind][cause] for kind in kinds) / sum(each[cause] for each in table.values())


def test_wrong_labels(planted: Record, table: dict[str, Counter[str]]) -> None:
    """Points between two clouds look mislabeled too: a suspect label has to be looked at. Those far out do not."""
    assert table["wrong"]["label suspect"] >= 0.9 * EACH
    assert precision(table, "label suspect", "wrong") >= 0.75
    assert table["far"]["label suspect"] <= 0.05 * EACH
    assert table["usual"]["label suspect"] <= 0.02 * USUAL
    wrong = np.flatnonzero([name.startswith("train/wrong") for name in planted.population.ids])
    suspects = [each for each in explain(planted, wrong) if each.cause == "label suspect"]
    assert all(each.alternative == (each.label - 1) % CLASSES for each in suspects)


def test_near_duplicates(table: dict[str, Counter[str]]) -> None:
    assert table["copy"]["near-duplicate"] == table["source"]["near-duplicate"] == EACH
    assert precision(table, "near-duplicate", "copy", "source") == 1


def test_ambiguous(table: dict[str, Counter[str]]) -> None:
    """Half of the points between two clouds lie on the side of their label, where nobody doubts it."""
    assert table["blend"]["ambiguous"] >= 0.15 * EACH
    assert precision(table, "ambiguous", "blend", "far") >= 0.7


def test_atypical(table: dict[str, Counter[str]]) -> None:
    assert table["far"]["atypical"] >= 0.5 * EACH
    assert precision(table, "atypical", "far") >= 0.6
    assert precision(table, "atypical", "far", "blend") >= 0.9


def test_usual_examples_are_given_no_cause(table: dict[str, Counter[str]]) -> None:
    assert table["usual"]["unclear"] >= 0.95 * USUAL


def test_contaminated_tests(planted: Record) -> None:
    found = contaminated(planted.population)
    assert {each.id for each in found} == {f"test/{i}" for i in range(EACH)}
    assert all(each.same_label and len(each.duplicates) == 2 for each in found)
