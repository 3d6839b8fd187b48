"""Layer retraining, Maini et al., 2023, arXiv:2307.09542."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from byrote.errors import ByroteError
from byrote.locate.examples import Labelled, correct, difference, share
from byrote.locate.layers import layers, with_layer
from byrote.stats.estimate import Estimate
from byrote.task.recipe import Recipe
from byrote.task.schedule import at
from byrote.task.signals import Signals
from byrote.training.updates import Optimizer

CALLER = "layer_retraining"


@dataclass(frozen=True)
class Retrained:
    """What the final model gets right when one layer was reset and trained again, alone, on clean examples only.

    `memorized` and `clean` are shares from 0 to 1 afterwards, `reset_memorized` and `reset_clean` before the layer was trained
    again. High `memorized`: the wrong labels come back without being trained on, so other layers keep them, and this
    one was redundant. Low, with `clean` high: this layer kept them. `gap` is clean minus memorized. Intervals are over
    examples.
    """

    layer: str
    memorized: Estimate
    clean: Estimate
    gap: Estimate
    reset_memorized: Estimate
    reset_clean: Estimate


def layer_retraining(
    model: nn.Module,
    initial: nn.Module,
    memorized: Labelled,
    clean: Labelled,
    recipe: Recipe,
    *,
    modules: Sequence[str] | None = None,
    seed: int = 0,
    level: float = 0.9,
) -> tuple[Retrained, ...]:
    """Reset each layer in turn to its initial weights, train it alone on clean examples, and test the memorized ones.

    `recipe` says how it is trained again: that of the model, or as in the paper's code SGD at a tenth of the learning
    rate for 20 epochs. Only the layer's own modules are in training mode: normalisation elsewhere keeps its statistics,
    and dropout elsewhere is off, so that nothing but the layer changes. (The paper's code puts the whole model in
    training mode.) All that is random comes from `seed`. Raises ByroteError when the loss becomes NaN or infinite.

    It misleads where clean accuracy does not come back: then the layer was not trained for long enough to tell. A
    memorized example may also be right because its label is its true one, or that of its look-alikes.
    """
    source = initial.state_dict()
    rows: list[Retrained] = []
    for name, keys in layers(model, modules).items():
        changed = with_layer(model, source, keys)
        before = [share(correct(CALLER, changed, examples), level) for examples in (memorized, clean)]
        _train(changed, name, keys, clean, recipe, seed)
        known, ordinary = (correct(CALLER, changed, examples) for examples in (memorized, clean))
        gap = difference(ordinary, known, level)
        rows.append(Retrained(name, share(known, level), share(ordinary, level), gap, *before))
    return tuple(rows)


def _train(model: nn.Module, name: str, keys: Sequence[str], examples: Labelled, recipe: Recipe, seed: int) -> None:
    """Train the weights called `keys`, and nothing else, of a model that may be changed."""
    inputs, labels = examples
    weights = [weight for key, weight in model.named_parameters() if key in keys and weight.requires_grad]
    if not weights:
        return
    for key, weight in model.named_parameters():
        weight.requires_grad_(weight.requires_grad and key in keys)
    owners = {key.rpartition(".")[0] for key in keys}
    for place, module in model.named_modules():
        module.training = place in owners
    optimizer, order = Optimizer(weights, recipe), torch.Generator().manual_seed(seed)
    batches = -(-len(inputs) // recipe.batch_size)
    with torch.random.fork_rng(devices=[inputs.device.index] if inputs.is_cuda else []), torch.enable_grad():
        torch.manual_seed(seed)
        for epoch in range(recipe.epochs):
            shuffled = torch.randperm(len(inputs), generator=order).to(inputs.device)
            for number, batch in enumerate(shuffled.tensor_split(batches)):
                loss = functional.cross_entropy(model(inputs.index_select(0, batch)), labels.index_select(0, batch))
                if not torch.isfinite(loss):
                    raise ByroteError(
                        f"Retraining the layer {name!r} diverged in epoch {epoch + 1} with {recipe}. Lower the learning rate."
                    )
                loss.backward()
                signals = Signals((epoch + number / batches) / recipe.epochs, epoch + 1, number)
                optimizer.update([at(recipe.learning_rate, signals)], [at(recipe.weight_decay, signals)])
