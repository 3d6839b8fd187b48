"""Input-gradient norm, the one-step sensitivity that Ravikumar et al., 2025, take as a baseline."""

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from byrote.errors import InvalidData
from byrote.objectives import Objective
from byrote.probes._frozen import frozen
from byrote.probes._loss_slope import loss_slope
from byrote.signature import probe


@probe(high="hard")
def input_gradient(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    labels: Shaped[Tensor, "example *target"],
    *,
    norm: int = 2,
    objective: Objective | None = None,
) -> Float[Tensor, " example"]:
    """Norm of the gradient of an example's loss with respect to its input: 0 is flat, high is hard.

    The l2 norm (`norm=1`: the l1 norm) of d loss / d input, per unit of input, at the current weights.
    Its square, summed over training, is CSG (cumulative sample gradient). NaN where the model gives NaN.
    Raises InvalidData for any other norm.

    It is not the loss sensitivity of Arpit et al. (2017), which differentiates through the training itself; that is
    `loss_sensitivity`. It misleads late in training: the loss of a confident model is flat around every example that it
    fits, memorized or not. The value changes with the scale of the inputs.
    """
    if norm not in (1, 2):
        raise InvalidData(f"input_gradient has no norm {norm!r}. Take 1 or 2.")
    with frozen(model, objective) as run:
        return loss_slope("input_gradient", run, inputs, labels).flatten(1).norm(p=norm, dim=1)
