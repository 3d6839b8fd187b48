"""Proof of use: exact p-values against enumeration, false alarms at the null, power against simulation, and a real model."""

import itertools

import numpy as np
import pytest

from byrote.errors import InvalidData, Unsupported
from byrote.lm import canary_mark, draw_marks, mark_losses, marks_needed, power_of_proof
from byrote.lm.proof_of_use import proof_of_use
from lm.planted import slow_log_probability, trained


def test_the_p_value_equals_full_enumeration() -> None:
    ranks = np.array(list(itertools.product(range(4), repeat=3))).sum(axis=1)
    alternatives = np.tile([1.0, 2.0, 3.0], (3, 1))
    for planted in itertools.product((0.5, 1.5, 2.5, 3.5), repeat=3):
        found = proof_of_use(np.array(planted), alternatives)
        total = sum(int(value) for value in planted)
        assert found.p_value == pytest.approx(np.mean(ranks <= total))
        assert found.ranks.sum() == total + 3
        assert found.wins.value == pytest.approx(1 - total / 9)


def test_ties_count_against_the_proof() -> None:
    assert proof_of_use(np.zeros(2), np.zeros((2, 9))).p_value == 1
    assert proof_of_use(-np.ones(2), np.zeros((2, 9))).p_value == pytest.approx(0.01)


@pytest.mark.parametrize(("marks", "alternatives"), [(3, 9), (12, 20)])
def test_false_alarms_are_at_most_what_was_allowed(marks: int, alternatives: int) -> None:
    """2,000 audits; the rate is the one that is stated, with a standard error of .005."""
    rng = np.random.default_rng(marks)
    found = [
        proof_of_use(rng.normal(size=marks), rng.normal(size=(marks, alternatives)), alpha=0.05) for _ in range(2000)
    ]
    assert found[0].false_alarm <= 0.05
    assert np.mean([each.proven for each in found]) == pytest.approx(found[0].false_alarm, abs=0.015)


def test_power_equals_simulation_and_marks_needed_are_the_fewest() -> None:
    assert power_of_proof(8, 9, 0.5, alpha=0.05) <= 0.05
    rng = np.random.default_rng(0)
    shift = 1.19  # wins .8
    found = np.mean(
        [proof_of_use(rng.normal(-shift, 1, 6), rng.normal(size=(6, 19)), alpha=0.05).proven for _ in range(1000)]
    )
    assert found == pytest.approx(power_of_proof(6, 19, 0.8, alpha=0.05), abs=0.045)
    needed = marks_needed(0.8, alternatives=19)
    assert power_of_proof(needed, 19, 0.8) >= 0.8 > power_of_proof(needed - 1, 19, 0.8)
    assert marks_needed(0.6) > 5 * marks_needed(0.8)


def test_a_die_chooses_what_is_published() -> None:
    versions = [[f"{i} a", f"{i} b", f"{i} c"] for i in range(300)]
    marks = draw_marks(versions, seed=1)
    assert marks == draw_marks(versions, seed=1)
    assert np.bincount([mark.planted for mark in marks]) == pytest.approx([100] * 3, abs=30)
    assert marks[7].document.text == versions[7][marks[7].planted]
    assert marks[7].document.id == "mark/7"


def test_planted_canaries_prove_that_they_were_trained_on_and_null_ones_do_not() -> None:
    model, canaries = trained()
    for copies, proven in ((16, True), (0, False)):
        marks = [
            canary_mark(canary, alternatives=30, seed=i) for i, canary in enumerate(canaries) if canary.copies == copies
        ]
        planted, alternatives = mark_losses(model, marks[:8])
        assert alternatives.shape == (len(planted), 30)
        text = marks[0].versions[0]
        assert planted[0] == pytest.approx(-slow_log_probability(model, text, 1) / (len(text) - 1), abs=1e-4)
        found = proof_of_use(planted, alternatives)
        assert found.proven == proven, found


def test_what_proves_nothing_is_refused() -> None:
    with pytest.raises(InvalidData, match="2 versions, 1 of them different"):
        draw_marks([["a", "a"]], seed=0)
    with pytest.raises(InvalidData, match="2 ids for 1 texts"):
        draw_marks([["a", "b"]], ids=["x", "y"], seed=0)
    with pytest.raises(Unsupported, match="are NaN"):
        proof_of_use(np.array([np.nan]), np.zeros((1, 3)))
    with pytest.raises(Unsupported, match="proves nothing"):
        marks_needed(0.5)
    with pytest.raises(Unsupported, match="More than 10000 marks"):
        marks_needed(0.501, alternatives=1)
    with pytest.raises(Unsupported, match="have no power"):
        power_of_proof(0, 3, 0.6)
    model, canaries = trained()
    with pytest.raises(InvalidData, match="as many versions"):
        mark_losses(model, [canary_mark(canaries[0], alternatives=3), canary_mark(canaries[1], alternatives=4)])
