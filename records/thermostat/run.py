"""The protocol of the thermostat: does it hold memorization at a target, in one run, by the word of canaries that it never read?

python records/thermostat/run.py [STAGE ...] [--out DIRECTORY] [--workers N]   (half an hour on two cores; finished runs are kept)

Each stage appends to log.jsonl in this folder, one line per run; table.py makes the tables of README.md from it.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tasks import TASKS

import byrote
from byrote.controls import dropout, flooding, hold, thermostat
from byrote.errors import Diverged
from byrote.experiments.held import difference, held, train
from byrote.membership.attacks import read_membership
from byrote.scores import memorization
from byrote.stats.not_measured import NotMeasured
from byrote.task.canaries import Canaries
from byrote.task.designs import Everything
from byrote.task.schedule import at
from byrote.task.signals import Signals
from byrote.task.task import Task
from byrote.training.compute import Compute

HERE = Path(__file__).parent
TARGETS = (0.1, 0.2, 0.4, 0.6, 0.8)
CANARIES = {
    "fashion": Canaries(mislabeled=600, ordinary=200, noise=100),
    "fashion-mlp": Canaries(mislabeled=600, ordinary=200, noise=100),
    "table": Canaries(mislabeled=240, ordinary=40),
    "text": Canaries(mislabeled=480, ordinary=60),
}
LATE = 10


@dataclass(frozen=True)
class FixedStep(hold):
    """The rule of StyleGAN2-ADA (Karras et al., 2020): the effort goes up or down by a fixed step, by the sign of the error."""

    step: float = 0.05

    def __str__(self) -> str:
        return f"fixed_step(target={self.target}, step={self.step})"

    def __call__(self, signals: Signals) -> float:
        effort = 0.0
        for reading in signals.readings:
            effort = min(max(effort + self.step * np.sign(self.measured(reading) - self.target), 0.0), 1.0)
        return self.knob(float(effort))


@dataclass(frozen=True)
class NoSensor(hold):
    """A sensor that is disconnected: noise as large as that of canaries whose membership was shuffled."""

    def __str__(self) -> str:
        return f"no_sensor(target={self.target})"

    def measured(self, reading: Any) -> float:
        return float(np.random.default_rng(int(1000 * reading.epoch)).normal(0, 0.05))


@dataclass(frozen=True)
class Played:
    """The knob of another run, epoch by epoch, without looking."""

    values: tuple[float, ...]
    name: str

    def __str__(self) -> str:
        return f"played({self.name})"

    def __call__(self, signals: Signals) -> float:
        return self.values[signals.epoch - 1]


@dataclass(frozen=True)
class Tripled:
    """A learning rate that is multiplied by three from an epoch on."""

    rate: byrote.Schedule | float
    epoch: int

    def __str__(self) -> str:
        return f"tripled({self.rate}, epoch={self.epoch})"

    def __call__(self, signals: Signals) -> float:
        return at(self.rate, signals) * (3 if signals.epoch >= self.epoch else 1)


def measure(record: byrote.Record, run: int) -> dict[str, Any]:
    """Return what canaries say that no controller read, of each kind, and the accuracies, of one run."""
    population, member = record.population, record.member(run)
    confidence, right = record.over_steps(run, "confidence"), record.over_steps(run, "correct")
    found: dict[str, Any] = {}
    for kind in np.unique(population.canary[population.canary != ""]).tolist():
        own = (population.canary == kind) & population.verification
        for name, values in (("final", confidence[-1]), ("late", confidence[-LATE:].mean(0))):
            estimate = difference(values, own, member)
            found[f"{kind} {name}"] = [estimate.value, estimate.low, estimate.high]
        curve = [difference(each, own, member).value for each in confidence]
        found[f"{kind} curve"] = [round(value, 4) for value in curve]
    test = population.where("test")
    found["test"] = float(right[-1][test].mean())
    found["test curve"] = [round(float(each[test].mean()), 4) for each in right]
    found["seconds"] = record.seconds().get(run)
    return found


class Log:
    def __init__(self, path: Path, out: Path, workers: int) -> None:
        self.path, self.out, self.compute = path, out, Compute(workers=workers)

    def write(self, stage: str, task: str, what: str, target: float | None, record: byrote.Record, **more: Any) -> None:
        for run in record.runs:
            line = {
                "stage": stage,
                "task": task,
                "what": what,
                "target": target,
                "run": run,
                **measure(record, run),
                **more,
            }
            with self.path.open("a") as lines:
                lines.write(json.dumps(line) + "\n")
            print(stage, task, what, target, run, line["mislabeled final"], line["test"], line["seconds"], flush=True)

    def controlled(self, stage: str, name: str, control: thermostat, runs: int) -> None:
        made = train(
            TASKS[name](), self.out / stage / f"{name}-{control.knob}-{control.target}", control, runs=runs,
            canaries=CANARIES[name], compute=self.compute,
        )  # fmt: skip
        events = [[event.kind for event in course.events] for course in made.courses]
        knobs = [np.round(course.knob, 5).tolist() for course in made.courses]
        self.write(stage, name, f"{control.knob}", control.target, made.record, events=events, knobs=knobs)

    def collected(self, stage: str, name: str, what: str, target: float | None, task: Task, runs: int) -> None:
        try:
            record = byrote.collect(
                task, self.out / stage / f"{name}-{what}-{target}", runs=runs, design=Everything(),
                canaries=CANARIES[name], compute=self.compute,
            )  # fmt: skip
        except Diverged as error:
            print(stage, name, what, target, error, flush=True)
            return
        self.write(stage, name, what, target, record)


def targets(log: Log, name: str) -> None:
    for target in TARGETS:
        log.controlled("targets", name, thermostat(target), 5)


def knobs(log: Log) -> None:
    for target in (0.2, 0.6):
        for name, knob in (("fashion", "weight_decay"), ("fashion", "trim"), ("text", "token_dropout")):
            log.controlled("knobs", name, thermostat(target, knob), 3)


def plain(log: Log) -> None:
    for name in TASKS:
        log.collected("plain", name, "plain", None, TASKS[name](), 3)


def fixed(log: Log) -> None:
    for name in ("fashion", "table"):
        for rate in (0.2, 0.4, 0.6, 0.8):
            log.collected("fixed", name, f"dropout {rate}", None, dropout(rate)(TASKS[name]()), 3)
    for level in (0.1, 0.3, 0.6):
        log.collected("fixed", "fashion", f"flooding {level}", None, flooding(level)(TASKS["fashion"]()), 2)


def rival(log: Log) -> None:
    for target in (0.2, 0.4, 0.6):
        for step in (0.02, 0.05):
            task = dropout(FixedStep(target, step=step))(TASKS["fashion"]())
            log.collected("rival", "fashion", f"fixed step {step}", target, task, 2)


def disturbed(log: Log) -> None:
    for target in (0.2, 0.4):
        calm = thermostat(target)
        base = TASKS["fashion"]()
        rough = replace(base, recipe=replace(base.recipe, learning_rate=Tripled(base.recipe.learning_rate, 25)))
        first = log.out / "targets" / f"fashion-dropout-{target}"
        played = held(byrote.Record(first), calm, calm(base)).courses[0].knob
        log.collected("disturbed", "fashion", "closed loop", target, calm(rough), 2)
        replayed = dropout(Played(tuple(np.round(played, 6).tolist()), f"thermostat {target}"))(rough)
        log.collected("disturbed", "fashion", "replayed", target, replayed, 2)


def control(log: Log) -> None:
    log.collected("control", "fashion", "no sensor", 0.2, dropout(NoSensor(0.2))(TASKS["fashion"]()), 2)
    log.controlled("control", "fashion", thermostat(0.02, "trim"), 1)


def truth(log: Log) -> None:
    """What other evidence says of ordinary examples: memorization over runs on subsets, and the strongest membership attack."""
    for what, control_ in (("plain", None), ("thermostat", thermostat(0.2))):
        task = TASKS["fashion"]() if control_ is None else control_(TASKS["fashion"]())
        record = byrote.collect(
            task, log.out / "truth" / what, runs=20, canaries=CANARIES["fashion"], compute=log.compute
        )  # fmt: skip
        values = byrote.evaluate(memorization, record)
        own = values.value[record.population.where("train")]
        mislabeled = values.value[(record.population.canary == "mislabeled") & record.population.verification]
        line: dict[str, Any] = {"stage": "truth", "task": "fashion", "what": what, "target": None, "run": 0}
        line |= {"memorization": float(np.nanmean(own)), "above half": float(np.nanmean(own > 0.5))}
        line["mislabeled"] = float(np.nanmean(mislabeled))
        found = read_membership(record)
        if not isinstance(found, NotMeasured):
            line["attack"] = found.strongest.name
            line["auroc"] = found.strongest.auroc.cells("auroc")
            at_ = found.strongest.at[0]
            line["tpr"] = None if isinstance(at_, NotMeasured) else at_.tpr.cells("tpr")
        with log.path.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        print(line, flush=True)


STAGES = {
    "plain": plain,
    **{f"targets-{name}": (lambda log, name=name: targets(log, name)) for name in TASKS},
    "knobs": knobs,
    "fixed": fixed,
    "rival": rival,
    "disturbed": disturbed,
    "control": control,
    "truth": truth,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], default=[])
    parser.add_argument("--out", type=Path, default=Path("audits/thermostat"))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    log = Log(HERE / "log.jsonl", given.out, given.workers)
    for stage in given.stages or list(STAGES):
        STAGES[stage](log)
    print("median seconds of a run:", median(json.loads(line).get("seconds") or 0 for line in log.path.open()))


if __name__ == "__main__":
    main()
