"""Variance of gradients, Agarwal et al., 2022, arXiv:2008.11600."""

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.errors import InvalidData
from byrote.probes._frozen import check_inputs, check_labels, frozen


@checked
def vog(
    checkpoints: Iterable[nn.Module],
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    *,
    per_class: bool = True,
    batch_size: int = 256,
) -> Float[Tensor, " example"]:
    """How much the input gradient of an example changed over training: high is hard; 0 is the mean of its class.

    S_t is d logit of the label / d input at checkpoint t of K. The value is sqrt(1/K) x sum over t of
    (S_t - mean of S)^2 for each coordinate of the input, averaged over the coordinates. Then the mean over the examples
    of the same label is subtracted and the result divided by their standard deviation (not with `per_class=False`; then
    the value is 0 or more). The paper's public code takes the standard deviation over t where its equation has this sum.
    NaN where a label has one example or all its examples are equal, and where a checkpoint gives NaN. Every checkpoint is
    read once, so a generator may load them one by one; apart from the checkpoint, memory is two arrays of the size of the
    inputs. Raises InvalidData below two checkpoints.

    It misleads as an absolute number: a whole class of hard examples has mean 0, and the value of an example depends on
    which other examples are given. Early checkpoints show what is learned late; late ones show what still changes. Report
    which checkpoints were taken.
    """
    check_inputs("vog", inputs)
    mean, squares, count = torch.zeros_like(inputs), torch.zeros_like(inputs), 0
    for count, model in enumerate(checkpoints, start=1):
        with frozen(model) as run:
            for start in range(0, len(inputs), batch_size):
                part = slice(start, start + batch_size)
                some = inputs[part].detach().clone().requires_grad_()
                logits = run(some)
                check_labels("vog", labels[part], logits)
                slope = torch.autograd.grad(logits.gather(1, labels[part, None]).sum(), some)[0]
                before = slope - mean[part]
                mean[part] += before / count
                squares[part] += before * (slope - mean[part])
    if count < 2:
        raise InvalidData(f"vog was given {count} checkpoints. Give at least 2 models of one training.")
    value = squares.flatten(1).mean(1) / math.sqrt(count)
    return _per_class(value, labels) if per_class else value


def _per_class(value: Float[Tensor, " example"], labels: Int[Tensor, " example"]) -> Float[Tensor, " example"]:
    result = torch.full_like(value, torch.nan)
    for label in labels.unique():
        of_class = labels == label
        spread = value[of_class].std(correction=0)
        if spread > 0:
            result[of_class] = (value[of_class] - value[of_class].mean()) / spread
    return result
