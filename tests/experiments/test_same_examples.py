"""Ids such as 0, 1, 2 are in every task: audits of other examples are refused, and single ones that differ are named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import WrongRecord
from byrote.experiments.compare_audits import compare_audits
from byrote.record import Record, write_population
from byrote.record.display import Display
from byrote.report import audit_sentences
from written import written

N = 40


def record(where: Path, inputs: np.ndarray, labels: np.ndarray, *, texts: list[str] | None = None) -> Record:
    """Write a record of these examples, all with the ids train/0, train/1, ...: the models say the same in each."""
    member = np.arange(4)[:, None] % 2 == np.arange(N) % 2
    confidence = np.where(member, 0.9, 0.4).astype(np.float32)
    columns = {
        "correct": member, "confidence": confidence, "loss": 1 - confidence, "margin": confidence,
        "residual": 1 - confidence, "prediction": np.zeros((4, N), np.int64),
    }  # fmt: skip
    found = written(where, member, columns, labels=labels)
    own = replace(found.population, display=Display("text" if texts else ""), read_texts=lambda: texts)
    write_population(where, own.with_inputs(inputs))
    return Record(where)


LABELS = np.arange(N) % 2
VECTORS = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
PICTURES = np.random.default_rng(1).integers(0, 256, (N, 4, 4)).astype(np.uint8)
TEXTS = [f"line {at}" for at in range(N)]


@pytest.mark.parametrize("kind", ["vectors", "pictures", "texts", "other shapes"])
def test_audits_of_other_data_are_refused(kind: str, tmp_path: Path) -> None:
    first, second, texts = {
        "vectors": (VECTORS, VECTORS + 1, (None, None)),
        "pictures": (PICTURES, 255 - PICTURES, (None, None)),
        "texts": (VECTORS, VECTORS, (TEXTS, [f"other {at}" for at in range(N)])),
        "other shapes": (VECTORS, PICTURES, (None, None)),
    }[kind]
    records = [
        record(tmp_path / str(at), inputs, LABELS, texts=own)
        for at, (inputs, own) in enumerate(zip((first, second), texts, strict=True))
    ]
    with pytest.raises(WrongRecord, match=f"{N} of the {N} training examples .* other inputs, such as 'train/0'"):
        compare_audits(*records)
    assert compare_audits(records[0], records[0]).other_inputs == ()


@pytest.mark.parametrize("inputs", [VECTORS, PICTURES])
def test_single_examples_that_differ_are_named(inputs: np.ndarray, tmp_path: Path) -> None:
    other, labels = inputs.copy(), LABELS.copy()
    other[[3, 5]] += 1
    labels[[5, 7]] = 1 - labels[[5, 7]]
    found = compare_audits(record(tmp_path / "a", inputs, LABELS), record(tmp_path / "b", other, labels))
    assert (found.other_inputs, found.other_labels) == (("train/3", "train/5"), ("train/7",))
    assert len(found.ids) == N - 2
    assert found.left_out == 0
    said = "\n".join(audit_sentences(found))
    assert (
        "2 training examples with the same id but other inputs in the two audits are left out: train/3, train/5."
        in said
    )
    assert "1 training example with another label in the second audit" in said


def test_labels_decide_where_no_inputs_were_kept(tmp_path: Path) -> None:
    none = np.zeros((N, 0), np.float32)
    same, other = record(tmp_path / "a", none, LABELS), record(tmp_path / "b", none, 1 - LABELS)
    assert compare_audits(same, same).other_labels == ()
    with pytest.raises(WrongRecord, match="their inputs were not kept"):
        compare_audits(same, other)
    kept = [record(tmp_path / name, VECTORS, labels) for name, labels in (("c", LABELS), ("d", 1 - LABELS))]
    assert len(compare_audits(*kept).other_labels) == N  # labels that were drawn anew: the examples are the same
