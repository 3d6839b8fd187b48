"""What the scripts of this folder share: a small language model of a part of the King James Bible, and text it never saw.

The text is that of `byrote lm demo`: 344 KB with planted copies. Held out are 150 verses and five chapters. Half of the verses
(every other one) are the wanted ones, which a model or a memory is to recite; the other half and the chapters are control text.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from byrote.lm.corpus import Texts
from byrote.lm.demo import Demo, demo, trained
from byrote.lm.model import LanguageModel


@dataclass(frozen=True, eq=False)
class Scripture:
    """`model` learned the training text of `made`, `wanted` and `control` are verses it never saw, `chapters` five chapters."""

    made: Demo
    model: LanguageModel
    wanted: Texts
    control: Texts
    chapters: Texts


def scripture(folder: Path, seed: int = 0) -> Scripture:
    """Return the model, trained on one core in about 80 seconds, or read from `folder` where it is there."""
    torch.set_num_threads(1)
    made, start = demo(seed), time.perf_counter()
    model = trained(made.task(), made.encoder, folder / f"scripture-{seed}")
    print(f"the model is there after {time.perf_counter() - start:.0f} s", flush=True)
    verses = [document for document in made.control if ":" in document.id]
    chapters = tuple(document for document in made.control if ":" not in document.id)
    return Scripture(
        made,
        model,
        Texts(tuple(verses[::2]), "wanted verses"),
        Texts(tuple(verses[1::2]), "control verses"),
        Texts(chapters, "control chapters"),
    )
