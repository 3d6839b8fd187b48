"""The verdict of a page as data, kept beside it: so that an overview says the same sentences, with the same numbers."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from byrote.record.storage import Place, exists, read_bytes, replacing

KEPT = "verdict.json"


@dataclass(frozen=True)
class Verdict:
    """What a page is about (`kind`: `comparison`, `memorize` ...), whose it is, and its most important sentences in order."""

    kind: str
    name: str
    sentences: tuple[str, ...]


def keep_verdict(directory: Place, kind: str, name: str, sentences: Sequence[str]) -> None:
    """Write verdict.json, whole or not at all."""
    with replacing(directory / KEPT) as aside:
        text = json.dumps(asdict(Verdict(kind, name, tuple(sentences))), indent=1, ensure_ascii=False)
        aside.write_text(text, encoding="utf-8")


def read_verdict(directory: Place) -> Verdict | None:
    """Return what was kept; None where nothing was, or where it cannot be read."""
    if not exists(directory / KEPT):
        return None
    try:
        found = json.loads(read_bytes(directory / KEPT))
        return Verdict(str(found["kind"]), str(found["name"]), tuple(map(str, found["sentences"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
