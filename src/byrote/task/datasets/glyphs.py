"""Glyphs: characters of 16 alphabets in 12 to 20 free typefaces each, for few-shot learning, in the manner of Omniglot.

Omniglot (Lake, Salakhutdinov & Tenenbaum 2015) has characters as 20 people drew them. Here a class is a character and an
example is a typeface. As there, no alphabet is in both parts: what was learned of the background has to hold for new alphabets.
"""

from importlib.resources import files

import numpy as np

from byrote.task.examples import Examples

SIDE = 28


def glyphs() -> tuple[Examples, Examples]:
    """Return the background (10 alphabets) and the evaluation examples (6 others): black and white pictures of 28x28.

    Labels count the characters of a part from 0. Ids are `alphabet/code point/typeface`: `Hebrew/05D0/FreeSans`. The longer
    side of each character has 22 pixels, so size does not tell characters apart; those that then look alike (C and c; the
    Greek capitals that are Latin ones too) are one class, of the alphabet that comes first.
    """
    folder = files("byrote.task.datasets") / "glyphs"
    parts: list[Examples] = []
    for part in ("background", "evaluation"):
        with (folder / f"{part}.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            ids = arrays["ids"].astype(np.str_)
            bits = np.unpackbits(arrays["images"], axis=1)
        _, first, labels = np.unique(_characters(ids), return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(first))
        parts.append(Examples(bits.reshape(-1, SIDE, SIDE) * np.uint8(255), order[labels], list(ids)))
    return parts[0], parts[1]


def by_typeface() -> tuple[Examples, Examples]:
    """Return the background examples as a task of classification: each fifth typeface of a character is for testing."""
    background, _ = glyphs()
    starts = np.searchsorted(background.labels, background.labels)
    test = (np.arange(len(background)) - starts) % 5 == 4
    return background[~test], background[test]


def names(examples: Examples) -> tuple[str, ...]:
    """Return the alphabet and the character of each class: `Hebrew א`."""
    _, first = np.unique(examples.labels, return_index=True)
    parts = [str(id_).split("/") for id_ in examples.ids[first]]
    return tuple(f"{alphabet} {chr(int(code, 16))}" for alphabet, code, _ in parts)


def _characters(ids: np.ndarray) -> np.ndarray:
    return np.array([str(id_).rsplit("/", 1)[0] for id_ in ids])
