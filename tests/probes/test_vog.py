"""Variance of gradients against a loop in NumPy, and against two checkpoints by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData
from byrote.probes import vog
from probes.networks import ARCHITECTURES, build, examples, perceptron, untouched


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("k", [2, 5])
def test_equals_a_loop(architecture: Callable[[], nn.Module], k: int) -> None:
    models, (inputs, labels) = [build(architecture, seed) for seed in range(k)], examples(14)
    raw = []
    for one, label in zip(inputs, labels, strict=True):
        slopes = []
        for model in models:
            leaf = one.clone().requires_grad_()
            slopes.append(torch.autograd.grad(model(leaf[None])[0, label], leaf)[0].numpy())
        raw.append(np.mean(np.sqrt(1 / k) * sum((slope - sum(slopes) / k) ** 2 for slope in slopes)))
    expected = np.array(raw)
    np.testing.assert_allclose(vog(models, inputs, labels, per_class=False).numpy(), expected)
    for label in labels.unique().tolist():
        mine = labels.numpy() == label
        expected[mine] = (expected[mine] - expected[mine].mean()) / expected[mine].std()
    np.testing.assert_allclose(vog(models, inputs, labels, batch_size=3).numpy(), expected, rtol=1e-6)
    with untouched(models[1]):
        np.testing.assert_allclose(vog(iter(models), inputs, labels).numpy(), expected, rtol=1e-6)


def test_two_checkpoints_by_hand() -> None:
    """Slopes a and b of the label's logit: sqrt(1/2) x (a - b)^2 / 2, whatever the example is."""
    models = [nn.Linear(2, 2).double() for _ in range(2)]
    with torch.no_grad():
        models[0].weight.copy_(torch.tensor([[1.0, 0.0], [5.0, 5.0]]))
        models[1].weight.copy_(torch.tensor([[3.0, 4.0], [5.0, 5.0]]))
    inputs = torch.ones(2, 2, dtype=torch.float64)
    found = vog(models, inputs, torch.tensor([0, 1]), per_class=False)
    assert found.tolist() == pytest.approx([np.sqrt(0.5) * (2**2 + 4**2) / 2 / 2, 0])
    assert vog(models, inputs, torch.tensor([0, 1])).isnan().all()
    assert vog(models, inputs, torch.tensor([0, 0])).isnan().all()


@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_input() -> None:
    model, (inputs, labels) = build(perceptron), examples()
    with pytest.raises(InvalidData, match=r"vog was given 1 checkpoints\. Give at least 2"):
        vog([model], inputs, labels)
    with pytest.raises(InvalidData, match="vog was given labels from"):
        vog([model, model], inputs, labels + 2)
    with pytest.raises(InvalidData, match=r"vog: `inputs` is a tensor of torch\.uint8"):
        vog([model, model], inputs.to(torch.uint8), labels)
    inputs[3] = torch.nan
    assert vog([model, build(perceptron, 1)], inputs, labels, per_class=False).isnan().tolist() == [
        i == 3 for i in range(7)
    ]
