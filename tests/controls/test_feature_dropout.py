"""Feature dropout against its definition, and its seed."""

import pytest
import torch

from byrote.controls import feature_dropout
from byrote.errors import InvalidData
from controls.tasks import signal_task

TABLE = 1 + torch.rand(500, 4, generator=torch.Generator().manual_seed(0))


def test_features_are_replaced_by_their_mean_at_the_rate() -> None:
    table = TABLE
    thinned = feature_dropout(0.3).transform(table, 0.3, 1)
    changed = thinned != table
    assert changed.float().mean() == pytest.approx(0.3, abs=0.03)
    torch.testing.assert_close(thinned[changed], table.mean(0).expand_as(table)[changed])
    assert torch.equal(thinned, feature_dropout(0.3).transform(table, 0.3, 1))
    everything = feature_dropout(1.0).transform(table, 1.0, 1)
    torch.testing.assert_close(everything, table.mean(0).expand_as(table))


def test_other_inputs_and_rates_beyond_their_bounds_are_refused() -> None:
    with pytest.raises(InvalidData, match=r"is for tables, and an input of 'signal' is a signal. Use signal_augment"):
        feature_dropout(0.1)(signal_task())
    with pytest.raises(InvalidData, match="from 0 to 1"):
        feature_dropout(1.1)
