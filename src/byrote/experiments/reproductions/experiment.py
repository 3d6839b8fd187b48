"""Experiment: a figure of a paper as parts that are trained one by one, and what is drawn and asserted of their numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byrote.experiments.reproductions.figure import Assertion, Panel

Found = dict[str, Any]
"""What a part measured: plain values that JSON can hold."""


def no_tick(share: float) -> None:
    """Do nothing with how far a part is."""


@dataclass(frozen=True)
class Bench:
    """Where a part is trained: the directory of the user's data (None: only what ships with byrote) and torch's device.

    `tick` is called with the share of the part that is done.
    """

    data: Path | None = None
    device: str = "cpu"
    tick: Callable[[float], None] = no_tick


@dataclass(frozen=True)
class Part:
    """A piece of an experiment that is trained by itself, `models` models at once.

    `train(bench, **options)` returns what was measured. Options are plain values: with the function's name they are the
    identity of the result, so equal parts of two figures, which have the same name, are trained once.
    """

    name: str
    train: Callable[..., Found]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    models: int = 1


@dataclass(frozen=True)
class Shown:
    """What an experiment shows: charts and assertions."""

    panels: Sequence[Panel]
    assertions: Sequence[Assertion]


@dataclass(frozen=True)
class Experiment:
    """A figure of a paper, or a claim: its sizes by scale, the parts of a size, and what is shown of their numbers.

    `parts(size, seed)` says what is trained; seed 0 gives the numbers of the logs in `records/`. `show(size, found)`
    draws and asserts, from what the parts found, by their names. `minutes` are those of one processor, by scale, as
    measured; a scale that is not in it was never run whole. `data` names the data of a size.
    """

    paper: str
    name: str
    title: str
    claim: str
    differs: Mapping[str, str]
    sizes: Mapping[str, Any]
    minutes: Mapping[str, float]
    parts: Callable[[Any, int], list[Part]]
    show: Callable[[Any, Mapping[str, Found]], Shown]
    data: Callable[[Any], Sequence[str]]
    contested: str = ""


def seeds_from(seed: int, count: int) -> range:
    """Return the seeds of the runs of an experiment: no two experiments' seeds overlap below 1,000 runs."""
    return range(1000 * seed, 1000 * seed + count)
