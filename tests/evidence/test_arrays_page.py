"""The page about arrays works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest

from attackers import area
from byrote.membership.target import TargetAudit
from executed import blocks, executed

PAGE = "docs/arrays.md"


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(blocks(PAGE)) == 8
    names = executed(PAGE, tmp_path)
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
