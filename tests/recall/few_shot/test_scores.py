"""Scores of a support and queries, against loops over single examples, and the training that they are made for."""

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.recall.few_shot.encoder import embed, encoder
from byrote.recall.few_shot.fine_tuning import fine_tuned_scores, train_classifier
from byrote.recall.few_shot.matching import matching_scores
from byrote.recall.few_shot.nearest import nearest_scores
from byrote.recall.few_shot.prototypes import prototype_scores
from byrote.recall.few_shot.training import EpisodicRecipe, Scores, train_by_episodes

WAY, SHOT, QUERIES, WIDTH = 3, 4, 5, 6
SUPPORT = torch.from_numpy(np.random.default_rng(0).normal(size=(2, WAY, SHOT, WIDTH)))
MANY = torch.from_numpy(np.random.default_rng(1).normal(size=(2, QUERIES, WIDTH)))


def slow_nearest(support: np.ndarray, query: np.ndarray) -> list[float]:
    return [-min(float(np.sum((query - each) ** 2)) for each in shots) for shots in support]


def slow_prototypes(support: np.ndarray, query: np.ndarray) -> list[float]:
    return [-float(np.sum((query - shots.mean(0)) ** 2)) for shots in support]


def slow_matching(support: np.ndarray, query: np.ndarray, sharpness: float = 10.0) -> list[float]:
    def pull(each: np.ndarray) -> float:
        return float(np.exp(sharpness * each @ query / np.linalg.norm(each) / np.linalg.norm(query)))

    total = sum(pull(each) for shots in support for each in shots)
    return [float(np.log(sum(pull(each) for each in shots) / total)) for shots in support]


@pytest.mark.parametrize(
    ("scores", "slow"),
    [(nearest_scores, slow_nearest), (prototype_scores, slow_prototypes), (matching_scores, slow_matching)],
)
def test_scores_are_those_of_a_loop(scores: Scores, slow: object) -> None:
    expected = [
        [slow(support, query) for query in queries]  # type: ignore[operator]
        for support, queries in zip(SUPPORT.numpy(), MANY.numpy(), strict=True)
    ]
    np.testing.assert_allclose(scores(SUPPORT, MANY), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(scores(SUPPORT[0], MANY[0]), expected[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scores", [prototype_scores, matching_scores])
def test_gradients_reach_support_and_queries(scores: Scores) -> None:
    given = SUPPORT[0, :, :2].clone().requires_grad_(), MANY[0, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(scores, given)


def test_attention_adds_up_to_one() -> None:
    np.testing.assert_allclose(matching_scores(SUPPORT, MANY).exp().sum(-1), 1)


def shifted(classes: int, each: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes that differ in four of eight numbers, among four of noise."""
    rng = np.random.default_rng(seed)
    centres = np.pad(rng.normal(0, 1, (classes, 4)), ((0, 0), (0, 4)))
    noise = rng.normal(0, 1, (classes, each, 8)) * np.repeat([0.1, 2], 4)
    pictures = torch.from_numpy((centres[:, None] + noise).reshape(-1, 8)).float()
    return pictures, torch.arange(classes).repeat_interleave(each)


@pytest.mark.parametrize("scores", [prototype_scores, matching_scores])
def test_training_by_episodes_carries_over_to_new_classes(scores: Scores) -> None:
    pictures, labels = shifted(40, 8, 0)
    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    recipe = EpisodicRecipe(updates=150, way=8, learning_rate=0.02)
    losses = train_by_episodes(model, pictures, labels, scores, recipe, seed=0)
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:20])
    assert not model.training
    new, own = shifted(5, 20, 1)

    def right(vectors: torch.Tensor) -> float:
        by_class = vectors.unflatten(0, (5, 20))
        found = scores(by_class[:, :1], by_class[:, 1:].flatten(0, 1)).argmax(1)
        return float((found == own.unflatten(0, (5, 20))[:, 1:].flatten()).double().mean())

    with torch.no_grad():
        assert right(model(new)) > right(new) + 0.2


def test_the_same_seed_trains_the_same_encoder() -> None:
    pictures, labels = shifted(10, 6, 0)
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        model = nn.Linear(8, 2)
        train_by_episodes(model, pictures, labels, prototype_scores, EpisodicRecipe(updates=3, way=4), seed=5)
        weights.append(model.weight.detach().clone())
    assert torch.equal(*weights)


def test_a_loss_that_is_not_finite_is_refused() -> None:
    pictures, labels = shifted(10, 6, 0)
    with pytest.raises(InvalidData, match=r"The loss is nan after 0 updates"):
        train_by_episodes(
            nn.Linear(8, 2), pictures * torch.nan, labels, prototype_scores, EpisodicRecipe(way=4), seed=0
        )


def test_embedding_leaves_the_model_as_it_was() -> None:
    torch.manual_seed(0)
    model, pictures = encoder(width=4), torch.rand(7, 28, 28)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = embed(model, pictures, batch=3)
    assert found.shape == (7, 4)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    torch.testing.assert_close(found[2:3], embed(model, pictures[2:3]))


@pytest.mark.parametrize("train", ["head", "all"])
def test_fine_tuning_learns_its_support_and_leaves_the_model(train: str) -> None:
    pictures, _ = shifted(4, 6, 2)
    torch.manual_seed(0)
    model = nn.Linear(8, 8)
    before = model.weight.detach().clone()
    support = pictures.unflatten(0, (4, 6))
    scores = fine_tuned_scores(model, support, pictures, train=train, steps=300, learning_rate=0.05)  # type: ignore[arg-type]
    assert torch.equal(scores.argmax(1), torch.arange(4).repeat_interleave(6))
    assert torch.equal(model.weight, before)


def test_the_head_is_the_logistic_regression_of_its_steps() -> None:
    """Two steps of Adam on the layer alone, by hand."""
    support = torch.tensor([[[1.0, 0.0]], [[0.0, 2.0]]])
    generator = torch.Generator().manual_seed(7)
    weight, bias = torch.randn(2, 2, generator=generator) * 0.01, torch.zeros(2)
    moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in (weight, bias)]
    for step in (1, 2):
        x = support[:, 0]
        error = ((x @ weight.T + bias).softmax(1) - torch.eye(2)) / 2
        for at, (value, slope) in enumerate(((weight, error.T @ x), (bias, error.sum(0)))):
            first, second = moments[at]
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
            moments[at] = first, second
            value -= 0.01 * (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    queries = torch.tensor([[1.0, 1.0], [3.0, -1.0]])
    found = fine_tuned_scores(nn.Identity(), support, queries, steps=2, seed=7)
    torch.testing.assert_close(found, queries @ weight.T + bias)


def test_the_classifier_learns_its_classes() -> None:
    pictures, labels = shifted(6, 20, 0)
    torch.manual_seed(0)
    losses = train_classifier(nn.Linear(8, 8), pictures, labels, epochs=20, batch=16, learning_rate=0.02, seed=0)
    assert losses[-1] < 0.6 * losses[0]
