"""TracIn over checkpoints, Pruthi et al., 2020, arXiv:2002.08484."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.attribution.sketch import Sketch, flat
from byrote.errors import InvalidData
from byrote.probes._frozen import frozen
from byrote.probes._gradients import BLOCK_BYTES, bytes_each, gradients, trained

Block = tuple[Int[ndarray, " _"], Float[ndarray, "example _"]]
"""Some targets, as positions among the given ones, and a value for each example and each of them."""

CALLER = "tracin"


@checked
def tracin(
    models: Sequence[nn.Module],
    rates: Sequence[float],
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    target_inputs: Float[Tensor, "target *shape"],
    target_labels: Int[Tensor, " target"],
    *,
    sketch: int | None = None,
    seed: int = 0,
    block: int = 512,
) -> Iterator[Block]:
    """Yield how much an update on each example lowers each target's loss, to first order: above 0 helps, below 0 harms.

    The sum over checkpoints of the learning rate times the inner product of the two loss gradients, by all weights that
    require one, in evaluation mode. `models` are checkpoints of one run and `rates` its learning rates there. In units of
    loss, for one presentation per checkpoint. The models are left as they were.

    Exact by default: gradients of the examples are taken again for each block of targets, and a block has at most
    `block` targets and BLOCK_BYTES (256 MiB) of their gradients; the memory is twice that and examples x block
    numbers. With `sketch`, gradients are reduced to so many numbers once (see `Sketch`): one pass, in (examples + targets) x
    checkpoints x sketch numbers of memory, with noise of about 1 / sqrt(sketch) of the gradients' norms.

    It misleads as causation: it adds up updates that were not all made, and gradient attributions correlate weakly with
    what retraining shows. Examples with large gradients lead every list. Compare it with `influence` by `agreement`.
    """
    if len(models) != len(rates) or not models:
        raise InvalidData(
            f"tracin was given {len(models)} models and {len(rates)} learning rates. Give one per checkpoint."
        )
    if block < 1 or (sketch is not None and sketch < 1):
        raise InvalidData(f"tracin was given block={block} and sketch={sketch}. Give 1 or more.")
    example, target = (inputs, labels), (target_inputs, target_labels)
    return _exact(models, rates, example, target, block) if sketch is None else _sketched(
        models, rates, example, target, block, sketch, seed
    )  # fmt: skip


def _exact(
    models: Sequence[nn.Module],
    rates: Sequence[float],
    example: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    block: int,
) -> Iterator[Block]:
    size = max(1, min(block, BLOCK_BYTES // max(1, *(bytes_each(trained(model)) for model in models))))
    for where in torch.arange(len(target[0])).split(size):
        total = np.zeros((len(example[0]), len(where)))
        for model, rate in zip(models, rates, strict=True):
            weights = trained(model)
            with frozen(model) as run:
                blocks = gradients(CALLER, run, weights, target[0][where], target[1][where])
                of_targets = torch.cat([flat(part) for part in blocks])
                done = 0
                for part in gradients(CALLER, run, weights, *example):
                    of_examples = flat(part)
                    products = (of_examples @ of_targets.T).double().cpu().numpy()
                    total[done : done + len(products)] += rate * products
                    done += len(products)
        yield where.numpy(), total


def _sketched(
    models: Sequence[nn.Module],
    rates: Sequence[float],
    example: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    block: int,
    size: int,
    seed: int,
) -> Iterator[Block]:
    of_examples, of_targets = list[Tensor](), list[Tensor]()
    for number, (model, rate) in enumerate(zip(models, rates, strict=True)):
        weights = trained(model)
        reduce = Sketch(weights, size, seed + number)
        with frozen(model) as run:
            of_examples.append(rate * torch.cat([reduce(part) for part in gradients(CALLER, run, weights, *example)]))
            of_targets.append(torch.cat([reduce(part) for part in gradients(CALLER, run, weights, *target)]))
    left, right = torch.cat(of_examples, 1), torch.cat(of_targets, 1)
    for where in torch.arange(len(right)).split(block):
        yield where.numpy(), (left @ right[where].T).double().cpu().numpy()
