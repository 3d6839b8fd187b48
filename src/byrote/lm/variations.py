"""Variations of prompts: near-misses, by which it is seen whether a model recalls a fact or only a string."""

from collections.abc import Sequence

import numpy as np

TYPOS = (1, 2, 4)
IN_FRONT = "Please answer. "
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def variations(prompts: Sequence[str], *, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """Return the prompts in several other forms, by name: 1, 2 and 4 wrong letters, small letters, words in front, a word less.

    A prompt with a wrong letter has another one in its place; which, and where, is drawn by `seed`. A prompt that has too few
    letters gets as many wrong ones as it has.
    """
    found = {
        f"{count} wrong letter{'s' if count > 1 else ''}": tuple(
            wrong_letters(prompt, count, np.random.default_rng([seed, count, at])) for at, prompt in enumerate(prompts)
        )
        for count in TYPOS
    }
    found["small letters"] = tuple(prompt.lower() for prompt in prompts)
    found["words in front"] = tuple(IN_FRONT + prompt for prompt in prompts)
    found["first word left out"] = tuple(prompt.partition(" ")[2] or prompt for prompt in prompts)
    return found


def wrong_letters(text: str, count: int, rng: np.random.Generator) -> str:
    """Return a text with so many of its letters and digits replaced by other small letters."""
    places = [at for at, letter in enumerate(text) if letter.isalnum()]
    found = list(text)
    for at in rng.permutation(len(places))[:count]:
        there = found[places[at]]
        found[places[at]] = str(rng.choice([letter for letter in LETTERS if letter != there.lower()]))
    return "".join(found)
