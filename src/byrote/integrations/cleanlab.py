"""cleanlab: a table of label issues as Datalab's `get_issues("label")` has it, Northcutt et al., 2021, arXiv:1911.00068."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from byrote.errors import InvalidData
from byrote.evidence.tables import Row, as_csv
from byrote.integrations.suspects import Suspect, read_suspects
from byrote.record import Record
from byrote.record.storage import place, replacing

SCHEMA = pa.schema(
    [
        ("example", pa.string()),
        ("is_label_issue", pa.bool_()),
        ("label_score", pa.float64()),
        ("given_label", pa.string()),
        ("predicted_label", pa.string()),
    ]
)
"""The columns of Datalab (cleanlab 2.7 to 2.9), behind the id of the example."""


def export(record: Record, path: Path | str, *, split: str = "train", top: int | None = None) -> int:
    """Write the label issues of a record in the columns of cleanlab's Datalab, and return how many rows were written.

    `path` ends in .csv or .parquet. One row per example of the split in the order of the record, or per one of the `top` most
    doubtful: `is_label_issue` by the rule of `byrote relabel`, `label_score` the mean probability that models not trained on
    the example give to its label (0: surely wrong; 1: surely right; empty where no run left it out), and the names of both
    classes. Raises InvalidData for another ending, Unsupported for other objectives, MissingEvidence where no model can judge.
    """
    ending = os.path.splitext(str(path))[1].lower()
    if ending not in (".csv", ".parquet"):
        raise InvalidData(f"{str(path)!r} ends in {ending!r}. Give a file that ends in .csv or .parquet.")
    found = read_suspects(record, split=split, top=top)
    rows = [_row(each) for each in sorted(found, key=lambda each: each.judged.position)]
    with replacing(place(path)) as aside:
        if ending == ".csv":
            aside.write_text(as_csv(rows), encoding="utf-8")
        else:
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), aside)
    return len(rows)


def _row(each: Suspect) -> Row:
    quality = each.judged.label_quality
    return {
        "example": each.judged.id,
        "is_label_issue": each.judged.is_label_issue,
        "label_score": None if np.isnan(quality) else quality,
        "given_label": each.given,
        "predicted_label": each.predicted,
    }
