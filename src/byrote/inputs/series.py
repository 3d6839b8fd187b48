"""Time series as a task: one file each in class folders, `series/class/name.csv`, whose columns are channels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from byrote.errors import InvalidData
from byrote.inputs.broken_files import about_broken, check_broken
from byrote.inputs.class_folders import class_folders, copies, listed
from byrote.inputs.counts import counted
from byrote.inputs.equal_lengths import LONGEST, MEASURED, equal_lengths
from byrote.inputs.folder_task import check_memory, check_options, folder_task
from byrote.inputs.reading import Reading
from byrote.inputs.series_files import SUFFIXES, Series, read_series
from byrote.task.task import Task


def series_folder(path: Path | str, reading: Reading = Reading()) -> Task:
    """Return the task to tell the series in the folders of `path` apart: `path/class/name.csv`, or `path/train/class/...`.

    All are float32 `[channel, time]` of one length: the longest, at most 1,024 time steps, or `reading.size`. The channels are
    the columns that most files have, without a first column of time. Where series are shorter or have gaps, a last channel
    says what was measured. Ids are file names relative to `path`; exact copies of a file are a group. What was left out or
    changed is in `Task.inferred`. Raises InvalidData where there are no class folders or one class, and where more than a tenth
    of the files cannot be read.
    """
    root = Path(path)
    check_options(root, reading)
    found = class_folders(root, SUFFIXES, "series")
    read, broken = dict[int, Series](), dict[int, str]()
    for at, file in enumerate(found.paths):
        one = read_series(file)
        if isinstance(one, str):
            broken[at] = one
        else:
            read[at] = one
    names = _channels(root, list(read.values()))
    for at in [at for at, one in read.items() if not set(names) <= set(one.names)]:
        broken[at] = f"without the column {next(name for name in names if name not in read[at].names)!r}"
        del read[at]
    _check_names(root, [found.paths[at] for at in broken], names)
    check_broken(root, found, broken, "series")
    kept = found.kept(sorted(read))
    chosen = [read[at] for at in sorted(read)]
    length = max(one.values.shape[1] for one in chosen)
    check_memory(4 * len(chosen) * len(names) * min(length, reading.size or LONGEST), f"{len(chosen):,} series")
    equal = equal_lengths([_of(one, names) for one in chosen], reading.size)
    groups, about_copies = copies(kept)
    sentences = (
        f"{len(chosen):,} series of {kept.counts()}.",
        *_about(chosen, names),
        *equal.sentences,
        *about_broken(found.names, broken),
        *kept.sentences,
        *about_copies,
    )
    channels = (*names, MEASURED) if equal.has_gaps else names
    return folder_task(root, reading, replace(kept, sentences=sentences), equal.values, groups, kind="signal", of="series", channels=channels)  # fmt: skip


def _check_names(root: Path, left_out: Sequence[Path], names: Sequence[str]) -> None:
    """Raise InvalidData where arrays, whose channels have no names, stand beside files whose channels have."""
    arrays = [file for file in left_out if file.suffix.lower() == ".npy"]
    if arrays and names != tuple(f"channel {at}" for at in range(len(names))):
        raise InvalidData(
            f"{root} has {len(arrays):,} .npy files, which have no names of columns, beside files with the columns {listed([*map(repr, names)])}: the two do not mix. Write all of them in one format."
        )


def _channels(root: Path, read: Sequence[Series]) -> tuple[str, ...]:
    """Return the columns that are channels: those of more than half of the files, in the order of the first that has all."""
    counts = Counter(name for one in read for name in one.names)
    usual = {name for name, number in counts.items() if number > len(read) / 2}
    if not usual:
        raise InvalidData(
            f"The files of {root} have no column in common: {listed([repr(name) for name, _ in counts.most_common()])}. Give the columns of all files the same names."
        )
    first = next((one for one in read if usual <= set(one.names)), None)
    return tuple(name for name in first.names if name in usual) if first else tuple(sorted(usual))


def _of(one: Series, names: Sequence[str]):
    return one.values[[one.names.index(name) for name in names]]


def _about(read: Sequence[Series], names: Sequence[str]) -> list[str]:
    sentences = [f"Channels: {listed(names, most=20)}."]
    times = Counter(one.time for one in read if one.time is not None)
    if times:
        sentences.append(f"The column {times.most_common(1)[0][0]!r} is the time, and no channel.")
    uneven = sum(not one.is_even for one in read)
    if uneven:
        sentences.append(f"{counted(uneven, 'has', 'have')} uneven steps of time, which the model takes for even ones.")
    others = Counter(name for one in read for name in one.names if name not in names)
    if others:
        sentences.append(f"Columns of a few files only, which are no channels: {listed([*others])}.")
    return sentences
