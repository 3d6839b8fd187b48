"""Differences: what a user changed between a record and the audit that is to continue it, in words."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

DIGEST = re.compile(r"^[0-9a-f]{64}$")

SHOWN = 60
"""Characters of a setting that are shown, at most: those around the first difference of long ones."""

DIGESTS = {
    "task.examples": "the data differ (rows, labels or inputs of {} changed since, or are read in another way)",
    "task.model": "the model differs (its layers, its first weights or its code)",
    "task.excluded": "other examples are left out of training",
    "task.always": "other examples are always trained on",
}
"""What is kept of these is a digest only."""

FOLLOWING = ("task.examples", "task.model", "task.classes", "inputs")
"""What differs of itself where files are read with other options; the first, and with it the others, where they changed."""


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return how two manifests differ, a sentence part each: `seed is 0 there and 1 here`; options of files come first."""
    there, here = (each.get("task", {}).get("options", []) for each in (found, wanted))
    source = str(wanted.get("task", {}).get("source") or "the data")
    options = _options(there, here)
    named = [
        (name, old, new) for name, old, new in _differing(found, wanted, "") if name not in ("key", "task.options")
    ]
    names = {name for name, _, _ in named}
    if options or (here and "task.examples" in names):  # what was made of the files differs with them
        follows = FOLLOWING if options else FOLLOWING[1:]
        named = [each for each in named if not each[0].startswith(follows)]
    return [
        *options,
        *(DIGESTS[name].format(source) if name in DIGESTS else _said(name, old, new) for name, old, new in named),
    ]


def _options(there: Sequence[str], here: Sequence[str]) -> list[str]:
    """Return which words of the command line are there and not here, and the other way round."""
    pairs = [[" ".join(map(str, words[at : at + 2])) for at in range(0, len(words), 2)] for words in (there, here)]
    lost = [each for each in pairs[0] if each not in pairs[1]]
    new = [each for each in pairs[1] if each not in pairs[0]]
    said = [f"it was made with {' '.join(lost)}, which is not given here"] if lost else []
    return [*said, f"it was made without {' '.join(new)}, which is given here"] if new else said


def _differing(found: Any, wanted: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in wanted:
            yield from _differing(found.get(key), wanted[key], f"{name}.{key}" if name else key)
    elif found != wanted:
        yield name, found, wanted


def _said(name: str, old: Any, new: Any) -> str:
    texts = [str(value)[:12] + "..." if DIGEST.match(str(value)) else repr(value) for value in (old, new)]
    first = next((at for at, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), 0)
    start = max(0, first - SHOWN // 2) if max(map(len, texts)) > SHOWN else 0
    short = [
        f"{'...' if start else ''}{text[start : start + SHOWN]}{'...' if len(text) > start + SHOWN else ''}"
        for text in texts
    ]
    return f"{name} is {short[0]} there and {short[1]} here"
