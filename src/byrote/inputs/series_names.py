"""Names of columns that are time steps of a series: t0, t1, t2 ..."""

import re
from collections import defaultdict
from collections.abc import Sequence

from byrote.inputs.reading import Reading

NUMBERED = re.compile(r"^(.*?)[_\- .]?(\d+)$")
"""A column that is a time step of a series: the name of the channel, and the number of the step."""

BY_ITSELF = ("t", "time", "step")
"""Names of channels that are taken for series when nobody says so, with FEWEST steps or more."""

FEWEST = 8


def series_named(names: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """Return the channels of a table that holds series: those that `reading.series` names, or t0, t1 ... by themselves."""
    if reading.series:
        return reading.series
    steps = steps_of(names)
    return () if reading.text else tuple(name for name in BY_ITSELF if len(steps.get(name, ())) >= FEWEST)[:1]


def steps_of(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each channel in the order of their numbers."""
    numbered: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        match = NUMBERED.match(name)
        if match:
            numbered[match[1]].append((int(match[2]), name))
    return {channel: tuple(name for _, name in sorted(found)) for channel, found in numbered.items()}
