"""Loss, and the loss attack, Yeom, Giacomelli, Fredrikson & Jha, 2018, arXiv:1709.01604."""

from jaxtyping import Float
from numpy import ndarray

from byrote.signature import score


@score(high="hard")
def loss(loss: Float[ndarray, " example"], *, step: int = -1) -> Float[ndarray, " example"]:
    """Cross-entropy of the label, in nats: 0 is predicted with certainty, high is badly predicted.

    The clean loss at `step` (-1: the last), which says what to read. As an attack on membership a LOW loss
    says member (Yeom et al. 2018), so an attack that takes high for member gets `-loss`.

    It misleads as an attack: easy examples have a low loss whether trained on or not. Its AUC hides that it
    finds almost no member at a low false-positive rate.
    """
    return loss
