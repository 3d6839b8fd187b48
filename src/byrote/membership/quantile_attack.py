"""Quantile-regression attack, Bertran et al., 2023, arXiv:2307.03694."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import Unsupported
from byrote.scores._shadows import logit

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HIDDEN = 128
BATCH = 256


@checked
def quantile_attack(
    loss: Float[ndarray, "run example"],
    member: Bool[ndarray, "run example"],
    inputs: Shaped[ndarray, "example *shape"],
    labels: Int[ndarray, " example"],
    *,
    epochs: int = 30,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> Float[ndarray, "run example"]:
    """How far the logit of an example lies above that of non-members like it, in standard deviations: high says member.

    No other run is needed. For each run, a small network learns the mean and the log standard deviation of the label's
    logit, given input and label, from the non-members of one random half of the examples, and is applied to all examples
    of the other half; then the other way round. So no example is scored by a network that was fitted to it, and members
    and others are scored alike. This is the paper's Gaussian form; a threshold on it is the paper's quantile. NaN where
    the loss is NaN or infinite.

    Each half needs 16 non-members or more, else Unsupported is raised; in practice it takes hundreds. It misleads where
    the inputs say little about how hard an example is: it is then the loss attack. The network is a perceptron on pixels,
    where the paper takes a pretrained one, so this is a lower bound of what the attack can do.
    """
    import torch

    value = logit(loss)
    features = torch.from_numpy(_features(inputs, labels))
    result = np.full(loss.shape, np.nan)
    for run, (logits, trained) in enumerate(zip(value, member, strict=True)):
        generator = torch.Generator().manual_seed(seed * 100_003 + run)
        half = np.random.default_rng([seed, run]).permutation(len(logits)) % 2 == 0
        for fitted, held_out in ((half, ~half), (~half, half)):
            used = np.flatnonzero(fitted & ~trained & np.isfinite(logits))
            if len(used) < 16:
                raise Unsupported(
                    f"quantile_attack has {len(used)} non-members with a loss in half of run {run}. Give it examples that the run was not trained on: 16 or more in each half."
                )
            centre, scale = logits[used].mean(), max(logits[used].std(), 1e-12)
            target = torch.from_numpy(((logits[used] - centre) / scale).astype(np.float32))
            network = _Network(features.shape[1], generator)
            network.fit(features[used], target, epochs, learning_rate, generator)
            mean, deviation = network.predict(features[np.flatnonzero(held_out)])
            result[run, held_out] = ((logits[held_out] - centre) / scale - mean) / deviation
    return result


class _Network:
    """One hidden layer, from features to mean and log standard deviation."""

    def __init__(self, width: int, generator: "torch.Generator") -> None:
        import torch

        first = torch.randn(width, HIDDEN, generator=generator) * (2 / width) ** 0.5
        self.weights = [first, torch.zeros(HIDDEN), torch.zeros(HIDDEN, 2), torch.zeros(2)]
        for each in self.weights:
            each.requires_grad_()

    def __call__(self, features: "Tensor") -> "tuple[Tensor, Tensor]":
        import torch

        first, shift, second, last = self.weights
        mean, log_deviation = (torch.relu(features @ first + shift) @ second + last).unbind(1)
        return mean, log_deviation.clamp(-4, 4)

    def fit(
        self, features: "Tensor", target: "Tensor", epochs: int, learning_rate: float, generator: "torch.Generator"
    ) -> None:
        import torch

        updates = epochs * -(-len(target) // BATCH)
        optimizer = torch.optim.AdamW(self.weights, lr=learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda update: 1 - update / (updates + 1))
        for _ in range(epochs):
            for batch in torch.randperm(len(target), generator=generator).split(BATCH):
                mean, log_deviation = self(features[batch])
                nll = (log_deviation + ((target[batch] - mean) * torch.exp(-log_deviation)).square() / 2).mean()
                optimizer.zero_grad()
                nll.backward()
                optimizer.step()
                schedule.step()

    def predict(self, features: "Tensor") -> tuple[Float[ndarray, " example"], Float[ndarray, " example"]]:
        import torch

        with torch.no_grad():
            mean, log_deviation = self(features)
        return mean.double().numpy(), log_deviation.double().exp().numpy()


def _features(
    inputs: Shaped[ndarray, "example *shape"], labels: Int[ndarray, " example"]
) -> Float[ndarray, "example feature"]:
    flat = inputs.reshape(len(inputs), -1).astype(np.float32)
    deviation = flat.std(axis=0)
    flat = (flat - flat.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return np.concatenate([flat, labels[:, None] == np.unique(labels)], axis=1, dtype=np.float32)
