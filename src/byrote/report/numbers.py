"""How numbers are written on the page and in the terminal: always with their interval and what they are computed from."""

from collections.abc import Callable

import numpy as np

from byrote.findings.vocabulary import Vocabulary
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured

SPACE = "\u00a0"
"""A space at which no line breaks."""

PERCENT = f"{SPACE}%"


def percent(share: float) -> str:
    """Return a share as a percentage, with as many decimals as it takes not to look like none or all."""
    value = 100 * share
    for digits in (1, 2, 3):
        text = f"{value:.{digits}f}"
        if 0 < abs(float(text)) < 100:
            return f"{text}{PERCENT}"
    return f"{value:.0f}{PERCENT}"


def percent_text(size: Estimate) -> str:
    """Return a share with its interval: `14.3 % [5.8, 20.4]`."""
    return percent(size.value) + percent_ends(size)


def percent_ends(size: Estimate) -> str:
    """Return the interval of a share alone, behind a space: ` [5.8, 20.4]`; empty where there is none."""
    return _ends(size, lambda end: percent(end).removesuffix(PERCENT))


def small(number: float) -> str:
    """Return a number with two decimals, or with one digit where those would be 0."""
    return f"{number:.2f}" if number >= 0.005 or not number else f"{number:.1g}"


def text(size: Estimate) -> str:
    """Return a number with its interval: `0.91 [0.88, 0.94]`."""
    if not np.isfinite(size.value):
        return f"not measured: {behind(size)}"
    return f"{size.value:.2f}" + _ends(size, lambda end: f"{end:.2f}")


def behind(size: Estimate) -> str:
    """Return what a number was computed from: `14 runs`."""
    return count(size.n, size.unit)


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number of things: `1 run`, `1,200 examples`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def right(value: float, words: Vocabulary) -> str:
    """Return an accuracy in percent, or an R² with two decimals."""
    return percent(value) if words.is_share else f"{value:.2f}"


def right_text(size: Estimate, words: Vocabulary) -> str:
    """Return an accuracy (or R²) with its interval."""
    return percent_text(size) if words.is_share else text(size)


def right_range(size: Estimate, words: Vocabulary) -> str:
    """Return the interval of an accuracy (or R²) in words, or why there is none."""
    if np.isnan(size.low):
        return f"no interval from {behind(size)}"
    return f"{right(size.low, words)} to {right(size.high, words)}"


def difference_text(size: Estimate, words: Vocabulary, *, sign: bool = False) -> str:
    """Return a difference of two accuracies in percentage points (or of two R²) with its interval."""
    plus, factor, digits = "+" if sign else "", 100 if words.is_share else 1, 1 if words.is_share else 2
    unit = " points" if words.is_share else ""
    return f"{factor * size.value:{plus}.{digits}f}{unit}" + _ends(size, lambda end: f"{factor * end:{plus}.{digits}f}")


def is_missing(value: object) -> bool:
    """Whether a reason stands where a number would."""
    return isinstance(value, NotMeasured)


def _ends(size: Estimate, show: Callable[[float], str]) -> str:
    return "" if np.isnan(size.low) else f" [{show(size.low)},{SPACE}{show(size.high)}]"
