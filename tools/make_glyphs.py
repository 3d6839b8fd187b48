"""Render the characters of many alphabets in many typefaces (pip install fonttools); the output is in git.

The argument is a folder with one subfolder per Debian package, as unpacked by `dpkg -x`; README.md beside the output lists them.

python tools/make_glyphs.py FOLDER
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

SIDE, BOX, BIG, INK = 28, 22, 110, 100
TYPEFACES, FEWEST, ENOUGH, SEED = 20, 12, 30, 28
AGREE, APART, TOLD_APART, BLUR = 0.6, 0.03, 0.75, 1.0
"""A typeface is kept if 60 % of its characters are nearest to the mean of their class over the others, and if 3 % of the pixels
differ from those of each typeface kept before; a character, if nearest neighbours separate it from each kept before in 75 %."""

PLAIN = ("", "regular", "book", "medium", "roman", "normal")

Letters = tuple[tuple[int, int], ...]
BACKGROUND: dict[str, Letters] = {
    "Latin": ((0x41, 0x5A), (0x61, 0x7A)),
    "Greek": ((0x391, 0x3A9), (0x3B1, 0x3C9)),
    "Cyrillic": ((0x410, 0x44F),),
    "Hiragana": ((0x3042, 0x3093),),
    "Katakana": ((0x30A2, 0x30F3),),
    "Devanagari": ((0x905, 0x90B), (0x90F, 0x910), (0x913, 0x928), (0x92A, 0x930), (0x932, 0x933), (0x935, 0x939)),
    "Bengali": ((0x985, 0x98B), (0x98F, 0x990), (0x993, 0x9A8), (0x9AA, 0x9B0), (0x9B2, 0x9B2), (0x9B6, 0x9B9)),
    "Gujarati": ((0xA85, 0xA8B), (0xA8F, 0xA90), (0xA93, 0xAA8), (0xAAA, 0xAB0), (0xAB2, 0xAB3), (0xAB5, 0xAB9)),
    "Malayalam": ((0xD05, 0xD0B), (0xD0E, 0xD10), (0xD12, 0xD28), (0xD2A, 0xD39)),
    "Khmer": ((0x1780, 0x17A2), (0x17A5, 0x17A7), (0x17A9, 0x17B3)),
}
EVALUATION: dict[str, Letters] = {
    "Hebrew": ((0x5D0, 0x5EA),),
    "Thai": ((0xE01, 0xE2E),),
    "Georgian": ((0x10D0, 0x10F0),),
    "Telugu": ((0xC05, 0xC0B), (0xC0E, 0xC10), (0xC12, 0xC28), (0xC2A, 0xC33), (0xC35, 0xC39)),
    "Hangul": ((0x3131, 0x3132), (0x3134, 0x3134), (0x3137, 0x3139), (0x3141, 0x3143), (0x3145, 0x3163)),
    "Ethiopic": tuple((code, code) for base in range(0x1200, 0x1350, 8) for code in (base, base + 3)),
}
SMALL = {"Hiragana", "Katakana"}
"""Their small letters, which differ in size only, have the odd codes before these; they are left out."""


@dataclass(frozen=True)
class Face:
    """One font file: the package it came in, its name, whether it is its family's regular one, and its characters."""

    package: str
    name: str
    regular: bool
    path: Path
    codes: frozenset[int]


def codes(alphabet: str, spans: Letters) -> list[int]:
    found = [code for first, last in spans for code in range(first, last + 1)]
    if alphabet in SMALL:
        base = 0x3041 if alphabet == "Hiragana" else 0x30A1
        small = {0, 2, 4, 6, 8, 34, 66, 68, 70, 77}
        found = [code for code in found if code - base not in small]
    return [code for code in found if code not in (0x3A2, 0x3C2)]


def faces(folder: Path) -> list[Face]:
    """Return the font files by name, without those of a name that was there before; the first of a family is its regular one."""
    found: dict[str, tuple[tuple[str, bool, str], Face]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".ttf", ".otf", ".ttc"):
            continue
        try:
            font = TTFont(path, fontNumber=0, lazy=True)
            family, style = (
                (font["name"].getBestFamilyName() or path.stem).strip(),
                font["name"].getBestSubFamilyName() or "",
            )
            known = frozenset(font.getBestCmap() or {})
        except Exception as error:
            print("left out", path.name, error)
            continue
        plain = style.lower() in PLAIN
        name = family if plain else f"{family} {style}"
        face = Face(path.relative_to(folder).parts[0], name.replace("/", "-"), plain, path, known)
        found.setdefault(face.name, ((family, not plain, style), face))
    families: set[str] = set()
    ordered: list[Face] = []
    for (family, _, _), face in sorted(found.values(), key=lambda each: each[0]):
        ordered.append(face if face.regular else replace(face, regular=family not in families))
        families.add(family)
    return ordered


def picture(font: ImageFont.FreeTypeFont, code: int) -> np.ndarray | None:
    """Return the character as 0 and 1, its longer side 22 pixels, in the middle of 28x28; None if it has no ink."""
    canvas = Image.new("L", (4 * BIG, 4 * BIG))
    ImageDraw.Draw(canvas).text((BIG, BIG), chr(code), fill=255, font=font)
    box = canvas.getbbox()
    if box is None:
        return None
    wide, high = box[2] - box[0], box[3] - box[1]
    scale = BOX / max(wide, high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    small = canvas.crop(box).resize(size, Image.Resampling.BOX)
    whole = Image.new("L", (SIDE, SIDE))
    whole.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(whole) >= INK


def rendered(face: Face, letters: list[int]) -> dict[int, np.ndarray]:
    """Return the pictures of the letters that the typeface has; none if two in three look like its sign for a missing one."""
    try:
        font = ImageFont.truetype(str(face.path), BIG, layout_engine=ImageFont.Layout.BASIC)
        drawn = {code: picture(font, code) for code in letters if code in face.codes}
    except Exception as error:
        print("left out", face.path.name, error)
        return {}
    found = {code: image for code, image in drawn.items() if image is not None and image.any()}
    different = {image.tobytes() for image in found.values()}
    return found if len(found) >= 0.6 * len(letters) and len(different) > 0.6 * len(found) else {}


def blurred(images: np.ndarray) -> np.ndarray:
    flat = gaussian_filter(images.astype(np.float32), (0, BLUR, BLUR)).reshape(len(images), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def agreeing(drawn: dict[str, dict[int, np.ndarray]], letters: list[int]) -> dict[str, dict[int, np.ndarray]]:
    """Return the typefaces that draw the letters as the others do: not those with other letters at these codes."""
    kept = dict(drawn)
    while True:
        scores: dict[str, float] = {}
        flat = {
            name: dict(zip(found, blurred(np.array(list(found.values()))), strict=True)) for name, found in kept.items()
        }
        total = {
            code: sum((each[code] for each in flat.values() if code in each), np.zeros(SIDE * SIDE)) for code in letters
        }
        for name, own in flat.items():
            known = list(own)
            means = np.array([total[code] - own[code] for code in known])
            means /= np.linalg.norm(means, axis=1, keepdims=True) + 1e-9
            nearest = np.argmax(np.array([own[code] for code in known]) @ means.T, 1)
            scores[name] = float(np.mean(nearest == np.arange(len(known))))
        worst = min(scores, key=lambda name: scores[name])
        if scores[worst] >= AGREE:
            return kept
        kept.pop(worst)


def chosen(drawn: dict[str, dict[int, np.ndarray]], order: list[str]) -> dict[str, dict[int, np.ndarray]]:
    """Return the first 20 typefaces in this order that are not nearly the same as one before."""
    kept: dict[str, dict[int, np.ndarray]] = {}
    for name in order:
        own = drawn[name]
        near = (np.mean([np.mean(own[c] != other[c]) for c in own.keys() & other.keys()]) for other in kept.values())
        if all(distance > APART for distance in near) and len(kept) < TYPEFACES:
            kept[name] = own
    return kept


def distinct(images: list[np.ndarray]) -> list[bool]:
    """Return which classes nearest neighbours separate from each class kept before."""
    label = np.repeat(np.arange(len(images)), [len(each) for each in images])
    flat = blurred(np.concatenate(images))
    nearest = np.empty((len(flat), len(images)), np.float32)
    starts = np.cumsum([0, *(len(each) for each in images)])
    for at, (start, end) in enumerate(pairwise(starts)):
        near = flat @ flat[start:end].T
        near[np.arange(start, end), np.arange(end - start)] = -1
        nearest[:, at] = near.max(1)
    own = nearest[np.arange(len(flat)), label]
    wins = own[:, None] > nearest
    won = np.array([wins[label == at].mean(0) for at in range(len(images))])
    separated = (won + won.T) / 2
    kept: list[bool] = []
    for at in range(len(images)):
        kept.append(all(separated[at, other] >= TOLD_APART for other in range(at) if kept[other]))
    return kept


def classes(
    found: list[Face], alphabets: dict[str, Letters]
) -> Iterator[tuple[str, int, list[tuple[str, np.ndarray]]]]:
    """Yield alphabet, code and pictures of each character; of bold and italic typefaces only where the regular ones are few."""
    rng = np.random.default_rng(SEED)
    for alphabet, spans in alphabets.items():
        letters = codes(alphabet, spans)
        known = [face for face in found if len(face.codes & set(letters)) > 0.6 * len(letters)]
        few = sum(face.regular for face in known) < ENOUGH
        drawn = {face.name: rendered(face, letters) for face in known if face.regular or few}
        agreed = agreeing({name: own for name, own in drawn.items() if own}, letters)
        shuffled = [str(name) for name in rng.permutation(sorted(agreed))]
        regular = {face.name for face in known if face.regular}
        kept = chosen(agreed, sorted(shuffled, key=lambda name: name not in regular))
        print(
            f"{alphabet}: {len(letters)} characters; {len(drawn)} typefaces, {len(agreed)} agree, {len(kept)} kept:",
            ", ".join(sorted(kept)),
        )
        for code in letters:
            examples = [(name, own[code]) for name, own in sorted(kept.items()) if code in own]
            if len(examples) >= FEWEST:
                yield alphabet, code, examples


def main(folder: Path) -> None:
    target = Path("src/byrote/task/datasets/glyphs")
    target.mkdir(parents=True, exist_ok=True)
    found = faces(folder)
    parts = [list(classes(found, alphabets)) for alphabets in (BACKGROUND, EVALUATION)]
    keep = distinct([np.array([image for _, image in examples]) for part in parts for _, _, examples in part])
    used: set[str] = set()
    for name, part, at in (("background", parts[0], 0), ("evaluation", parts[1], len(parts[0]))):
        rows = [
            (f"{alphabet}/{code:04X}/{typeface}", image)
            for (alphabet, code, examples), good in zip(part, keep[at:], strict=False)
            if good
            for typeface, image in examples
        ]
        used |= {row.split("/", 2)[2] for row, _ in rows}
        ids, images = np.array([row for row, _ in rows]), np.array([image for _, image in rows])
        np.savez_compressed(
            target / f"{name}.npz",
            ids=ids.astype(np.bytes_),
            images=np.packbits(images.reshape(len(images), -1), axis=1),
        )
        print(
            name,
            sum(keep[at : at + len(part)]),
            "of",
            len(part),
            "classes,",
            len(rows),
            "images,",
            (target / f"{name}.npz").stat().st_size,
            "bytes",
        )
    for face in sorted(found, key=lambda face: (face.package, face.name)):
        if face.name in used:
            print("|", face.package, "|", face.name, "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
