"""Texts against a loop over tokens in float64, and what the objective refuses."""

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData
from byrote.objectives import Tokens, parse_objective
from byrote.objectives.tokens import as_read, commonest

RNG = np.random.default_rng(0)
TARGETS = RNG.integers(0, 7, (20, 9))
TARGETS[::4, 5:] = -1
TARGETS[1, :6] = -1  # a prompt, which is given and not learned
OUTPUTS = torch.from_numpy(RNG.normal(0, 2, (20, 9, 7)).astype(np.float32))
OBJECTIVE = Tokens(7)
CHECKED = OBJECTIVE.check(TARGETS, np.arange(20).astype(np.str_))
IDS = np.arange(20).astype(np.str_)


def by_hand() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in OBJECTIVE.columns()}
    for logits, row in zip(OUTPUTS.double().numpy(), TARGETS, strict=True):
        log_p = [z[token] - np.log(np.exp(z).sum()) for z, token in zip(logits, row, strict=True) if token >= 0]
        right = [z.argmax() == token for z, token in zip(logits, row, strict=True) if token >= 0]
        found["loss"].append(-np.mean(log_p))
        found["log_probability"].append(np.sum(log_p))
        found["confidence"].append(np.exp(np.mean(log_p)))
        found["token_accuracy"].append(np.mean(right))
        found["correct"].append(all(right))
    return found


def test_columns_are_those_of_a_loop() -> None:
    made = OUTPUTS.clone()
    made[2] = torch.nn.functional.one_hot(torch.from_numpy(TARGETS[2]), 7) * 9.0  # this text is recited
    expected, found = by_hand(), OBJECTIVE.observe(OUTPUTS, OBJECTIVE.to_tensor(CHECKED))
    assert list(found) == list(OBJECTIVE.columns())
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5, err_msg=name)
    recited = OBJECTIVE.observe(made, OBJECTIVE.to_tensor(CHECKED))
    assert recited["correct"].tolist() == [at == 2 for at in range(20)]
    assert recited["token_accuracy"][2] == 1


def test_the_mean_of_a_batch_is_the_mean_over_its_tokens() -> None:
    targets = OBJECTIVE.to_tensor(CHECKED)
    losses, weights = OBJECTIVE.losses(OUTPUTS, targets), OBJECTIVE.weights(targets)
    np.testing.assert_allclose(losses, by_hand()["loss"], rtol=1e-5)
    expected = torch.nn.functional.cross_entropy(OUTPUTS.flatten(0, 1), targets.flatten(), ignore_index=-1)
    torch.testing.assert_close((losses * weights).sum() / weights.sum(), expected)


def test_where_there_is_no_token_no_gradient_flows() -> None:
    outputs = OUTPUTS.clone().requires_grad_()
    OBJECTIVE.losses(outputs, OBJECTIVE.to_tensor(CHECKED)).sum().backward()
    assert outputs.grad is not None
    assert (outputs.grad[torch.from_numpy(TARGETS < 0)] == 0).all()


@pytest.mark.parametrize("objective", [Tokens(), OBJECTIVE, Tokens(9, ignored=-100)], ids=str)
def test_is_read_back_from_its_text(objective: Tokens) -> None:
    assert parse_objective(str(objective)) == objective


def test_other_numbers_may_stand_for_no_token() -> None:
    given = np.where(TARGETS < 0, -100, TARGETS)
    np.testing.assert_array_equal(Tokens(ignored=-100).check(given, IDS), CHECKED)
    np.testing.assert_array_equal(Tokens(ignored=-100).check(CHECKED, IDS), CHECKED)  # a task checks more than once
    assert Tokens().fitted(CHECKED, 0) == OBJECTIVE


@pytest.mark.parametrize(
    ("targets", "match"),
    [
        (np.array([0, 1]), r"shape \(2,\)"),
        (np.zeros((2, 3)), "float64"),
        (np.array([[0, 1], [0, -3]]), "'1' hold -3"),
        (np.array([[0, 1], [-1, -1]]), "'1' has no token"),
        (np.array([[0, 7], [1, 1]]), "Token id 7 is out of range"),
    ],
)
def test_refuses_what_is_no_text(targets: np.ndarray, match: str) -> None:
    with pytest.raises(InvalidData, match=match):
        OBJECTIVE.check(targets, IDS[:2])


@pytest.mark.parametrize("options", [{"vocabulary": -1}, {"ignored": 0}])
def test_refuses_options_that_mean_nothing(options: dict[str, int]) -> None:
    with pytest.raises(InvalidData):
        Tokens(**options)


def test_a_wrong_text_has_the_same_tokens_in_another_order() -> None:
    which = np.array([0, 1, 2, 7])
    found = OBJECTIVE.wrong(CHECKED, which, np.random.default_rng(0))
    for row, at in zip(found, which, strict=True):
        np.testing.assert_array_equal(row < 0, CHECKED[at] < 0)
        np.testing.assert_array_equal(np.sort(row), np.sort(CHECKED[at]))
    assert (found != CHECKED[which]).any(1).all()
    assert CHECKED is not found


def test_invented_texts_are_as_long_as_real_ones_and_have_their_tokens_as_often() -> None:
    skewed = np.where(RNG.random((50, 40)) < 0.9, 3, 5).astype(np.int32)
    skewed[::2, 30:] = -1
    found = Tokens(7).random(skewed, 400, np.random.default_rng(0))
    assert set((found >= 0).sum(1).tolist()) == {30, 40}
    assert abs((found == 3).sum() / (found >= 0).sum() - 0.9) < 0.01
    np.testing.assert_array_equal(
        OBJECTIVE.drawn(CHECKED, np.array([0, 5]), np.random.default_rng(0)) < 0, CHECKED[[0, 5]] < 0
    )


def test_inputs_follow_from_targets() -> None:
    inputs = np.concatenate([np.full((20, 1), 6), np.where(TARGETS < 0, 0, TARGETS)[:, :-1]], 1)
    np.testing.assert_array_equal(as_read(inputs, CHECKED), inputs)
    wrong = OBJECTIVE.wrong(CHECKED, np.arange(20), np.random.default_rng(0))
    found = as_read(inputs, wrong)
    there = wrong[:, :-1] >= 0
    np.testing.assert_array_equal(found[:, 1:][there], wrong[:, :-1][there])
    np.testing.assert_array_equal(found[:, 1:][~there], inputs[:, 1:][~there])
    np.testing.assert_array_equal(found[:, 0], 6)


def test_unlike_differs_in_half_of_the_places() -> None:
    texts = np.array([[1, 2, 3, 4], [1, 2, 3, 0], [1, 2, 0, 0], [1, 2, -1, -1]], np.int32)
    assert Tokens(5).unlike(texts, texts[0]).tolist() == [False, False, True, True]


def test_the_baseline_names_the_commonest_token() -> None:
    assert commonest(np.array([[3, 3, 1, 2], [3, 1, -1, -1]])) == pytest.approx((0.5 + 0.5) / 2)


def test_probabilities_become_their_logits() -> None:
    p = OUTPUTS.double().softmax(2).numpy()
    found = OBJECTIVE.observe(torch.from_numpy(OBJECTIVE.from_predictions(p)), OBJECTIVE.to_tensor(CHECKED))
    np.testing.assert_allclose(found["loss"], by_hand()["loss"], rtol=1e-4)
