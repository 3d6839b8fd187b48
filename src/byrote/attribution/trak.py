"""TRAK, Park et al., 2023, arXiv:2303.14186, with count sketches in place of dense random projections."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from byrote.arrays import checked
from byrote.attribution.sketch import Sketch, flat
from byrote.attribution.tracin import Block
from byrote.errors import InvalidData
from byrote.probes._frozen import frozen
from byrote.probes._gradients import gradients, log_odds, trained

CALLER = "trak"


@checked
def trak(
    models: Sequence[nn.Module],
    inputs: Float[Tensor, "example *shape"],
    labels: Int[Tensor, " example"],
    target_inputs: Float[Tensor, "target *shape"],
    target_labels: Int[Tensor, " target"],
    *,
    sketch: int | None = 512,
    seed: int = 0,
    block: int = 512,
) -> Iterator[Block]:
    """Yield how much each training example raises each target's log odds, by a linear model: above 0 helps, below 0 harms.

    With f the log odds of the label, phi the sketch of its gradient by the weights and Phi that of all training
    examples, the value of example i for target z is mean(1 - p_i) times mean(phi(z) (Phi'Phi)^+ phi_i), means over
    `models`, without the paper's soft threshold, which sets small values to 0. `models` are trained independently of
    each other, on all of the examples or on large subsets; one says little, ten say much more. `inputs` are the
    training examples, all of them. In units of log odds.

    The paper projects with dense Gaussian matrices; a sketch has the same inner products on average and costs no matrix.
    Each model has a sketch of its own. `sketch=None` takes gradients as they are, for models with fewer weights than
    there are examples. Memory: (examples + targets) x sketch numbers per model, and BLOCK_BYTES of gradients. Raises
    InvalidData where the sketch is not smaller than the number of examples: the linear model would fit anything.

    It misleads with one model, where examples are few or the sketch is nearly as large as their number, and as causation,
    as TracIn does. Compare it with `influence` by `agreement`.
    """
    if not models:
        raise InvalidData("trak was given no model. Give one or more, trained independently.")
    if block < 1 or (sketch is not None and sketch < 1):
        raise InvalidData(f"trak was given block={block} and sketch={sketch}. Give 1 or more.")
    sizes = [sketch or sum(weight.numel() for weight in trained(model).values()) for model in models]
    if max(sizes) >= len(inputs):
        raise InvalidData(
            f"trak would describe {len(inputs)} training examples by {max(sizes)} numbers each. Take a smaller sketch, a tenth of the examples or so."
        )
    return _attributed(models, (inputs, labels), (target_inputs, target_labels), sketch, seed, block)


def _attributed(
    models: Sequence[nn.Module],
    example: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    sketch: int | None,
    seed: int,
    block: int,
) -> Iterator[Block]:
    weight, of_examples, of_targets = np.zeros(len(example[0])), list[Tensor](), list[Tensor]()
    for number, model in enumerate(models):
        features, others = (_features(model, each, sketch, seed + number) for each in (example, target))
        inverse = torch.linalg.pinv(features.T @ features, hermitian=True)
        of_examples.append(features @ inverse)
        of_targets.append(others)
        weight += _error(model, *example) / len(models)
    for where in torch.arange(len(target[0])).split(block):
        pairs = zip(of_examples, of_targets, strict=True)
        value = sum((left @ right[where].T).cpu().numpy() for left, right in pairs)
        yield where.numpy(), weight[:, None] * value / len(models)


def _features(
    model: nn.Module, examples: tuple[Tensor, Tensor], sketch: int | None, seed: int
) -> Float[Tensor, "example size"]:
    weights = trained(model)
    reduce = flat if sketch is None else Sketch(weights, sketch, seed)
    with frozen(model) as run:
        parts = [reduce(part).double() for part in gradients(CALLER, run, weights, *examples, log_odds)]
    width = sketch or sum(weight.numel() for weight in weights.values())
    return torch.cat([examples[0].new_zeros(0, width, dtype=torch.float64), *parts])


def _error(model: nn.Module, inputs: Tensor, labels: Tensor) -> np.ndarray:
    """Return 1 - p of each label."""
    with frozen(model) as run, torch.no_grad():
        parts = [
            -torch.expm1(-functional.cross_entropy(run(batch).double(), expected, reduction="none"))
            for batch, expected in zip(inputs.split(256), labels.split(256), strict=True)
        ]
    return torch.cat(parts).cpu().numpy()
