"""What one forward pass says about examples: six columns from the logits."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def observe(logits: "Tensor", labels: "Tensor") -> dict[str, NDArray[np.generic]]:
    """Return loss, margin, confidence, residual, correct and prediction of each row; see docs/schema.md for what they mean.

    `logits` is `[example, class]` of any float type (half precision is widened first), `labels` are class indices.
    """
    import torch

    with torch.no_grad():
        z = logits.detach().float()
        prediction = z.argmax(1)
        by_class = z.t().contiguous()  # reductions over a short last axis are an order of magnitude slower
        own = by_class.gather(0, labels[None])[0]
        others = by_class.scatter(0, labels[None], -torch.inf)
        rival = others.amax(0)
        against = rival + (others - rival).exp_().sum(0).log_()
        loss = torch.nn.functional.softplus(against - own)  # keeps what log-softmax rounds to 0 when the model is sure
        spread = (others - (own + loss)).exp_().square_().sum(0)
        columns = {
            "loss": loss,
            "margin": own - rival,
            "confidence": (-loss).exp(),
            "residual": (torch.expm1(-loss).square() + spread).sqrt(),
            "correct": prediction == labels,
            "prediction": prediction.to(torch.int32),
        }
        return {name: column.cpu().numpy() for name, column in columns.items()}
