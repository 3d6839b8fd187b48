"""Entropy of the prediction, Shokri et al., 2017, arXiv:1610.05820; as an attack in Song & Mittal, 2021."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.probes._frozen import check_inputs, check_logits, frozen
from byrote.probes._log_odds import log_odds, surprise, weighted
from byrote.signature import probe


@probe(high="hard")
def entropy(
    model: nn.Module, inputs: Float[Tensor, "example *shape"], labels: Int[Tensor, " example"]
) -> Float[Tensor, " example"]:
    """How uncertain the prediction is: 0 is certain, log of the number of classes is uniform and hard.

    - sum over classes of p log p, in nats, from the logits without rounding probabilities to 0 or 1. The label is not
      used. As an attack a LOW value is evidence for membership. NaN where the model gives NaN.

    It misleads where the model is certain and wrong: such an example looks like a member. `modified_entropy` corrects this.
    """
    check_inputs("entropy", inputs)
    with frozen(model) as run, torch.no_grad():
        logits = run(inputs)
        check_logits("entropy", logits, len(labels))
        odds = log_odds(logits)
        return weighted(odds.sigmoid(), surprise(odds)).sum(1)
