"""Critical samples by LASS, Arpit et al., 2017, arXiv:1706.05394, section 4.1."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.probes._frozen import check_inputs, check_logits, frozen
from byrote.probes._loss_slope import loss_slope
from byrote.signature import probe


@probe(high="hard")
def critical(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    *,
    alpha: float = 0.25,
    beta: float = 0.2,
    radius: float = 0.3,
    scale: float = 1 / 255,
    max_iter: int = 100,
    seed: int = 0,
) -> Float[Tensor, " example"]:
    """Whether a different prediction was found nearby: 1 is critical (near a decision boundary, hard), 0 is none found.

    Langevin adversarial sample search: from x, `max_iter` times, add alpha x sign(gradient) + beta x standard normal
    noise, move every coordinate back to within `radius` of x, and stop as soon as the predicted label differs from
    that of x. The true label is not used. alpha, beta and radius are in pixel units of 0-255, as in the paper;
    `scale` is the size of one pixel unit in units of the input: 1/255 where images are divided by 255, more where they
    are then standardized. The paper states the gradient of an output at x. Here it is the gradient of the cross-entropy
    of the predicted label at the current point, which leads away from that label, as in the code credited to the authors.
    Points may leave the range of valid pixels, as in the paper. All examples share the noise, drawn from `seed`, so
    that a value does not depend on the batch. NaN where the model's logits of x are not finite. Raises InvalidData for
    a radius or a scale that is not above 0, and for a negative alpha, beta or max_iter.

    It misleads as a proof: 0 means only that this search found nothing. The mean is `critical_sample_ratio`. On training
    examples it first rises and then falls during training; the paper's figures are for held-out examples. Published
    values with a radius of 30 are a different measure.
    """
    if not (radius > 0 and scale > 0) or min(alpha, beta, max_iter) < 0:
        raise InvalidData(
            f"critical was given alpha={alpha}, beta={beta}, radius={radius}, scale={scale}, max_iter={max_iter}. "
            "Take a radius and a scale above 0, and nothing negative."
        )
    check_inputs("critical", inputs)
    generator = torch.Generator().manual_seed(seed)
    with frozen(model) as run:
        with torch.no_grad():
            logits = run(inputs)
        check_logits("critical", logits, len(labels))
        predicted = logits.argmax(1)
        found = torch.zeros(len(inputs), dtype=inputs.dtype, device=inputs.device)
        found[~logits.isfinite().all(1)] = torch.nan
        looking = torch.nonzero(found == 0)[:, 0]
        moved = inputs.detach().clone()
        for _ in range(max_iter):
            if not len(looking):
                break
            noise = torch.randn(inputs.shape[1:], generator=generator).to(inputs)
            here, start = moved[looking], inputs[looking].detach()
            uphill = loss_slope("critical", run, here, predicted[looking]).sign()
            step = (here + scale * (alpha * uphill + beta * noise) - start).clamp(-radius * scale, radius * scale)
            moved[looking] = start + step
            with torch.no_grad():
                flipped = run(start + step).argmax(1) != predicted[looking]
            found[looking[flipped]] = 1
            looking = looking[~flipped]
    return found
