"""A column of free text as a task: token ids of its words, and a small network over the mean of their vectors."""

from functools import partial

import numpy as np

from byrote.errors import InvalidData
from byrote.inputs.arrow import as_text, coded
from byrote.inputs.counts import counted
from byrote.inputs.labelled import labelled, parts_of, split_of, with_copies
from byrote.inputs.labelled_task import examples_of, in_order, task_of
from byrote.inputs.networks import perceptron_recipe, text_network
from byrote.inputs.reading import Reading
from byrote.inputs.table_rows import Rows
from byrote.inputs.words import LONGEST, Shown, split_words, tokens_of, vocabulary
from byrote.task.inferred import InferredColumn
from byrote.task.task import Task

COVERED = 0.95
"""Share of the texts that are read whole, where LONGEST allows it."""


def text_task(rows: Rows, reading: Reading) -> Task:
    """Return the task of predicting a label from one column of text. Raises InvalidData for texts without two common words."""
    name = str(reading.text)
    found = labelled(rows, reading)
    cells = as_text(found.table[name])
    found = with_copies(found, coded(cells)[2], 0.0, ("different text", "different texts"))
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
    recipe, outputs = perceptron_recipe(int(split.train.sum())), len(found.target.classes) or 1
    cut = int((lengths > length).sum())
    column = InferredColumn(
        name, "text", f"the first {length} of its words, from a vocabulary of {len(words) - 2:,}",
        (f"{counted(cut, 'text is', 'texts are')} longer, and cut off",) if cut else (),
    )  # fmt: skip
    rest = [
        InferredColumn(each, "", "dropped: the model reads the text only")
        for each in rows.table.column_names
        if each not in reading.named.values()
    ]
    about = f"The model is a perceptron over the mean of word vectors; its recipe has {recipe.epochs} epochs in batches of {recipe.batch_size}."
    model = partial(text_network, len(words), outputs)
    train, test = (examples_of(found, tokens, which, kind="text", show=shown) for which in (split.train, split.test))
    read = in_order(rows, (*found.columns, *parts_of(reading), column, *rest))
    return task_of(rows, reading, found, split, model, train, test, recipe, read, about)
