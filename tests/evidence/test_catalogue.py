import re
from pathlib import Path

import pytest

from byrote.errors import ByroteError, InvalidData
from byrote.evidence.catalogue import catalogue_rows, find_score
from byrote.scores import SCORES, el2n, memorization
from byrote.signature import parse_call


@pytest.mark.parametrize("row", catalogue_rows(), ids=lambda row: row["score"])
def test_every_score_says_all_of_it(row: dict[str, str]) -> None:
    assert list(row) == ["score", "needs", "evidence", "high means", "meaning", "paper"]
    assert all(row.values())
    assert re.search(r"(19|20)\d\d", row["paper"])
    assert row["meaning"].endswith(".")
    assert re.fullmatch(r"\w+\[[a-z ]+\](, \w+\[[a-z ]+\])*", row["needs"])


def test_every_score_is_in_it_once_and_can_be_asked_for_as_it_is_spelled() -> None:
    assert [parse_call(row["score"])[0] for row in catalogue_rows()] == list(SCORES)
    for row in catalogue_rows():
        assert find_score(row["score"]).name in SCORES


def test_evidence_follows_from_the_axes() -> None:
    evidence = {parse_call(row["score"])[0]: row["evidence"] for row in catalogue_rows()}
    assert evidence["memorization"] == evidence["influence"] == "several runs"
    assert evidence["csl"] == evidence["forgetting"] == "one run, all steps"
    assert evidence["el2n"] == evidence["loss"] == "one run, one step"


def test_a_score_is_found_by_its_text() -> None:
    assert find_score("memorization") == memorization
    found = find_score("el2n(step=5)")
    assert found == el2n.bind(step=5)
    assert str(found) == "el2n(step=5)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("memorisation", r"'memorisation'.*'memorization'"),
        ("xyzzyx", r"'xyzzyx'.*Known: aum"),
        ("el2n(steps=5)", r"'steps'.*options: step"),
        ("el2n(5)", r"'el2n\(5\)'.*'el2n\(step=5\)'"),
        ("el2n(step=open('x'))", r"open.*'el2n\(step=5\)'"),
        ("", r"'' .*'el2n\(step=5\)'"),
        ("nowhere.py:mine", r"'nowhere\.py'"),
    ],
)
def test_what_is_not_a_score_is_refused(text: str, message: str) -> None:
    with pytest.raises(ByroteError, match=message):
        find_score(text)


MINE = '''"""My measure, Me, 2026, arXiv:2601.00001."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote import score


@score(high="hard")
def late(loss_seen: Float[ndarray, "step example"], *, share: float = 0.5) -> Float[ndarray, " example"]:
    """Mean loss over the last steps: 0 is learned."""
    return loss_seen[int(len(loss_seen) * share) :].mean(axis=0)


def plain(x):
    return x
'''


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


def test_a_score_of_your_own_comes_from_its_file(file: Path) -> None:
    found = find_score(f"{file}:late")
    assert str(found) == "late"
    assert found.source == "My measure, Me, 2026, arXiv:2601.00001."
    assert found.summary == "Mean loss over the last steps: 0 is learned."
    assert [str(need) for need in found.needs] == ["loss_seen[step example]"]
    assert find_score(f"{file}:late(share=0.25)").options == {"share": 0.25}


def test_errors_in_a_file_of_your_own(file: Path) -> None:
    with pytest.raises(ByroteError, match=r"'lat'\..*'late'"):
        find_score(f"{file}:lat")
    with pytest.raises(ByroteError, match=r"'plain'.*Known: "):
        find_score(f"{file}:plain")
    with pytest.raises(ByroteError, match=r"'step'.*options: "):
        find_score(f"{file}:late(step=3)")
    file.write_text("\n\nimport nothing_of_this_name")
    with pytest.raises(InvalidData, match=r"mine\.py, line 3.*ModuleNotFoundError"):
        find_score(f"{file}:late")
