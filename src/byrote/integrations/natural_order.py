"""Natural order: names are compared by the numbers in them, so that `epoch_2` comes before `epoch_10`."""

import re

NUMBER = re.compile(r"([0-9]+)")


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """Return what sorts names naturally: the text before each number, and the number (-1 after the last text)."""
    parts = NUMBER.split(name)
    return tuple(
        (text, int(number) if number else -1) for text, number in zip(parts[::2], [*parts[1::2], ""], strict=True)
    )


def numbered(names: list[str]) -> list[int] | None:
    """Return the one number in which these names differ; None when they differ in more than that."""
    parts = [NUMBER.split(name) for name in names]
    if len({tuple(each[::2]) for each in parts}) > 1:
        return None
    varying = [column for column in zip(*(map(int, each[1::2]) for each in parts), strict=True) if len(set(column)) > 1]
    return list(varying[0]) if len(varying) == 1 else None
