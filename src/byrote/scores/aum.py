"""Area under the margin (AUM), Pleiss, Zhang, Elenberg & Weinberger, 2020, arXiv:2001.10528."""

from jaxtyping import Float
from numpy import ndarray

from byrote.scores import _presentations as presentations
from byrote.signature import score


@score(high="easy")
def aum(margin_seen: Float[ndarray, "step example"]) -> Float[ndarray, " example"]:
    """Mean margin during training, in logits: high is easy, below 0 another class had the larger logit on average.

    mean over steps of (logit of the label - largest other logit) (Pleiss et al. 2020). Steps without a
    presentation are skipped; NaN where there are none.

    It misleads across models and recipes: logits have no unit, and weight decay or a longer schedule changes
    them all. Compare with examples whose label was made wrong on purpose, in the same runs. The margin must
    be of logits, not of softmax.
    """
    return presentations.mean(margin_seen)
