"""Critical neurons, Maini et al., 2023, arXiv:2307.09542."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData
from byrote.locate.examples import Labelled
from byrote.locate.silencing import Silenced, silencing
from byrote.probes._frozen import check_labels
from byrote.stats.estimate import Estimate

ROWS = 2048
"""About how many rows pass through the model at once."""


@dataclass(frozen=True, eq=False)
class Flipped:
    """How many neurons had to be silenced, one after the other, until the model no longer predicted the label.

    `count` is infinite where silencing all that were allowed did not do it, and NaN where the label was not predicted to begin
    with. `order` lists the silenced neurons of each example as numbers into `CriticalNeurons.layer`. `kept` is the share of
    the others whose prediction was then as before, NaN without a flip.
    """

    count: Float[ndarray, " example"]
    order: tuple[tuple[int, ...], ...]
    kept: Float[ndarray, " example"]

    def median(self, *, level: float = 0.9) -> Estimate:
        """Return the median count of those whose label was predicted, with the interval of its order statistics.

        It counts those that never flip as infinite. The ends are NaN where there are too few examples for the level.
        """
        values = np.sort(self.count[~np.isnan(self.count)])
        n = len(values)
        rank = int(stats.binom.ppf((1 - level) / 2, n, 0.5)) if n else 0
        low, high = (values[rank - 1], values[n - rank]) if rank else (np.nan, np.nan)
        return Estimate(float(np.median(values)) if n else np.nan, float(low), float(high), n, "example", level)

    def mean_kept(self, *, level: float = 0.9) -> Estimate:
        """Return the mean of `kept` over the examples that flipped, with its t interval."""
        return _mean(self.kept, level)


@dataclass(frozen=True, eq=False)
class CriticalNeurons:
    """Which neurons the predictions of memorized and of clean examples hang on.

    `layer` and `unit` name each neuron. `memorized` and `clean` are the greedy searches; `random_memorized` and
    `random_clean` silence neurons in random order, which is what their counts are to be held against.
    """

    layer: tuple[str, ...]
    unit: tuple[int, ...]
    memorized: Flipped
    clean: Flipped
    random_memorized: Flipped
    random_clean: Flipped

    def by_layer(self, which: Flipped, *, level: float = 0.9) -> dict[str, Estimate]:
        """Return the mean share of an example's critical neurons that lie in each layer: 0 to 1, and 1 in sum.

        Over the examples that flipped, with its t interval. Hold it against the share of all neurons that the layer has.
        """
        chosen = [order for order, count in zip(which.order, which.count, strict=True) if np.isfinite(count)]
        places = np.array(self.layer)
        return {
            name: _mean(np.array([np.mean(places[list(order)] == name) for order in chosen]), level)
            for name in dict.fromkeys(self.layer)
        }


def critical_neurons(
    model: nn.Module,
    memorized: Labelled,
    clean: Labelled,
    others: Labelled,
    *,
    modules: Sequence[str] | None = None,
    copies: int = 5,
    noise: float = 0.01,
    preserve: float = 1.0,
    most: int | None = None,
    seed: int = 0,
) -> CriticalNeurons:
    """Silence the neuron that a prediction hangs on most, again and again until it flips, and count.

    A neuron is a unit of a linear layer or a channel of a convolution, in any such layer but the last, or in those named
    by `modules` (units are on the second axis of what a module gives, the last of a linear one). Its output is set to 0, as
    when its weights are. In each round, the neuron goes whose gradient times activation, summed over positions, promises the
    largest rise of the example's loss less `preserve` times the mean loss of `others` (a sample of other training
    examples, the paper's term that keeps the rest of the model's predictions). Loss and prediction are those of `copies` of the
    input with Gaussian noise of `noise` times its norm, averaged; the same noise is used for all. (The paper's code lets
    the noise grow from copy to copy, and takes the last copy's prediction.) `most` bounds the rounds, by default all neurons.

    Random orders come from `seed`, one per example. Memory: about ROWS rows of activations and their gradients. Raises
    ByroteError for a module that does not exist, InvalidData for settings or sets that cannot be used.

    It misleads as a property of the example alone: a low count says that the margin is small as well as that few neurons hold
    it, which is why clean examples and random neurons are counted too. Greedy is not minimal: the true number can be lower.
    """
    if copies < 1 or noise < 0 or preserve < 0 or (most is not None and most < 1):
        raise InvalidData(
            f"critical_neurons was given copies={copies}, noise={noise}, preserve={preserve}, most={most}. Take 1 or more copies and rounds, and no negative share."
        )
    for name, (inputs, labels) in (("memorized", memorized), ("clean", clean), ("other", others)):
        if not len(inputs) or len(inputs) != len(labels):
            raise InvalidData(
                f"critical_neurons was given {len(inputs)} {name} inputs and {len(labels)} labels. Give one or more of each."
            )
    generator = torch.Generator().manual_seed(seed)
    pattern = torch.randn((copies, *memorized[0].shape[1:]), generator=generator, dtype=torch.float64)
    orders = np.random.default_rng(seed)
    with silencing(model, memorized[0], modules) as run:
        for inputs, labels in (memorized, clean, others):
            check_labels("critical_neurons", labels, run.logits(inputs[:1]).expand(len(labels), -1))
        limit = run.neurons if most is None else min(most, run.neurons)
        found: list[Flipped] = []
        for greedy in (True, False):
            for inputs, labels in (memorized, clean):
                shuffled = np.stack([orders.permutation(run.neurons) for _ in range(len(inputs))])
                shift = _noise(inputs, pattern, noise)
                rows = max(1, ROWS // (copies + len(others[0])))
                parts = [
                    _search(
                        run,
                        shift[part],
                        labels[part],
                        others,
                        preserve,
                        limit,
                        None if greedy else shuffled[part.numpy()],
                    )
                    for part in torch.arange(len(inputs)).split(rows)
                ]
                found.append(_joined(parts))
        return CriticalNeurons(run.layer, run.unit, *found)


def _noise(
    inputs: Float[Tensor, "example *shape"], pattern: Float[Tensor, "copy *shape"], noise: float
) -> Float[Tensor, "example copy *shape"]:
    """Return copies of each input, each with noise whose norm is `noise` times the input's."""
    pattern = (pattern / pattern.flatten(1).norm(dim=1).view(-1, *[1] * (pattern.ndim - 1))).to(inputs)
    norms = inputs.flatten(1).norm(dim=1).view(-1, 1, *[1] * (inputs.ndim - 1))
    return inputs[:, None] + noise * norms * pattern


def _search(
    run: Silenced,
    copies: Float[Tensor, "example copy *shape"],
    labels: Tensor,
    others: Labelled,
    preserve: float,
    limit: int,
    shuffled: ndarray | None,
) -> Flipped:
    """Silence neurons of each example until it flips: the most critical, or in the order of `shuffled`."""
    n = len(copies)
    open_ = torch.ones(n, run.neurons, dtype=copies.dtype, device=copies.device)
    before = run.predictions(others[0])
    count, kept = np.full(n, np.inf), np.full(n, np.nan)
    orders: list[list[int]] = [[] for _ in range(n)]
    active = torch.arange(n, device=copies.device)
    for round_ in range(limit + 1):
        right = run(copies[active], open_[active]).mean(1).argmax(1) == labels[active]
        for place in active[~right].tolist():
            count[place] = round_ if round_ else np.nan
            if round_:
                now = run.predictions(others[0], open_[place])
                kept[place] = (now == before).double().mean().item()
        active = active[right]
        if round_ == limit or not len(active):
            break
        if shuffled is None:
            promise = _promise(run, copies[active], labels[active], open_[active], others, preserve)
            chosen = promise.masked_fill(open_[active] == 0, -torch.inf).argmax(1)
        else:
            chosen = torch.from_numpy(shuffled[active.cpu().numpy(), round_]).to(copies.device)
        open_[active, chosen] = 0
        for place, neuron in zip(active.tolist(), chosen.tolist(), strict=True):
            orders[place].append(neuron)
    return Flipped(count, tuple(tuple(order) for order in orders), kept)


def _promise(
    run: Silenced,
    copies: Float[Tensor, "example copy *shape"],
    labels: Tensor,
    open_: Float[Tensor, "example neuron"],
    others: Labelled,
    preserve: float,
) -> Float[Tensor, "example neuron"]:
    """Return, to first order, how much silencing each neuron raises the example's loss less that of the others."""
    mask = open_.clone().requires_grad_()
    logits = run(copies, mask)
    told = labels[:, None].expand(logits.shape[:2])
    objective = functional.cross_entropy(logits.flatten(0, 1), told.flatten(), reduction="none").view_as(told).mean(1)
    if preserve:
        rest = run(others[0].expand(len(copies), *others[0].shape), mask)
        told = others[1].expand(rest.shape[:2])
        loss = functional.cross_entropy(rest.flatten(0, 1), told.flatten(), reduction="none").view_as(told)
        objective = objective - preserve * loss.mean(1)
    return -torch.autograd.grad(objective.sum(), mask)[0]


def _joined(parts: Sequence[Flipped]) -> Flipped:
    orders = tuple(order for part in parts for order in part.order)
    return Flipped(
        np.concatenate([part.count for part in parts]), orders, np.concatenate([part.kept for part in parts])
    )


def _mean(values: Float[ndarray, " example"], level: float) -> Estimate:
    return Estimate.of_mean(values, "example", level=level)
