"""States: what a model has made of the text before each token of documents, which is what a memory beside it is keyed by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from byrote.errors import Unsupported
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import MEMORY, as_tensor, asking, batches_of, document_windows, with_begin


@dataclass(frozen=True, eq=False)
class States:
    """States of several places: `state` [place, width] is that of the text before a token, and `token` [place] that token.

    `document` [place] says in which of the documents it stands, and `position` [place] at which of its tokens.
    """

    state: Float[ndarray, "place width"]
    token: Int[ndarray, " place"]
    document: Int[ndarray, " place"]
    position: Int[ndarray, " place"]


def document_states(
    model: LanguageModel, documents: Sequence[Int[ndarray, " _"]], *, stride: int | None = None, memory: int = MEMORY
) -> Iterator[States]:
    """Yield the states of all tokens of documents, each once, some places at a time.

    Longer documents are read in windows, as `documents_forced` does it: the state of a token has seen at least
    context - stride tokens (default of the stride: half the context), or all that stand before it. A first token with nothing
    before it (an encoder without `begin`) has no state, and is left out. Raises Unsupported for a model that gives no states.
    """
    hidden_of(model)
    reach = model.context if model.encoder.begin is None else model.context - 1
    step = max(1, reach // 2) if stride is None else stride
    windows = [each for at, tokens in enumerate(documents) for each in document_windows(at, len(tokens), reach, step)]
    windows.sort(key=lambda each: (each.end - each.start, each.judged - each.start))
    for batch in batches_of(model, windows, memory):
        longest = max(window.end - window.start for window in batch)
        first = min(window.judged - window.start for window in batch)
        rows = np.zeros((len(batch), longest), np.int64)
        for row, window in zip(rows, batch, strict=True):
            row[: window.end - window.start] = documents[window.document][window.start : window.end]
        states, skipped = _states_before(model, rows, longest - first)
        found: list[States] = []
        for at, window in enumerate(batch):
            places = np.arange(max(window.judged - window.start, first + skipped), window.end - window.start)
            found.append(
                States(
                    states[at, places - first - skipped],
                    rows[at, places],
                    np.full(len(places), window.document, np.int64),
                    window.start + places,
                )
            )
        yield States(*(np.concatenate(parts) for parts in zip(*map(_parts, found), strict=True)))


def prompt_states(model: LanguageModel, prompts: Sequence[str]) -> Float[ndarray, "prompt width"]:
    """Return the state of the model behind each prompt, where the first token of its answer is predicted."""
    tokens = [np.append(model.encoder.encode(prompt), 0) for prompt in prompts]
    keys: dict[int, ndarray] = {}
    for found in document_states(model, tokens):
        last = found.position == np.array([len(tokens[at]) - 1 for at in found.document])
        keys |= dict(zip(found.document[last].tolist(), found.state[last], strict=True))
    return np.stack([keys[at] for at in range(len(tokens))])


def hidden_at(
    model: LanguageModel, tokens: Int[Tensor, "row token"], count: int
) -> tuple[Float[Tensor, "row count vocabulary"], Float[Tensor, "row count width"]]:
    """Return the logits at the last `count` tokens and the states there, in fp32. Raises Unsupported for a model without."""
    logits, states = hidden_of(model)(tokens, count)
    return logits.float(), states.float()


def width_of(model: LanguageModel) -> int:
    """Return how many numbers a state has."""
    with asking(model):
        return int(hidden_at(model, as_tensor(model, np.zeros((1, 1), np.int64)), 1)[1].shape[2])


def hidden_of(model: LanguageModel) -> Callable[[Tensor, int], tuple[Tensor, Tensor]]:
    """Return the function that gives logits and states; raise Unsupported where the model has none."""
    if model.hidden is None:
        raise Unsupported(
            f"{model.name} gives no states of its network, so no memory can be keyed by them. Give a model of Hugging Face, one that byrote trained, or a module with a method `hidden(tokens, count)`."
        )
    return model.hidden


def _states_before(
    model: LanguageModel, tokens: Int[ndarray, "row token"], count: int
) -> tuple[Float[ndarray, "row place width"], int]:
    """Return the states before the last `count` tokens of each row, and how many of these have nothing before them."""
    given = as_tensor(model, with_begin(model, tokens))
    judged = min(count, given.shape[1] - 1)
    if not judged:
        return np.zeros((len(tokens), 0, width_of(model)), np.float32), count
    with asking(model):
        return hidden_at(model, given[:, :-1], judged)[1].cpu().numpy(), count - judged


def _parts(states: States) -> tuple[ndarray, ...]:
    return states.state, states.token, states.document, states.position
