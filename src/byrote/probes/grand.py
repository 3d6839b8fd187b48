"""GraNd, the gradient norm, Paul et al., 2021, arXiv:2107.07075."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from byrote.objectives import Objective
from byrote.probes._frozen import frozen
from byrote.probes._gradients import gradients
from byrote.signature import probe

BLOCK_BYTES = 1 << 26
"""Most memory for gradients at once, 64 MiB, because probes are evaluated while other models train."""


@probe(high="hard")
def grand(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    labels: Shaped[Tensor, "example *target"],
    *,
    objective: Objective | None = None,
) -> Float[Tensor, " example"]:
    """Norm of the gradient of an example's loss with respect to the weights: 0 is fitted, high is hard.

    The l2 norm of the gradient of the loss with respect to all weights together, including those that are kept
    fixed in training. The paper's score is the expectation over initial weights: average over runs. Gradients are
    taken in blocks of BLOCK_BYTES. NaN where the model gives NaN.

    It misleads at initialisation: the paper's finding that it ranks examples before any training does not replicate
    (Kirsch 2023, arXiv:2303.14753), so use a model that was trained for some epochs. One run alone is noisy. It grows
    with the loss, and is not comparable between architectures.
    """
    with frozen(model, objective) as run:
        blocks = gradients("grand", run, run.weights, inputs, labels, most=BLOCK_BYTES)
        squares = [torch.stack([value.flatten(1).square().sum(1) for value in each.values()]).sum(0) for each in blocks]
    return torch.cat(squares).sqrt()
