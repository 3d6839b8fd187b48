"""Loss, and the loss attack, Yeom, Giacomelli, Fredrikson & Jha, 2018, arXiv:1709.01604."""

from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def loss(loss: Float[ndarray, " example"], *, step: int = -1) -> Float[ndarray, " example"]:
    """Cross-entropy of the label, in nats: 0 is predicted with certainty, high is badly predicted.

    The loss of a clean pass at `step` (-1: the last). As a membership attack a LOW loss says member (Yeom et al. 2018), so
    summaries in which high says member get `-loss`.

    It misleads as an attack: easy examples have a low loss whether trained on or not. Its AUC hides that it
    finds almost no member at a low false-positive rate.
    """
    return loss
