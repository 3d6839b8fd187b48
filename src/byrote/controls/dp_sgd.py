"""DP-SGD: gradients of single examples are bounded, and noise is added to their sum (Abadi et al., 2016, arXiv:1607.00133)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch

from byrote.controls._single import check_no_batch_norm
from byrote.controls.control import Control, check_knob, spelled
from byrote.errors import InvalidData, Unsupported
from byrote.task.methods import GradientRule, Gradients
from byrote.task.recipe import Recipe
from byrote.task.task import Task


@dataclass(frozen=True)
class dp_sgd(Control):
    """Adds noise of standard deviation `noise` times `clip` to the sum of gradients clipped to `clip`: small epsilon is strong.

    Give `epsilon`, and the noise follows from it, or else `noise` itself (0.5 is weak, 5 strong). The epsilon is nominal: the
    accountant (PRV, of opacus: `pip install 'byrote[private]'`) assumes that each update draws its examples by independent
    coins (Poisson sampling), and here as in most code each epoch is a shuffled partition into batches, for which the true
    epsilon can be larger (Chua et al., 2024, arXiv:2403.17673). It counts examples that are added or removed, and the weights
    after all epochs; what the record says of losses and predictions is not private, and neither is a stopping time.
    `fraction` is the share of the training examples that a run is trained on, as in the design. Give it last: what changes
    epochs, batches or examples afterwards changes the epsilon; `nominal_epsilon(task, members)` says what is spent.

    It is the only remedy here with a guarantee, which holds for the worst example; it costs accuracy, most of all on rare
    groups, and part of its effect is clipping alone (see `clip_each`). With the usual learning rate a network under much
    noise learns nothing, and then memorizes nothing. Runs are trained one by one; an update costs 3 to 4 times a plain one.
    Refuses batch norm, and losses that depend on other examples.
    """

    epsilon: float | None = None
    noise: float | None = None
    clip: float = 1.0
    delta: float = 1e-5
    fraction: float = 0.7
    name: ClassVar[str] = "dp_sgd"
    zero: ClassVar[float | None] = None
    strengths: ClassVar[tuple[Any, ...]] = (8.0, 3.0, 1.0)

    def __post_init__(self) -> None:
        if (self.epsilon is None) == (self.noise is None):
            raise InvalidData(f"{self} needs one of epsilon and noise. Write dp_sgd(epsilon=8) or dp_sgd(noise=1.0).")
        for name, most in (("epsilon", np.inf), ("noise", np.inf), ("clip", np.inf), ("delta", 1.0), ("fraction", 1.0)):
            value = getattr(self, name)
            if value is not None:
                check_knob(self, name, value, most)
                if not isinstance(value, int | float) or not value > 0:
                    raise InvalidData(f"dp_sgd({name}={value!r}) cannot train. Give a number above 0.")

    def change(self, task: Task) -> Task:
        """Return the task with clipping and noise; raise InvalidData for batch norm and for an epsilon out of reach."""
        check_no_batch_norm(self, task)
        noise = self.noise
        if self.epsilon is not None:
            members = max(1, round(self.fraction * (len(task.train) - len(task.excluded))))
            if self.delta * members > 1:
                raise InvalidData(
                    f"With delta={self.delta:g} and {members} examples per run, one may be given away. Give a delta below {1 / members:.1g}."
                )
            noise = _noise(self.epsilon, self.delta, *_sampling(task.recipe, members))
        return replace(task, recipe=task.recipe.with_method(NoisyGradients(float(noise or 0), self.clip, self.delta)))


@dataclass(frozen=True)
class NoisyGradients(GradientRule):
    """The rule of `dp_sgd`, with its noise multiplier; delta is that of the epsilon."""

    noise: float
    clip: float
    delta: float
    name: ClassVar[str] = "dp_sgd"
    alone: ClassVar[bool] = True

    @property
    def strength(self) -> float:
        """The noise multiplier."""
        return self.noise

    def apply(self, gradients: Gradients, strength: Sequence[float], seeds: Sequence[int]) -> None:
        """Put the noisy mean of clipped gradients in place of the gradient."""
        draws = torch.Generator().manual_seed(seeds[0])
        for weight, total in zip(gradients.weights, gradients.clipped(self.clip), strict=True):
            noise = torch.randn(total.shape, generator=draws).to(total)
            weight.grad = (total + strength[0] * self.clip * noise) / gradients.examples

    def __str__(self) -> str:
        return f"dp_sgd(noise={spelled(self.noise)}, clip={spelled(self.clip)}, delta={spelled(self.delta)})"


def nominal_epsilon(task: Task, members: int) -> float:
    """Return the epsilon that a run of `members` examples spends by the accountant, at the delta of its `dp_sgd`: low is private.

    It is nominal, since batches are no Poisson samples; see `dp_sgd`. Raises InvalidData for a task without dp_sgd, and
    Unsupported without opacus.
    """
    for method in task.recipe.methods:
        if isinstance(method, NoisyGradients):
            return _epsilon(method.noise, method.delta, *_sampling(task.recipe, members))
    raise InvalidData(f"The task {task.name!r} is not trained with dp_sgd, so nothing bounds its epsilon.")


def _sampling(recipe: Recipe, members: int) -> tuple[float, int]:
    """Return the share of the members in the largest update, and the number of updates."""
    batches = -(-members // recipe.batch_size)
    largest = -(-members // batches) * min(recipe.accumulate, batches)
    return min(1.0, largest / members), recipe.epochs * -(-batches // recipe.accumulate)


@lru_cache(maxsize=256)
def _noise(epsilon: float, delta: float, rate: float, updates: int) -> float:
    accountants = _accountants()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of the accountant's first guess
            return float(
                accountants.utils.get_noise_multiplier(
                    target_epsilon=epsilon, target_delta=delta, sample_rate=rate, steps=updates, accountant="prv"
                )
            )
    except (ValueError, RuntimeError, IndexError) as error:
        raise InvalidData(
            f"No noise was found for epsilon={epsilon:g} at delta={delta:g} in {updates} updates: {error}. Give `noise`, or a larger epsilon."
        ) from None


@lru_cache(maxsize=256)
def _epsilon(noise: float, delta: float, rate: float, updates: int) -> float:
    accountant = _accountants().PRVAccountant()
    accountant.history = [(noise, rate, updates)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(accountant.get_epsilon(delta=delta))


def _accountants() -> Any:
    try:
        from opacus import accountants  # heavy, and an extra
    except ImportError:
        raise Unsupported(
            "The epsilon of dp_sgd is computed by opacus, which is not installed. Run pip install 'byrote[private]', or give `noise`."
        ) from None
    return accountants
