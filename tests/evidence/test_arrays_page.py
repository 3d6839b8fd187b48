"""The page about arrays works as it stands there."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

from attackers import area

PAGE = Path(__file__).parents[2] / "docs/arrays.md"


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 6
    names: dict[str, object] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    assert re.match(r"0\.\d{3} \[.*\]\n0\.\d{3} \[.*\] 0\.010\d*\n", capsys.readouterr().out)
    attack, member = names["attack"], names["member"]
    assert isinstance(attack, np.ndarray)
    assert isinstance(member, np.ndarray)
    assert area(attack, member) > 0.85
    assert set(map(int, names["hard"])) == set(range(90, 100))  # pyright: ignore
