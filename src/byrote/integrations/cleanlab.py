"""cleanlab: a table of label issues as its `CleanLearning.get_label_issues` has it, Northcutt et al., 2021, arXiv:1911.00068."""

import os
from pathlib import Path

from byrote.errors import InvalidData
from byrote.explain.issue_table import write_issues
from byrote.explain.relabel import suggestion_rows
from byrote.integrations.suspects import judged_labels
from byrote.record import Record


def export(record: Record, path: Path | str, *, split: str = "train", top: int | None = None) -> int:
    """Write the table of label issues that `byrote relabel --csv` writes, and return how many rows were written.

    `path` ends in .csv or .parquet; an earlier such table is replaced. One row per example of the split, or per one of the
    `top` most doubtful, these first. The columns `is_label_issue`, `label_quality`, `given_label` and `predicted_label` are
    called and coded as in cleanlab: `label_quality` is the mean probability that models not trained on the example give to
    its label (0: surely wrong; 1: surely right; empty where no run left it out). Raises InvalidData for another ending and
    for a file that holds anything else, Unsupported for other objectives, MissingEvidence where no model can judge.
    """
    ending = os.path.splitext(str(path))[1].lower()
    if ending not in (".csv", ".parquet"):
        raise InvalidData(f"{str(path)!r} ends in {ending!r}. Give a file that ends in .csv or .parquet.")
    found = judged_labels(record, split=split, top=top)
    write_issues(suggestion_rows(record, found), path)
    return len(found)
