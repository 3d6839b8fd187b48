"""Class folders: files of examples in `root/class/`, or in `root/train/class/` and `root/test/class/`."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.splitting import WORDS

IGNORED = ("__MACOSX", "Thumbs.db", "desktop.ini", "ehthumbs.db")
"""What systems leave in folders, besides names that begin with a dot."""

LISTED = 5
"""Names that a sentence lists at most."""

RECORD = "record.json"
"""A folder with this file is what an audit wrote, and holds no examples."""


@dataclass(frozen=True, eq=False)
class ClassFolders:
    """Files of examples, in the order of their names. One entry per file in every field but the last two.

    `names` are relative to the root, with `/`. `labels` are positions in `classes`, `sides` train or test, or empty where
    nothing says it. `sentences` say what was left out.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    sides: tuple[str, ...]
    classes: tuple[str, ...]
    sentences: tuple[str, ...]

    def kept(self, which: Sequence[int]) -> "ClassFolders":
        """Return some of the files, with the same classes."""
        paths, names, sides = (tuple(part[at] for at in which) for part in (self.paths, self.names, self.sides))
        labels = self.labels[np.array(which, np.int64)]
        return ClassFolders(paths, names, labels, sides, self.classes, self.sentences)  # pyright: ignore[reportArgumentType]

    def counts(self) -> str:
        """Return the classes with the number of their files: `3 classes: cat (120), dog (98), owl (7)`."""
        sizes = np.bincount(self.labels, minlength=len(self.classes))
        return f"{len(self.classes)} classes: " + listed(
            [f"{name} ({size:,})" for name, size in zip(self.classes, sizes, strict=True)], most=20
        )


def class_folders(root: Path, suffixes: Collection[str], what: str) -> ClassFolders:
    """Return the files with these suffixes under `root`, whose first folder is their class; deeper folders do not matter.

    Folders named train and test (or validation) say the side. Links to folders are not followed. `what` is what the files are:
    "pictures". Raises InvalidData where there are no class folders, or one class only.
    """
    sides, sentences = _sides(root)
    found: list[tuple[str, str, Path]] = []
    others: Counter[str] = Counter()
    empty: list[str] = []
    audits: list[Path] = []
    for side, top in sides.items():
        for folder in _folders(top):
            before = len(audits)
            files = list(_files(top / folder, audits))
            good = [file for file in files if file.suffix.lower() in suffixes]
            others.update(file.suffix.lower() or "no suffix" for file in files if file.suffix.lower() not in suffixes)
            found += [(side, folder, file) for file in good]
            if not good and before == len(audits):
                empty.append(_text((top / folder).relative_to(root).as_posix()) + "/")
    if audits:
        names = [f"{_text(each.relative_to(root).as_posix())}/" for each in audits]
        sentences.append(f"Folders that audits wrote are left out: {listed(names)}.")
    loose = [file for top in {root, *sides.values()} for file in _entries(top) if file.is_file()]
    loose_good = [file for file in loose if file.suffix.lower() in suffixes]
    if loose_good:
        sentences.append(
            f"{_count(len(loose_good), what)} in no class folder are left out, for example {_text(loose_good[0].relative_to(root).as_posix())}."
        )
    if others:
        kinds = listed([f"{number:,} {suffix}" for suffix, number in others.most_common()])
        sentences.append(f"Files that are no {what} are left out: {kinds}.")
    if empty:
        sentences.append(f"Folders without {what}: {listed(empty)}.")
    return _labelled(root, found, what, sentences)


def equal_files(paths: Sequence[Path]) -> list[list[int]]:
    """Return the positions of files with the same bytes, in sets of two or more. Only files of one size are read."""
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for at, path in enumerate(paths):
        by_size[path.stat().st_size].append(at)
    by_bytes: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    for size, same in by_size.items():
        for at in same if len(same) > 1 else ():
            with paths[at].open("rb") as file:
                by_bytes[size, hashlib.file_digest(file, "blake2b").digest()].append(at)
    return [same for same in by_bytes.values() if len(same) > 1]


def copies(found: ClassFolders) -> tuple[NDArray[np.str_], tuple[str, ...]]:
    """Return the group of each file, that of its exact copies (else empty), and what is to be said about copies."""
    groups = [""] * len(found.names)
    sets = equal_files(found.paths)
    for same in sets:
        for at in same:
            groups[at] = found.names[same[0]]
    if not sets:
        return np.array(groups, np.str_), ()
    first = [found.names[at] for at in sets[0]]
    sentences = [
        f"{sum(map(len, sets)):,} files are exact copies of each other, in {_count(len(sets), 'sets')}, for example {listed(first, ' = ')}. Each set is a group: a run is trained on all of its training files, or on none."
    ]
    for how, values in (("class", found.labels.tolist()), ("side", found.sides)):
        apart = [same for same in sets if len({values[at] for at in same}) > 1]
        if apart:
            where = "different classes (one label must be wrong)" if how == "class" else "train/ and test/ both"
            names = listed([found.names[at] for at in apart[0]], " = ")
            known = " The folders are taken as they are, so the test set is not unseen there." if how == "side" else ""
            sentences.append(f"Sets of copies in {where}: {len(apart):,}, for example {names}.{known}")
    return np.array(groups, np.str_), tuple(sentences)


def listed(words: Sequence[str], between: str = ", ", most: int = LISTED) -> str:
    """Return the first words, and how many more there are."""
    more = f"{between.rstrip() if between == ', ' else ''} and {len(words) - most:,} more" if len(words) > most else ""
    return between.join(words[:most]) + more


def _sides(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Return where classes are, by side (empty: nothing says it), and what is to be said about it."""
    folders = _folders(root)
    word = {name: name.lower() for name in folders if name.lower() in WORDS and _folders(root / name)}
    train = [name for name in word if WORDS[word[name]] == "train"]
    if not train:
        return {"": root}, []
    if len(train) > 1:
        raise InvalidData(f"{root} has the folders {listed(train)}, which all mean training data. Leave one of them.")
    test = [name for name in word if WORDS[word[name]] == "test"]
    validation = [name for name in word if not WORDS[word[name]]]
    sides, sentences = {"train": root / train[0]}, list[str]()
    chosen = (test or validation)[:1]
    if chosen:
        sides["test"] = root / chosen[0]
        sentences.append(f"{_text(chosen[0])}/ is the test set, {_text(train[0])}/ the training set.")
    unused = [name for name in folders if name not in (*train, *chosen)]
    if unused:
        sentences.append(f"Folders beside {_text(train[0])}/ that are not used: {listed([*map(_text, unused)])}.")
    return sides, sentences


def _labelled(root: Path, found: list[tuple[str, str, Path]], what: str, sentences: list[str]) -> ClassFolders:
    learned = {folder for side, folder, _ in found if side != "test"}
    unknown = sorted({folder for _, folder, _ in found} - learned)
    if unknown and learned:
        number = sum(folder in unknown for _, folder, _ in found)
        sentences.append(
            f"Classes without training data: {listed([*map(_text, unknown)])}. Their {_count(number, what)} are left out."
        )
    tested = {folder for side, folder, _ in found if side == "test"}
    if tested and learned - tested:
        sentences.append(f"Classes without test data: {listed([*map(_text, sorted(learned - tested))])}.")
    kept = [each for each in found if each[1] in learned]
    if not kept:
        raise InvalidData(
            f"{root} has no folders with {what}. Put those of each class into a folder of its own: {root}/cat/1.jpg, {root}/dog/2.jpg. {' '.join(sentences)}".rstrip()
        )
    names = sorted(learned)
    if len(names) < 2:
        raise InvalidData(
            f"All {_count(len(kept), what)} of {root} are of one class, {_text(names[0])!r}, and there is nothing to tell apart. Give two class folders or more."
        )
    kept.sort(key=lambda each: (each[0] == "test", each[2].as_posix()))
    return ClassFolders(
        tuple(path for _, _, path in kept),
        tuple(_text(path.relative_to(root).as_posix()) for _, _, path in kept),
        np.array([names.index(folder) for _, folder, _ in kept], np.int64),
        tuple(side for side, _, _ in kept),
        tuple(map(_text, names)),
        tuple(sentences),
    )


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in the order of names, without what systems leave there."""
    return [each for each in sorted(folder.iterdir()) if not each.name.startswith(".") and each.name not in IGNORED]


def _folders(folder: Path) -> list[str]:
    return [each.name for each in _entries(folder) if each.is_dir() and not each.is_symlink()]


def _files(folder: Path, audits: list[Path]) -> Iterator[Path]:
    """Yield all files under a folder, deeper ones too. Folders that audits wrote are added to `audits`, without their files."""
    entries = _entries(folder)
    if any(each.name == RECORD for each in entries):
        audits.append(folder)
        return
    for each in entries:
        if each.is_dir() and not each.is_symlink():
            yield from _files(each, audits)
        elif each.is_file():
            yield each


def _text(name: str) -> str:
    """Return a file name as text: bytes that are no UTF-8 are spelled."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _count(number: int, what: str) -> str:
    """Return a number with its noun: `1 picture`, `3 sets`."""
    return f"{number:,} {what.removesuffix('s') if number == 1 and what != 'series' else what}"
