"""AUM against its authors' package, where that is installed: pip install aum==1.0.2."""

import numpy as np
import pytest
import torch

from byrote.objectives.classification import observe
from byrote.scores import aum

authors = pytest.importorskip("aum", reason="the authors' package aum is not installed")
STEPS, EXAMPLES, CLASSES = 6, 40, 5


def test_it_is_the_authors_from_the_same_logits() -> None:
    """Theirs is fed batch by batch, in any order; an example that a step does not present is in no batch of it."""
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(STEPS, EXAMPLES, CLASSES, generator=generator)
    labels = torch.randint(CLASSES, (EXAMPLES,), generator=generator)
    presented = torch.rand(STEPS, EXAMPLES, generator=generator) < 0.7
    presented[:, -1] = False
    theirs, margin = authors.AUMCalculator("unused"), np.full((STEPS, EXAMPLES), np.nan, np.float32)
    for step in range(STEPS):
        order = torch.randperm(EXAMPLES, generator=generator)
        for batch in order[presented[step][order]].split(7):
            if len(batch) > 1:
                theirs.update(logits[step, batch], labels[batch], batch.tolist())
                margin[step, batch] = observe(logits[step, batch], labels[batch])["margin"]
    found = aum(margin)
    assert sorted(theirs.sums) == np.flatnonzero(~np.isnan(found)).tolist()
    assert np.isnan(found[-1])
    for example, total in theirs.sums.items():
        assert found[example] == pytest.approx(total / theirs.counts[example], rel=1e-12)


def test_theirs_cannot_take_a_batch_of_one_and_ours_can() -> None:
    """`squeeze` takes away the only axis, so that an epoch whose last batch is one example ends with an error."""
    logits, labels = torch.tensor([[3.0, 1.0, 0.5]]), torch.tensor([0])
    with pytest.raises(TypeError):
        authors.AUMCalculator("unused").update(logits, labels, [0])
    assert aum(observe(logits, labels)["margin"][None])[0] == 2
