"""Tokens: a text, whose every token is predicted from those before it. The loss is that of a language model."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray

from byrote.errors import InvalidData, refuses_unknown_names
from byrote.objectives.objective import Column
from byrote.signature import spell

if TYPE_CHECKING:
    from torch import Tensor

NONE = -1
"""Stands in the targets where there is no token to predict: padding, and what is given and not learned."""

UNLIKE = 0.5
"""Texts that differ in this share of their places or more are clearly different."""


@refuses_unknown_names
@dataclass(frozen=True)
class Tokens:
    """The model reads token ids `[example, token]` and gives logits `[example, token, vocabulary]`; targets are
    `[example, token]`.

    The target at a place is the id of the token after it, or `ignored` where there is none to predict (padding, a
    prompt); so inputs and targets are the same ids, shifted by one. The loss of an example is the mean over its tokens
    of -log p, in nats. In a batch an example weighs as many tokens as it has: so a batch is trained on the mean over
    all of its tokens, as language models are. The outcome is the share of an example's tokens that come first in the
    model's ranking (argmax), from 0 to 1; memorization of it is counterfactual memorization as Zhang et al. define it
    (2021, arXiv:2112.12938). `correct` says that all of them do: the whole text is recited, token by token, when the
    model is given the text before each.

    `vocabulary`, how many logits a model gives at each place, is read from the targets where it is not given: then it is
    their largest id and one, and a model that gives more logits is refused. Raises InvalidData for a vocabulary below 0.
    """

    vocabulary: int = 0
    ignored: int = NONE
    name: ClassVar[str] = "tokens"
    outcome: ClassVar[str] = "token_accuracy"
    unit: ClassVar[tuple[str, str]] = ("token of the vocabulary", "tokens in the vocabulary")

    def __post_init__(self) -> None:
        if self.vocabulary < 0:
            raise InvalidData(f"vocabulary={self.vocabulary!r} cannot be learned. Give the number of token ids.")
        if self.ignored >= 0:
            raise InvalidData(
                f"ignored={self.ignored!r} is a token id. Give a number below 0 that stands for no token, such as -1 or -100."
            )

    def __str__(self) -> str:
        ignored = {} if self.ignored == NONE else {"ignored": self.ignored}
        return spell(self.name, {"vocabulary": self.vocabulary, **ignored})

    @property
    def outputs(self) -> int:
        """How many logits a model gives at each place of an example."""
        return self.vocabulary

    def output_shape(self, target: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what a model gives for one example: at each place of its target a logit for each token id."""
        return (*target, self.vocabulary)

    def check(self, targets: NDArray[Any], ids: NDArray[np.str_]) -> Int[ndarray, "example token"]:
        """Return token ids as int32, -1 where there is none; raise InvalidData for what cannot be learned."""
        if targets.ndim != 2 or not targets.shape[1] or targets.dtype.kind not in "iu":
            raise InvalidData(
                f"Targets of a language model are token ids [example, token], but these have shape {targets.shape} ({targets.dtype}). Give whole numbers, {self.ignored} where there is no token."
            )
        found = np.where(targets == self.ignored, NONE, targets).astype(np.int32)
        for bad in np.flatnonzero((found < NONE).any(axis=1))[:1]:
            raise InvalidData(
                f"The targets of example {str(ids[bad])!r} hold {found[bad].min()}, which is no token id. Give {self.ignored} where there is no token, or say Tokens(ignored={found[bad].min()})."
            )
        for bad in np.flatnonzero((found == NONE).all(axis=1))[:1]:
            raise InvalidData(
                f"Example {str(ids[bad])!r} has no token to predict. Leave it out: a text needs two tokens or more."
            )
        if self.vocabulary and (top := int(found.max(initial=0))) >= self.vocabulary:
            raise InvalidData(f"Token id {top} is out of range: a vocabulary of {self.vocabulary} has ids from 0.")
        return found

    def fitted(self, targets: NDArray[Any], names: int) -> "Tokens":
        """Return the objective with its vocabulary."""
        return replace(self, vocabulary=self.vocabulary or names or int(targets.max()) + 1)

    def columns(self) -> dict[str, Column]:
        """Return the columns of a clean pass; docs/schema.md says what they mean."""
        return {
            "loss": "float32",
            "confidence": "float32",
            "log_probability": "float32",
            "token_accuracy": "float32",
            "correct": "bool",
        }

    def training_columns(self) -> tuple[str, ...]:
        """Return all columns: the training pass has them at hand."""
        return tuple(self.columns())

    def to_tensor(self, targets: NDArray[Any]) -> "Tensor":
        """Return the token ids as int64, -1 where there is none."""
        import torch  # heavy, and not needed to describe an objective

        return torch.from_numpy(targets.astype(np.int64))

    def losses(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Return the mean of -log p over the tokens of each example, in nats."""
        each = token_losses(outputs, targets)
        return each.sum(1) / (targets >= 0).sum(1).clamp_min(1)

    def weights(self, targets: "Tensor") -> "Tensor":
        """Return the number of tokens of each example: each token weighs the same in the mean of a batch."""
        return (targets >= 0).sum(1).float()

    def observe(self, outputs: "Tensor", targets: "Tensor") -> dict[str, NDArray[Any]]:
        """Return loss, confidence, log_probability, token_accuracy and correct of each row."""
        import torch

        with torch.no_grad():
            z, there = outputs.detach().float(), targets >= 0
            own = z.gather(2, targets.clamp_min(0).unsqueeze(2)).squeeze(2)
            loss = torch.where(there, z.logsumexp(2) - own, 0.0)
            right = (z.argmax(2) == targets) & there
            number = there.sum(1)
            total = loss.sum(1)
            found = {
                "loss": total / number,
                "confidence": (-total / number).exp(),
                "log_probability": -total,
                "token_accuracy": right.sum(1) / number,
                "correct": right.sum(1) == number,
            }
            return {name: column.cpu().numpy() for name, column in found.items()}

    def from_predictions(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return logits from probabilities of tokens, which are cut off at 1e-7."""
        return np.log(np.clip(predictions, 1e-7, 1.0))

    def wrong(self, targets: NDArray[Any], which: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return for each example of `which` its own tokens in a random order: only who has read it knows that order."""
        found = targets[which].copy()
        for row in found:
            there = np.flatnonzero(row >= 0)
            row[there] = row[rng.permutation(there)]
        return found

    def random(self, targets: NDArray[Any], count: int, rng: np.random.Generator) -> NDArray[Any]:
        """Return texts as long as random examples, of tokens drawn by how often they occur."""
        return self.drawn(targets, rng.integers(0, len(targets), count), rng)

    def drawn(self, targets: NDArray[Any], like: Int[ndarray, " example"], rng: np.random.Generator) -> NDArray[Any]:
        """Return for each example of `like` a text as long, of tokens drawn by how often they occur in all."""
        found = targets[like].copy()
        found[found >= 0] = rng.choice(targets[targets >= 0], int((found >= 0).sum()))
        return found

    def unlike(self, targets: NDArray[Any], target: Any) -> Bool[ndarray, " example"]:
        """Return which texts differ in half of their places or more, counted over the places where either has a token."""
        there = (targets >= 0) | (np.asarray(target) >= 0)
        return ((targets != target) & there).sum(axis=1) >= UNLIKE * np.maximum(there.sum(axis=1), 1)


def token_losses(outputs: "Tensor", targets: "Tensor") -> "Tensor":
    """Return -log p of each token, `[example, token]`, in nats; 0 where there is no token to predict."""
    from torch.nn import functional

    flat = functional.cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none", ignore_index=NONE)
    return flat.view(targets.shape)


def commonest(targets: Int[ndarray, "example token"]) -> float:
    """Return the mean token accuracy of naming the token that is the commonest of all, at every place."""
    there = targets >= 0
    token = np.bincount(targets[there]).argmax()
    return float(np.mean(((targets == token) & there).sum(axis=1) / there.sum(axis=1)))


def as_read(tokens: Int[ndarray, "example token"], targets: Int[ndarray, "example token"]) -> NDArray[Any]:
    """Return the token ids that a model reads when these are the targets: each stands one place after it is asked for.

    The first token of each text stays, and what stands where there is no token to predict.
    """
    found = tokens.copy()
    there = targets[:, :-1] >= 0
    found[:, 1:][there] = targets[:, :-1][there].astype(tokens.dtype)
    return found
