"""Issue table: the one kind of file in which labels are proposed, reviewed and decided, with the columns of cleanlab.

`byrote relabel --csv` and `byrote export --to cleanlab` write it, `apply_labels` and the controls `relabel` and `drop` read it.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from byrote.errors import InvalidData
from byrote.evidence.tables import Row, as_csv
from byrote.record.storage import exists, place, read_bytes, replacing

TYPES = {
    "example": pa.string(), "is_label_issue": pa.bool_(), "is_beyond_noise": pa.bool_(), "label_quality": pa.float64(),
    "given_label": pa.int64(), "predicted_label": pa.int64(), "agreement": pa.float64(), "models": pa.int64(),
    "probability_altered": pa.float64(), "given_class": pa.string(), "predicted_class": pa.string(),
}  # fmt: skip
"""The columns of a table of label issues, in their order, and their types in a Parquet file."""

ISSUE = re.compile(r"is_(label|target)_issue(_[0-9]+)?")

DECIDED = tuple(name for name in TYPES if name not in ("label_quality", "agreement", "models", "probability_altered"))
"""The columns of a table of labels that people decided about: nothing in it is computed."""


def write_issues(rows: Sequence[Row], path: Path | str) -> None:
    """Write rows of `suggestion_rows` as CSV, or as Parquet where `path` ends in .parquet; an earlier such table is replaced.

    Raises InvalidData for a file that holds anything else, which stays as it is.
    """
    where = place(path)
    is_file = where.is_file() if isinstance(where, Path) else exists(where)
    if is_file and not _is_table(read_bytes(where)):
        raise InvalidData(
            f"{path} is there, and is no table of label issues that byrote wrote, so it is not overwritten. Give another name, or remove it."
        )
    with replacing(where) as aside:
        if str(path).lower().endswith(".parquet"):
            schema = pa.schema([(name, kind) for name, kind in TYPES.items() if not rows or name in rows[0]])
            pq.write_table(
                pa.Table.from_pylist(list(rows), schema if "is_label_issue" in schema.names else None), aside
            )
        else:
            aside.write_text(as_csv(rows), encoding="utf-8")


def decided_row(name: str, given: int, new: int, classes: Sequence[str]) -> Row:
    """Return the row of an example whose label was looked at by somebody: `new` is the label that is right."""
    changes = new != given
    return dict(zip(DECIDED, (name, changes, changes, given, new, classes[given], classes[new]), strict=True))


def _is_table(content: bytes) -> bool:
    """Whether a file is empty, or has the columns of a table of issues; a review may have added others."""
    if not content:
        return True
    try:
        if content.startswith(b"PAR1"):
            names = pq.read_schema(io.BytesIO(content)).names
        else:
            line = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode()
            names = next(csv.reader([line]), [])
    except (ValueError, csv.Error, OSError, pa.ArrowException):
        return False
    return "example" in names and any(ISSUE.fullmatch(name) for name in names)
