"""Reproduce: the founding experiments, figure by figure, at a scale that the machine can bear."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from byrote.errors import ByroteError, InvalidData, unknown
from byrote.experiments.reproductions import arpit, claims, zhang
from byrote.experiments.reproductions.conduct import conduct, read_part
from byrote.experiments.reproductions.data import images
from byrote.experiments.reproductions.experiment import Experiment, Part
from byrote.experiments.reproductions.figure import Figure
from byrote.stats.not_measured import NotMeasured
from byrote.training.compute import Compute
from byrote.training.progress import Watcher
from byrote.training.workers import cores

SCALES = ("tiny", "small", "paper")


@dataclass(frozen=True)
class Paper:
    """A paper, or the list of common claims: its title, and its experiments in order."""

    title: str
    experiments: tuple[Experiment, ...]


PAPERS = {
    "arpit2017": Paper(
        "Arpit et al., 2017, A Closer Look at Memorization in Deep Networks, arXiv:1706.05394", arpit.FIGURES
    ),
    "zhang2017": Paper(
        "Zhang et al., 2017, Understanding deep learning requires rethinking generalization, arXiv:1611.03530",
        zhang.FIGURES,
    ),
    "claims": Paper("Eight common claims about memorization", claims.CLAIMS),
}
"""What can be reproduced, by its name."""


@dataclass(frozen=True)
class Plan:
    """What a reproduction will do: its experiments with their parts, and what cannot be measured and why.

    `models` are trainings that are still missing, of `of_models`. `minutes` is about how long the missing ones take with
    these workers, from what they took on one core of a 2020s server; None for a scale that was never run whole.
    """

    paper: str
    scale: str
    parts: tuple[tuple[Experiment, tuple[Part, ...]], ...]
    left_out: tuple[tuple[Experiment, NotMeasured], ...]
    models: int
    of_models: int
    minutes: float | None

    def sentence(self) -> str:
        """Return what to say before training."""
        count = f"{self.paper} at scale {self.scale}: {len(self.parts)} experiments, {self.of_models} models"
        kept = f", of which {self.of_models - self.models} are there already" if self.models < self.of_models else ""
        if self.minutes is None:
            return f"{count}{kept}. This scale was not run whole, so nobody knows how long it takes: expect hours to days, on a GPU."
        return f"{count}{kept}. This takes about {max(self.minutes, 0.1):.2g} minutes here, by what it took elsewhere."


def reproduce(
    paper: str,
    directory: Path | str,
    *,
    scale: str = "tiny",
    only: Sequence[str] = (),
    seed: int = 0,
    data: Path | str | None = None,
    minutes: float | None = None,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
    on_plan: Callable[[Plan], None] | None = None,
) -> list[Figure]:
    """Train what is missing of a paper's experiments in `directory`, and return its figures, each with a verdict.

    `paper` is a name of PAPERS, `scale` one of SCALES, and `only` names some of its figures ("figure 5", "5", "C3").
    Seed 0 gives the numbers of the logs in `records/`, up to rounding. `data` is the directory of MNIST or CIFAR-10, which
    the scale `paper` needs; nothing is downloaded. With `minutes`, nothing is trained when it would take longer. `on_plan`
    is called with what will be done before it is. Parts that are in the directory are not trained again.

    Raises ByroteError for a name that does not exist, InvalidData for data that are missing and for too few minutes.
    """
    where = None if data is None else Path(data)
    plan = plan_of(paper, Path(directory), scale=scale, only=only, seed=seed, data=where, compute=compute)
    if minutes is not None and plan.models and (plan.minutes is None or plan.minutes > minutes):
        about = "hours to days" if plan.minutes is None else f"about {plan.minutes:.2g} minutes"
        raise InvalidData(
            f"{paper} at scale {scale} takes {about} here, and {minutes:g} were given. Give more, or fewer figures with --only, or a smaller --scale."
        )
    if on_plan is not None:
        on_plan(plan)
    every = [part for _, parts in plan.parts for part in parts]
    found = conduct(every, Path(directory), data=where, compute=compute, progress=progress)
    figures = {each.name: _missing(each, reason, scale) for each, reason in plan.left_out}
    for each, parts in plan.parts:
        own = {part.name: found[part.name] for part in parts}
        shown = each.show(each.sizes[scale], own)
        figures[each.name] = Figure(
            each.paper, each.name, each.title, each.claim, tuple(shown.panels), tuple(shown.assertions),
            each.differs[scale], sum(part.models for part in parts), each.contested,
        )  # fmt: skip
    return [figures[each.name] for each in chosen(paper, only)]


def plan_of(
    paper: str, directory: Path, *, scale: str, only: Sequence[str], seed: int, data: Path | None, compute: Compute
) -> Plan:
    """Return what a reproduction will do; raise ByroteError for what cannot be: unknown names, data that are missing."""
    experiments = chosen(paper, only)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if seed < 0:
        raise InvalidData(f"{seed} is no seed. Give 0 or more.")
    ready: list[tuple[Experiment, tuple[Part, ...]]] = []
    left_out: list[tuple[Experiment, NotMeasured]] = []
    minutes, missing, total = 0.0, 0, 0
    for each in experiments:
        size = each.sizes[scale]
        try:
            for name in each.data(size):
                images(name, data)
        except ByroteError as error:
            if scale == "paper" or len(experiments) == 1:
                raise
            left_out.append((each, NotMeasured.because(error)))
            continue
        parts = tuple(each.parts(size, seed))
        absent = [part for part in parts if read_part(part, directory) is None]
        minutes += each.minutes.get(scale, float("nan")) * len(absent) / len(parts)
        missing += sum(part.models for part in absent)
        total += sum(part.models for part in parts)
        ready.append((each, parts))
    workers = compute.workers or cores()
    known = None if minutes != minutes else minutes / workers
    return Plan(paper, scale, tuple(ready), tuple(left_out), missing, total, known)


def chosen(paper: str, only: Sequence[str]) -> list[Experiment]:
    """Return the experiments of a paper, or those of the names; raise ByroteError for a name that does not exist."""
    if paper not in PAPERS:
        raise unknown("reproduction", paper, PAPERS)
    experiments = PAPERS[paper].experiments
    if not only:
        return list(experiments)
    wanted: set[str] = set()
    for name in only:
        found = [each.name for each in experiments if _short(name) in {_short(each.name), *_numbers(each.name)}]
        if not found:
            raise unknown(f"figure of {paper}", name, [each.name for each in experiments])
        wanted.update(found)
    return [each for each in experiments if each.name in wanted]


def _short(name: str) -> str:
    """Return a name as it is compared: `Figure_7/8`, `figure 7/8` and `fig7/8` are the same."""
    return re.sub(r"[\s_.-]+", "", name.lower()).replace("figure", "fig")


def _numbers(name: str) -> set[str]:
    """Return the numbers of a figure, which name it too: 7/8, 7 and 8 are figure 7/8. A table or theorem needs its word."""
    if not name.startswith("figure "):
        return set()
    number = name.removeprefix("figure ")
    each = {number, *number.split("/")}
    return each | {f"fig{one}" for one in each}


def _missing(experiment: Experiment, reason: NotMeasured, scale: str) -> Figure:
    return Figure(
        experiment.paper, experiment.name, experiment.title, experiment.claim, (), (), experiment.differs[scale],
        contested=experiment.contested, missing=reason,
    )  # fmt: skip
