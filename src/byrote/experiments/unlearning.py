"""Unlearning: make trained models forget some examples, and compare them with models that never saw these."""

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from byrote.controls.example_tied_dropout import remembering
from byrote.errors import InvalidData, unknown
from byrote.locate.neurons import critical_neurons
from byrote.locate.silencing import axis
from byrote.objectives import Objective
from byrote.record import Population, make_ids
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries, plant
from byrote.task.fit import Fit
from byrote.task.schedule import Schedule
from byrote.task.task import Task
from byrote.training.job import run_seed
from byrote.training.matching import check_classes
from byrote.training.replay import checkpoints
from byrote.training.tensors import take, to_tensors
from byrote.training.updates import Optimizer

NOTHING = "nothing"
"""The models as they were trained, before anything is forgotten."""

PARTS: tuple[str, ...] = ("forget", "rest", "test")
OTHERS = 50
"""How many other examples neurons are chosen to preserve, at most."""

AT_ONCE = 256


@dataclass(frozen=True)
class Forgotten:
    """What models know after one way of forgetting, with intervals over seeds.

    `outcome` is the accuracy (of a regression, R2) and `loss` the mean loss, on the examples to `forget`, the `rest` of the
    training examples, and the `test` examples. `never` is the same of models that never saw the examples to forget, and
    what to compare with: to forget is not to be wrong. `membership` is the probability that an example to forget has a
    smaller loss in such a model than in one of those: .5 where the two cannot be told apart by it, above where something is
    still known, below where more was destroyed than was to be forgotten.
    """

    way: str
    outcome: Mapping[str, Estimate]
    loss: Mapping[str, Estimate]
    membership: Estimate


@dataclass(frozen=True)
class Unlearned:
    """What each way of forgetting `forgotten` examples left, and what models know that `never` saw them.

    `ways` begin with NOTHING, the models before. Paired by seed: a seed's models go through all ways.
    """

    forgotten: int
    seeds: int
    ways: tuple[Forgotten, ...]
    never: Forgotten

    def rows(self) -> list[dict[str, Any]]:
        """Return one row of plain values per way, and a last one for the models that never saw the examples."""
        rows: list[dict[str, Any]] = []
        for way in (*self.ways, self.never):
            row: dict[str, Any] = {"way": way.way}
            for part in PARTS:
                row |= way.outcome[part].cells(part) | way.loss[part].cells(f"{part} loss")
            rows.append(row | way.membership.cells("membership"))
        return rows


@dataclass(frozen=True, eq=False)
class Case:
    """One trained model and what a way of forgetting may use: tensors of all examples, and which are to be forgotten."""

    task: Task
    population: Population
    model: nn.Module
    inputs: Any
    targets: Tensor
    forget: Bool[ndarray, " example"]
    rest: Bool[ndarray, " example"]
    seed: int
    epochs: int


Way = Callable[[Case], nn.Module]


def unlearn(
    task: Task,
    ids: Sequence[str],
    *,
    ways: Sequence[str] = ("retrain", "fine_tune", "ascent"),
    seeds: int = 5,
    epochs: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Unlearned:
    """Train models on all examples, make them forget those with these `ids`, and verify it.

    `ways` are names of WAYS: `retrain` trains anew without them (exact); `fine_tune` goes on with the rest for `epochs`
    (default: a third of the recipe's); `ascent` makes updates that raise their loss until it is that of test examples
    (at most as many passes; none where it is as large from the start, as that of wrong labels may be); `neurons` silences
    all neurons that the prediction of one of them depends on, by `byrote.locate.critical_neurons`; `sinks` switches the
    memory units off, of a task with `example_tied_dropout`: only there, NOTHING is the model with them on. For each of
    `seeds`, four models are trained with the whole recipe: on all, and three without the ids: from the same seed (where
    `retrain` is asked for), and twice from other seeds, to verify against.

    It misleads as a guarantee: `membership` compares losses over examples, and a test that knows each example's own loss
    in many models that never saw it, as LiRA does, may find what it misses. That a way leaves nothing for these ids says
    nothing of others. Raises InvalidData for ids that no training example has, for a task without test examples or with a
    Fit, and for a way that cannot act on it.
    """
    forget = _check(task, ids, ways, seeds)
    population = plant(task, Canaries(), seed)
    member = population.where("train") & ~np.isin(population.ids, make_ids("train", np.array(sorted(task.excluded))))
    gone = member & np.isin(population.ids, make_ids("train", forget))
    inputs, targets = to_tensors(population, task.learned, "cpu")
    notify = progress or (lambda _: None)
    found: dict[str, list[dict[str, NDArray[Any]]]] = {way: [] for way in (NOTHING, *ways)}
    never: list[dict[str, NDArray[Any]]] = []
    again: list[dict[str, NDArray[Any]]] = []

    for number in range(seeds):
        notify(f"seed {number + 1} of {seeds}")
        own = run_seed(seed, number)
        passes = -(-task.recipe.epochs // 3) if epochs is None else epochs
        case = Case(
            task, population, _trained(task, population, member, own), inputs, targets, gone, member & ~gone, own, passes
        )  # fmt: skip
        found[NOTHING].append(_before(case, "sinks" in ways))
        for way in ways:
            found[way].append(observed(WAYS[way](case), task.learned, inputs, targets))
        for place, others in enumerate((never, again), start=1):
            other = run_seed(seed, place * seeds + number)
            others.append(observed(_trained(task, population, case.rest, other), task.learned, inputs, targets))
    masks: dict[str, Bool[ndarray, " example"]] = dict(
        zip(PARTS, (gone, member & ~gone, population.where("test")), strict=True)
    )
    outcome = task.learned.outcome
    return Unlearned(
        int(gone.sum()),
        seeds,
        tuple(summarised(way, values, never, masks, outcome) for way, values in found.items()),
        summarised("never saw them", never, again, masks, outcome),
    )


def summarised(
    way: str,
    values: Sequence[Mapping[str, NDArray[Any]]],
    never: Sequence[Mapping[str, NDArray[Any]]],
    masks: Mapping[str, Bool[ndarray, " example"]],
    outcome: str,
) -> Forgotten:
    """Return means over seeds from the columns of each model, compared seed by seed with models that never saw the examples."""

    def over_seeds(column: str, mask: Bool[ndarray, " example"]) -> Estimate:
        return Estimate.of_mean([float(np.mean(each[column][mask], dtype=np.float64)) for each in values], "seed")

    known = [
        smaller(own["loss"][masks["forget"]], other["loss"][masks["forget"]])
        for own, other in zip(values, never, strict=True)
    ]
    return Forgotten(
        way,
        {part: over_seeds(outcome, mask) for part, mask in masks.items()},
        {part: over_seeds("loss", mask) for part, mask in masks.items()},
        Estimate.of_mean(known, "seed").within(0, 1),
    )


def smaller(losses: Float[ndarray, " example"], others: Float[ndarray, " other"]) -> float:
    """Return P(a loss < one of the others) + P(equal) / 2, the area under the ROC curve of telling the two apart."""
    ranks, count = rankdata(np.concatenate([losses, others])), len(losses)
    above = ranks[:count].sum() - count * (count + 1) / 2  # pairs in which the loss is the larger one
    return float(1 - above / (count * len(others)))


def observed(
    model: nn.Module, objective: Objective, inputs: Any, targets: Tensor, ids: NDArray[np.str_] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the columns of a clean pass over all examples; with `ids`, each one with its own memory units on."""
    outputs: list[Tensor] = []
    model.eval()
    with torch.no_grad():
        for some in torch.arange(len(targets)).split(AT_ONCE):
            with nullcontext() if ids is None else remembering(model, ids[some.numpy()].tolist()):
                outputs.append(model(take(inputs, some)))
    return objective.observe(torch.cat(outputs).float(), targets)


def retrain(case: Case) -> nn.Module:
    """Return a model that is trained on the rest alone, from the same seed."""
    return _trained(case.task, case.population, case.rest, case.seed)


def fine_tune(case: Case) -> nn.Module:
    """Return the model trained on with the rest, by the recipe's optimizer and a learning rate that falls to 0."""
    model, order = copy.deepcopy(case.model), torch.Generator().manual_seed(case.seed)
    update, done = _updater(case, model), 0
    members = torch.from_numpy(np.flatnonzero(case.rest))
    batches = -(-len(members) // case.task.recipe.batch_size)
    for _ in range(case.epochs):
        for batch in members[torch.randperm(len(members), generator=order)].tensor_split(batches):
            update(batch, 1.0, 1 - done / (case.epochs * batches))
            done += 1
    return model.eval()


def ascent(case: Case) -> nn.Module:
    """Return the model after updates that raise the loss of what is to be forgotten, until it is that of test examples."""
    model, order = copy.deepcopy(case.model), torch.Generator().manual_seed(case.seed)
    update, members = _updater(case, model), torch.from_numpy(np.flatnonzero(case.forget))
    batches = -(-len(members) // case.task.recipe.batch_size)

    def loss(mask: Bool[ndarray, " example"]) -> float:
        which = torch.from_numpy(np.flatnonzero(mask))
        values = observed(model, case.task.learned, take(case.inputs, which), case.targets[which])
        return float(values["loss"].mean())

    level = loss(case.population.where("test"))
    for _ in range(case.epochs):
        for batch in members[torch.randperm(len(members), generator=order)].tensor_split(batches):
            if loss(case.forget) >= level:
                return model.eval()
            update(batch, -1.0, 1.0)
    return model.eval()


def neurons(case: Case) -> nn.Module:
    """Return the model without the neurons that the prediction of an example to forget depends on."""
    model = copy.deepcopy(case.model).eval()
    rng = np.random.default_rng(case.seed)
    chosen = rng.permutation(np.flatnonzero(case.rest))[:OTHERS]
    forget, others = (
        (take(case.inputs, which), case.targets[which])
        for which in (torch.from_numpy(places) for places in (np.flatnonzero(case.forget), chosen))
    )
    found = critical_neurons(model, forget, others, others, seed=case.seed)
    silenced = {place for order in found.memorized.order for place in order}
    for name, module in model.named_modules():
        units = [found.unit[place] for place in silenced if found.layer[place] == name]
        if units:
            module.register_forward_hook(Silent(tuple(sorted(units))))
    return model


def sinks(case: Case) -> nn.Module:
    """Return the model as it is in evaluation, with its memory units off."""
    return case.model.eval()


WAYS: dict[str, Way] = {
    "retrain": retrain,
    "fine_tune": fine_tune,
    "ascent": ascent,
    "neurons": neurons,
    "sinks": sinks,
}
"""Every way to forget by its name."""


@dataclass(frozen=True)
class Silent:
    """Sets units of what a module gives to 0."""

    units: tuple[int, ...]

    def __call__(self, module: nn.Module, given: Any, output: Tensor) -> Tensor:
        """Return the output without these units."""
        return output.index_fill(axis(module, output), torch.tensor(self.units, device=output.device), 0.0)


def _check(task: Task, ids: Sequence[str], ways: Sequence[str], seeds: int) -> NDArray[np.str_]:
    """Return the ids; raise InvalidData for what cannot be forgotten, or cannot be verified."""
    forget = np.unique(np.array([str(name) for name in ids], np.str_))
    for way in ways:
        if way not in WAYS:
            raise unknown("way to forget", way, WAYS)
    absent = np.setdiff1d(forget, np.setdiff1d(task.train.ids, np.array(sorted(task.excluded), np.str_)))
    if len(absent) or not len(forget):
        raise InvalidData(
            f"{len(absent)} of {len(forget)} ids to forget are of no example that is trained on{f', the first {str(absent[0])!r}' if len(absent) else ''}. Give ids of Task.train."
        )
    if len(forget) + len(task.excluded) >= len(task.train):
        raise InvalidData("All training examples are to be forgotten. Leave some.")
    if task.test is None:
        raise InvalidData(
            "Forgetting is compared on test examples too, and this task has none. Give byrote.Task(test=)."
        )
    if isinstance(task.model, Fit):
        raise InvalidData(f"The task {task.name!r} learns by a byrote.Fit, which has no torch model to change.")
    if seeds < 2:
        raise InvalidData(f"{seeds} seed cannot give an interval. Give 2 or more.")
    if "neurons" in ways:
        check_classes(task, "Silencing neurons")
    if "sinks" in ways and "example_tied_dropout" not in {method.name for method in task.recipe.methods}:
        raise InvalidData(
            f"The model of {task.name!r} has no memory units to switch off. Train it with byrote.controls.example_tied_dropout."
        )
    return forget


def _trained(task: Task, population: Population, member: Bool[ndarray, " example"], seed: int) -> nn.Module:
    (end,) = checkpoints(task, population, member, seed, epochs=[task.recipe.epochs])
    return end.model


def _before(case: Case, with_sinks: bool) -> dict[str, NDArray[Any]]:
    """Return the columns of the model as it was trained: with memory units, training examples use their own."""
    plain = observed(case.model, case.task.learned, case.inputs, case.targets)
    if not with_sinks:
        return plain
    own = observed(case.model, case.task.learned, case.inputs, case.targets, case.population.ids)
    seen = case.forget | case.rest
    return {name: np.where(seen, own[name], plain[name]) for name in plain}


def _updater(case: Case, model: nn.Module) -> Callable[[Tensor, float, float], None]:
    """Return what makes an update of the model with a batch: down its loss (1) or up (-1), at a share of the learning rate."""
    recipe = replace(case.task.recipe, methods=())
    model.train()
    optimizer = Optimizer([weight for weight in model.parameters() if weight.requires_grad], recipe)
    rate, decay = (_number(knob) for knob in (recipe.learning_rate, recipe.weight_decay))

    def update(batch: Tensor, sign: float, share: float) -> None:
        model.train()
        outputs = model(take(case.inputs, batch))
        loss = case.task.learned.losses(outputs.float(), case.targets[batch]).mean()
        (sign * loss).backward()
        optimizer.update([rate * share], [decay])

    return update


def _number(knob: Any) -> float:
    """Return a knob's value to go on with: that of a schedule at its start."""
    if isinstance(knob, Schedule):
        return knob.start
    if isinstance(knob, float | int):
        return float(knob)
    raise InvalidData(
        f"{knob} is set by a controller, and forgetting has no sensor canaries. Give a number or a schedule."
    )
