"""N-gram penalty: a model may not become surer of n tokens in a row than a ceiling (after Slack & Al Moubayed, 2025,
arXiv:2510.11372)."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls._tokens import check_tokens
from byrote.controls.control import MethodControl, check_count, check_knob, check_number
from byrote.objectives.tokens import token_losses
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob
from byrote.task.task import Task


@dataclass(frozen=True)
class ngram_penalty(MethodControl, LossMethod):
    """Adds `weight` times how much surer than `ceiling` a model is of `n` tokens in a row, as a mean over all places: 0
    changes nothing.

    How sure it is of n tokens is the geometric mean of their probabilities, and the excess is log(that / ceiling), in
    nats, 0 below the ceiling. With a weight of 1 the pull to be surer is gone above the ceiling; beyond, it is turned
    round. The authors fine-tune models, and compare with how sure the model was of the n tokens before: `excess` takes
    such a reference, and a fine-tuning of your own can use it. A model that is trained from nothing has none, so the
    ceiling is a constant here: this is our reading for that case, not the authors' experiment.

    Recitation needs many sure tokens in a row, which this makes rare. It also holds back what anyone may be sure of, such as
    fixed phrases, and tokens that are ranked first without being sure are still recited by greedy decoding.
    """

    weight: Knob
    n: int = 5
    ceiling: float = 0.5
    name: ClassVar[str] = "ngram_penalty"
    strengths: ClassVar[tuple[Any, ...]] = (0.5, 1.0, 2.0)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "weight", self.weight)
        check_count(self, "n", self.n)
        check_number(self, "ceiling", self.ceiling, 1e-6, 1.0)

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns texts."""
        check_tokens(self, task)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the losses and the penalty."""
        each = token_losses(batch.outputs.flatten(0, 1), batch.targets.flatten(0, 1)).view(batch.targets.shape)
        return losses + strength * excess(-each, batch.targets >= 0, self.n, math.log(self.ceiling))


def excess(log_p: Tensor, there: Tensor, n: int, reference: "Tensor | float") -> Tensor:
    """Return by how many nats a token n-grams are surer than a reference, as a mean over the n-grams of each text, `[...]`.

    `log_p` and `there` are `[..., token]`: the log-probability of each token, and whether there is one. `reference` is
    a number, or the log-probabilities that another model gives, `[..., token]`. An n-gram counts where all its tokens
    are there; 0 for a text without one.
    """
    if log_p.shape[-1] < n:
        return log_p.sum(-1) * 0
    own = log_p.unfold(-1, n, 1).mean(-1)
    other = reference.unfold(-1, n, 1).mean(-1) if isinstance(reference, Tensor) else reference
    whole = there.unfold(-1, n, 1).all(-1)
    return torch.where(whole, (own - other).clamp_min(0), 0.0).sum(-1) / whole.sum(-1).clamp_min(1)
