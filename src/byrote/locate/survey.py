"""Which layer of a run keeps what it memorized: the analyses of Maini et al., 2023, arXiv:2307.09542, all at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import nn

from byrote.errors import InvalidData, MissingEvidence, Remedy
from byrote.locate.accounting import Accounted, gradient_accounting
from byrote.locate.examples import Labelled, correct, memorized_and_clean
from byrote.locate.layers import layers
from byrote.locate.neurons import CriticalNeurons, critical_neurons
from byrote.locate.retraining import Retrained, layer_retraining
from byrote.locate.rewinding import Rewound, layer_rewinding
from byrote.record import Population, Record
from byrote.stats.estimate import Estimate
from byrote.task.task import Task
from byrote.training.matching import check_classes, population_of
from byrote.training.replay import Checkpoint, replay

MARGIN = 0.02
"""A later epoch replaces an earlier one as `earlier` when its lead is larger by more than this: chance moves the lead as much."""

RETRAINED = 3
"""A layer is trained again for one part in this many of the recipe's epochs."""

OTHERS = 50
"""Other training examples, whose predictions the search for critical neurons is to preserve, at most."""

ROUNDS = 1000
"""Neurons that are silenced for one example at most."""

CANARIES = "mislabeled=20"
"""Canaries to plant in a record that has too few wrong labels."""

StageWatcher = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0: not known)."""


@dataclass(frozen=True)
class Layer:
    """One layer, and what the three analyses find in it. `kind` is the class of its module, `weights` how many it has."""

    name: str
    kind: str
    weights: int
    accounted: Accounted
    rewound: Rewound
    retrained: Retrained


@dataclass(frozen=True)
class Survey:
    """What the layers of one run do for the wrong labels that it memorized.

    `planted` wrong labels were trained on, and `learned` of them are predicted at the end; only these were looked at, at
    most `examples` of them. `earlier` is the epoch to which layers were rewound, and after which gradients were taken.
    """

    run: int
    planted: int
    learned: int
    earlier: int
    retrained: int
    layers: tuple[Layer, ...]

    @property
    def by_rewinding(self) -> int | None:
        """The layer that stands out when rewound, as `standing_out` says."""
        return standing_out([layer.rewound.gap for layer in self.layers])

    @property
    def by_retraining(self) -> int | None:
        """The layer that stands out when retrained, as `standing_out` says."""
        return standing_out([layer.retrained.gap for layer in self.layers])


@dataclass(frozen=True, eq=False)
class NeuronSurvey:
    """How many silenced neurons flip what a run memorized, and what it learned from clean examples. See CriticalNeurons."""

    run: int
    planted: int
    learned: int
    neurons: CriticalNeurons


def standing_out(gaps: Sequence[Estimate]) -> int | None:
    """Return the place of the gap whose interval lies above 0 and above all other intervals; None if there is none.

    A gap is clean minus memorized accuracy without what the layer learned. It misleads with few examples: all intervals
    overlap, and None says nothing. Intervals that do not overlap differ at more than their level, so None is also
    returned for some layers that do stand out.
    """
    first = max(range(len(gaps)), key=lambda place: np.nan_to_num(gaps[place].value, nan=-np.inf), default=None)
    if first is None:
        return None
    rest = max([0.0, *(gap.high for place, gap in enumerate(gaps) if place != first)])
    return first if gaps[first].low > rest else None


def locate(
    task: Task,
    record: Record,
    run: int = 0,
    *,
    examples: int = 50,
    modules: Sequence[str] | None = None,
    seed: int = 0,
    level: float = 0.9,
    device: str | None = None,
    progress: StageWatcher | None = None,
) -> Survey:
    """Train a run of a record again, and analyse each layer on the wrong labels that it memorized and on clean examples.

    Memorized are mislabeled canaries that the run was trained on and that its model gives their wrong label. At most
    `examples` of them, drawn by `seed`, are compared with at most as many real training examples that it predicts as
    labelled, so all that is lost is lost by what is done to the layer. Layers are rewound to the epoch after which the model
    was furthest ahead with the clean ones: it had learned these, and not yet memorized the others. Gradients are taken
    there too. For retraining, a layer is trained on all clean examples of the run, for a third of the recipe's epochs.

    It misleads as each of the three does, and as a statement about other runs: repeat it with several. Raises
    MissingEvidence when the run was trained on no mislabeled canary, or learned none of them; what `replay` raises.
    """
    notify = progress or silent
    found = _prepare(task, record, run, examples, seed, device, notify)
    recipe = replace(task.recipe, epochs=-(-task.recipe.epochs // RETRAINED))
    sizes = _kinds_and_weights(found.end.model, modules)
    notify("analysing the layers", 0, 0)
    accounted = gradient_accounting(found.earlier.model, found.memorized, found.clean, modules=modules, level=level)
    rewound = layer_rewinding(
        found.end.model, [found.earlier], found.memorized, found.clean, modules=modules, level=level
    )
    notify("retraining the layers", 0, 0)
    retrained = layer_retraining(
        found.end.model, found.start.model, found.memorized, found.all_clean, recipe, modules=modules, seed=seed, level=level
    )  # fmt: skip
    rows = tuple(
        Layer(name, kind, weights, *analyses)
        for (name, (kind, weights)), analyses in zip(sizes.items(), zip(accounted, rewound, retrained, strict=True), strict=True)
    )  # fmt: skip
    return Survey(run, found.planted, found.learned, found.earlier.epoch, recipe.epochs, rows)


def locate_neurons(
    task: Task,
    record: Record,
    run: int = 0,
    *,
    examples: int = 50,
    modules: Sequence[str] | None = None,
    seed: int = 0,
    device: str | None = None,
    progress: StageWatcher | None = None,
) -> NeuronSurvey:
    """Train a run of a record again, and count the neurons that what it memorized depends on, by `critical_neurons`.

    The examples are those of `locate`; the others whose predictions are to be preserved are up to 50 further clean ones.
    At most 1,000 neurons are silenced for one example. Raises what `locate` raises.
    """
    notify = progress or silent
    found = _prepare(task, record, run, examples, seed, device, notify)
    notify("silencing neurons", 0, 0)
    neurons = critical_neurons(
        found.end.model, found.memorized, found.clean, found.others, modules=modules, most=ROUNDS, seed=seed
    )
    return NeuronSurvey(run, found.planted, found.learned, neurons)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Three checkpoints of a run and the examples to compare. `others` are clean too, and none of them is in `clean`."""

    start: Checkpoint
    earlier: Checkpoint
    end: Checkpoint
    memorized: Labelled
    clean: Labelled
    others: Labelled
    all_clean: Labelled
    planted: int
    learned: int


def _prepare(
    task: Task, record: Record, run: int, examples: int, seed: int, device: str | None, notify: StageWatcher
) -> _Prepared:
    """Train the run again and draw the examples; raise before any time is lost where it can be known."""
    check_classes(task, "Locating memorization in layers")
    if examples < 2:
        raise InvalidData(f"{examples} examples cannot give an interval. Give 2 or more.")
    checkpoints = replay(task, record, run, device=device)
    start = next(checkpoints)
    population = population_of(task, record)
    _check_canaries(record, population, run)
    placed = str(next(start.model.parameters()).device)
    planted, all_clean = memorized_and_clean(population, record.member(run), device=placed)
    rng = np.random.default_rng(seed)
    sample = _take(all_clean, rng.permutation(len(all_clean[0]))[: 2 * examples + OTHERS])
    watched = _watched(checkpoints, start, task.recipe.epochs, f"training run {run} again", notify)
    earlier, end = _furthest_ahead(watched, start, planted, sample, task.recipe.epochs)
    learned, right = (np.flatnonzero(correct("locate", end.model, each)) for each in (planted, sample))
    if not len(learned) or not len(right):
        raise MissingEvidence(
            f"Run {run} predicts {len(learned)} of its {len(planted[0])} planted wrong labels and {len(right)} of {len(sample[0])} "
            "clean labels. Locating what was memorized needs some of both, so train longer.",
            Remedy("more_epochs"),
        )
    chosen = rng.permutation(learned)[:examples]
    clean = right[:examples]
    others = np.setdiff1d(np.arange(len(sample[0])), clean)[:OTHERS]
    return _Prepared(
        start,
        earlier,
        end,
        _take(planted, chosen),
        _take(sample, clean),
        _take(sample, others if len(others) else clean),
        all_clean,
        len(planted[0]),
        len(learned),
    )


def _check_canaries(record: Record, population: Population, run: int) -> None:
    if not (record.member(run) & (population.canary == "mislabeled")).any():
        raise MissingEvidence(
            f"Run {run} of {record.directory} was trained on no mislabeled canary, and only of these is it known that they "
            "are memorized. Take another run that was trained on one, or plant some.",
            Remedy("canaries", CANARIES),
        )


def _watched(
    checkpoints: Iterator[Checkpoint], start: Checkpoint, epochs: int, doing: str, notify: StageWatcher
) -> Iterator[Checkpoint]:
    """Yield the checkpoints after the first, and report each of them."""
    notify(doing, start.epoch, epochs)
    for checkpoint in checkpoints:
        notify(doing, checkpoint.epoch, epochs)
        yield checkpoint


def _furthest_ahead(
    checkpoints: Iterator[Checkpoint], start: Checkpoint, planted: Labelled, clean: Labelled, epochs: int
) -> tuple[Checkpoint, Checkpoint]:
    """Return the first checkpoint before the last whose lead with clean examples no other exceeds by MARGIN, and the last."""
    earlier, best, last = start, -np.inf, start
    for last in checkpoints:
        lead = _accuracy(last.model, clean) - _accuracy(last.model, planted)
        if lead > best + MARGIN and last.epoch < epochs:
            earlier, best = last, lead
    return earlier, last


def _accuracy(model: nn.Module, examples: Labelled) -> float:
    return float(correct("locate", model, examples).mean())


def _take(examples: Labelled, places: Int[ndarray, " example"]) -> Labelled:
    chosen = torch.from_numpy(places).to(examples[1].device)
    return examples[0].index_select(0, chosen), examples[1].index_select(0, chosen)


def _kinds_and_weights(model: nn.Module, modules: Sequence[str] | None) -> dict[str, tuple[str, int]]:
    """Return the class of its module and the number of weights of each layer, in their order."""
    named = dict(model.named_modules())
    count = {name: weight.numel() for name, weight in model.named_parameters()}
    return {
        name: (type(named.get(name, model)).__name__, sum(count.get(key, 0) for key in keys))
        for name, keys in layers(model, modules).items()
    }


def silent(*_: object) -> None:
    """Show no progress."""
