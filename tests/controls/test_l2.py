"""L2 with SGD is the weight decay of the same number, alone and in a pack."""

from dataclasses import replace

import numpy as np
import pytest

from byrote.controls import l2, weight_decay
from controls.test_laws import losses
from small import small_task


@pytest.mark.parametrize("optimizer", ["sgd", "sgd(nesterov=True)", "adam"])
def test_it_is_the_coupled_weight_decay(optimizer: str) -> None:
    base = small_task()
    base = replace(base, recipe=replace(base.recipe, optimizer=optimizer, learning_rate=0.05))
    for runs in (1, 3):
        penalized, decayed = losses(l2(0.03)(base), runs), losses(weight_decay(0.03)(base), runs)
        np.testing.assert_allclose(penalized, decayed, rtol=2e-3, atol=1e-3)
        assert not np.allclose(penalized, losses(base, runs), rtol=1e-2)
