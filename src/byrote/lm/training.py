"""Training: a corpus as a task that byrote trains and audits, and a trained module as a language model again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData
from byrote.lm.corpus import Corpus
from byrote.lm.encoder import Encoder
from byrote.lm.model import LanguageModel
from byrote.objectives import Tokens
from byrote.objectives.tokens import NONE
from byrote.record.inputs import parts
from byrote.task.examples import Examples
from byrote.task.recipe import Recipe
from byrote.task.schedule import cosine
from byrote.task.task import Task
from byrote.task.transformer import Transformer, transformer

if TYPE_CHECKING:
    from torch import nn

RECIPE = Recipe(
    epochs=8,
    batch_size=32,
    optimizer="adamw(betas=(0.9, 0.99))",
    learning_rate=cosine(3e-3, 3e-4, warmup=0.1),
    weight_decay=0.1,
    clip_norm=1.0,
    evaluate_every=0,
)
"""What suits a transformer of a million weights: a first guess that works, not the result of a search."""


def task_of(
    corpus: Corpus,
    encoder: Encoder,
    *,
    context: int = 128,
    model: "Callable[[], nn.Module] | None" = None,
    recipe: Recipe = RECIPE,
    test: Corpus | None = None,
    groups: Sequence[str] = (),
    name: str = "",
) -> Task:
    """Return the task of learning a corpus: every document is an example, or several where it is longer than the context.

    Before a document stands the encoder's first token, if it has one; without, the first token of a document is given
    and not predicted. A document is cut into pieces of `context` tokens to predict; each token is predicted once, from
    those before it in its piece. The first piece has the document's id, and a later one `ID:TOKEN`, where TOKEN says at
    which token of the document it begins. `groups` are what is in the same runs, one for each document (default: the
    pieces of one document): give copies of a text the same group, else each stands in for the others, and none is
    memorized counterfactually.

    `model` makes a network that reads `[example, context]` token ids and gives `[example, context, vocabulary_of(encoder)]`
    logits (default: `byrote.task.transformer`). `test` is text that no run is trained on. Raises InvalidData where there is no
    token to predict, and for groups of another number than documents.
    """
    if context < 2:
        raise InvalidData(f"context={context} leaves nothing to predict from. Give 2 or more.")
    if len(groups) not in (0, len(corpus)):
        raise InvalidData(
            f"There are {len(groups)} groups for {len(corpus)} documents. Give one to each document, or none."
        )
    vocabulary = vocabulary_of(encoder)
    return Task(
        model or partial(transformer, vocabulary, context),
        _examples(corpus, encoder, context, groups),
        None if test is None else _examples(test, encoder, context, ()),
        recipe,
        name=name or corpus.name,
        objective=Tokens(vocabulary),
    )


def vocabulary_of(encoder: Encoder) -> int:
    """Return how many logits a model of this encoder gives: its token ids, and one for padding where it has no first token."""
    return encoder.size + (encoder.begin is None)


def model_of(task: Task, module: "nn.Module", encoder: Encoder, *, name: str = "") -> LanguageModel:
    """Return a module that was trained on this task as a language model: `byrote.read_model(task, record)` gives such a module.

    It reads as many tokens as the task's examples have, and is put into evaluation mode. Raises InvalidData for a task whose
    models are no language models, and for an encoder of another vocabulary.
    """
    if not isinstance(task.learned, Tokens) or isinstance(task.train.inputs, dict | tuple):
        raise InvalidData(
            f"The task {task.name!r} does not learn a text from its token ids alone. Give the task that `task_of` made."
        )
    if task.learned.vocabulary < encoder.size:
        raise InvalidData(
            f"Models of {task.name!r} give {task.learned.vocabulary} logits, and the encoder {encoder.name} has {encoder.size} token ids. Give the encoder of the task."
        )
    module.eval()
    device = next((str(weight.device) for weight in module.parameters()), "cpu")
    found = LanguageModel(module, encoder, task.train.shape[0], name or task.name, device, module)
    if type(module) is not Transformer:
        return found
    return replace(
        found,
        ending=lambda tokens, count: module.onward(tokens, count)[0],
        reading=module.onward,
        hidden=module.hidden,
    )


@dataclass(frozen=True)
class Readable:
    """Makes text of an example's token ids, for people: without the first token and without padding."""

    encoder: Encoder

    def __call__(self, tokens: Any) -> str:
        """Return the text of `[token]`."""
        ids: NDArray[np.int64] = np.asarray(next(iter(parts(tokens).values())), np.int64)
        return self.encoder.decode(ids[ids != filler(self.encoder)])


def filler(encoder: Encoder) -> int:
    """Return the token id that stands behind a text that is shorter than its row, where nothing is predicted."""
    return encoder.size if encoder.begin is None else encoder.begin


def pieces_of(encoder: Encoder, text: str, context: int) -> "list[tuple[int, NDArray[np.int64]]]":
    """Return the pieces of a document: where each begins, in tokens, and its ids, one more than it has to predict.

    The last id of a piece is the first of the next: it is predicted in one and given in the other.
    """
    tokens = encoder.encode(text)
    ids = tokens if encoder.begin is None else np.concatenate([[encoder.begin], tokens])
    ahead = 0 if encoder.begin is None else 1
    return [(max(0, at - ahead), ids[at : at + context + 1]) for at in range(0, len(ids) - 1, context)]


def _examples(corpus: Corpus, encoder: Encoder, context: int, groups: Sequence[str]) -> Examples:
    inputs: list[Int[ndarray, " token"]] = []
    targets: list[Int[ndarray, " token"]] = []
    ids: list[str] = []
    named: list[str] = []
    fill = filler(encoder)
    for at in range(len(corpus)):
        document = corpus[at]
        found = pieces_of(encoder, document.text, context)
        for start, piece in found:
            ids.append(document.id if piece is found[0][1] else f"{document.id}:{start}")
            inputs.append(_padded(piece[:-1], context, fill))
            targets.append(_padded(piece[1:], context, NONE))
            named.append(groups[at] if groups else document.id if len(found) > 1 else "")
    if not inputs:
        raise InvalidData(f"No document of {corpus.name!r} has a token to predict. Give text.")
    return Examples(
        np.stack(inputs).astype(np.int32),
        np.stack(targets).astype(np.int32),
        ids,
        groups=named if any(named) else None,
        kind="text",
        show=Readable(encoder),
    )


def _padded(ids: NDArray[np.int64], length: int, fill: int) -> NDArray[np.int64]:
    return np.concatenate([ids, np.full(length - len(ids), fill, np.int64)])
