"""Prediction depth, Baldock et al., 2021, arXiv:2106.09647."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from byrote.arrays import checked
from byrote.errors import InvalidData, unknown
from byrote.probes._frozen import Frozen, check_inputs, check_logits, frozen

BLOCK_BYTES = 1 << 28
"""About the memory that activations and distances take at once: 256 MiB."""

QUERIES = 512
"""Most examples that are compared with the reference in one pass over it."""


@checked
def prediction_depth(
    model: nn.Module,
    inputs: Float[Tensor, "example *shape"],
    reference_inputs: Float[Tensor, "reference *shape"],
    reference_labels: Int[Tensor, " reference"],
    *,
    k: int = 30,
    layers: Sequence[str] | None = None,
    own: Int[Tensor, " example"] | None = None,
) -> Float[Tensor, " example"]:
    """After how many layers the prediction is final: 0 is final at the input, the number of layers or more is hard.

    At the input (layer 0) and after each layer, the k nearest of the reference set (the training set, l2 distance of
    flattened activations) vote by their labels. The depth is l if the vote after layer l and after all later layers is the
    model's prediction, and that after layer l - 1 is not. If even the last vote is another class, the depth is the number
    of layers plus one. A tied vote goes to the class with the nearest member; ties in distance follow the order of the
    reference.

    Layers are those in `layers` (names of `model.named_modules()`), or else every module without submodules that has
    weights or is a ReLU; a module that is called several times counts as several layers, in the order of calls. The
    paper takes fewer, such as one per block; compare depths only for the same choice. `own` is the position of each
    example in the reference, so that it does not vote for itself; -1 where it is not in the reference.

    The model is evaluated in evaluation mode and not changed. Every block of up to QUERIES examples passes the reference
    through the model again, so that memory stays at about BLOCK_BYTES, however large both are (at least one example
    and one of the reference at a time). NaN where the model's logits are not finite. Raises ByroteError for a layer
    that does not exist, InvalidData for a k that is not from 1 to the size of the reference.

    It misleads across architectures, and where the reference is small: a class with few examples cannot win a vote of 30.
    """
    check_inputs("prediction_depth", inputs)
    check_inputs("prediction_depth", reference_inputs)
    if own is None:
        own = torch.full((len(inputs),), -1, device=inputs.device)
    voters = len(reference_inputs) - bool(len(own) and (own >= 0).any())
    if len(reference_inputs) != len(reference_labels) or len(own) != len(inputs) or not 1 <= k <= voters:
        raise InvalidData(
            f"prediction_depth was given k={k}, {len(inputs)} inputs with {len(own)} own positions, and a reference of "
            f"{len(reference_inputs)} inputs and {len(reference_labels)} labels. Give one of each per example, and at "
            "least k voters."
        )
    if not len(inputs):
        return inputs.new_zeros(0)
    with _recording(model, layers) as recorded, frozen(model) as run, torch.no_grad():
        width = sum(layer.shape[1] for layer in _activations(run, recorded, inputs[:1])[1])
        rows = max(1, BLOCK_BYTES // (24 * width))
        rows = min(rows, QUERIES)
        parts = [
            _depth(run, recorded, some, positions, reference_inputs, reference_labels, k, rows)
            for some, positions in zip(inputs.split(rows), own.split(rows), strict=True)
        ]
    return torch.cat(parts)


def _depth(
    run: Frozen,
    recorded: list[Tensor],
    inputs: Tensor,
    own: Tensor,
    reference: Tensor,
    labels: Tensor,
    k: int,
    rows: int,
) -> Tensor:
    """Return the depth of one block of examples, with one pass over the reference."""
    logits, layers = _activations(run, recorded, inputs)
    layers = [layer.clone() for layer in layers]
    nearest = [
        (logits.new_zeros(len(inputs), 0, dtype=torch.float64), labels.new_zeros(len(inputs), 0)) for _ in layers
    ]
    for start in range(0, len(reference), rows):
        others = _activations(run, recorded, reference[start : start + rows])[1]
        near_labels = labels[start : start + rows].expand(len(inputs), -1)
        itself = own[:, None] == torch.arange(start, start + near_labels.shape[1], device=own.device)
        for depth, (layer, reference_layer) in enumerate(zip(layers, others, strict=True)):
            distance = _squared_distance(layer, reference_layer).masked_fill(itself, torch.inf)
            far, name = nearest[depth]
            far, order = torch.cat([far, distance], 1).sort(dim=1, stable=True)
            nearest[depth] = far[:, :k], torch.cat([name, near_labels], 1).gather(1, order[:, :k])
    predicted = logits.argmax(1)
    classes = max(logits.shape[1], int(labels.max()) + 1)
    agrees = torch.stack([_vote(names, classes) == predicted for _, names in nearest])
    settled = agrees.flip(0).cumprod(0).sum(0)
    depth = (len(layers) - settled).to(inputs.dtype)
    return torch.where(logits.isfinite().all(1), depth, torch.nan)


def _vote(names: Int[Tensor, "example rank"], classes: int) -> Int[Tensor, " example"]:
    """Return the most frequent label of each row; of several, the one that comes first."""
    ranks = names.shape[1]
    weight = torch.arange(ranks, 0, -1, device=names.device).expand(names.shape)
    count = torch.zeros(len(names), classes, dtype=torch.int64, device=names.device)
    first = count.scatter_reduce(1, names, weight, "amax")
    count = count.scatter_add(1, names, torch.ones_like(names))
    return (count * (ranks + 1) + first).argmax(1)


def _squared_distance(
    a: Float[Tensor, "example feature"], b: Float[Tensor, "reference feature"]
) -> Float[Tensor, "example reference"]:
    a, b = a.double(), b.double()  # a difference of squares in float32 would mix up close neighbours
    return a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T


def _activations(run: Frozen, recorded: list[Tensor], inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Return the logits, and what every layer gives, the input first."""
    recorded.clear()
    logits = run(inputs)
    check_logits("prediction_depth", logits, len(inputs))
    if any(len(layer) != len(inputs) for layer in recorded):
        raise InvalidData(
            "prediction_depth found a layer that does not give one row per example. Name the layers to read."
        )
    return logits, [inputs.flatten(1), *recorded]


@contextmanager
def _recording(model: nn.Module, layers: Sequence[str] | None) -> Generator[list[Tensor]]:
    """Yield a list that gets the flattened output of every layer while the model is called."""
    named, recorded = dict(model.named_modules()), list[Tensor]()
    for name in layers or ():
        if name not in named:
            raise unknown("layer", name, named)
    chosen = [named[name] for name in layers] if layers is not None else [m for m in named.values() if _counts(m)]

    def hear(module: nn.Module, given: tuple[Tensor, ...], result: Tensor | tuple[Tensor, ...]) -> None:
        first = result[0] if isinstance(result, tuple) else result
        recorded.append(first.detach().flatten(1).clone())  # the next layer may work in place

    hooks = [module.register_forward_hook(hear) for module in chosen]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()


def _counts(module: nn.Module) -> bool:
    alone = next(module.children(), None) is None
    return alone and (isinstance(module, nn.ReLU) or next(module.parameters(recurse=False), None) is not None)
