"""Loss sensitivity, Arpit et al., 2017, arXiv:1706.05394, section 3.2."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.probes._frozen import check_inputs, check_labels, frozen


@checked
def loss_sensitivity(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    *,
    updates: int,
    learning_rate: float,
    batch_size: int | None = None,
    at: Sequence[int] | None = None,
    seed: int = 0,
) -> Float[Tensor, "update example"]:
    """How much the mean loss after each update depends on an example's input: high means that training relied on it.

    The l1 norm of d L_t / d x, where L_t is the mean cross-entropy over all `inputs` after t updates of plain SGD from
    the weights of `model`. The derivative is taken through the unrolled updates and through L_t itself, of which x is
    a part. One row per update in `at` (default: each of 1 to `updates`). Average the rows for the paper's loss-sensitivity,
    and take `byrote.summaries.gini` of that. Batches are drawn from `seed`, in a new order for every pass; None is all
    inputs at once. The weights of the model are not changed. Dropout is off and batch normalisation uses
    its running statistics, so take a network without them.

    Memory holds the unrolled training: updates x (activations of a batch + a few copies of the weights). Time is that of
    updates x rows / 2 backward passes. The paper has 2 layers of 16 units and 1,000 images of 14 x 14. Raises InvalidData
    when an option is out of range.

    It misleads when its size is compared between trainings: it grows with the learning rate and the number of updates.
    `input_gradient`, the norm at one point of the training, is a different measure.
    """
    check_inputs("loss_sensitivity", inputs)
    size, rows = batch_size or len(inputs), set(range(1, updates + 1) if at is None else at)
    if not rows or not 1 <= min(rows) <= max(rows) <= updates or not 1 <= size <= len(inputs) or not learning_rate > 0:
        raise InvalidData(
            f"loss_sensitivity was given {len(inputs)} inputs, batch_size={batch_size}, learning_rate={learning_rate}, "
            f"updates={updates} and at={at}. Take a batch within the inputs, a rate above 0, and rows from 1 to updates."
        )
    generator = torch.Generator().manual_seed(seed)
    start = inputs.detach().clone().requires_grad_()
    found: list[Tensor] = []
    order = torch.empty(0, dtype=torch.int64)
    with frozen(model) as run:
        weights = {name: value.clone().requires_grad_() for name, value in run.weights.items()}
        check_labels("loss_sensitivity", labels, run(inputs))
        for update in range(1, max(rows) + 1):
            if len(order) < size:
                order = torch.randperm(len(inputs), generator=generator)
            batch, order = order[:size].to(inputs.device), order[size:]
            loss = functional.cross_entropy(run(start[batch], weights), labels[batch])
            slopes = torch.autograd.grad(
                loss, list(weights.values()), create_graph=True, allow_unused=True, materialize_grads=True
            )
            weights = {
                name: value - learning_rate * slope
                for (name, value), slope in zip(weights.items(), slopes, strict=True)
            }
            if update in rows:
                average = functional.cross_entropy(run(start, weights), labels)
                slope = torch.autograd.grad(average, start, retain_graph=True)[0]
                found.append(slope.flatten(1).abs().sum(1))
    return torch.stack(found)
