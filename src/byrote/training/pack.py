"""Pack: models that are trained side by side on one device, an epoch at a time."""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.errors import Diverged
from byrote.objectives import Objective
from byrote.probes import ask
from byrote.record import Observed, Population, Step
from byrote.record.inputs import each
from byrote.signature import Probe
from byrote.task.methods import Batch, Progressed, numbers_of
from byrote.task.recipe import KNOBS, Recipe
from byrote.task.schedule import at
from byrote.task.signals import Reading, Signals
from byrote.training.applying import Gradients, Methods, Mixed
from byrote.training.batches import BatchPart, timetable
from byrote.training.engine import Engine
from byrote.training.hardware import products
from byrote.training.sensors import is_sensor, scalar_names, sensor_counts, sensor_means
from byrote.training.stacked import Alone, casting, fresh, together
from byrote.training.tensors import device_of, side_by_side, take, to_tensors
from byrote.training.updates import Optimizer
from byrote.training.user_model import check_rows, model_at_work
from byrote.training.watching import Watching

EVALUATION_BATCH = 256
"""How many (model, example) pairs are evaluated at once in a clean pass, unless a batch per model is more."""

OBSERVED_AT_ONCE = 2**16
"""Rows of outputs that are reduced to columns at once."""

FEW_OUTPUTS = 2**12
"""Outputs of an example that are kept until the epoch ends. More, as of texts, are reduced to columns after each update."""

NUMBERS_AT_ONCE = 2**23
"""Outputs of all examples together that a clean pass has in memory at once, where an example has many."""


@dataclass(frozen=True, eq=False)
class _Update:
    """One update of a pack: the batches it is made from, and what holds for all of them.

    `number` counts the batches before it, over all epochs. `shown`, `targets` and `weights` have a row per presentation of the
    epoch; `knobs` are those of each run.
    """

    epoch: int
    group: Sequence[Sequence[BatchPart]]
    number: int
    shown: Tensor
    targets: Tensor
    weights: Tensor | None
    knobs: Sequence[Mapping[str, float]]


class Pack:
    """Runs that take equally many updates, the largest first, with all that their training needs between epochs."""

    def __init__(
        self,
        model: Callable[[], nn.Module],
        population: Population,
        objective: Objective,
        members: Bool[ndarray, "run example"],
        recipe: Recipe,
        seeds: Sequence[int],
        engine: Engine,
        tensors: tuple[Any, Tensor] | None = None,
    ) -> None:
        self.inputs, self.targets = tensors or to_tensors(population, objective, engine.device)
        self.objective, self.recipe, self.seeds, self.engine = objective, recipe, seeds, engine
        self.model = model
        self.device = device_of(self.inputs)
        self.random_state: list[Tensor] = []
        with self._randomness():
            self.networks = together([fresh(model, seed, self.device) for seed in seeds])
        self.optimizer = Optimizer(self.networks.parameters, recipe, self.networks.runs)
        self.orders = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.member, self.sensors = members, is_sensor(population)
        self.members = [torch.from_numpy(np.flatnonzero(member)) for member in members]
        self.timetable = timetable(members.sum(axis=1), recipe.batch_size)
        self.rows = [np.flatnonzero(self.timetable.run == run) for run in range(len(seeds))]
        self.population, self.methods = population, Methods(recipe, seeds)
        self.readings: list[tuple[Reading, ...]] = [() for _ in seeds]
        self.counts = [sensor_counts(population, self.sensors, own) for own in members] if recipe.controlled else []
        self.history: list[list[Progressed]] = [[] for _ in seeds]
        self.predictions = np.full((len(seeds), len(population)), -1, np.int64)
        self.scalars = scalar_names(population, objective, recipe)
        self.stopped = np.zeros(len(seeds), np.bool_)
        self.lost: list[list[float]] = [[] for _ in seeds]
        usual = bool((population.weights == 1).all())
        self.weights = None if usual else torch.from_numpy(population.weights).to(self.device)
        self.watching = Watching(self.methods.example_rules, population, len(seeds))
        tied = self.networks.asks_who
        self.numbers = torch.from_numpy(numbers_of(population.ids)).to(self.device) if tied else None

    def epoch(self, epoch: int, positions: Int[ndarray, " example"], probes: Sequence[Probe] = ()) -> list[Step]:
        """Train for one epoch and return what was observed of each run, with a clean pass over the examples at `positions`.

        `probes` are computed on the same examples.
        """
        if epoch == 1:
            for method in self.methods.loss_methods:
                method.begin(self.methods.states[method.name], self._outputs_without)
        with self._randomness(), products(self.engine.matmul), _no_tiny_numbers():
            orders = zip(self.members, self.orders, strict=True)
            shuffled = torch.cat([own[torch.randperm(len(own), generator=order)] for own, order in orders])
            shown = shuffled[self.timetable.place]
            observed, knobs = self._train(epoch, shown.to(self.device))
            clean = self._evaluate(epoch, positions)
            of_sensors = clean if self._all(self._needed(), positions) else self._evaluate(epoch, self._needed())
            watched = (
                clean
                if self._all(self.watching.positions, positions)
                else self._evaluate(epoch, self.watching.positions)
            )
            norms = self.networks.norms()
            if len(probes) and len(positions):
                clean = [self._probe(run, each, probes) for run, each in enumerate(clean)]
        seen = [Observed(shown.numpy()[rows], {k: v[rows] for k, v in observed.items()}) for rows in self.rows]
        self._check(epoch, seen, clean)
        self._read_sensors(of_sensors, float(epoch), knobs)
        if self.methods.stops:
            self._stop(epoch, seen, norms)
        weighed = self.watching.columns(epoch, watched)
        self.stopped |= self.watching.ended
        ended = [{rule.name: float(stopped) for rule in self.methods.stops} for stopped in self.stopped]
        scalars = [
            {**knob, **end, **own, "weight_norm": norm, **{f"canary_{k}": v for k, v in self._canaries(run).items()}}
            for run, (knob, end, own, norm) in enumerate(zip(knobs, ended, weighed, norms, strict=True))
        ]
        scalars = [{name: each[name] for name in self.scalars if name in each} for each in scalars]
        return [Step(epoch, *each) for each in zip(clean, seen, scalars, strict=True)]

    def outputs(self) -> Tensor:
        """Return what the models say of all examples, `[run, example, output]`, in a clean pass."""
        self.networks.mode(training=False)
        examples = torch.arange(len(self.population), device=self.device)
        with torch.no_grad(), products(self.engine.matmul):
            at_once = examples_at_once(self.objective, self.targets, 1, 1)
            parts = [self.networks.ask(take(self.inputs, part)) for part in examples.split(at_once)]
        return torch.cat(parts, dim=1)

    def _outputs_without(self, name: str) -> Tensor:
        """Return what models say that are trained without this method, from the same seeds on the same members."""
        recipe = replace(self.recipe, methods=tuple(each for each in self.recipe.methods if each.name != name))
        tensors, none = (self.inputs, self.targets), np.zeros(0, np.int64)
        other = Pack(self.model, self.population, self.objective, self.member, recipe, self.seeds, self.engine, tensors)
        for epoch in range(1, recipe.epochs + 1):
            other.epoch(epoch, none)
        return other.outputs()

    def _train(self, epoch: int, shown: Tensor) -> tuple[dict[str, NDArray[Any]], list[dict[str, float]]]:
        """Return the columns of the training pass, a row per presentation, and the knobs of each run at the last update."""
        if self.stopped.all():
            return self._stand_still(epoch, shown)
        self.networks.mode(training=True)
        targets, seen = self.targets.index_select(0, shown), _Seen(self._columns)
        weights = self._weights(shown, targets)
        batches, knobs, several = self.timetable.batches, list[dict[str, float]](), self.recipe.accumulate
        due, kept = self._due(-(-len(batches) // several)), self._kept()
        for update, start in enumerate(range(0, len(batches), several)):
            group = batches[start : start + several]
            if update in due:
                self._sense(epoch, start / len(batches), knobs)
            knobs = self._knobs(epoch, (start + len(group) - 1) / len(batches), update)
            for method in self.methods.modules:
                self.networks.set_knob(method.name, [each[method.name] for each in knobs])
            one = _Update(epoch, group, (epoch - 1) * len(batches) + start, shown, targets, weights, knobs)
            before = torch.get_rng_state() if self.methods.rules else None
            seen.add(self._gradients(one), targets)
            if before is not None:
                self._change_gradients(one, before)
            if self.methods.penalties:
                self.methods.penalty(self.networks.by_run(), knobs).backward()
            self.optimizer.update(*([each[name] for each in knobs] for name in KNOBS))
            self.networks.put_back(kept)
        return seen.columns(targets), knobs

    def _gradients(self, update: "_Update") -> list[Tensor]:
        """Add the gradients of these batches to the weights; return the outputs of each part."""
        found: list[Tensor] = []
        group, shown, targets, weights = update.group, update.shown, update.targets, update.weights
        for place, parts in enumerate(group):
            for part in parts:
                batch = side_by_side(take(self.inputs, shown[part.rows]), part.size)
                batch, mixed = self.methods.transform(batch, part.runs, update.knobs, update.number + place)
                with model_at_work(f"in step {update.epoch}", part.size), casting(self.device, self.engine.precision):
                    who = None if self.numbers is None else self.numbers[shown[part.rows]].view(-1, part.size)
                    output = self.networks(batch, part.runs, who).flatten(0, 1)
                    check_rows(output, targets[part.rows])
                losses = self._losses(update, output.float(), targets[part.rows], part, mixed)
                if self.recipe.controlled:
                    self._note_losses(losses, part)
                loss = _mean(losses, part.size, None if weights is None else weights[part.rows])
                with model_at_work(f"in step {update.epoch}", part.size):
                    (loss / len(group) if len(group) > 1 else loss).backward()
                found.append(output.detach())
            self.networks.join()
        return found

    def _losses(
        self, update: "_Update", output: Tensor, targets: Tensor, part: BatchPart, mixed: Mixed | None
    ) -> Tensor:
        """Return the loss of each presentation that the run is trained with: that of the objective, changed by methods."""

        def of(these: Tensor) -> Tensor:
            plain = self.objective.losses(output, these)
            if not self.methods.loss_methods:
                return plain
            shape = (-1, part.size)
            batch = partial(
                Batch,
                output.view(*shape, *output.shape[1:]),
                these.view(*shape, *these.shape[1:]),
                update.shown[part.rows].view(shape),
                part.runs,
                len(self.population),
                self.objective,
                update.epoch,
            )
            return self.methods.losses(plain.view(shape), batch, update.knobs, part.runs).flatten()

        own = of(targets)
        if mixed is None:
            return own
        start = torch.arange(0, len(targets), part.size, device=targets.device).unsqueeze(1)
        share = mixed.share.flatten()
        return share * own + (1 - share) * of(targets[(mixed.partner + start).flatten()])

    def _note_losses(self, losses: Tensor, part: BatchPart) -> None:
        """Keep the mean training loss of each run for the next reading."""
        means = losses.detach().view(-1, part.size).mean(1).tolist()
        for run, mean in zip(range(part.runs.start, part.runs.stop), means, strict=True):
            self.lost[run].append(mean)

    def _change_gradients(self, update: "_Update", before: Tensor) -> None:
        """Let the rules change the gradients; what they compute anew draws the same random numbers again."""

        def again() -> None:
            after = torch.get_rng_state()
            torch.set_rng_state(before)
            self._gradients(update)
            torch.set_rng_state(after)

        weights = update.weights
        alone = self.networks.one(0) if self.recipe.alone and isinstance(self.networks, Alone) else None
        batches: list[tuple[Any, Tensor, Tensor | None]] = []
        for place, (part,) in enumerate(update.group if alone is not None else ()):
            batch = side_by_side(take(self.inputs, update.shown[part.rows]), part.size)
            batch, _ = self.methods.transform(batch, part.runs, update.knobs, update.number + place)
            own = each(lambda x: x[0], batch)
            batches.append((own, update.targets[part.rows], None if weights is None else weights[part.rows]))

        def loss(output: Tensor, target: Tensor) -> Tensor:  # each depends on its example alone, wherever that is
            part = BatchPart(slice(0, 1), slice(0, len(target)), len(target))
            return self._losses(update, output, target, part, None)

        examples = sum(max(part.size for part in each) for each in update.group)
        given = Gradients(self.networks.parameters, self.networks.runs, examples, again, alone, batches, loss)
        self.methods.change(given, update.knobs, update.number)

    def _stand_still(self, epoch: int, shown: Tensor) -> tuple[dict[str, NDArray[Any]], list[dict[str, float]]]:
        """Return what a training pass would, of runs that all have stopped: the models as they are, and no update."""
        self.networks.mode(training=False)
        targets, seen = self.targets.index_select(0, shown), _Seen(self._columns)
        with torch.no_grad():
            for parts in self.timetable.batches:
                for part in parts:
                    batch = side_by_side(take(self.inputs, shown[part.rows]), part.size)
                    seen.add([self.networks(batch, part.runs).flatten(0, 1)], targets)
                self.networks.join()
        return seen.columns(targets), self._knobs(epoch, 1.0, 0)

    def _weights(self, shown: Tensor, targets: Tensor) -> Tensor | None:
        """Return the weight of each presentation's loss: that of its example, class and rules; None when all are 1."""
        own = None if self.weights is None else self.weights.index_select(0, shown)
        found = [own, self.objective.weights(targets), self.watching.weights(self.timetable.run, shown)]
        known = [each for each in found if each is not None]
        return math.prod(known[1:], start=known[0]) if known else None

    def _knobs(self, epoch: int, part: float, update: int) -> list[dict[str, float]]:
        """Return the knobs of each run before this update, when `part` of the epoch is done."""
        progress, knobs = (epoch - 1 + part) / self.recipe.epochs, self.recipe.knobs

        def of(signals: Signals) -> dict[str, float]:
            return {name: at(knob, signals) for name, knob in knobs.items()}

        if not self.recipe.controlled:
            return [of(Signals(progress, epoch, update))] * len(self.seeds)
        return [of(Signals(progress, epoch, update, readings)) for readings in self.readings]

    def _due(self, updates: int) -> set[int]:
        """Return before which updates of an epoch the sensors are read, besides the end of it."""
        if not self.recipe.controlled or not self.sensors.any():
            return set()
        return {round(part * updates / self.recipe.sense) for part in range(1, self.recipe.sense)} - {0}

    def _sense(self, epoch: int, part: float, knobs: Sequence[Mapping[str, float]]) -> None:
        """Read the sensors when `part` of an epoch is done."""
        self._read_sensors(self._evaluate(epoch, np.flatnonzero(self.sensors)), epoch - 1 + part, knobs)
        self.networks.mode(training=True)

    def _all(self, needed: NDArray[np.int64], positions: Int[ndarray, " example"]) -> bool:
        return bool(np.isin(needed, positions).all())

    def _needed(self) -> NDArray[np.int64]:
        """Return the sensors that must be read at the end of an epoch, whether there is a clean pass or not."""
        wanted = self.recipe.controlled or self.methods.stops
        return np.flatnonzero(self.sensors) if wanted else np.zeros(0, np.int64)

    def _kept(self) -> Any:
        """Return the state of the runs that have stopped while others go on, to be put back after each update."""
        return self.networks.state(np.flatnonzero(self.stopped)) if self.stopped.any() else None

    def _stop(self, epoch: int, seen: Sequence[Observed], norms: Sequence[float]) -> None:
        """Ask the stopping rules of each run whether it ends after this epoch."""
        for run, observed in enumerate(seen):
            positions, known = observed.positions, self.predictions[run]
            changes = np.nan
            if "prediction" in observed.values:
                now = observed.values["prediction"]
                changes = float(np.mean(known[positions] != now)) if epoch > 1 else np.nan
                known[positions] = now
            held_out = self._canaries(run).get("ordinary/loss_out", np.nan)
            loss = float(np.mean(observed.values["loss"], dtype=np.float64))
            self.history[run].append(Progressed(epoch, loss, held_out, changes, norms[run]))
            self.stopped[run] |= any(rule.stops(self.history[run]) for rule in self.methods.stops)

    def _canaries(self, run: int) -> Mapping[str, float]:
        return self.readings[run][-1].canaries if self.readings[run] else {}

    def _evaluate(self, epoch: int, positions: Int[ndarray, " example"]) -> list[Observed] | list[None]:
        count = len(self.seeds)
        if not len(positions):
            return [None] * count
        self.networks.mode(training=False)
        at_once = examples_at_once(self.objective, self.targets, self.recipe.batch_size, count)
        found: list[dict[str, NDArray[Any]]] = []
        with torch.no_grad():
            for part in torch.from_numpy(positions).to(self.device).split(at_once):
                targets = torch.cat([self.targets.index_select(0, part)] * count)
                with model_at_work(f"in step {epoch}", len(part)):
                    outputs = self.networks.ask(take(self.inputs, part)).flatten(0, 1)
                    check_rows(outputs, targets)
                columns = self._columns(outputs, targets)
                found.append({name: column.reshape(count, -1) for name, column in columns.items()})
        columns = {name: np.concatenate([part[name] for part in found], axis=1) for name in found[0]}
        return [Observed(positions, {k: v[run] for k, v in columns.items()}) for run in range(count)]

    def _probe(self, run: int, observed: Observed | None, probes: Sequence[Probe]) -> Observed | None:
        if observed is None:
            return None
        network, which = self.networks.one(run), torch.from_numpy(observed.positions).to(self.device)
        inputs, targets = take(self.inputs, which), self.targets.index_select(0, which)
        answers = {
            str(probe): ask(probe, network, inputs, targets, objective=self.objective).astype(np.float32)
            for probe in probes
        }
        return Observed(observed.positions, {**observed.values, **answers})

    def _columns(self, outputs: Tensor, targets: Tensor) -> dict[str, NDArray[Any]]:
        at_once = (
            OBSERVED_AT_ONCE if outputs[0].numel() <= FEW_OUTPUTS else max(1, NUMBERS_AT_ONCE // outputs[0].numel())
        )
        blocks = zip(outputs.split(at_once), targets.split(at_once), strict=True)
        parts = [self.objective.observe(*block) for block in blocks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _check(self, epoch: int, seen: Sequence[Observed], clean: Sequence[Observed | None]) -> None:
        """Raise Diverged when a loss is no finite number."""
        for run, seed in enumerate(self.seeds):
            for observed in (seen[run], clean[run]):
                if observed is not None and not np.isfinite(observed.values["loss"]).all():
                    raise Diverged(
                        f"Training diverged in step {epoch}: the loss of the run with seed {seed} is NaN or infinite with {self.recipe}. Lower the learning rate."
                    )

    def _read_sensors(
        self, clean: Sequence[Observed | None], done: float, knobs: Sequence[Mapping[str, float]]
    ) -> None:
        """Keep what the sensor canaries say of each run, when they were all evaluated."""
        if not self.sensors.any():
            return
        for run, observed in enumerate(clean):
            if observed is None:
                continue
            means = sensor_means(observed, self.population, self.sensors, self.member[run], self.objective)
            if not self.recipe.controlled:  # no one reads more than the last
                self.readings[run] = (Reading(done, means),)
                continue
            loss = float(np.mean(self.lost[run])) if self.lost[run] else np.nan
            self.lost[run].clear()
            new = Reading(done, means, self.counts[run], loss, knobs[run] if knobs else {})
            self.readings[run] = (*self.readings[run], new)

    @contextmanager
    def _randomness(self) -> Generator[None]:
        """Draw from the pack's own stream, and leave the caller's as it was."""
        gpus = [torch.cuda.current_device()] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus):
            if self.random_state:
                torch.set_rng_state(self.random_state[0])
                for gpu, state in zip(gpus, self.random_state[1:], strict=False):
                    torch.cuda.set_rng_state(state, gpu)
            yield
            self.random_state = [torch.get_rng_state(), *(torch.cuda.get_rng_state(gpu) for gpu in gpus)]


class _Seen:
    """What a training pass is observed to say: outputs, kept until the end where they are few, or else reduced at once."""

    def __init__(self, reduce: Callable[[Tensor, Tensor], dict[str, NDArray[Any]]]) -> None:
        self._reduce, self._rows = reduce, 0
        self._outputs: list[Tensor] = []
        self._columns: list[dict[str, NDArray[Any]]] = []

    def add(self, outputs: Sequence[Tensor], targets: Tensor) -> None:
        """Take the outputs of the next rows; `targets` are those of all rows."""
        for part in outputs:
            if part[0].numel() <= FEW_OUTPUTS:
                self._outputs.append(part)
            else:
                self._columns.append(self._reduce(part, targets[self._rows : self._rows + len(part)]))
            self._rows += len(part)

    def columns(self, targets: Tensor) -> dict[str, NDArray[Any]]:
        """Return the columns of all rows."""
        if self._outputs:
            return self._reduce(torch.cat(self._outputs), targets)
        return {name: np.concatenate([part[name] for part in self._columns]) for name in self._columns[0]}


def examples_at_once(objective: Objective, targets: Tensor, batch_size: int, runs: int) -> int:
    """Return how many examples of each run are evaluated at once in a clean pass."""
    usual = max(batch_size, EVALUATION_BATCH // runs)
    each = math.prod(objective.output_shape(tuple(targets.shape[1:])))
    return usual if each <= FEW_OUTPUTS else max(1, min(usual, NUMBERS_AT_ONCE // (each * runs)))


@contextmanager
def _no_tiny_numbers() -> Generator[None]:
    """Take numbers below 1e-38 for zero for as long as this lasts.

    Momenta of units that no longer learn fall to such numbers, which some processors multiply a hundred times slower.
    """
    kept = (torch.full((1,), 1e-38) * 0.1).item() != 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(not kept)


def _mean(losses: Tensor, size: int, weights: Tensor | None) -> Tensor:
    """Return the sum over runs of each run's mean loss, over `size` examples that lie side by side."""
    if weights is None:
        return losses.mean() * (len(losses) // size)
    own = weights.view(-1, size)
    return ((own * losses.view(-1, size)).sum(1) / own.sum(1).clamp_min(torch.finfo(own.dtype).tiny)).sum()
