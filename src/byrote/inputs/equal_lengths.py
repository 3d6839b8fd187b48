"""Equal lengths: series of differing lengths, with gaps, as one array, and a channel that says what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from byrote.inputs.counts import counted

LONGEST = 1_024
"""Time steps at most, where nothing else is said: longer series are averaged over neighbouring steps."""

MUCH_LONGER, USUAL = 2.0, 0.95
"""All are padded to the longest, unless it is so many times the median: then they are cut at this quantile of lengths."""

MEASURED = "measured"
"""The name of the channel that is 1 where all other channels were measured, and 0 in gaps and after the end."""


@dataclass(frozen=True, eq=False)
class Equal:
    """Series of one length, `[example, channel, time]`. `has_gaps`: the last channel says where they were measured.

    `sentences` say what was done.
    """

    values: NDArray[np.float32]
    has_gaps: bool
    sentences: tuple[str, ...]


def equal_lengths(series: Sequence[NDArray[np.float64]], size: int | None = None) -> Equal:
    """Return series, each `[channel, time]`, as one array of `size` time steps (None: what suits them).

    Longer ones are averaged over neighbouring steps, or cut; shorter ones go on with their last values. Gaps (NaN) are
    filled along a straight line between what was measured before and after.
    """
    lengths = np.array([each.shape[1] for each in series])
    span = _span(lengths)
    step = 1 if size is not None else -(-span // LONGEST)
    length = size or -(-span // step)
    gaps = sum(bool(np.isnan(each).any()) for each in series)
    ends = -(-lengths // step)
    has_gaps = bool(gaps or (ends < length).any())
    channels = series[0].shape[0]
    values = np.empty((len(series), channels + has_gaps, length), np.float32)
    for row, each in zip(values, series, strict=True):
        measured = _averaged(np.asarray(np.isfinite(each).all(axis=0), np.float64)[None], step)
        filled = _averaged(np.stack([_filled(channel) for channel in each]), step)
        row[:channels] = _padded(filled[:, :length], length, mode="edge")
        if has_gaps:
            row[channels:] = _padded(measured[:, :length], length, mode="constant")
    return Equal(values, has_gaps, tuple(_said(lengths, ends, length, step, gaps)))


def _span(lengths: Any) -> int:
    """Return how many of the steps that were measured are kept."""
    longest = int(lengths.max())
    return longest if longest <= MUCH_LONGER * np.median(lengths) else int(np.quantile(lengths, USUAL, method="higher"))


def _averaged(values: Float[ndarray, "channel time"], step: int) -> Float[ndarray, "channel shorter"]:
    """Return the means of `step` neighbouring values; the last is that of those that are left."""
    if step == 1:
        return values
    starts = np.arange(0, values.shape[1], step)
    counts = np.diff([*starts, values.shape[1]])
    return np.add.reduceat(values, starts, axis=1) / counts


def _filled(channel: Float[ndarray, " time"]) -> Float[ndarray, " time"]:
    known = np.flatnonzero(np.isfinite(channel))
    if len(known) == len(channel):
        return channel
    return np.interp(np.arange(len(channel)), known, channel[known]) if len(known) else np.zeros(len(channel))


def _padded(values: Float[ndarray, "channel time"], length: int, mode: Any) -> Float[ndarray, "channel longer"]:
    return np.pad(values, ((0, 0), (0, length - values.shape[1])), mode=mode)


def _said(lengths: Any, ends: Any, length: int, step: int, gaps: int) -> list[str]:
    low, high = int(lengths.min()), int(lengths.max())
    had = f"All have {high:,} time steps" if low == high else f"They have {low:,} to {high:,} time steps"
    mean = f"; {step} neighbouring steps each are averaged" if step > 1 else ""
    sentences = [f"{had}{mean}: the model reads {length:,}."]
    longer, shorter = int((ends > length).sum()), int((ends < length).sum())
    if longer:
        sentences.append(
            f"{counted(longer, 'longer one is', 'longer ones are')} cut at the end. --size says another number of time steps."
        )
    if shorter:
        sentences.append(
            f"{counted(shorter, 'shorter one goes on with its', 'shorter ones go on with their')} last values."
        )
    if gaps:
        sentences.append(
            f"{counted(gaps, 'has', 'have')} missing values, which lie on a straight line between their neighbours."
        )
    if shorter or gaps:
        sentences.append(f"The channel {MEASURED!r} is 1 where a series was measured, and 0 elsewhere.")
    return sentences
