"""Susceptibility to noisy labels, Forouzesh et al., 2023, arXiv:2212.04461."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.probes._frozen import check_inputs, check_logits, frozen
from byrote.stats.estimate import Estimate
from byrote.stats.intervals import student


@checked
def susceptibility(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    *,
    learning_rate: float,
    batch_size: int = 128,
    repetitions: int = 10,
    seed: int = 0,
    level: float = 0.9,
) -> Estimate:
    """How fast the model would fit random labels: 0 does not fit them, high memorizes readily.

    A batch of `inputs` gets labels uniformly at random. The value is the loss on it before one update of plain SGD on it,
    minus the loss after, in nats: the mean over `repetitions` batches and labels (drawn from `seed`), with Student's
    interval over them (no interval from one). The paper's zeta at epoch t is the mean of this number over the epochs so
    far, with one batch each: measure after every epoch, at the learning rate of the training, and average. The inputs need
    no labels, and may be held out. The update is made in evaluation mode on a copy of the weights; the model is not changed.
    Raises InvalidData when there are fewer inputs than a batch, or when an option is not above 0.

    It misleads alone: both an untrained model and one that generalizes have low values. The paper reads it together with
    the training accuracy. It grows with the learning rate. The interval covers batches and labels, not new models.
    """
    check_inputs("susceptibility", inputs)
    if not learning_rate > 0 or repetitions < 1 or not 1 <= batch_size <= len(inputs):
        raise InvalidData(
            f"susceptibility was given {len(inputs)} inputs, batch_size={batch_size}, learning_rate={learning_rate} and "
            f"repetitions={repetitions}. Take all above 0, and no fewer inputs than a batch."
        )
    generator = torch.Generator().manual_seed(seed)
    drops: list[float] = []
    with frozen(model) as run:
        weights = {name: value.clone().requires_grad_() for name, value in run.weights.items()}
        for _ in range(repetitions):
            some = inputs[torch.randperm(len(inputs), generator=generator)[:batch_size].to(inputs.device)].detach()
            logits = run(some, weights)
            check_logits("susceptibility", logits, batch_size)
            labels = torch.randint(logits.shape[1], (batch_size,), generator=generator).to(logits.device)
            before = functional.cross_entropy(logits, labels)
            slopes = torch.autograd.grad(before, list(weights.values()), allow_unused=True, materialize_grads=True)
            with torch.no_grad():
                stepped = {
                    name: value - learning_rate * slope
                    for (name, value), slope in zip(weights.items(), slopes, strict=True)
                }
                drops.append(float(before - functional.cross_entropy(run(some, stepped), labels)))
    value = torch.tensor(drops, dtype=torch.float64)
    spread = float(value.var()) if repetitions > 1 else float("nan")
    low, high = student(float(value.mean()), spread, repetitions, level=level)
    return Estimate(float(value.mean()), float(low), float(high), repetitions, "repetition", level)
