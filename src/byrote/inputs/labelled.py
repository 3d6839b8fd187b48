"""Labelled rows: those of a table that have a label, with their ids, their groups, and which of them are the test set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from byrote.errors import InvalidData, unknown
from byrote.inputs.arrow import ABSENT, as_text, matches
from byrote.inputs.columns import Column, column_from, has_decimal_comma
from byrote.inputs.copies import merged
from byrote.inputs.counts import QUOTED, counted, first_of
from byrote.inputs.labels import Target, target_of
from byrote.inputs.reading import Reading
from byrote.inputs.splitting import Split, at_random, bins, by_column, by_time
from byrote.inputs.table_rows import Rows
from byrote.record.ids import check_text
from byrote.task.inferred import InferredColumn


@dataclass(frozen=True, eq=False)
class Labelled:
    """The rows that have a label (and a text, where one is read), what they are called, and what belongs together.

    `groups` are those of copies too, `stated_groups` those of the user's column only ("": none). `comma`: numbers of this
    table have a decimal comma. `columns` and `sentences` say what was found so far.
    """

    table: pa.Table
    target: Target
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    stated_groups: NDArray[np.str_]
    comma: bool
    columns: tuple[InferredColumn, ...]
    sentences: tuple[str, ...]

    def column(self, name: str, stated: str | None = None) -> Column:
        """Return a column of the table."""
        return column_from(name, self.table[name], stated, comma=self.comma)


def labelled(rows: Rows, reading: Reading) -> Labelled:
    """Return the rows with a label. Raises InvalidData where no label is named, a column is unknown, or ids are not different."""
    names = rows.table.column_names
    label = _label(reading, rows)
    for given in (*reading.named.values(), *reading.drop, *(name for name, _ in reading.types)):
        if given not in names and given in rows.index:
            raise InvalidData(f"{given!r} is the index of the data frame, and no column. Give frame.reset_index().")
        if given not in names:
            raise unknown(f"column of {rows.source or 'the table'}", given, names)
    comma = has_decimal_comma(rows.table, semicolons=rows.semicolons)
    stated = reading.kind_of(label)
    target = target_of(column_from(label, rows.table[label], stated, comma=comma), stated)
    there = target.there
    if reading.text is not None:
        there = there & ~matches(as_text(rows.table[reading.text]), ABSENT)
    table, ids = rows.table, rows.ids
    if not there.all():
        table, ids = table.filter(pa.array(there)), ids[there]
        target = target_of(column_from(label, table[label], stated, comma=comma), stated)
    sentences = [
        f"{counted(table.num_rows, 'row', 'rows')}{f' of {rows.source}' if rows.source else ''}.",
        *rows.sentences,
    ]
    columns = [InferredColumn(label, "label", target.becomes, target.notes)]
    if left := len(there) - table.num_rows:
        rest = f"without a label{' or a text' if reading.text else ''}"
        sentences.append(f"{counted(left, f'row {rest} is', f'rows {rest} are')} left out.")
    if reading.id is not None:
        ids = _ids(as_text(table[reading.id]), reading.id)
        columns.append(InferredColumn(reading.id, "id", "the name of each row"))
    groups = np.full(table.num_rows, "")
    if reading.group is not None:
        groups, column = _groups(as_text(table[reading.group]), reading.group)
        columns.append(column)
    return Labelled(table, target, ids, groups, groups, comma, tuple(columns), tuple(sentences))


def with_copies(found: Labelled, same: NDArray[np.int64], chance: float, what: tuple[str, str]) -> Labelled:
    """Return the rows with copies in one group: those with the same number in `same`, unless chance alone makes equal ones.

    `what` is what is the same in copies, as one and as several: a text, texts.
    """
    _, part, sizes = np.unique(same, return_inverse=True, return_counts=True)
    copies = int((sizes[part] > 1).sum())
    if not copies:
        return found
    if chance >= 1:
        sentence = f"{copies:,} rows equal another, as rows of so few different values do by chance; they are not taken for copies."
        return _with(found, found.groups, sentence)
    order = np.argsort(part, kind="stable")
    labels = found.target.labels[order]
    differ = np.zeros(len(sizes), np.bool_)
    np.logical_or.at(differ, part[order][1:], (labels[1:] != labels[:-1]) & (part[order][1:] == part[order][:-1]))
    sentence = f"{copies:,} rows are copies of each other ({counted(int((sizes > 1).sum()), *what)}); copies are left out of training together, unless --design says otherwise."
    if differ.any():
        first = [" = ".join(found.ids[part == at].tolist()[:QUOTED]) for at in np.flatnonzero(differ).tolist()]
        sentence += f" {counted(int(differ.sum()), 'of these stands', 'of these stand')} there with different labels: the rows {first_of(first)}."
    return _with(found, merged(found.groups, same, found.ids), sentence)


def split_of(found: Labelled, reading: Reading) -> Split:
    """Return who is in the test set: by a column, by time, or drawn with the classes in proportion."""
    groups = found.groups if (found.groups != "").any() else None
    if reading.test_column is not None:
        words: list[str] = as_text(found.table[reading.test_column]).to_pylist()
        split = by_column(reading.test_column, words, found.stated_groups)
        return replace(split, sentences=(*split.sentences, *_copies_on_both_sides(found, split)))
    if reading.time is not None:
        column = found.column(reading.time, reading.kind_of(reading.time))
        if column.kind not in ("number", "date"):
            raise InvalidData(
                f"The column {reading.time!r} is read as {column.kind}, which has no last part. Give a column of dates or numbers."
            )
        return by_time(reading.time, column.values, reading.test_share, groups)
    strata = found.target.labels if found.target.classes else bins(found.target.labels.astype(np.float64))
    return at_random(strata.astype(np.int64), reading.test_share, groups)


def _copies_on_both_sides(found: Labelled, split: Split) -> tuple[str, ...]:
    """Return the sentence about test rows whose copies are trained on; none where there are none."""
    known = split.test & (found.groups != "") & np.isin(found.groups, np.unique(found.groups[split.train]))
    count = int(known.sum())
    if not count:
        return ()
    told = f"{counted(count, 'row of this test set has', 'rows of this test set have')} a copy in the training data"
    return (f"{told} ({first_of(found.ids[known].tolist())}): models know it, and the test accuracy is too high.",)


def parts_of(reading: Reading) -> tuple[InferredColumn, ...]:
    """Return what the report says of the columns that only make the test set."""
    named = ((reading.test_column, "split"), (reading.time, "time"))
    return tuple(
        InferredColumn(name, part, "says who is in the test set; not for the model") for name, part in named if name
    )


def _label(reading: Reading, rows: Rows) -> str:
    if reading.label is None:
        names = rows.table.column_names
        listed = ", ".join(map(repr, names[:30])) + (" ..." if len(names) > 30 else "")
        raise InvalidData(
            f"Say which column of {rows.source or 'the table'} is to be learned, with --label NAME (Reading(label=NAME) in Python). It has {listed}."
        )
    return reading.label


def _ids(cells: pa.Array, name: str) -> NDArray[np.str_]:
    ids: list[str] = cells.to_pylist()
    empty = sum(not each for each in ids)
    if empty:
        raise InvalidData(
            f"{counted(empty, 'row has', 'rows have')} no {name!r}, which is to name the rows. Give another id, or none."
        )
    times: dict[str, int] = {}
    for each in ids:
        times[each] = times.get(each, 0) + 1
    twice = [each for each, number in times.items() if number > 1]
    if twice:
        raise InvalidData(
            f"{counted(len(twice), 'value', 'values')} of {name!r} {'is' if len(twice) == 1 else 'are'} there more than once, for example {twice[0]!r}, so it names no row. If they are rows of one, say --group {name} instead."
        )
    check_text(f"The id in {name!r}", ids)
    return np.array(ids, np.str_)


def _groups(cells: pa.Array, name: str) -> tuple[NDArray[np.str_], InferredColumn]:
    words: Sequence[str] = cells.to_pylist()
    check_text(f"The group in {name!r}", words)
    groups = np.array(words, np.str_)
    named = groups[groups != ""]
    counts = np.unique(named, return_counts=True)[1]
    if not len(counts):
        raise InvalidData(f"The group {name!r} is empty in all rows. Name another column, or none.")
    notes = (
        (f"{counted(alone, 'row has', 'rows have')} no group, and {'is' if alone == 1 else 'are'} left out one by one",)
        if (alone := len(groups) - len(named))
        else ()
    )
    if len(counts) == len(named):
        notes += ("every row has a group of its own",)
    becomes = f"{counted(len(counts), 'group', 'groups')} of {counts.min()} to {counts.max()} rows, left out together; not for the model"
    return groups, InferredColumn(name, "group", becomes, notes)


def _with(found: Labelled, groups: NDArray[np.str_], sentence: str) -> Labelled:
    return replace(found, groups=groups, sentences=(*found.sentences, sentence))
