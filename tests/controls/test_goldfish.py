"""Goldfish loss: which tokens are left out, against a loop over single places, and that nothing else decides it."""

import numpy as np
import pytest
import torch

from byrote.controls import goldfish
from byrote.controls.goldfish import BITS, FACTOR, MIX, PRIME, hashes, left_out
from byrote.errors import InvalidData
from byrote.objectives import Tokens
from byrote.task.methods import Batch
from controls.tasks import language_task, text_task

RNG = np.random.default_rng(0)
TEXTS = torch.from_numpy(RNG.integers(0, 50, (40, 30)))


def by_hand(tokens: list[int], place: int, context: int) -> int:
    value = 0
    for token in tokens[max(0, place - context) : place]:
        value = (value * FACTOR + token + 1) % PRIME
    for _ in range(2):
        value = ((value ^ (value >> 16)) * MIX) & BITS
    return value ^ (value >> 16)


@pytest.mark.parametrize("context", [1, 4, 13, 40])
def test_the_hash_is_that_of_a_loop_in_plain_numbers(context: int) -> None:
    found, seen = hashes(TEXTS[:5], context)
    expected = [[by_hand(row, at, context) for at in range(30)] for row in TEXTS[:5].tolist()]
    assert found.tolist() == expected
    assert seen.tolist() == [[at > 0 for at in range(30)]] * 5


def test_about_one_in_k_is_left_out_and_never_the_first() -> None:
    many = torch.from_numpy(RNG.integers(0, 1000, (400, 200)))
    for k in (2, 3, 4, 16):
        found = left_out(many, k)
        assert not found[:, 0].any()
        assert abs(found[:, 1:].double().mean() - 1 / k) < 4 * np.sqrt((1 / k) * (1 - 1 / k) / found[:, 1:].numel())
    assert not left_out(many, 0).any()


def test_a_row_has_the_same_gaps_whatever_else_is_in_the_batch() -> None:
    together = left_out(TEXTS, 4)
    for row in range(len(TEXTS)):
        assert torch.equal(left_out(TEXTS[row : row + 1], 4)[0], together[row])
    assert torch.equal(left_out(TEXTS.flip(0), 4).flip(0), together)


def test_a_passage_has_the_same_gaps_in_two_texts_once_the_context_is_its_own() -> None:
    passage = RNG.integers(0, 50, 60)
    one, two = (torch.from_numpy(np.concatenate([RNG.integers(0, 50, n), passage])) for n in (7, 20))
    assert torch.equal(left_out(one, 4, 13)[7 + 13 :], left_out(two, 4, 13)[20 + 13 :])


def test_the_order_of_the_tokens_counts() -> None:
    rows = torch.tensor([[1, 2, 3, 4, 9], [2, 1, 3, 4, 9], [4, 3, 2, 1, 9], [1, 2, 3, 4, 8]])
    found, _ = hashes(rows, 4)
    assert len(set(found[:3, 4].tolist())) == 3
    assert found[0, 4] == found[3, 4]  # the token itself is not hashed


def test_where_there_is_no_token_nothing_is_left_out_and_nothing_hashed() -> None:
    padded = torch.cat([TEXTS, torch.full((40, 5), -1)], 1)
    found = left_out(padded, 2)
    assert not found[:, 30:].any()
    assert torch.equal(found[:, :30], left_out(TEXTS, 2))


def test_the_loss_is_the_mean_over_the_tokens_that_are_left() -> None:
    outputs = torch.randn(2, 3, 30, 50, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = TEXTS[:6].view(2, 3, 30).clone()
    targets[0, 0, 20:] = -1
    batch = Batch(outputs, targets, torch.zeros(2, 3), slice(0, 2), 6, Tokens(50), 1)
    strength = torch.tensor([[3.0], [0.0]])
    plain = Tokens(50).losses(outputs.flatten(0, 1), targets.flatten(0, 1)).view(2, 3)
    found = goldfish(3).losses(plain, batch, strength)
    p = outputs.detach().double().log_softmax(3).numpy()
    for run in range(2):
        for example in range(3):
            kept = (targets[run, example] >= 0) & ~left_out(targets[run, example], float(strength[run]))
            expected = [-p[run, example, at, int(targets[run, example, at])] for at in np.flatnonzero(kept)]
            assert float(found[run, example].detach()) == pytest.approx(np.mean(expected), rel=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), outputs)
    out = left_out(targets[0], 3.0)
    assert out.any()
    assert (gradient[0][out] == 0).all()


def test_a_text_of_which_nothing_is_left_has_no_loss() -> None:
    targets = torch.tensor([[[-1, -1]]])
    batch = Batch(torch.zeros(1, 1, 2, 4), targets, torch.zeros(1, 1), slice(0, 1), 1, Tokens(4), 1)
    assert goldfish(3).losses(torch.zeros(1, 1), batch, torch.tensor([[3.0]])).tolist() == [[0.0]]


@pytest.mark.parametrize("k", [1, 0.5, 1.5])
def test_more_than_half_is_refused(k: float) -> None:
    with pytest.raises(InvalidData, match="more than half"):
        goldfish(k)


def test_a_task_without_texts_is_refused() -> None:
    assert goldfish(4)(language_task()).controls == ("goldfish(k=4, context=13)",)
    with pytest.raises(InvalidData, match="goldfish is for language models, and the task 'text' learns classification"):
        goldfish(4)(text_task())
