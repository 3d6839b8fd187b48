"""The step-up procedure of Benjamini and Hochberg, by hand."""

import numpy as np

from byrote.stats.step_up import step_up


def test_the_step_up_procedure_lists_up_to_the_last_p_value_below_its_line() -> None:
    assert step_up(np.array([0.9, 0.01, np.nan, 0.06, 0.08]), 0.1)[0].tolist() == [False, True, False, False, False]
    assert step_up(np.array([0.9, 0.01, 0.06, 0.07]), 0.1)[0].tolist() == [False, True, True, True]
    assert not step_up(np.array([np.nan, np.nan]), 0.1)[0].any()
