"""Input dropout against the definition of dropout, and its seed."""

import pytest
import torch

from byrote.controls import input_dropout
from byrote.errors import InvalidData
from controls.tasks import text_task

VALUES = 1 + torch.rand(500, 4, 5, generator=torch.Generator().manual_seed(0))


def test_values_are_0_at_the_rate_and_the_others_are_enlarged() -> None:
    thinned = input_dropout(0.3).transform(VALUES, 0.3, 1)
    gone = thinned == 0
    assert gone.float().mean() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(thinned[~gone], VALUES[~gone] / 0.7)
    assert torch.equal(thinned, input_dropout(0.3).transform(VALUES, 0.3, 1))
    assert not torch.equal(thinned, input_dropout(0.3).transform(VALUES, 0.3, 2))


def test_rates_beyond_their_bounds_and_other_inputs_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"from 0 to 0\.99"):
        input_dropout(1.0)
    with pytest.raises(InvalidData, match=r"Use token_dropout"):
        input_dropout(0.1)(text_task())
