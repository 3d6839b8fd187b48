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
        own = z.gather(1, labels[:, None])
        log_p = torch.log_softmax(z, dim=1)
        p = log_p.exp()
        log_own = log_p.gather(1, labels[:, None]).squeeze(1)
        rival = z.scatter(1, labels[:, None], -torch.inf).amax(1)
        prediction = z.argmax(1)
        one_hot = torch.zeros_like(p).scatter_(1, labels[:, None], 1.0)
        columns = {
            "loss": -log_own,
            "margin": own.squeeze(1) - rival,
            "confidence": log_own.exp(),
            "residual": (p - one_hot).norm(dim=1),
            "correct": prediction == labels,
            "prediction": prediction.to(torch.int32),
        }
        return {name: column.cpu().numpy() for name, column in columns.items()}
