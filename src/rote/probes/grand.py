"""GraNd, the gradient norm, Paul et al., 2021, arXiv:2107.07075."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import grad, vmap  # pyright: ignore[reportPrivateImportUsage]
from torch.nn import functional

from rote.probes.frozen import check_inputs, check_labels, frozen
from rote.signature import probe

BLOCK_BYTES = 1 << 26
"""Most memory for gradients at once, 64 MiB; those of one example are held even where they are more."""


@probe(high="hard")
def grand(
    model: nn.Module, inputs: Float[Tensor, "example *shape"], labels: Int[Tensor, " example"]
) -> Float[Tensor, " example"]:
    """How hard an example pulls on the weights: 0 is at rest, high is hard.

    The l2 norm of the gradient of its cross-entropy with respect to all weights together, those that are kept fixed in
    training included. The paper's score is the expectation over initial weights: average over runs. Gradients are
    taken in blocks of BLOCK_BYTES. NaN where the model gives NaN.

    It misleads at initialisation: the paper's finding that it ranks examples before any training does not replicate
    (Kirsch 2023, arXiv:2303.14753), so ask a model that was trained for some epochs. One run alone is noisy. It grows
    with the loss, and is not comparable between architectures.
    """
    check_inputs("grand", inputs)
    norms = [inputs.new_zeros(0)]
    with frozen(model) as run:

        def loss(weights: dict[str, Tensor], one: Tensor, label: Tensor) -> Tensor:
            return functional.cross_entropy(run(one[None], weights), label[None])

        bytes_each = sum(value.numel() * value.element_size() for value in run.weights.values())
        size = max(1, BLOCK_BYTES // max(bytes_each, 1))
        with torch.no_grad():
            check_labels("grand", labels, run(inputs))
        for start in range(0, len(inputs), size):
            part = slice(start, start + size)
            gradients = vmap(grad(loss), in_dims=(None, 0, 0))(dict(run.weights), inputs[part].detach(), labels[part])
            squares = [value.flatten(1).square().sum(1) for value in gradients.values()]
            norms.append(torch.stack(squares).sum(0).sqrt())
    return torch.cat(norms)
