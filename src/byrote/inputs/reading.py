"""Reading: what a user says about files that become a task. What is left out is inferred, and said."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import cast

from byrote.errors import InvalidData, refuses_unknown_names, unknown

KINDS = ("number", "decimal-comma", "category", "boolean", "date", "day-first", "month-first", "text")
"""What a column may be said to be. A decimal comma makes 3,5 of three and a half; day-first and month-first are dates."""

TEST_SHARE = 0.2
"""The share of the data that is the test set where nothing else is said."""

SMALLEST = 8
"""Pixels of the longer side of pictures, or time steps of series, at least where a user gives them."""


@refuses_unknown_names
@dataclass(frozen=True)
class Reading:
    """What the columns of a table (or the files of a folder) mean. All of it is by name of a column.

    `label` is what the model learns: words are classes, numbers a regression. `text` is the column of free text that it reads;
    without it, it reads all columns but those with a part of their own. `group` names what is left out together and never
    stands in training and test data both (one customer, one patient). `id` names the rows in every list and file. `drop` are
    columns that the model does not get, and `types` pairs of a column and one of KINDS, which goes before what is inferred.

    The test set is a `test_share` of the groups (or rows), drawn with the classes in proportion; or what a column
    `test_column` says, with the words train and test; or the last `test_share` by `time`. `encoding` is that of text files.
    `series` are channels, each a column of lists of numbers, or columns that begin with this name and end with a number.
    `size` is the longer side of pictures, in pixels, or the number of time steps of series.
    Raises InvalidData for parts that contradict each other, and for a share that leaves no data.
    """

    label: str | None = None
    text: str | None = None
    group: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    types: tuple[tuple[str, str], ...] = ()
    test_share: float = TEST_SHARE
    test_column: str | None = None
    time: str | None = None
    encoding: str = "utf-8"
    series: tuple[str, ...] = ()
    size: int | None = None

    def __post_init__(self) -> None:
        for name in ("drop", "series"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "types", tuple((str(name), str(kind)) for name, kind in self.types))
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
                raise unknown(f"type of column ({name!r})", kind, KINDS)
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
