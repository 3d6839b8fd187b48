"""Job: all that a worker needs to train runs of a collection, a pack of them at a time."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import OutOfMemory
from byrote.objectives import Objective
from byrote.probes import NO_QUESTIONS, Questions
from byrote.record import Layout, Population, Step, run_path, writing_run
from byrote.record.storage import Place, exists
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe
from byrote.training.claims import claim, log, scratch, ticker
from byrote.training.deletion import check_there, naming_deletion
from byrote.training.engine import Engine
from byrote.training.fitting import learn
from byrote.training.memory import is_out_of_memory
from byrote.version import __version__

RUN_STREAM = 3


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be trained, for every run of a collection, and on what kind of engine."""

    directory: Place
    learner: Callable[[], Any] | Fit
    population: Population
    member: Bool[ndarray, "run example"]
    recipe: Recipe
    objective: Objective
    layout: Layout
    seed: int
    key: str
    engine: Engine
    questions: Questions = NO_QUESTIONS
    keep_models: bool = False

    @property
    def steps(self) -> int:
        """How many steps a run has."""
        return 1 if isinstance(self.learner, Fit) else self.recipe.epochs

    def train(self, runs: Sequence[int], tick: Callable[[], None] = lambda: None) -> tuple[int, ...]:
        """Train these runs together, but for those that are on disk or that another process is at; return which are finished.

        Raises OutOfMemory when the pack does not fit: none of it is written then.
        """
        with naming_deletion(self.directory), ExitStack() as held:
            claimed = [run for run in runs if held.enter_context(claim(self.directory, run))]
            missing = [run for run in claimed if not exists(run_path(self.directory, run))]
            if missing and not self._fits(missing, tick):
                raise OutOfMemory(
                    f"Training {_models(len(missing))} at once ran out of memory on {self.engine.device}. Use a smaller model or batch size, or free memory."
                )
            return tuple(claimed)

    def _fits(self, runs: Sequence[int], tick: Callable[[], None]) -> bool:
        """Train and write these runs; return whether memory sufficed, when all that the attempt held is free again."""
        try:
            self._write(runs, tick)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return False
        return True

    def _write(self, runs: Sequence[int], tick: Callable[[], None]) -> None:
        start = time.perf_counter()
        with ExitStack() as files:
            writers = [
                files.enter_context(
                    writing_run(
                        run_path(self.directory, run),
                        self.member[run],
                        self.population.ids,
                        self._settings(run, runs),
                        self.layout,
                        aside=scratch(self.directory, run, "parquet"),
                    )
                )
                for run in runs
            ]
            tickers = [ticker(self.directory, run) for run in runs]
            for steps in self._steps(runs):
                for step, write, note in zip(steps, writers, tickers, strict=True):
                    write(step)
                    note(step.step)
                tick()
            check_there(self.directory)  # before the files get their names, which would make the directory again
        seconds = (time.perf_counter() - start) / len(runs)
        for run in runs:
            log(
                self.directory,
                {"run": run, "seconds": round(seconds, 3), "worker": os.getpid(), "finished": time.time()},
            )

    def _steps(self, runs: Sequence[int]) -> Iterator[tuple[Step, ...]]:
        seeds = [run_seed(self.seed, run) for run in runs]
        if isinstance(self.learner, Fit):
            for run, seed in zip(runs, seeds, strict=True):  # a pack of a Fit is one run
                yield from (
                    (step,) for step in learn(self.learner, self.population, self.member[run], seed, self.objective)
                )
            return
        from byrote.training.loop import train
        from byrote.training.models import write_model

        yield from train(
            self.learner,
            self.population,
            self.member[list(runs)],
            self.recipe,
            seeds,
            self.engine,
            self.questions,
            self.objective,
            (lambda place, network: write_model(self.directory, runs[place], network)) if self.keep_models else None,
        )

    def _settings(self, run: int, pack: Sequence[int]) -> dict[str, Any]:
        """Return what the bits of this run depend on."""
        settings: dict[str, Any] = {
            "run": run,
            "seed": run_seed(self.seed, run),
            "key": self.key,
            "steps": self.steps,
            "byrote": __version__,
        }
        if isinstance(self.learner, Fit):
            return settings
        import torch

        return {
            **settings,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            **self.engine.values(),
            "pack": list(pack),
        }


def run_seed(seed: int, run: int) -> int:
    """Return the seed of one run, a function of the collection's seed and the run's number only."""
    return int(np.random.SeedSequence([seed, RUN_STREAM, run]).generate_state(1)[0])


def _models(count: int) -> str:
    return "one model" if count == 1 else f"{count} models"
