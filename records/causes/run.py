"""Are the rules that name causes right? Examples of known causes are planted, and the causes that the rules name are counted.

python records/causes/run.py --out audits/causes --seeds 3 4 5 6 7

The rule was chosen on seeds 0, 1 and 2. `benchmarks/diamonds.py` needs the package plotnine.
"""

import argparse
import functools
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

import byrote
from byrote.evidence.outcomes import read_outcomes
from byrote.explain import CAUSES, NO_DEPENDENCES, Explanation, check_copies, explain, space
from byrote.explain.causes import find_cause
from byrote.explain.copies import find_copies
from byrote.stats.intervals import wilson
from byrote.task.canaries import Canaries, plant
from byrote.task.loading import load_task
from byrote.task.models import mlp

KINDS = ("wrong", "noise", "mixture", "extreme", "rare", "copy", "source")
CLOUDS, FEATURES = 4, 24
SUSPECT = "label suspect"


def network() -> nn.Module:
    """Return a perceptron for the clouds."""
    return nn.Sequential(nn.Linear(FEATURES, 64), nn.ReLU(), nn.Linear(64, CLOUDS))


def clouds(rng: np.random.Generator) -> byrote.Task:
    """Return four Gaussian clouds, 600 training points and 100 test points."""
    centres = rng.normal(0, 1, (CLOUDS, FEATURES))
    labels = np.arange(700) % CLOUDS
    points = (centres[labels] + rng.normal(0, 0.35, (700, FEATURES))).astype(np.float32)
    train, test = byrote.Examples(points[:600], labels[:600]), byrote.Examples(points[600:], labels[600:])
    recipe = byrote.Recipe(epochs=25, batch_size=32, learning_rate=byrote.linear(0.01))
    return byrote.Task(network, train, test, recipe, ("a", "b", "c", "d"), "clouds")


def small(source: str, rng: np.random.Generator) -> byrote.Task:
    """Return the task with fewer examples and epochs, so that twenty runs take half a minute."""
    if source == "clouds":
        return clouds(rng)
    task = load_task(source)
    recipe = replace(task.recipe, evaluate_every=0)
    if task.name == "digits":
        return replace(task, recipe=recipe)
    count, epochs = (1500, 20) if task.name == "fashion" else (2000, 60)
    model = functools.partial(mlp, (28, 28), 10) if task.name == "fashion" else task.model
    train = task.train[rng.permutation(len(task.train))[:count]]
    return replace(task, model=model, train=train, recipe=replace(recipe, epochs=epochs))


def planted(source: str, seed: int, each: int) -> byrote.Task:
    """Return the task with `each` examples of every kind; an example's id begins with its kind.

    wrong: another label. noise: Gaussian inputs with the data's mean and variance per feature, any label. mixture: the mean
    of two examples of different classes, with the label of one. extreme: an image in negative, or two features at 4 to
    8 standard deviations. rare: an image turned by 90 degrees, or a vector with its features in another order. copy: a
    source with noise of .02. Of the last four the label is right.
    """
    rng = np.random.default_rng([seed, 77])
    task = small(source, rng)
    inputs, labels = task.train.inputs, task.train.labels.copy()
    images = inputs.dtype == np.uint8
    old = inputs.astype(np.float64)
    new, features = old.copy(), old[0].size
    chosen = rng.permutation(len(old))[: each * len(KINDS)].reshape(len(KINDS), each)
    at = dict(zip(KINDS, chosen, strict=True))
    mean, spread = old.mean(axis=0), old.std(axis=0)
    labels[at["wrong"]] = (labels[at["wrong"]] + rng.integers(1, len(task.classes), each)) % len(task.classes)
    new[at["noise"]] = rng.normal(mean, spread, (each, *old.shape[1:]))
    labels[at["noise"]] = rng.integers(0, len(task.classes), each)
    usual = np.setdiff1d(np.arange(len(old)), chosen)
    for one in at["mixture"]:
        other = rng.choice(usual[labels[usual] != labels[one]])
        new[one] = (old[one] + old[other]) / 2
        labels[one] = labels[other] if rng.random() < 0.5 else labels[one]
    for one in at["extreme"]:
        if images:
            new[one] = 255 - old[one]
        else:
            two = rng.permutation(features)[:2]
            new[one][two] = mean[two] + spread[two] * rng.uniform(4, 8, 2) * rng.choice([-1, 1], 2)
    order = np.random.default_rng([seed, 78]).permutation(features)
    for one in at["rare"]:
        new[one] = np.rot90(old[one]) if images else old[one][order]
    noise = rng.normal(0, 0.02 * (255 if images else spread), old[at["source"]].shape)
    new[at["copy"]], labels[at["copy"]] = old[at["source"]] + noise, labels[at["source"]]
    kind = np.full(len(old), "usual", dtype="<U8")
    for name, where in at.items():
        kind[where] = name
    whole = np.clip(np.rint(new), 0, 255).astype(np.uint8) if images else new.astype(np.float32)
    named = [f"{name}-{i}" for i, name in enumerate(kind)]
    return replace(task, train=byrote.Examples(whole, labels, named), name=f"planted {task.name}")


def told(right: int, of: int) -> str:
    """Return the share with its 90 % interval."""
    low, high = wilson(right, of, level=0.9)
    return f"{right} of {of}, {right / max(of, 1):.2f} [{low:.2f}, {high:.2f}]"


def kind_of(each: Explanation) -> str:
    """Return which kind was planted, or usual."""
    return each.id.removeprefix("train/").split("-")[0]


def without_distance(each: Explanation, classes: tuple[str, ...]) -> str:
    """Return the cause by the earlier rule, which did not use the distance to the examples of the other class."""
    return find_cause(each.label, each.out_predictions, each.duplicates, each.remoteness, classes=classes)[0]


def rules(source: str, seeds: list[int], runs: int, each: int, out: Path) -> tuple[Counter[str], Counter[str]]:
    """Train the missing runs, print the table of one data set, and return the label suspects of each kind before and after."""
    after: Counter[tuple[str, str]] = Counter()
    before: Counter[str] = Counter()
    for seed in seeds:
        task = planted(source, seed, each)
        record = byrote.collect(
            task, out / f"{task.name.removeprefix('planted ')}-{seed}", runs=runs, compute=byrote.Compute(workers=1)
        )
        everyone = np.flatnonzero(record.population.where("train"))
        found = explain(record, everyone, outcomes=read_outcomes(record), dependences=NO_DEPENDENCES)
        after.update((kind_of(one), one.cause) for one in found)
        before.update(kind_of(one) for one in found if without_distance(one, task.classes) == SUSPECT)
    print(f"{source}: {len(seeds)} seeds, {runs} runs each, {each} planted of every kind")
    print(f"  {'kind':8s} {'n':>6s}" + "".join(f"{cause:>16s}" for cause in CAUSES) + f"{'suspect before':>16s}")
    for kind in (*KINDS, "usual"):
        row = [after[kind, cause] for cause in CAUSES]
        print(f"  {kind:8s} {sum(row):6d}" + "".join(f"{count:16d}" for count in row) + f"{before[kind]:16d}")
    suspects = Counter({kind: after[kind, SUSPECT] for kind in (*KINDS, "usual")})
    summarize(source, before, suspects, each * len(seeds))
    return before, suspects


def summarize(what: str, before: Counter[str], after: Counter[str], wrong: int) -> None:
    """Print how many label suspects among the planted are wrong labels, and how many wrong labels are suspects."""
    for name, counts in (("before", before), ("after", after)):
        suspects = sum(counts[kind] for kind in KINDS)
        print(
            f"  {what}, {name}: wrong labels among planted suspects {told(counts['wrong'], suspects)}; "
            f"suspects among wrong labels {told(counts['wrong'], wrong)}",
            flush=True,
        )


def copies(source: str) -> None:
    """Print which planted copies are found, and how many real training examples are called near-duplicates."""
    population = plant(load_task(source), Canaries(), 0)
    for check in check_copies(population):
        print(f"{source}, planted {check.kind}: found {check.found}")
    points, train = space(population), np.flatnonzero(population.where("train"))
    start = time.perf_counter()
    found = find_copies(population, points, train, train)
    seconds = time.perf_counter() - start
    alike = sum(any(not one.change for one in some) for some in found)
    changed = Counter(some[0].change for some in found if some and all(one.change for one in some))
    print(
        f"{source}, real: of {len(train)} training examples {alike} have a near-duplicate as they are; only when changed: {dict(changed)}; "
        f"{seconds:.1f} s",
        flush=True,
    )


def main() -> None:
    """Train the missing runs, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("audits/causes"))
    parser.add_argument("--data", nargs="+", default=["clouds", "digits", "fashion", "benchmarks/diamonds.py"])
    parser.add_argument("--copies", nargs="*", default=["digits", "fashion"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5, 6, 7])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--each", type=int, default=30)
    asked = parser.parse_args()
    before, after = Counter[str](), Counter[str]()
    for source in asked.data:
        one, other = rules(source, asked.seeds, asked.runs, asked.each, asked.out)
        before, after = before + one, after + other
    summarize("all", before, after, asked.each * len(asked.seeds) * len(asked.data))
    for source in asked.copies:
        copies(source)


if __name__ == "__main__":
    main()
