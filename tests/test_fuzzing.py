"""Two hundred inputs that are almost right. `python tests/fuzzing.py 2000` tries as many as one likes."""

from pathlib import Path

import pytest

from fuzzing import WAYS, fuzz


@pytest.mark.slow
def test_inputs_that_are_almost_right_end_in_an_answer_or_a_sentence(tmp_path: Path) -> None:
    ends, faults = fuzz(200, tmp_path)
    assert not faults, "\n".join(faults)
    for way in WAYS:
        assert ends[f"{way.__name__} refused"] >= 5
        assert ends[f"{way.__name__} answered"] >= 1
