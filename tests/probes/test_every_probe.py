"""One suite over every probe in PROBES, on two architectures with batch normalisation and dropout."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import ByroteError, InvalidData
from byrote.probes import PROBES, ask
from byrote.signature import Probe
from probes.networks import ARCHITECTURES, CLASSES, build, examples, perceptron, untouched

WIDE = PROBES["critical"].bind(scale=1.0, max_iter=6)
"""On normal inputs a radius of .3/255 finds nothing; one of .3 finds some and not others."""

ALL = [pytest.param(WIDE if probe.name == "critical" else probe, id=probe.name) for probe in PROBES.values()]
LABELLED = [case for case in ALL if case.values[0].name not in ("entropy", "critical")]
both = pytest.mark.parametrize("architecture", ARCHITECTURES)


@both
@pytest.mark.parametrize("probe", ALL)
def test_it_leaves_the_model_and_the_random_state_alone(probe: Probe, architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, labels) = build(architecture), examples()
    kept = inputs.clone()
    expected = probe(model, inputs, labels)
    with untouched(model):
        value = probe(model, inputs, labels)
    assert value.equal(expected)
    assert inputs.equal(kept)
    assert inputs.grad is None
    assert not inputs.requires_grad


@both
@pytest.mark.parametrize("probe", ALL)
def test_an_example_has_its_value_whoever_else_is_asked(probe: Probe, architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, labels) = build(architecture), examples(9)
    together = probe(model, inputs, labels)
    assert together.shape == (9,)
    assert len(together.unique()) > 1
    for i in range(9):
        torch.testing.assert_close(probe(model, inputs[i : i + 1], labels[i : i + 1]), together[i : i + 1])
    order = torch.tensor([3, 1, 8, 0, 2, 7, 5, 6, 4])
    torch.testing.assert_close(probe(model, inputs[order], labels[order]), together[order])
    np.testing.assert_allclose(ask(probe, model, inputs, labels, batch_size=4), together.numpy(), rtol=1e-9)


@pytest.mark.parametrize("probe", ALL)
def test_it_works_where_gradients_are_off(probe: Probe) -> None:
    model, (inputs, labels) = build(perceptron), examples()
    expected = probe(model, inputs, labels)
    with torch.no_grad():
        torch.testing.assert_close(probe(model, inputs, labels), expected)
    with torch.inference_mode():
        torch.testing.assert_close(probe(model, inputs.clone(), labels.clone()).clone(), expected)
    assert not expected.requires_grad
    inputs.requires_grad_()
    torch.testing.assert_close(probe(model, inputs, labels), expected)
    assert inputs.grad is None


@pytest.mark.parametrize("probe", ALL)
def test_it_reads_single_precision_and_a_batch_of_none(probe: Probe) -> None:
    model, (inputs, labels) = build(perceptron), examples()
    expected = probe(model, inputs, labels)
    found = probe(model.float(), inputs.float(), labels)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=2e-2 if probe.name == "curvature" else 1e-4, atol=1e-5)
    assert probe(model, inputs[:0].float(), labels[:0]).shape == (0,)


@both
@pytest.mark.parametrize("probe", ALL)
def test_a_broken_example_is_nan_and_breaks_no_other(probe: Probe, architecture: Callable[[], nn.Module]) -> None:
    model, (inputs, labels) = build(architecture), examples()
    expected = probe(model, inputs, labels)
    inputs[2, 0, 3, 3] = torch.nan
    found = probe(model, inputs, labels)
    assert found[2].isnan()
    keep = torch.arange(7) != 2
    torch.testing.assert_close(found[keep], expected[keep])


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("probe", ALL)
def test_it_refuses_what_is_no_batch(probe: Probe) -> None:
    model, (inputs, labels) = build(perceptron), examples()
    with pytest.raises(
        InvalidData, match=rf"{probe.name}: `inputs` is a tensor of torch.uint8 with the shape \(7, 1, 6, 6\)"
    ):
        probe(model, inputs.to(torch.uint8), labels)
    with pytest.raises(InvalidData, match=f"{probe.name} was given inputs of shape .*Give floating-point inputs"):
        probe(model, inputs[:, 0, 0, 0], labels)
    with pytest.raises(InvalidData, match="`labels` has 4 along the axis example, and `inputs` has 7"):
        probe(model, inputs, labels[:4])
    with pytest.raises(InvalidData, match=rf"{probe.name} needs one logit per example and class.*\(7, 3, 1\)"):
        probe(nn.Sequential(model, nn.Unflatten(1, (CLASSES, 1))), inputs, labels)
    with pytest.raises(ByroteError, match=f"{probe.name} has no option 'epoch'"):
        probe.bind(epoch=3)


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("probe", LABELLED)
def test_it_refuses_labels_that_the_model_does_not_have(probe: Probe) -> None:
    model, (inputs, labels) = build(perceptron), examples()
    with pytest.raises(InvalidData, match=f"{probe.name} was given labels from 1 to 3, and the model has 3 classes"):
        probe(model, inputs, labels % 2 * 2 + 1)
    with pytest.raises(InvalidData, match="labels from -1 to"):
        probe(model, inputs, labels - 1 - labels.min())
    with pytest.raises(InvalidData, match=r"labels of shape \(7,\) and type torch.float32|has to be whole numbers"):
        probe(model, inputs, labels + 0.5)


@pytest.mark.parametrize("probe", ALL)
def test_says_what_it_is(probe: Probe) -> None:
    assert PROBES[probe.name].function is probe.function
    assert probe.summary.endswith(".")
    assert "20" in probe.source
    assert probe.high == "hard"
    assert probe.sign == 1


def test_the_names_and_options_are_those_of_the_papers() -> None:
    assert {name: dict(probe.defaults) for name, probe in PROBES.items()} == {
        "input_gradient": {"norm": 2},
        "curvature": {"vectors": 10, "h": 1e-3, "seed": 0},
        "grand": {},
        "entropy": {},
        "modified_entropy": {},
        "critical": {"alpha": 0.25, "beta": 0.2, "radius": 0.3, "scale": 1 / 255, "max_iter": 100, "seed": 0},
    }
