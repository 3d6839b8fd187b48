"""Captum's TracIn is ours, wherever it is installed."""

import sys

import numpy as np
import pytest

from byrote.attribution import tracin
from byrote.errors import ByroteError, InvalidData, Remedy
from byrote.integrations.captum import tracin as by_captum
from probes.networks import ARCHITECTURES, build, examples, untouched

RATES = (0.3, 0.1)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_captum_says_the_same(architecture) -> None:
    pytest.importorskip("captum", reason="Captum is an extra")
    models = [build(architecture, seed) for seed in (0, 1)]
    example, target = examples(9), examples(5, seed=1)
    for weight in models[0].parameters():
        weight.requires_grad_(True)
    ours = np.concatenate([value for _, value in tracin(models, RATES, *example, *target)], axis=1)
    blocks = list(by_captum(models, RATES, *example, *target, block=2, batch_size=4))
    assert [where.tolist() for where, _ in blocks] == [[0, 1], [2, 3], [4]]
    theirs = np.concatenate([value for _, value in blocks], axis=1)
    np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12)


def test_the_models_are_untouched() -> None:
    pytest.importorskip("captum", reason="Captum is an extra")
    models, example = [build(ARCHITECTURES[1], seed) for seed in (0, 1)], examples(5)
    with untouched(models[1]):
        models[1].eval()
        list(by_captum(models, RATES, *example, *example))
        models[1].train()
        next(models[1].children()).eval()


def test_without_captum_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.influence", None)
    part = examples(3)
    with pytest.raises(ByroteError, match=r"needs Captum, which is not installed\.") as refused:
        next(by_captum([build(ARCHITECTURES[0])], [1.0], *part, *part))
    assert refused.value.remedy == Remedy("extra", "attribution")


def test_refusals() -> None:
    pytest.importorskip("captum", reason="Captum is an extra")
    model, part = build(ARCHITECTURES[1]), examples(3)
    with pytest.raises(InvalidData, match=r"given 1 models and 2 learning rates"):
        next(by_captum([model], RATES, *part, *part))
    next(model.parameters()).requires_grad_(False)
    with pytest.raises(InvalidData, match=r"1 of this model's are fixed\. Use byrote\.attribution\.tracin\."):
        next(by_captum([model], [1.0], *part, *part))
