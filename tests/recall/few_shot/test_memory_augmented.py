"""Least recently used access against loops over slots, and the network that learns to bind with it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from byrote.errors import InvalidData
from byrote.recall.few_shot.least_used import least_used, next_usage, read_weights, write_weights, written
from byrote.recall.few_shot.memory_augmented import MemoryAugmented, draw_sequences, presentations, train_on_sequences

RNG = np.random.default_rng(0)
HEADS, SLOTS, WIDTH = 2, 5, 3
KEYS, MEMORY = RNG.normal(size=(HEADS, WIDTH)), RNG.normal(size=(SLOTS, WIDTH))
READ, WRITE = RNG.dirichlet(np.ones(SLOTS), HEADS), RNG.random((HEADS, SLOTS))


def tensor(array: object) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float64))


def test_reading_is_a_softmax_of_cosines() -> None:
    sharpness = [1.0, 7.0]
    found = read_weights(tensor(KEYS), tensor(MEMORY), tensor(sharpness))
    for head in range(HEADS):
        cosines = [KEYS[head] @ row / np.linalg.norm(KEYS[head]) / np.linalg.norm(row) for row in MEMORY]
        pulls = np.exp(sharpness[head] * np.array(cosines))
        np.testing.assert_allclose(found[head], pulls / pulls.sum())


@pytest.mark.parametrize(
    ("usage", "count", "expected"),
    [([3, 1, 2, 0.5], 2, [0, 1, 0, 1]), ([0, 0, 0, 0], 1, [1, 0, 0, 0]), ([1, 0, 0, 0], 2, [0, 1, 1, 0])],
)
def test_the_least_used_slots_are_one(usage: list[float], count: int, expected: list[float]) -> None:
    assert least_used(tensor(usage), count).tolist() == expected


def test_writing_goes_where_it_read_or_to_the_least_used() -> None:
    least = np.array([0, 1, 0, 0, 1.0])
    found = write_weights(tensor([0.25, 1.0]), tensor(READ), tensor(least))
    np.testing.assert_allclose(found, [0.25 * READ[0] + 0.75 * least, READ[1]])


def test_usage_decays_and_counts_reads_and_writes() -> None:
    usage = RNG.random(SLOTS)
    expected = [0.9 * usage[i] + sum(READ[h, i] + WRITE[h, i] for h in range(HEADS)) for i in range(SLOTS)]
    np.testing.assert_allclose(next_usage(tensor(usage), tensor(READ), tensor(WRITE), decay=0.9), expected)


def test_a_write_erases_and_adds() -> None:
    erased = np.array([0, 0, 1.0, 0, 0])
    expected = [MEMORY[i] * (1 - erased[i]) + sum(WRITE[h, i] * KEYS[h] for h in range(HEADS)) for i in range(SLOTS)]
    np.testing.assert_allclose(written(tensor(MEMORY), tensor(KEYS), tensor(WRITE), tensor(erased)), expected)


def test_gradients_of_access_are_right() -> None:
    def read(keys: Tensor, memory: Tensor, gate: Tensor) -> Tensor:
        least = tensor([0, 1, 0, 0, 0])
        after = written(memory, keys, write_weights(gate, tensor(READ), least), least)
        return read_weights(keys, after, tensor([2.0, 3.0])) @ after

    given = [tensor(each).requires_grad_() for each in (KEYS, MEMORY, [0.3, 0.6])]
    assert torch.autograd.gradcheck(read, given)


def test_a_batch_is_its_sequences_one_by_one_and_no_label_is_seen_before_its_time() -> None:
    torch.manual_seed(0)
    model = MemoryAugmented(4, 3, units=8, slots=6, cell=5, heads=2)
    vectors, labels = torch.randn(2, 7, 4), torch.from_numpy(RNG.integers(0, 3, (2, 7)))
    both = model(vectors, labels)
    torch.testing.assert_close(both[1:], model(vectors[1:], labels[1:]))
    changed = labels.clone()
    changed[:, 4] = (changed[:, 4] + 1) % 3
    other = model(vectors, changed)
    torch.testing.assert_close(other[:, :5], both[:, :5])
    assert not torch.allclose(other[:, 5], both[:, 5])


def test_sequences_present_each_class_equally_often_under_random_labels() -> None:
    labels = np.repeat(np.arange(8), 6)
    found = draw_sequences(labels, 3, 4, count=40, seed=0)
    assert found.rows.shape == found.labels.shape == (40, 12)
    for rows, given in zip(found.rows, found.labels, strict=True):
        assert len(set(rows)) == 12
        assert np.bincount(given).tolist() == [4, 4, 4]
        assert len({(int(labels[row]), int(label)) for row, label in zip(rows, given, strict=True)}) == 3
    pairs = {
        (int(labels[row]), int(label)) for row, label in zip(found.rows.ravel(), found.labels.ravel(), strict=True)
    }
    assert len(pairs) == 24, "each class has each label in some sequence"
    with pytest.raises(InvalidData, match="8 classes have 6 examples, and 9"):
        draw_sequences(labels, 9, 6, count=1, seed=0)


def test_presentations_are_counted_from_one() -> None:
    assert presentations(np.array([[2, 0, 2, 2, 0, 1]])).tolist() == [[1, 1, 2, 3, 2, 1]]


@pytest.mark.slow
def test_it_learns_to_bind_labels_within_a_sequence() -> None:
    """Two of six symbols, three times each. Counting labels alone gives .67 of the second presentations."""
    vectors, labels = torch.eye(6).repeat_interleave(3, 0), torch.arange(6).repeat_interleave(3)
    torch.manual_seed(0)
    model = MemoryAugmented(6, 2, units=64, slots=12, cell=20, heads=4)
    losses = train_on_sequences(model, vectors, labels, each=3, updates=480, batch=32, learning_rate=0.003, seed=0)
    assert losses[0] == pytest.approx(np.log(2), abs=0.1)
    test = draw_sequences(labels.numpy(), 2, 3, count=200, seed=99)
    with torch.no_grad():
        logits = model(vectors[torch.from_numpy(test.rows)], torch.from_numpy(test.labels))
    right, times = logits.argmax(2).numpy() == test.labels, presentations(test.labels)
    assert right[times >= 2].mean() > 0.9
    assert right[times == 1].mean() < 0.85, "a first picture can only be guessed, or inferred from what is left"


def test_what_cannot_be_built_or_trained_is_refused() -> None:
    with pytest.raises(InvalidData, match="4 heads need at least as many slots"):
        MemoryAugmented(3, 2, slots=3)
    model = MemoryAugmented(3, 2, units=4, slots=4, cell=2, heads=1)
    with pytest.raises(InvalidData, match="The loss is nan after 0 updates"):
        train_on_sequences(model, torch.full((12, 3), torch.nan), torch.arange(3).repeat_interleave(4), each=2, seed=0)
