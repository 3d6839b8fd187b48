"""TRAK against its authors' package and dattri, and TracIn against dattri, where these are installed.

pip install --no-deps traker==0.3.2 dattri==0.3.0
"""

import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader, TensorDataset

from byrote.attribution import Block, Sketch, tracin, trak
from probes.networks import ARCHITECTURES, build, examples

SIZE = 8
RATES = (0.3, 0.1)


def whole(blocks: Iterable[Block]) -> np.ndarray:
    return np.concatenate([value for _, value in blocks], axis=1)


class OurSketch:
    """Projects with the sketch that `trak` takes, a new one for each model."""

    proj_dim, proj_type = SIZE, "count sketch"

    def __init__(self, model: nn.Module) -> None:
        self.weights = dict(model.named_parameters())

    def project(self, gradients: dict[str, Tensor], model_id: int) -> Tensor:
        return Sketch(self.weights, SIZE, model_id)(gradients)

    def free_memory(self) -> None:
        pass


def by_the_authors(models: list[nn.Module], example: Any, target: Any, directory: Path) -> np.ndarray:
    module = pytest.importorskip("trak", reason="the authors' package traker is not installed")
    mine = copy.deepcopy(models[0]).float()
    states = [copy.deepcopy(model).float().state_dict() for model in models]
    example, target = ((inputs.float(), labels) for inputs, labels in (example, target))
    asked = module.TRAKer(
        mine, "image_classification", len(example[0]), save_dir=str(directory), device="cpu", use_half_precision=False,
        projector=OurSketch(mine), proj_dim=SIZE, logging_level=50,
    )  # fmt: skip
    for number, state in enumerate(states):
        asked.load_checkpoint(state, model_id=number)
        asked.featurize(example, num_samples=len(example[0]))
    asked.finalize_features()
    for number, state in enumerate(states):
        asked.start_scoring_checkpoint("asked", state, number, len(target[0]))
        asked.score(target, num_samples=len(target[0]))
    return np.array(asked.finalize_scores("asked"))


def slopes(model: nn.Module, part: tuple[Tensor, Tensor]) -> Tensor:
    """Return the gradient of each example's log odds as a dictionary of weights, sketched with seed 0."""
    rows: dict[str, list[Tensor]] = {name: [] for name, _ in model.named_parameters()}
    for one, label in zip(*part, strict=True):
        p = model(one[None])[0].softmax(0)[label]
        for name, slope in zip(rows, torch.autograd.grad(p.logit(), list(model.parameters())), strict=True):
            rows[name].append(slope)
    return {name: torch.stack(row) for name, row in rows.items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_model_is_the_authors_times_a_constant(architecture: Callable[[], nn.Module], tmp_path: Path) -> None:
    """Theirs divides the inverse of Phi'Phi by the mean absolute value of its entries, so that it fits float16, and the
    gradients by the root of the number of weights. Neither is in the paper; within one model neither changes a rank."""
    model, example, target = build(architecture), examples(90), examples(6, seed=1)
    theirs = by_the_authors([model], example, target, tmp_path)
    ours = whole(trak([model], *example, *target, sketch=SIZE))
    scale = (ours * theirs).sum() / (ours**2).sum()
    assert scale > 0
    np.testing.assert_allclose(theirs / scale, ours, atol=1e-5 * np.abs(ours).max())


def test_of_several_models_theirs_is_a_weighted_mean(tmp_path: Path) -> None:
    """Each model counts by the inverse of that mean: one with large gradients has a small inverse and counts more. In the
    paper, and with us, all models count alike."""
    models = [build(ARCHITECTURES[1], seed) for seed in (0, 1, 2)]
    with torch.no_grad():
        for weight in models[2].parameters():
            weight *= 1.3
    example, target = examples(90), examples(6, seed=1)
    theirs = by_the_authors(models, example, target, tmp_path)
    count = sum(weight.numel() for weight in models[0].parameters())
    kernels, doubts, scales = [], [], []
    for number, model in enumerate(models):
        features, others = (
            Sketch(dict(model.named_parameters()), SIZE, number)(slopes(model, part)) for part in (example, target)
        )
        inverse = torch.linalg.inv(features.T @ features)
        kernels.append((features @ inverse @ others.T).detach().numpy())
        doubts.append((1 - model(example[0]).softmax(1)[torch.arange(90), example[1]]).detach().numpy())
        scales.append(1 / (count * float(inverse.abs().mean())))
    doubt = np.mean(doubts, axis=0)[:, None]
    weighted = doubt * np.tensordot(scales, kernels, axes=1) / 3
    np.testing.assert_allclose(theirs, weighted, atol=1e-4 * np.abs(weighted).max())
    ours = whole(trak(models, *example, *target, sketch=SIZE))
    np.testing.assert_allclose(ours, doubt * np.mean(kernels, axis=0), rtol=1e-6, atol=1e-12)
    assert max(scales) > 2 * min(scales)


class TwoClasses(nn.Module):
    """Logits (0, f): no weight is redundant, so that Phi'Phi has an inverse without a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))

    def forward(self, x: Tensor) -> Tensor:
        f = self.net(x[..., :2, :2])
        return torch.cat([torch.zeros_like(f), f], -1)


def by_dattri(models: list[nn.Module], example: Any, target: Any, *, odds: bool) -> np.ndarray:
    """Return its TRAK with `odds`, its TracIn without, both without a projection."""
    module = pytest.importorskip(f"dattri.algorithm.{'trak' if odds else 'tracin'}", reason="dattri is not installed")
    from dattri.task import AttributionTask

    mine = copy.deepcopy(models[0])

    def loss(weights: Any, one: Any) -> Tensor:
        logits = functional_call(mine, weights, one[0][None])
        return nn.functional.cross_entropy(logits, one[1][None])

    def sure(weights: Any, one: Any) -> Tensor:
        return torch.exp(-loss(weights, one))

    def log_odds(weights: Any, one: Any) -> Tensor:
        return torch.logit(sure(weights, one))

    states = [model.state_dict() for model in models]
    task = AttributionTask(log_odds if odds else loss, mine, states)
    parts = (DataLoader(TensorDataset(*part), batch_size=16) for part in (example, target))
    plain = {"proj_type": "identity"}
    if odds:
        asked = module.TRAKAttributor(task, sure, projector_kwargs=plain)
        asked.cache(next(parts))
        return asked.attribute(next(parts)).detach().numpy()
    asked = module.TracInAttributor(task, torch.tensor(RATES), normalized_grad=False, projector_kwargs=plain)
    return asked.attribute(*parts).detach().numpy()


def test_trak_is_dattris() -> None:
    models = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        models.append(TwoClasses().double().eval())
    (inputs, labels), (others, told) = examples(150), examples(5, seed=1)
    example, target = (inputs, labels % 2), (others, told % 2)
    theirs = by_dattri(models, example, target, odds=True)
    np.testing.assert_allclose(whole(trak(models, *example, *target, sketch=None)), theirs, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tracin_is_dattris(architecture: Callable[[], nn.Module]) -> None:
    """In float32, in which dattri adds up."""
    models = [build(architecture, seed) for seed in (0, 1)]
    example, target = examples(40), examples(5, seed=1)
    theirs = by_dattri(models, example, target, odds=False)
    ours = whole(tracin(models, RATES, *example, *target))
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5 * np.abs(ours).max())
