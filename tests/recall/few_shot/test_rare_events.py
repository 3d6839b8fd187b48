"""The key-value memory: reading, the loss and the rule of writing, against what they come to by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.recall.few_shot.rare_events import KeyValueMemory, memory_scores, train_with_memory
from byrote.recall.few_shot.training import EpisodicRecipe


def unit(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def vectors(*degrees: float) -> torch.Tensor:
    return torch.tensor([unit(each) for each in degrees], dtype=torch.float64).float()


def holding(*entries: tuple[float, int], size: int = 4, neighbours: int = 64) -> KeyValueMemory:
    memory = KeyValueMemory(size, 2, neighbours=neighbours)
    memory.keys[: len(entries)] = vectors(*(degrees for degrees, _ in entries))
    memory.values[: len(entries)] = torch.tensor([value for _, value in entries])
    return memory


def test_an_empty_memory_answers_nothing() -> None:
    memory = KeyValueMemory(3, 2)
    values, cosine = memory.read(vectors(0, 90))
    assert (values.tolist(), cosine.isnan().all().item(), len(memory)) == ([-1, -1], True, 0)
    assert memory.loss(vectors(0), torch.tensor([1])) == 0


def test_it_reads_the_value_of_the_nearest_key() -> None:
    values, cosine = holding((0, 7), (90, 3)).read(3 * vectors(20, 60))
    assert values.tolist() == [7, 3]
    np.testing.assert_allclose(cosine, [math.cos(math.radians(20)), math.cos(math.radians(30))], rtol=1e-6)


def test_the_loss_is_the_margin_between_right_and_wrong() -> None:
    memory = holding((0, 7), (90, 3), (120, 7))
    cos = [math.cos(math.radians(each)) for each in range(181)]
    # 7 at 30 degrees: right is 0 (30 away), wrong is 90 (60 away). 3 at 30: right is 90, wrong is 0. 9 is not stored
    expected = [max(0.0, cos[60] - cos[30] + 0.5), cos[30] - cos[60] + 0.5, 0.0]
    found = [float(memory.loss(vectors(30), torch.tensor([value]), margin=0.5)) for value in (7, 3, 9)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float(memory.loss(vectors(30, 30, 30), torch.tensor([7, 3, 9]), margin=0.5)) == pytest.approx(
        np.mean(expected)
    )


def test_the_right_key_is_found_beyond_the_neighbours() -> None:
    memory = holding((0, 7), (10, 7), (90, 3), neighbours=2)
    expected = math.cos(math.radians(5)) - math.cos(math.radians(85)) + 0.1
    assert float(memory.loss(vectors(5), torch.tensor([3]))) == pytest.approx(expected, rel=1e-5)


def test_gradients_of_the_loss_reach_queries_only() -> None:
    memory = holding((0, 1), (70, 2), (200, 3))
    memory.keys = memory.keys.double()
    queries = torch.tensor([[0.3, 0.9], [0.8, -0.1]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda q: memory.loss(q, torch.tensor([1, 3]), margin=0.7), (queries,))
    assert not memory.keys.requires_grad


def test_a_right_answer_moves_its_key_halfway() -> None:
    memory = holding((0, 7), (90, 3))
    memory.ages[:] = torch.tensor([5.0, 2.0, 0.0, 0.0])
    memory.write(vectors(40), torch.tensor([7]))
    torch.testing.assert_close(memory.keys[:2], vectors(20, 90))
    assert memory.values.tolist() == [7, 3, -1, -1]
    assert memory.ages.tolist() == [0, 3, 1, 1]


def test_a_wrong_answer_takes_an_empty_slot_and_then_the_oldest() -> None:
    memory = holding((0, 7), (90, 3), size=3)
    memory.write(5 * vectors(10), torch.tensor([3]))
    torch.testing.assert_close(memory.keys, vectors(0, 90, 10))
    assert memory.values.tolist() == [7, 3, 3]
    memory.ages[:] = torch.tensor([1.0, 9.0, 4.0])
    memory.write(vectors(180), torch.tensor([8]))
    assert memory.values.tolist() == [7, 8, 3]
    assert memory.ages.tolist() == [2, 0, 5]


def test_ties_of_age_are_broken_at_random() -> None:
    taken = set()
    for seed in range(20):
        memory = KeyValueMemory(3, 2, seed=seed)
        memory.write(vectors(0, 90, 180), torch.tensor([0, 1, 2]))
        memory.ages[:] = 0
        memory.write(vectors(270), torch.tensor([3]))
        taken.add(memory.values.tolist().index(3))
    assert taken == {0, 1, 2}


def test_a_class_is_added_after_training_without_a_gradient_step() -> None:
    memory = KeyValueMemory(10, 2)
    memory.write(vectors(0, 5, 90), torch.tensor([0, 0, 1]))
    assert memory.read(vectors(200))[0].tolist() != [5]
    memory.write(vectors(190), torch.tensor([5]))
    assert memory.read(vectors(200, 3, 91))[0].tolist() == [5, 0, 1]
    assert len(memory) == 3, "the two of class 0 share a key"
    as_memory = memory.to_memory()
    assert as_memory.look_up(vectors(200).numpy()).ids.tolist() == [["slot 2"]]
    assert as_memory.values.tolist() == [0, 1, 5]
    memory.clear()
    assert len(memory) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KeyValueMemory(0, 2), "A memory of 0 slots"),
        (lambda: KeyValueMemory(2, 2).write(vectors(0), torch.tensor([-1])), "one is -1"),
    ],
)
def test_what_cannot_be_stored_is_refused(call: object, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        call()  # type: ignore[operator]


def test_scores_are_cosines_with_the_keys_of_each_class() -> None:
    support = torch.stack([vectors(0, 40), vectors(90, 100)])
    found = memory_scores(support, vectors(10, 95))
    # in rounds: 0 and 90 are stored, 40 joins 0 (20), and 100 joins 90 (95)
    expected = [[math.cos(math.radians(each)) for each in row] for row in ((10, 85), (75, 0))]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_training_with_it_carries_over_to_new_classes() -> None:
    rng = np.random.default_rng(0)

    def examples(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
        centres = np.pad(rng.normal(size=(classes, 4)), ((0, 0), (0, 4)))
        noise = rng.normal(size=(classes, 8, 8)) * np.repeat([0.1, 2], 4)
        found = torch.from_numpy((centres[:, None] + noise).reshape(-1, 8)).float()
        return found, torch.arange(classes).repeat_interleave(8)

    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    pictures, labels = examples(30)
    recipe = EpisodicRecipe(updates=120, way=8, queries=2, learning_rate=0.02)
    losses = train_with_memory(model, pictures, labels, recipe, margin=0.3, seed=0)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])
    new = examples(6)[0]

    def right(found: torch.Tensor) -> float:
        by_class = found.unflatten(0, (6, 8))
        scores = memory_scores(by_class[:, :1], by_class[:, 1:].flatten(0, 1))
        return float((scores.argmax(1) == torch.arange(6).repeat_interleave(7)).double().mean())

    with torch.no_grad():
        assert right(model(new)) > right(new) + 0.2
