"""The page about arrays works as it stands there."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

from attackers import area
from byrote.membership.target import TargetAudit

PAGE = Path(__file__).parents[2] / "docs/arrays.md"


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 8
    names: dict[str, object] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    assert re.match(r"0\.\d{3} \[.*\]\n0\.\d{3} \[.*\] 0\.010\d*\n", capsys.readouterr().out)
    attack, member = names["attack"], names["member"]
    assert isinstance(attack, np.ndarray)
    assert isinstance(member, np.ndarray)
    assert area(attack, member) > 0.85
    audit = names["audit"]
    assert isinstance(audit, TargetAudit)
    assert 0.58 < audit.strongest.auroc.value < 0.7
    assert audit.p_value == 0.001
    assert set(map(int, names["hard"])) == set(range(90, 100))  # pyright: ignore
