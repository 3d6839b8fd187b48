"""What was inferred when a task was made from files: for people, and to repeat it. It changes no number."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InferredColumn:
    """One column of a file: what it was taken for, what the model gets of it, and what is odd about it.

    `kind` is number, category, boolean, date, text, or the part that the column plays: label, id, group, split, time.
    `becomes` says what the model gets ("standardized number", "one-hot of 5 values", "dropped: the same value everywhere").
    """

    name: str
    kind: str
    becomes: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inferred:
    """How files were read: where they are, what was said on the command line, and what was found.

    `source` is the path, or empty for data that were not read from a file. `options` are the words that repeat the reading on
    the command line (`("--label", "churn")`). `columns` are those of a table. `sentences` say the rest: how the test set was
    made, which rows were left out, what to look at.
    """

    source: str
    options: tuple[str, ...] = ()
    columns: tuple[InferredColumn, ...] = ()
    sentences: tuple[str, ...] = ()
