"""Cut the text of the language demo out of the King James Bible (apt-get install bible-kjv bible-kjv-text); the output is in git.

bible -f gen1:1-rev22:21 > verses.txt && python tools/make_king_james.py verses.txt
"""

import lzma
import re
import sys
from pathlib import Path

import numpy as np
import pydivsufsort

CHAPTERS = {"Num": range(1, 37), "2Ki": range(18, 21), "Isa": range(36, 40)}
SINGLE, BYTES, REPEAT = 266, (238, 300), 50
SEED = 1611


def main(source: Path) -> None:
    """Write the chapters, and single verses of other books of which no 50 bytes stand anywhere else."""
    verses = [line.split(" ", 1) for line in source.read_text("latin-1").splitlines()]
    where = [re.fullmatch(r"(\d?[A-Za-z]+)(\d+):(\d+)", name) for name, _ in verses]
    books = [(found[1], int(found[2])) for found in where if found]
    repeated = _repeated([text.encode() for _, text in verses])
    others = [
        at
        for at, (_, text) in enumerate(verses)
        if books[at][0] not in CHAPTERS and BYTES[0] <= len(text) <= BYTES[1] and not repeated[at]
    ]
    chosen = set(np.sort(np.random.default_rng(SEED).choice(others, SINGLE, replace=False)).tolist())
    kept = [at for at, (book, chapter) in enumerate(books) if at in chosen or chapter in CHAPTERS.get(book, ())]
    lines = "".join(f"{verses[at][0]}\t{verses[at][1]}\n" for at in kept)
    target = Path("src/byrote/task/datasets/king_james")
    target.mkdir(parents=True, exist_ok=True)
    (target / "verses.txt.xz").write_bytes(lzma.compress(lines.encode("ascii"), preset=9 | lzma.PRESET_EXTREME))
    print(len(kept), "verses,", len(lines), "bytes")


def _repeated(texts: list[bytes]) -> np.ndarray:
    """Return which texts hold REPEAT bytes that occur again, in them or in another."""
    joined = b"\n".join(texts)
    order = pydivsufsort.divsufsort(joined)
    common = pydivsufsort.kasai(joined, order.copy())
    again = np.zeros(len(joined) + 1, np.bool_)
    again[order[:-1][common[:-1] >= REPEAT]] = again[order[1:][common[:-1] >= REPEAT]] = True
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
    ends = [start + len(text) - REPEAT + 1 for start, text in zip(starts, texts, strict=False)]
    return np.array([again[start : max(start, end)].any() for start, end in zip(starts, ends, strict=False)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
