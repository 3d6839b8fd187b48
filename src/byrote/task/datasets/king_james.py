"""Part of the King James Bible, 289 KB, which is in the public domain: what the language demo is trained on."""

import lzma
from importlib.resources import files

FILE = "verses.txt.xz"


def king_james() -> dict[str, str]:
    """Return 1,739 verses by their place, such as `Num1:1`, in the order of the Bible."""
    packed = (files("byrote.task.datasets") / "king_james" / FILE).read_bytes()
    lines = lzma.decompress(packed).decode("ascii").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def place(verse: str) -> tuple[str, int]:
    """Return the book and the chapter of a verse's place: `("Num", 1)` of `Num1:1`."""
    chapter = verse.partition(":")[0]
    book = chapter.rstrip("0123456789")
    return book, int(chapter[len(book) :])
