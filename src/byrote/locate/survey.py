"""Which layer of a run keeps what it memorized: the questions of Maini et al., 2023, arXiv:2307.09542, all at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from torch import nn

from byrote.errors import InvalidData, MissingEvidence
from byrote.locate.accounting import Accounted, gradient_accounting
from byrote.locate.examples import Labelled, correct, memorized_and_clean
from byrote.locate.layers import layers
from byrote.locate.neurons import CriticalNeurons, critical_neurons
from byrote.locate.retraining import Retrained, layer_retraining
from byrote.locate.rewinding import Rewound, layer_rewinding
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.task.task import Task
from byrote.training.matching import population_of
from byrote.training.replay import Checkpoint, replay

ASKER = "locate"

FURTHER = 0.02
"""A later epoch is taken in place of an earlier one when it is further ahead by more than this: chance moves the lead as much."""

RETRAINED = 3
"""A layer is trained again for one part in so many of the recipe's epochs."""

OTHERS = 50
"""Other training examples, whose predictions the search for critical neurons is to leave alone, at most."""

ROUNDS = 1000
"""Neurons that are silenced for one example at most."""

Tell = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much (0: not known)."""


@dataclass(frozen=True)
class Layer:
    """One layer, and what three questions say of it. `kind` is the class of its module, `weights` how many it has."""

    name: str
    kind: str
    weights: int
    accounted: Accounted
    rewound: Rewound
    retrained: Retrained


@dataclass(frozen=True)
class Survey:
    """What the layers of one run say about the wrong labels that it memorized.

    `planted` wrong labels were trained on, and `learned` of them are predicted at the end; only these were asked about, at
    most as many as wished. `earlier` is the epoch to which layers were rewound, and after which gradients were taken.
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
    """Return the place whose gap is surely above 0 and above all others: no interval overlaps its own. None if there is none.

    A gap is clean minus memorized accuracy without what the layer learned. It misleads with few examples: all intervals
    overlap, and None says nothing. Intervals that do not overlap differ at more than their level, so None is also
    said of some layers that do stand out.
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
    tell: Tell | None = None,
) -> Survey:
    """Train a run of a record again and ask each layer for the wrong labels that it memorized, and for clean examples.

    Memorized are mislabeled canaries that the run was trained on and that its model gives their wrong label. At most
    `examples` of them, drawn by `seed`, are held against at most as many real training examples that it gets right, so all
    that is lost is lost by what is done to the layer. Layers are rewound to the epoch after which the model was furthest ahead
    with the clean ones: it had learned these, and not yet memorized the others. Gradients are taken there too. For
    retraining, a layer is trained on all clean examples of the run, for a third of the recipe's epochs.

    It misleads as each of the three does, and as a statement about other runs: ask several. Raises MissingEvidence when
    the run was trained on no mislabeled canary, or learned none of them; what `replay` raises.
    """
    said = tell or silent
    asked = _asked(task, record, run, examples, seed, device, said)
    named = dict(asked.end.model.named_modules())
    groups = layers(asked.end.model, modules)
    said("asking the layers", 0, 0)
    accounted = gradient_accounting(asked.earlier.model, asked.memorized, asked.clean, modules=modules, level=level)
    rewound = layer_rewinding(
        asked.end.model, [asked.earlier], asked.memorized, asked.clean, modules=modules, level=level
    )
    said("retraining the layers", 0, 0)
    recipe = replace(task.recipe, epochs=-(-task.recipe.epochs // RETRAINED))
    retrained = layer_retraining(
        asked.end.model, asked.start.model, asked.memorized, asked.everyone, recipe, modules=modules, seed=seed, level=level
    )  # fmt: skip
    weights = {name: weight.numel() for name, weight in asked.end.model.named_parameters()}
    found = tuple(
        Layer(name, _kind(named, name), sum(weights.get(key, 0) for key in groups[name]), one, two, three)
        for name, one, two, three in zip(groups, accounted, rewound, retrained, strict=True)
    )
    return Survey(run, asked.planted, asked.learned, asked.earlier.epoch, recipe.epochs, found)


def locate_neurons(
    task: Task,
    record: Record,
    run: int = 0,
    *,
    examples: int = 50,
    modules: Sequence[str] | None = None,
    seed: int = 0,
    device: str | None = None,
    tell: Tell | None = None,
) -> NeuronSurvey:
    """Train a run of a record again and count the neurons that what it memorized hangs on, as `critical_neurons` does.

    The examples are those of `locate`; the others whose predictions are to be kept are up to 50 further clean ones. At
    most 1,000 neurons are silenced for one example. Raises what `locate` raises.
    """
    said = tell or silent
    asked = _asked(task, record, run, examples, seed, device, said)
    said("silencing neurons", 0, 0)
    found = critical_neurons(
        asked.end.model, asked.memorized, asked.clean, asked.others, modules=modules, most=ROUNDS, seed=seed
    )
    return NeuronSurvey(run, asked.planted, asked.learned, found)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Three checkpoints of a run, and whom they are asked about. `others` are as clean as `clean`, and none of them."""

    start: Checkpoint
    earlier: Checkpoint
    end: Checkpoint
    memorized: Labelled
    clean: Labelled
    others: Labelled
    everyone: Labelled
    planted: int
    learned: int


def _asked(task: Task, record: Record, run: int, examples: int, seed: int, device: str | None, tell: Tell) -> _Asked:
    if examples < 2:
        raise InvalidData(f"{examples} examples cannot give an interval. Ask about 2 or more.")
    steps = replay(task, record, run, device=device)
    start = next(steps)  # it refuses what cannot be trained again before any time is lost
    member, population = record.member(run), population_of(task, record)
    if not (member & (population.canary == "mislabeled")).any():
        raise MissingEvidence(
            f"Run {run} of {record.directory} was trained on no mislabeled canary, and of no other example can byrote know that it is memorized. "
            "Name another --run, or collect into another directory with `byrote audit --canaries 20`."
        )
    placed = str(next(start.model.parameters()).device)
    planted, everyone = memorized_and_clean(population, member, device=placed)
    rng = np.random.default_rng(seed)
    sample = _some(everyone, rng.permutation(len(everyone[0]))[: 2 * examples + OTHERS])
    earlier, end = _trained(start, steps, planted, sample, task.recipe.epochs, f"training run {run} again", tell)
    known, right = (np.flatnonzero(correct(ASKER, end.model, each)) for each in (planted, sample))
    if not len(known) or not len(right):
        raise MissingEvidence(
            f"Run {run} gives {len(known)} of {len(planted[0])} wrong labels that were planted in it and {len(right)} of {len(sample[0])} clean labels, and it takes some of both "
            "to locate what was memorized. Train longer: collect with more --epochs into another directory."
        )
    chosen = rng.permutation(known)[:examples]
    clean, others = right[:examples], np.setdiff1d(np.arange(len(sample[0])), right[:examples])[:OTHERS]
    return _Asked(
        start, earlier, end, _some(planted, chosen), _some(sample, clean),
        _some(sample, others if len(others) else clean), everyone, len(planted[0]), len(known),
    )  # fmt: skip


def _trained(
    start: Checkpoint,
    steps: Iterator[Checkpoint],
    planted: Labelled,
    clean: Labelled,
    epochs: int,
    doing: str,
    tell: Tell,
) -> tuple[Checkpoint, Checkpoint]:
    """Return the first checkpoint than which none is FURTHER ahead with the clean examples, and the last one."""
    earlier, ahead, last = start, -np.inf, start
    tell(doing, 0, epochs)
    for last in steps:
        tell(doing, last.epoch, epochs)
        lead = _share(last.model, clean) - _share(last.model, planted)
        if lead > ahead + FURTHER and last.epoch < epochs:
            earlier, ahead = last, lead
    return earlier, last


def _share(model: nn.Module, examples: Labelled) -> float:
    right: Bool[ndarray, " example"] = correct(ASKER, model, examples)
    return float(right.mean())


def _some(examples: Labelled, places: Int[ndarray, " example"]) -> Labelled:
    chosen = torch.from_numpy(places).to(examples[1].device)
    return examples[0].index_select(0, chosen), examples[1].index_select(0, chosen)


def _kind(modules: dict[str, nn.Module], name: str) -> str:
    return type(modules[name if name in modules else ""]).__name__


def silent(*_: object) -> None:
    """Tell nobody."""
