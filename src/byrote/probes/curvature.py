"""Input-loss curvature, Garg et al., 2024, arXiv:2307.05831; Ravikumar et al., 2024, arXiv:2402.18726."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from byrote.errors import InvalidData, Unsupported
from byrote.objectives import Objective
from byrote.probes._frozen import frozen
from byrote.probes._loss_slope import loss_slope
from byrote.signature import probe


@probe(high="hard")
def curvature(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    labels: Shaped[Tensor, "example *target"],
    *,
    vectors: int = 10,
    h: float = 1e-3,
    seed: int = 0,
    objective: Objective | None = None,
) -> Float[Tensor, " example"]:
    """How curved the loss is around an example: 0 is flat or linear, high is hard.

    mean over `vectors` random v of || (grad l(x + h v) - grad l(x)) / h ||^2, with v of independent signs: Hutchinson's
    estimate of tr(H^2), where H is the Hessian of the loss in the input. This is what the papers measure; their
    theory is about tr(H), which is a different number. Their public code differs from their equation: it
    averages the norm, not its square, and leaves out the division by h. All examples share the same v, drawn from
    `seed`, so that a value does not depend on the batch. NaN where the model gives NaN. Raises Unsupported for half
    precision, which cannot resolve h, and InvalidData when `vectors` or `h` is not above 0.

    It misleads at one step of one training: the papers average it over epochs. The logits of a ReLU network are
    piecewise linear in the input, so for classes most of the curvature comes from the softmax, and late in training it is near 0
    for nearly all examples. The value changes with the scale of the inputs.
    """
    if vectors < 1 or not h > 0:
        raise InvalidData(f"curvature was given {vectors} vectors and h={h}. Take at least 1 vector and h above 0.")
    if inputs.dtype in (torch.float16, torch.bfloat16):
        raise Unsupported(f"curvature takes differences over h={h}, and {inputs.dtype} rounds them away. Use float32.")
    generator = torch.Generator().manual_seed(seed)
    with frozen(model, objective) as run:
        here = loss_slope("curvature", run, inputs, labels)
        total = here.new_zeros(len(inputs))
        for _ in range(vectors):
            signs = torch.randint(0, 2, inputs.shape[1:], generator=generator).to(inputs) * 2 - 1
            change = (loss_slope("curvature", run, inputs + h * signs, labels) - here) / h
            total += change.flatten(1).square().sum(1)
        return total / vectors
