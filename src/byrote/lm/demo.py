"""The demo: a text in the public domain with planted copies and canaries, so that it is known what a model could recite.

The text is 31 chapters of Numbers, 2 Kings 18 to 20 and Isaiah 36 to 39. Planted are verses of other books, drawn to 1, 2, 4, 8
or 16 copies, and canaries, 8 of each kind and number of copies; others are drawn to none, as controls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from byrote.controls import Control, apply, parse_control
from byrote.lm.byte_pairs import Bpe, bpe
from byrote.lm.canaries import Canary, make_canaries
from byrote.lm.corpus import Document, Texts
from byrote.lm.model import LanguageModel
from byrote.lm.training import RECIPE, model_of, task_of
from byrote.task.datasets.king_james import king_james, place
from byrote.task.designs import Everything
from byrote.task.task import Task

if TYPE_CHECKING:
    from byrote.training.progress import Progress as TrainingProgress

COPIES: Mapping[int, int] = {1: 32, 2: 32, 4: 24, 8: 16, 16: 12}
"""How many verses are planted with so many copies."""

BOOKS = ("Num", "2Ki", "Isa")
"""Books of which whole chapters are there; of others there are single verses."""

HELD_OUT = tuple(("Num", chapter) for chapter in (3, 4, 5, 31, 35))
"""Chapters that are in no training text: control text of the same book."""

CONTEXT = 128
STREAM = 21
"""Separates these random numbers from those of designs, canaries and runs under one seed."""


@dataclass(frozen=True, eq=False)
class Demo:
    """What is trained on, and what is known of it.

    `corpus` holds chapters, planted verses and planted canaries; a further copy has the id of the first and `#2`, `#3` ...
    `groups` has an entry per document: the id without that. `control` is text of the same kind that no model is trained on:
    held-out chapters and verses. `copies` says how often each single verse stands in the corpus, 0 for those of the control.
    """

    corpus: Texts
    groups: tuple[str, ...]
    control: Texts
    copies: Mapping[str, int]
    canaries: tuple[Canary, ...]

    @cached_property
    def encoder(self) -> Bpe:
        """Byte-level BPE with 1,024 token ids, trained on the corpus."""
        return bpe(self.corpus)

    def task(self, epochs: int = RECIPE.epochs) -> Task:
        """Return the task of learning the corpus, with the control text as test examples."""
        recipe = replace(RECIPE, epochs=epochs)
        return task_of(
            self.corpus,
            self.encoder,
            context=CONTEXT,
            recipe=recipe,
            test=self.control,
            groups=self.groups,
            name="scripture",
        )


def demo(seed: int = 0) -> Demo:
    """Return the demo: what has how many copies, and what the canaries say, is drawn with `seed`."""
    rng = np.random.default_rng([seed, STREAM])
    verses = king_james()
    chapters = _chapters(verses)
    single = [name for name in verses if place(name)[0] not in BOOKS]
    order = rng.permutation(len(single))
    numbers = np.concatenate(
        [np.repeat(list(COPIES), list(COPIES.values())), np.zeros(len(single) - sum(COPIES.values()), np.int64)]
    )
    copies = dict(sorted((single[at], int(number)) for at, number in zip(order, numbers, strict=True)))
    canaries = make_canaries(copies=tuple(COPIES), seed=seed)
    documents = [Document(_id(where), text) for where, text in chapters.items() if where not in HELD_OUT]
    documents += [copy for name, number in copies.items() for copy in _copied(name, verses[name], number)]
    documents += [copy for each in canaries for copy in _copied(each.id, each.text, each.copies)]
    control = [Document(_id(where), chapters[where]) for where in HELD_OUT]
    control += [Document(name, verses[name]) for name, number in copies.items() if not number]
    return Demo(
        Texts(tuple(documents), "scripture"),
        tuple(document.id.partition("#")[0] for document in documents),
        Texts(tuple(control), "scripture, held out"),
        copies,
        canaries,
    )


def scripture() -> Task:
    """Return the task `scripture`: a language model of a million weights on 344 KB of text, with copies and canaries."""
    return demo().task()


def trained(
    task: Task,
    encoder: Bpe,
    directory: Path | str,
    controls: Sequence[Control | str] = (),
    *,
    progress: "Callable[[TrainingProgress], None] | None" = None,
) -> LanguageModel:
    """Return the model that is trained on all of a task, with these controls; its record is in `directory`.

    What is there already is read and not trained again. The record has one run: its losses by epoch and its weights.
    """
    from byrote.training.collect import collect
    from byrote.training.compute import Compute
    from byrote.training.models import read_model

    chosen = [parse_control(each) if isinstance(each, str) else each for each in controls]
    changed = apply(chosen, task)
    collect(
        changed, directory, runs=1, design=Everything(), compute=Compute(workers=1), keep_models=True, progress=progress
    )
    name = ", ".join(map(str, chosen)) or "baseline"
    return model_of(changed, read_model(changed, directory), encoder, name=name)


def _chapters(verses: Mapping[str, str]) -> dict[tuple[str, int], str]:
    """Return the text of each chapter that is there as a whole, each verse on a line of its own."""
    found: dict[tuple[str, int], list[str]] = {}
    for name, text in verses.items():
        if place(name)[0] in BOOKS:
            found.setdefault(place(name), []).append(text)
    return {where: "\n".join(texts) for where, texts in found.items()}


def _id(chapter: tuple[str, int]) -> str:
    return f"{chapter[0]}{chapter[1]}"


def _copied(name: str, text: str, number: int) -> list[Document]:
    return [Document(name if not at else f"{name}#{at + 1}", text) for at in range(number)]
