"""Collect runs into a record: train those that are missing. A run that is on disk is never trained again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from byrote.errors import InvalidData
from byrote.probes import NO_QUESTIONS, Questions
from byrote.record import (
    Layout,
    Population,
    Record,
    finished_runs,
    make_ids,
    read_manifest,
    write_manifest,
    write_population,
)
from byrote.record.inputs import is_one_real
from byrote.record.storage import Place, exists, place
from byrote.signature import Probe
from byrote.task.canaries import Canaries, flips, plant
from byrote.task.designs import Design
from byrote.task.fit import Fit, check_fit, fit_digest
from byrote.task.loading import default_design
from byrote.task.taking import taken
from byrote.task.task import Task
from byrote.training.adapter import learner
from byrote.training.claims import give_up, ticked, tidy
from byrote.training.compute import Compute
from byrote.training.deletion import naming_deletion
from byrote.training.dispatch import train_all
from byrote.training.engine import Engine
from byrote.training.extending import Enough, Looks, divide, expected, extend
from byrote.training.job import Job
from byrote.training.manifest import alone, describe, layout_of, model_digest, plan
from byrote.training.memory import available
from byrote.training.planning import choose
from byrote.training.progress import Lines, Progress, Watcher
from byrote.training.sensors import check_sensors
from byrote.training.until import Until, check_until, parse_until
from byrote.training.workers import cores

logger = logging.getLogger("byrote")


def collect(
    task: Task,
    directory: Path | str,
    *,
    runs: int | None = None,
    until: float | str | Until | None = None,
    design: Design | None = None,
    canaries: Canaries | None = None,
    seed: int = 0,
    probes: Sequence[Probe | str] = (),
    probe_every: int = 0,
    compute: Compute = Compute(),
    source: str = "",
    take: int | None = None,
    keep_models: bool = False,
    progress: Watcher | None = None,
) -> Record:
    """Train what is missing of `runs` runs (default: what the design needs) and return the record.

    Runs that are already in `directory` are kept and count; `runs=0` trains nothing. More runs than planned extend
    the design (default: `default_design`), whose balance holds at the end of each extension. `directory` is a path, or a URL
    that fsspec understands (`s3://bucket/audits/fashion`). Several processes may collect into one directory: they share the
    work.

    With `until`, runs are added until memorization is known that well, `runs` at most: `0.9` is a reliability of the
    values, `error=0.05` a median standard error, `top=100:0.9` a list of the hundred most memorized of which nine in ten are
    expected to be right (`byrote.training.until.Until`). The design is extended by small blocks, and it is asked after each
    while others train, so that balance holds whenever it stops; runs that are unfinished then are given up.

    `probes` (names of `byrote.probes`, with options as in "curvature(vectors=5)", or Probe objects) are computed on all
    examples when a model is trained, and every `probe_every` epochs if that is not 0; their values are columns of the record.

    `compute` says with what: by default one process per core trains, with one thread each. On a GPU, and on a CPU when a
    model is very small, several models are trained at once. A run's bits depend on the seed, its number and what it is
    packed with, never on the number of workers. `source` is where the task came from, for the record. `take` collects runs on
    so many of the training examples, drawn by the seed. `keep_models` writes the weights of each model that is trained now to
    `models/`, see `byrote.read_model`. `progress` is called with how far the work is, and with how well
    memorization is known from the runs so far (default: a line on stderr now and then).

    Raises WrongRecord when the directory holds another task's runs, InvalidData for a task or settings that cannot be
    used, OutOfMemory when not even one model fits.
    """
    from byrote.training.checks import check_device

    where, scheme = place(directory), design or default_design(task)
    goal = None if until is None else parse_until(until)
    check_device(compute.device)
    task = taken(task, take, seed)
    population = plant(task, canaries or Canaries(), seed)
    if goal is not None:
        check_until(goal, task.learned, scheme.name, int(population.where("train").sum()))
    check_sensors(task.recipe, population)
    digest = _check_learner(task, population)
    questions = _questions(task, probes, probe_every)
    layout = layout_of(task, population, questions)
    manifest = describe(task, digest, population, scheme, canaries or Canaries(), seed, layout, source, questions)
    manifest |= {} if take is None else {"take": int(take)}
    collection = _Collection(task, where, population, scheme, seed, questions, layout, manifest, compute, keep_models)
    looks, lines = Looks(where, task.learned), Lines()

    def watch(now: Progress) -> None:
        last = now.runs == now.of_runs
        enough = goal is not None and bool(now.finished) and looks.enough(goal)
        if progress is not None and (now.finished or last):
            looks.look(finished_runs(where), now=last)
        if goal is not None:
            now = expected(now, goal, looks.certainty, enough=enough)
        if progress is None:
            lines(now)
        else:
            progress(replace(now, certainty=looks.certainty, examples=looks.examples))
        if enough:
            raise Enough

    unit = scheme.default_runs(_groups(population))
    if goal is None:
        return looks.shared(collection.train(unit if runs is None else runs, watch))
    packs = compute.device.startswith("cuda")

    def gather(wanted: int) -> Record:
        return collection.train(
            wanted, watch, lambda planned: divide(planned, wanted, scheme, _groups(population), packs=packs)
        )

    return looks.shared(extend(gather, looks, goal, runs))


def processes(task: Task, canaries: Canaries, seed: int, compute: Compute, runs: int) -> int:
    """Return how many processes train so many runs at once: as many as given, else one per core as far as memory goes."""
    return _workers(compute, _engine(task, plant(task, canaries, seed), compute, runs, None), runs)


@dataclass(frozen=True, eq=False)
class _Collection:
    """A task with all that decides what its runs are, and where they are kept."""

    task: Task
    where: Place
    population: Population
    design: Design
    seed: int
    questions: Questions
    layout: Layout
    manifest: dict[str, Any]
    compute: Compute
    keep_models: bool = False

    def train(self, wanted: int, watch: Watcher, divide: Callable[[int], list[int]] | None = None) -> Record:
        """Train what is missing of so many runs, or less if `watch` raises Enough; `divide` says in which blocks (None: one)."""
        if wanted < 0:
            raise InvalidData(f"{wanted} runs cannot be collected. Give 0 or more.")
        where, task, population, compute = self.where, self.task, self.population, self.compute
        with alone(where):
            blocks = plan(where, self.manifest, wanted, divide)
            member = _membership(task, population, self.design, blocks, self.seed)
            if not exists(where / "record.json") or not exists(where / "examples.parquet"):
                write_population(where, population)
            settled = _settled(task, compute, where)
            write_manifest(where, {**self.manifest, "blocks": blocks, **settled})
        there = set(finished_runs(where))
        missing = [run for run in range(min(wanted, len(member))) if run not in there]
        if 0 < wanted < len(there):
            logger.warning("%d runs were asked for, and %d are there: all of them are used.", wanted, len(there))
        if missing:
            engine = _engine(task, population, compute, sum(blocks), settled.get("matmul"))
            job = Job(
                where,
                learner(task),
                population,
                member,
                task.recipe,
                task.learned,
                self.layout,
                self.seed,
                self.manifest["key"],
                engine,
                self.questions,
                self.keep_models,
            )
            workers = _workers(compute, engine, len(missing))
            with naming_deletion(where):
                try:
                    train_all(job, missing, blocks, workers, compute.executor, _Watch(job, missing, watch, len(there)))
                except Enough:
                    give_up(where, set(missing) - set(finished_runs(where)))
                tidy(where)
                return Record(where)
        return Record(where)


class _Watch:
    """Counts what is done. A step of a run counts once, also when the run has to be trained again."""

    def __init__(self, job: Job, missing: Sequence[int], watch: Watcher, before: int) -> None:
        self.job, self.watch, self.before = job, watch, before
        self.left, self.all, self.most = set(missing), len(missing), 0
        self([], [])

    def __call__(self, finished: Sequence[int], running: Sequence[int]) -> None:
        new = tuple(run for run in finished if run in self.left)
        self.left.difference_update(new)
        done = self.all - len(self.left)
        steps = done * self.job.steps + sum(ticked(self.job.directory, run) for run in running if run in self.left)
        self.most = max(self.most, steps)
        self.watch(Progress(self.most, self.all * self.job.steps, done, self.all, new, before=self.before))


def _questions(task: Task, probes: Sequence[Probe | str], every: int) -> Questions:
    if not probes:
        return NO_QUESTIONS
    if isinstance(task.model, Fit):
        raise InvalidData(
            "Probes are computed on a torch model, and this task learns by a Fit. Give a model, or no probes."
        )
    if every < 0:
        raise InvalidData(f"Probes cannot be computed every {every} epochs. Give 1 or more, or 0 for the end only.")
    from byrote.probes import check_asked, find_probe

    found = tuple(find_probe(p) if isinstance(p, str) else p for p in probes)
    for probe in found:
        check_asked(probe, task.learned)
    if not is_one_real(task.train.inputs):
        raise InvalidData(
            "Probes follow the loss in one array of real-valued inputs, which this task lacks. Give no probes."
        )
    return Questions(found, every)


def _check_learner(task: Task, population: Population) -> str:
    """Return the digest of what learns; raise InvalidData when it cannot."""
    if isinstance(task.model, Fit):
        check_fit(task.model)
        return fit_digest(task.model)
    from byrote.training.checks import check_model

    return model_digest(check_model(task, population))


def _settled(task: Task, compute: Compute, where: Place) -> dict[str, Any]:
    """Return what is measured when a record begins and kept from then on: how matrix products are computed."""
    if isinstance(task.model, Fit):
        return {}
    from byrote.training.hardware import settled_matmul

    known = read_manifest(where).get("matmul") if exists(where / "record.json") else None
    return {"matmul": settled_matmul(known, compute.device)}


def _engine(task: Task, population: Population, compute: Compute, runs: int, matmul: Any) -> Engine:
    make = learner(task)
    if isinstance(make, Fit):
        return Engine(compute.device)
    return choose(
        make,
        population,
        task.recipe,
        device=compute.device,
        precision=compute.precision,
        memory=compute.memory,
        runs=runs,
        objective=task.learned,
        matmul=matmul,
    )


def _workers(compute: Compute, engine: Engine, missing: int) -> int:
    """Return how many processes train: as many as given, else one per core as far as memory goes, or one per GPU."""
    most = -(-missing // engine.pack)
    if compute.workers is not None:
        return min(compute.workers, most)
    if engine.device.startswith("cuda"):
        import torch

        return min(torch.cuda.device_count(), most) if engine.device == "cuda" else 1
    fit = max(1, available(engine.device, compute.memory) // max(engine.memory, 1))
    return min(cores(), fit, most)


def _groups(population: Population) -> Any:
    return population.groups[population.split == "train"]


def _membership(
    task: Task, population: Population, design: Design, blocks: list[int], seed: int
) -> Bool[ndarray, "run example"]:
    member = np.zeros((sum(blocks), len(population)), np.bool_)
    member[:, population.split == "train"] = design.membership(blocks, _groups(population), seed)
    if task.excluded:
        member[:, np.isin(population.ids, make_ids("train", sorted(task.excluded)))] = False
    if task.always:
        member[:, np.isin(population.ids, make_ids("train", sorted(task.always)))] = True
    member[:, population.split == "canary"] = flips(population, blocks, seed)
    return member
