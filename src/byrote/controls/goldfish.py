"""Goldfish loss: every k-th token or so is never trained on, the same ones wherever a text occurs (Hans et al., 2024,
arXiv:2406.10209)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from byrote.controls._tokens import check_tokens
from byrote.controls.control import MethodControl, check_count, check_knob
from byrote.errors import InvalidData
from byrote.objectives.tokens import token_losses
from byrote.task.methods import Batch, LossMethod
from byrote.task.schedule import Knob, Schedule
from byrote.task.task import Task

PRIME, FACTOR = 2**31 - 1, 1_000_003
"""The hash is a polynomial modulo a prime: products stay within 64 bits, so every device computes the same numbers."""

BITS, MIX = 0xFFFFFFFF, 0x45D9F3B
"""A last mixing of its 31 bits, so that they are spread evenly over 32."""


@dataclass(frozen=True)
class goldfish(MethodControl, LossMethod):
    """Leaves about one in `k` tokens out of the training loss: 4 leaves out a quarter, large numbers few, 0 none.

    Whether a token is left out follows from a hash of the up to `context` tokens before it, and from nothing else: a
    passage that occurs twice has the same gaps in both places, from its token `context` on, so no copy fills the gaps
    of another. Where a text begins, the hash is of the tokens that there are, so texts that begin alike have the same
    gaps too; its first target is never left out. (The authors' code hashes 13 tokens with the token itself, by a
    product that does not see their order, and leaves out none of the first.) A model that recites would have to guess
    each token that was left out. The loss of an example is the mean over the tokens that are left; all that is recorded
    is about all tokens.

    It costs some loss on new text, since less is learned from. What it cannot do: tokens that are kept are still learned, so
    exposure, membership and near-verbatim copies stay, and a text that occurs in two wordings fills its own gaps.
    """

    k: Knob
    context: int = 13
    name: ClassVar[str] = "goldfish"
    strengths: ClassVar[tuple[Any, ...]] = (32, 8, 4, 3)
    by_example: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_knob(self, "k", self.k)
        check_count(self, "context", self.context)
        ends = (self.k.start, self.k.end) if isinstance(self.k, Schedule) else (self.k,)
        if any(isinstance(each, float | int) and 0 < each < 2 for each in ends):
            raise InvalidData(
                f"goldfish(k={self.k}) leaves out more than half of the tokens. Give 2 or more, or 0 for none."
            )

    def check(self, task: Task) -> None:
        """Raise InvalidData unless the task learns texts."""
        check_tokens(self, task)

    def losses(self, losses: Tensor, batch: Batch, strength: Tensor) -> Tensor:
        """Return the mean loss of each example over the tokens that are not left out."""
        each = token_losses(batch.outputs.flatten(0, 1), batch.targets.flatten(0, 1)).view(batch.targets.shape)
        kept = (batch.targets >= 0) & ~left_out(batch.targets, strength.unsqueeze(2), self.context)
        return torch.where(kept, each, 0.0).sum(2) / kept.sum(2).clamp_min(1)


def left_out(tokens: Tensor, k: "Tensor | float", context: int = 13) -> Tensor:
    """Return which tokens `[..., token]` are left out of the loss, about one in `k`; below 0 is no token, and is never left out.

    `k` is a number, or a tensor that fits the tokens; 0 leaves out none. The same on every device, whatever else is in the batch.
    """
    number = torch.as_tensor(k, dtype=torch.float32, device=tokens.device)
    most = torch.where(number > 0, (2.0**32 / number.clamp_min(1)).floor(), 0.0).long()
    hashed, seen = hashes(tokens, context)
    return (hashed < most) & seen & (tokens >= 0)


def hashes(tokens: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Return for each place a number from 0 to 2**32 - 1 from the up to `context` tokens before it, in order; and
    whether there is one."""
    found, seen = torch.zeros_like(tokens, dtype=torch.long), torch.zeros_like(tokens, dtype=torch.bool)
    own = tokens.long().clamp_min(-1) + 1  # 0 stands for no token
    for back in range(min(context, tokens.shape[-1] - 1), 0, -1):  # the oldest first
        before = own[..., :-back]
        found[..., back:] = (found[..., back:] * FACTOR + before) % PRIME
        seen[..., back:] |= before > 0
    for _ in range(2):
        found = ((found ^ (found >> 16)) * MIX) & BITS
    return found ^ (found >> 16), seen
