"""Pack: models that are trained side by side on one device, an epoch at a time."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.errors import ByroteError
from byrote.objectives import Objective
from byrote.probes import ask
from byrote.record import Observed, Population, Step
from byrote.signature import Probe
from byrote.task.recipe import KNOBS, Recipe
from byrote.task.schedule import at
from byrote.task.signals import Signals
from byrote.training.batches import timetable
from byrote.training.engine import Engine
from byrote.training.hardware import products
from byrote.training.sensors import is_sensor, sensor_means
from byrote.training.stacked import casting, fresh, together
from byrote.training.tensors import device_of, side_by_side, take, to_tensors
from byrote.training.updates import Optimizer
from byrote.training.user_model import check_rows, model_at_work

EVALUATION_BATCH = 256
"""How many (model, example) pairs are evaluated at once in a clean pass, unless a batch per model is more."""

OBSERVED_AT_ONCE = 2**16
"""Rows of outputs that are reduced to columns at once."""


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
        self.canaries: list[Mapping[str, float]] = [{} for _ in seeds]
        usual = bool((population.weights == 1).all())
        self.weights = None if usual else torch.from_numpy(population.weights).to(self.device)

    def epoch(self, epoch: int, positions: Int[ndarray, " example"], probes: Sequence[Probe] = ()) -> list[Step]:
        """Train for one epoch and return what was observed of each run, with a clean pass over the examples at `positions`.

        `probes` are computed on the same examples.
        """
        with self._randomness(), products(self.engine.matmul), _no_tiny_numbers():
            orders = zip(self.members, self.orders, strict=True)
            shuffled = torch.cat([own[torch.randperm(len(own), generator=order)] for own, order in orders])
            shown = shuffled[self.timetable.place]
            observed, knobs = self._train(epoch, shown.to(self.device))
            clean = self._evaluate(epoch, positions)
            norms = self.networks.norms()
            if len(probes) and len(positions):
                clean = [self._probe(run, each, probes) for run, each in enumerate(clean)]
        seen = [Observed(shown.numpy()[rows], {k: v[rows] for k, v in observed.items()}) for rows in self.rows]
        self._check(epoch, seen, clean)
        self._read_sensors(clean)
        scalars = [
            {**knob, "weight_norm": norm, **{f"canary_{name}": value for name, value in canaries.items()}}
            for knob, norm, canaries in zip(knobs, norms, self.canaries, strict=True)
        ]
        return [Step(epoch, *each) for each in zip(clean, seen, scalars, strict=True)]

    def _train(self, epoch: int, shown: Tensor) -> tuple[dict[str, NDArray[Any]], list[dict[str, float]]]:
        """Return the columns of the training pass, a row per presentation, and the knobs of each run at the last update."""
        self.networks.mode(training=True)
        targets, outputs = self.targets.index_select(0, shown), list[Tensor]()
        weights = self._weights(shown, targets)
        batches, knobs = self.timetable.batches, list[dict[str, float]]()
        for number, parts in enumerate(batches):
            first = number - number % self.recipe.accumulate
            together = min(self.recipe.accumulate, len(batches) - first)
            for part in parts:
                batch = side_by_side(take(self.inputs, shown[part.rows]), part.size)
                with model_at_work(f"in step {epoch}", part.size), casting(self.device, self.engine.precision):
                    output = self.networks(batch, part.runs).flatten(0, 1)
                    check_rows(output, targets[part.rows])
                losses = self.objective.losses(output.float(), targets[part.rows])
                loss = _mean(losses, part.size, None if weights is None else weights[part.rows])
                with model_at_work(f"in step {epoch}", part.size):
                    (loss / together if together > 1 else loss).backward()
                outputs.append(output.detach())
            self.networks.join()
            if number == first + together - 1:
                knobs = self._knobs(epoch, number / len(batches), number // self.recipe.accumulate)
                self.optimizer.update(*([each[name] for each in knobs] for name in KNOBS))
        return self._columns(torch.cat(outputs), targets), knobs

    def _weights(self, shown: Tensor, targets: Tensor) -> Tensor | None:
        """Return the weight of each presentation's loss: that of its example times that of its class; None when all are 1."""
        own = None if self.weights is None else self.weights.index_select(0, shown)
        other = self.objective.weights(targets)
        return own if other is None else other if own is None else own * other

    def _knobs(self, epoch: int, part: float, update: int) -> list[dict[str, float]]:
        """Return the knobs of each run before this update, when `part` of the epoch is done."""
        progress = (epoch - 1 + part) / self.recipe.epochs
        if not self.recipe.controlled:
            return [self._knobs_of(Signals(progress, epoch, update))] * len(self.seeds)
        return [self._knobs_of(Signals(progress, epoch, update, canaries)) for canaries in self.canaries]

    def _knobs_of(self, signals: Signals) -> dict[str, float]:
        return {name: at(getattr(self.recipe, name), signals) for name in KNOBS}

    def _evaluate(self, epoch: int, positions: Int[ndarray, " example"]) -> list[Observed] | list[None]:
        count = len(self.seeds)
        if not len(positions):
            return [None] * count
        self.networks.mode(training=False)
        at_once = max(self.recipe.batch_size, EVALUATION_BATCH // count)
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
        blocks = zip(outputs.split(OBSERVED_AT_ONCE), targets.split(OBSERVED_AT_ONCE), strict=True)
        parts = [self.objective.observe(*block) for block in blocks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _check(self, epoch: int, seen: Sequence[Observed], clean: Sequence[Observed | None]) -> None:
        """Raise ByroteError when a loss is no finite number."""
        for run, seed in enumerate(self.seeds):
            for observed in (seen[run], clean[run]):
                if observed is not None and not np.isfinite(observed.values["loss"]).all():
                    raise ByroteError(
                        f"Training diverged in step {epoch}: the loss of the run with seed {seed} is NaN or infinite with {self.recipe}. Lower the learning rate."
                    )

    def _read_sensors(self, clean: Sequence[Observed | None]) -> None:
        """Keep what the sensor canaries say of each run, when they were all evaluated."""
        if not self.sensors.any():
            return
        for run, observed in enumerate(clean):
            if observed is not None:
                self.canaries[run] = sensor_means(observed, self.sensors, self.member[run], self.objective)

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
