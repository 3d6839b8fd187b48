"""Reading: what a user says about files that become a task. What is left out is inferred, and said."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from byrote.errors import InvalidData, refuses_unknown_names, unknown

KINDS = ("number", "decimal-comma", "category", "boolean", "date", "day-first", "month-first", "text")
"""What a column may be said to be. A decimal comma makes 3,5 of three and a half; day-first and month-first are dates."""

MEANT = {
    **dict.fromkeys(("integer", "int", "float", "double", "real", "numeric", "decimal", "numerical"), "number"),
    **dict.fromkeys(("string", "str", "categorical", "factor", "nominal", "class", "enum", "object"), "category"),
    **dict.fromkeys(("bool", "binary", "logical"), "boolean"),
    **dict.fromkeys(("datetime", "timestamp", "time"), "date"),
}
"""What other programs call these."""

TEST_SHARE = 0.2
"""The share of the data that is the test set where nothing else is said."""

SMALLEST = 8
"""Pixels of the longer side of pictures, or time steps of series, at least where a user gives them."""


@refuses_unknown_names
@dataclass(frozen=True)
class Reading:
    """What the columns of a table (or the files of a folder) mean, by their names. What is left out is inferred.

    `Reading(label="churn", group="customer", drop="churned_on", types={"zip": "category"})` is one. Raises InvalidData for parts
    that contradict each other, and for a share that leaves no data; ByroteError for a type that there is not.
    """

    label: str | None = None
    """The column that the model learns: words are classes, numbers a regression. `label="churn"`"""
    text: str | None = None
    """The column of free text that the model reads, and no other; without it, all columns without a part. `text="body"`"""
    group: str | None = None
    """The column whose equal values are left out together, and never stand in training and test data both. `group="patient"`"""
    id: str | None = None
    """The column that names the rows in every list and file; without it, their positions from 0. `id="customer_no"`"""
    drop: tuple[str, ...] = ()
    """Columns that the model does not get; one may be given by its name alone. `drop=["churned_on", "notes"]`"""
    types: tuple[tuple[str, str], ...] = ()
    """What columns are, where it is not inferred: a dict (or pairs) of a column and one of KINDS. `types={"zip": "category"}`"""
    test_share: float = TEST_SHARE
    """The share of the groups (or rows) that is the test set, drawn with the classes in proportion. `test_share=0.3`"""
    test_column: str | None = None
    """The column that says train or test for each row, instead of a draw. `test_column="split"`"""
    time: str | None = None
    """The column of dates or numbers by which the last `test_share` of the rows is the test set. `time="signed_on"`"""
    encoding: str = "utf-8"
    """How text files are encoded. `encoding="cp1252"`"""
    series: tuple[str, ...] = ()
    """Channels: columns of lists of numbers, or what the names of numbered columns begin with. `series=["t"]` for t0, t1 ..."""
    size: int | None = None
    """The longer side of pictures in pixels, or the number of time steps of series. `size=128`"""

    def __post_init__(self) -> None:
        for name in ("drop", "series"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(dict.fromkeys(given)))
        object.__setattr__(self, "types", _pairs(self.types))
        share = cast("object", self.test_share)
        if isinstance(share, bool) or not isinstance(share, float | int) or not 0 < share < 1:
            raise InvalidData(
                f"test_share={share!r} leaves no training or no test data. Give a number between 0 and 1."
            )
        if self.test_column is not None and self.time is not None:
            raise InvalidData(
                f"The test set is either what {self.test_column!r} says, or the last part by {self.time!r}. Give one of them."
            )
        for name, kind in self.types:
            if kind not in KINDS:
                raise unknown(f"type of column ({name!r})", kind, KINDS, MEANT)
        if self.size is not None and (type(cast("object", self.size)) is not int or self.size < SMALLEST):
            raise InvalidData(
                f"size={self.size!r} is no number of pixels or time steps that a network can read. Give a whole number, {SMALLEST} or more."
            )
        self._check_parts()

    @property
    def named(self) -> dict[str, str]:
        """The columns that have a part of their own, by their part."""
        parts = ("label", "text", "group", "id", "test_column", "time")
        return {part: name for part in parts if (name := getattr(self, part)) is not None}

    @property
    def is_stated(self) -> bool:
        """Whether anything is stated at all."""
        return self != Reading()

    def options(self) -> tuple[str, ...]:
        """Return the words that say the same on the command line, in the order of the fields."""
        return tuple(self._options())

    @classmethod
    def from_options(cls, words: Sequence[str]) -> "Reading":
        """Return the reading that `options` wrote as these words. Raises InvalidData for words that it never writes."""
        known = {field.name: field for field in fields(cls)}
        given: dict[str, Any] = {}
        for flag, value in zip(words[::2], words[1::2], strict=False):
            name = {"--type": "types"}.get(flag, flag.removeprefix("--").replace("-", "_"))
            if name not in known:
                raise InvalidData(
                    f"{flag!r} is no option of files. Give the options that the data are to be read with."
                )
            if name == "types":
                given.setdefault(name, []).append(value.rpartition("=")[::2])
            elif name in ("drop", "series"):
                given.setdefault(name, []).append(value)
            else:
                given[name] = {"test_share": float, "size": int}.get(name, str)(value)
        return cls(**given)

    def kind_of(self, column: str) -> str | None:
        """Return what a column is stated to be; None where it is not."""
        return dict(self.types).get(column)

    def _options(self) -> Iterator[str]:
        for field in fields(self):
            value, flag = getattr(self, field.name), f"--{field.name.replace('_', '-')}"
            if value == field.default:
                continue
            if field.name == "types":
                for column, kind in self.types:
                    yield from ("--type", f"{column}={kind}")
            elif field.name in ("drop", "series"):
                for column in value:
                    yield from (flag, column)
            else:
                yield from (flag, str(value))

    def _check_parts(self) -> None:
        """Raise InvalidData where one column has two parts that exclude each other."""
        parts = [(name, part) for part, name in self.named.items()] + [(name, "drop") for name in self.drop]
        for name in {name for name, _ in parts}:
            mine = sorted(part for other, part in parts if other == name)
            if len(mine) > 1 and mine != ["group", "id"]:
                raise InvalidData(
                    f"The column {name!r} is given as {' and as '.join(mine)}. Give each part a column of its own."
                )


def _pairs(given: object) -> tuple[tuple[str, str], ...]:
    """Return pairs of a column and what it is. Raises InvalidData for what is neither a dict nor pairs."""
    pairs = list(cast("Mapping[object, object]", given).items()) if isinstance(given, Mapping) else given
    try:
        if isinstance(pairs, str):
            raise ValueError
        return tuple((str(name), str(kind)) for name, kind in cast("Iterable[tuple[object, object]]", pairs))
    except (TypeError, ValueError):
        raise InvalidData(
            f"types={given!r} does not say what columns are. Give a dict: types={{'zip': 'category'}}."
        ) from None
