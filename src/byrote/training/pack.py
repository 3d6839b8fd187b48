"""Pack: models that are trained side by side on one device, an epoch at a time."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy import ndarray
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.errors import ByroteError
from byrote.objectives.classification import observe
from byrote.probes import ask
from byrote.record import Observed, Step
from byrote.signature import Probe
from byrote.task.recipe import Recipe
from byrote.task.schedule import at
from byrote.training.batches import timetable
from byrote.training.engine import Engine
from byrote.training.hardware import products
from byrote.training.stacked import casting, fresh, together
from byrote.training.updates import optimizer

EVALUATION_BATCH = 256
"""How many (model, example) pairs are asked at once in a clean pass, unless a batch per model is more."""

OBSERVED_AT_ONCE = 2**16
"""Rows of logits that are reduced to columns at once."""


class Pack:
    """Runs that take equally many optimizer steps, the largest first, with all that their training needs between epochs."""

    def __init__(
        self,
        model: Callable[[], nn.Module],
        inputs: Tensor,
        labels: Tensor,
        members: Bool[ndarray, "run example"],
        recipe: Recipe,
        seeds: Sequence[int],
        engine: Engine,
    ) -> None:
        self.inputs, self.labels, self.recipe, self.seeds, self.engine = inputs, labels, recipe, seeds, engine
        self.random_state: list[Tensor] = []
        with self._randomness():
            self.networks = together([fresh(model, seed, inputs.device) for seed in seeds])
        self.update = optimizer(self.networks.parameters, recipe)
        self.orders = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.members = [torch.from_numpy(np.flatnonzero(member)) for member in members]
        self.timetable = timetable(members.sum(axis=1), recipe.batch_size)
        self.rows = [np.flatnonzero(self.timetable.run == run) for run in range(len(seeds))]

    def epoch(self, step: int, asked: Int[ndarray, " example"], probes: Sequence[Probe] = ()) -> list[Step]:
        """Train for one epoch, ask, and return what was seen of each run. `probes` are asked of whom `asked` names."""
        with self._randomness(), products(self.engine.matmul), _no_tiny_numbers():
            orders = zip(self.members, self.orders, strict=True)
            shuffled = torch.cat([who[torch.randperm(len(who), generator=order)] for who, order in orders])
            shown = shuffled[self.timetable.place]
            said = self._learn(step, shown.to(self.inputs.device))
            clean = self._ask(asked)
            norms = self.networks.norms()
            if len(probes) and len(asked):
                clean = [self._probe(run, observed, probes) for run, observed in enumerate(clean)]
        seen = [Observed(shown.numpy()[rows], {k: v[rows] for k, v in said.items()}) for rows in self.rows]
        for run, seed in enumerate(self.seeds):
            for observed in (seen[run], clean[run]):
                if observed is not None and not np.isfinite(observed.values["loss"]).all():
                    raise ByroteError(
                        f"Training diverged in step {step}: the loss of the run with seed {seed} is NaN or infinite with {self.recipe}. Lower the learning rate."
                    )
        return [Step(step, *each) for each in zip(clean, seen, norms, strict=True)]

    def _learn(self, step: int, shown: Tensor) -> dict[str, NDArray[Any]]:
        self.networks.mode(training=True)
        labels, said = self.labels.index_select(0, shown), list[Tensor]()
        updates = self.timetable.steps
        for number, parts in enumerate(updates):
            for part in parts:
                batch = self.inputs.index_select(0, shown[part.rows]).unflatten(0, (-1, part.size))
                with casting(batch.device, self.engine.precision):
                    logits = self.networks(batch, part.runs).flatten(0, 1)
                loss = nn.functional.cross_entropy(logits.float(), labels[part.rows])
                (loss * len(batch)).backward()  # the sum over runs of each run's mean
                said.append(logits.detach())
            self.networks.join()
            progress = (step - 1 + number / len(updates)) / self.recipe.epochs
            self.update(at(self.recipe.learning_rate, progress), at(self.recipe.weight_decay, progress))
        return _columns(torch.cat(said), labels)

    def _ask(self, positions: Int[ndarray, " example"]) -> list[Observed] | list[None]:
        count = len(self.seeds)
        if not len(positions):
            return [None] * count
        self.networks.mode(training=False)
        at_once = max(self.recipe.batch_size, EVALUATION_BATCH // count)
        found: list[dict[str, NDArray[Any]]] = []
        with torch.no_grad():
            for part in torch.from_numpy(positions).to(self.inputs.device).split(at_once):
                logits = self.networks.ask(self.inputs.index_select(0, part))
                told = _columns(logits.flatten(0, 1), self.labels.index_select(0, part).repeat(count))
                found.append({name: column.reshape(count, -1) for name, column in told.items()})
        columns = {name: np.concatenate([part[name] for part in found], axis=1) for name in found[0]}
        return [Observed(positions, {k: v[run] for k, v in columns.items()}) for run in range(count)]

    def _probe(self, run: int, observed: Observed | None, probes: Sequence[Probe]) -> Observed | None:
        if observed is None:
            return None
        network, who = self.networks.one(run), torch.from_numpy(observed.positions).to(self.inputs.device)
        inputs, labels = self.inputs.index_select(0, who), self.labels.index_select(0, who)
        answers = {str(probe): ask(probe, network, inputs, labels).astype(np.float32) for probe in probes}
        return Observed(observed.positions, {**observed.values, **answers})

    @contextmanager
    def _randomness(self) -> Generator[None]:
        """Draw from the pack's own stream, and leave the caller's as it was."""
        gpus = [torch.cuda.current_device()] if self.inputs.is_cuda else []
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


def _columns(logits: Tensor, labels: Tensor) -> dict[str, NDArray[Any]]:
    blocks = zip(logits.split(OBSERVED_AT_ONCE), labels.split(OBSERVED_AT_ONCE), strict=True)
    parts = [observe(*block) for block in blocks]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
