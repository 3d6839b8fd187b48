"""Modified entropy, Song & Mittal, 2021, arXiv:2003.10595."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.probes._frozen import check_inputs, check_labels, frozen
from byrote.probes._log_odds import log_odds, surprise, weighted
from byrote.signature import probe


@probe(high="hard")
def modified_entropy(
    model: nn.Module, inputs: Float[Tensor, "example *shape"], labels: Int[Tensor, " example"]
) -> Float[Tensor, " example"]:
    """How far a prediction is from certain and right: 0 is both; high is hard, without limit if certain and wrong.

    -(1 - p_y) log p_y - sum over other classes j of p_j log(1 - p_j), in nats, from the logits without rounding
    probabilities to 0 or 1. As an attack a LOW value is evidence for membership. NaN where the model gives NaN.

    It misleads with one threshold for all classes: the paper sets one per class, because the certainty of a model
    differs between classes.
    """
    check_inputs("modified_entropy", inputs)
    with frozen(model) as run, torch.no_grad():
        logits = run(inputs)
        check_labels("modified_entropy", labels, logits)
        odds = log_odds(logits)
        own = odds.gather(1, labels[:, None])
        others = weighted(odds.sigmoid(), surprise(-odds)).scatter(1, labels[:, None], 0)
        return weighted((-own).sigmoid(), surprise(own))[:, 0] + others.sum(1)
