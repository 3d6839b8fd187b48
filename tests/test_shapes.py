"""The check of shapes is at work, and off where a test asks for that."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from byrote.locate.examples import difference

TABLE, ROW = np.ones((2, 2), np.bool_), np.ones(3, np.bool_)


def test_an_array_of_another_shape_is_refused_in_every_room() -> None:
    with pytest.raises(TypeCheckError, match=r"(?s)byrote\.locate\.examples\.difference.*parameter 'one'.*bool\[2,2\]"):
        difference(TABLE, ROW, 0.9)
    with pytest.raises(TypeCheckError, match="parameter 'other'"):
        difference(ROW, ROW.astype(float), 0.9)


@pytest.mark.usefixtures("unchecked_shapes")
def test_what_users_give_reaches_the_package() -> None:
    assert difference(ROW, ROW.astype(float), 0.9).value == 0
