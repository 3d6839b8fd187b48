"""A column of free text as a task: token ids of its words, and a small network over the mean of their vectors."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.inputs.arrow import as_text, coded
from byrote.inputs.labelled import Labelled, labelled, parts_of, split_of, with_copies
from byrote.inputs.networks import recipe_for, text_network
from byrote.inputs.reading import Reading
from byrote.inputs.table_rows import Rows
from byrote.inputs.words import LONGEST, Shown, split_words, tokens_of, vocabulary
from byrote.objectives import Classification, Regression
from byrote.task.examples import Examples
from byrote.task.inferred import Inferred, InferredColumn
from byrote.task.task import Task

COVERED = 0.95
"""Share of the texts that are read whole, where LONGEST allows it."""


def text_task(rows: Rows, reading: Reading) -> Task:
    """Return the task of predicting a label from one column of text. Raises InvalidData for texts without two common words."""
    name = str(reading.text)
    found = labelled(rows, reading)
    cells = as_text(found.table[name])
    found = with_copies(found, coded(cells)[2], 0.0, "texts")
    texts: list[str] = cells.to_pylist()
    split = split_of(found, reading)
    split_up = [split_words(text) for text in texts]
    words = vocabulary([split_up[at] for at in np.flatnonzero(split.train).tolist()])
    if len(words) < 4:
        raise InvalidData(
            f"The texts of {name!r} share no two words, for example {texts[0][:40]!r}. Name a column of text with --text, or read the table without it."
        )
    lengths = np.array([len(each) for each in split_up])
    length = int(min(LONGEST, max(1, np.quantile(lengths, COVERED, method="higher"))))
    tokens = tokens_of(split_up, words, length)
    shown = Shown({row.tobytes(): text for row, text in zip(tokens, texts, strict=True)}, words)
    recipe, outputs = recipe_for(int(split.train.sum())), len(found.target.classes) or 1
    cut = int((lengths > length).sum())
    column = InferredColumn(
        name, "text", f"the first {length} of its words, from a vocabulary of {len(words) - 2:,}",
        (f"{cut:,} texts are longer, and cut off",) if cut else (),
    )  # fmt: skip
    rest = [
        InferredColumn(each, "", "dropped: the model reads the text only")
        for each in rows.table.column_names
        if each not in reading.named.values()
    ]
    about = f"The model is a perceptron over the mean of word vectors; its recipe has {recipe.epochs} epochs in batches of {recipe.batch_size}."
    order = {each: at for at, each in enumerate(rows.table.column_names)}
    said = sorted((*found.columns, *parts_of(reading), column, *rest), key=lambda each: order[each.name])
    inferred = Inferred(rows.source, reading.options(), tuple(said), (*found.sentences, *split.sentences, about))
    return Task(
        partial(text_network, len(words), outputs), _examples(found, tokens, shown, split.train),
        _examples(found, tokens, shown, split.test), recipe, found.target.classes or (str(reading.label),), rows.name,
        Classification() if found.target.classes else Regression(), inferred=inferred,
    )  # fmt: skip


def _examples(found: Labelled, tokens: NDArray[np.int32], shown: Shown, which: NDArray[np.bool_]) -> Examples:
    groups = found.groups[which]
    return Examples(
        tokens[which], found.target.labels[which], list(found.ids[which]),
        groups=list(groups) if (groups != "").any() else None, kind="text", show=shown,
    )  # fmt: skip
