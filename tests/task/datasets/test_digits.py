import sys

import numpy as np
import pytest

from byrote.errors import ByroteError
from byrote.task.datasets.digits import digits


def test_every_sixth_is_for_testing_and_ids_are_positions() -> None:
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    train, test = digits()
    assert (len(train), len(test)) == (1_498, 299)
    assert (test.ids.astype(int) % 6 == 5).all()
    assert len(np.union1d(train.ids.astype(int), test.ids.astype(int))) == 1_797
    whole = load_digits()
    for part in (train, test):
        at = part.ids.astype(int)
        np.testing.assert_array_equal(part.labels, whole.target[at])
        np.testing.assert_allclose(part.inputs / 255, whole.images[at] / 16, atol=0.5 / 255)
        assert part.inputs.dtype == np.uint8


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ByroteError, match=r"pip install 'byrote\[sklearn\]'"):
        digits()
