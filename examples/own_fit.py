"""Random forests of scikit-learn, audited through a fit function: ten on random subsets, then the memorized examples.

python examples/own_fit.py [DIRECTORY]      (a minute on two cores; finished runs are kept)
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

import byrote
from byrote.scores import loss, memorization
from byrote.task.datasets.fashion_mnist import CLASSES, fashion
from byrote.training.progress import Progress

RUNS = 10


def fit(train: byrote.Examples, seed: int) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    forest = RandomForestClassifier(20, random_state=seed).fit(flat(train.inputs), train.labels)
    return lambda images: forest.predict_proba(flat(images))


def flat(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images.reshape(len(images), -1)


def print_progress(now: Progress) -> None:
    if now.finished:
        print(f"{now.runs} of {now.of_runs} runs", file=sys.stderr)


def main(directory: Path) -> None:
    task = byrote.Task(byrote.Fit(fit), *fashion(), classes=CLASSES, name="forest")
    record = byrote.collect(task, directory, runs=RUNS, progress=print_progress)
    real = record.population.where("train")
    causal, cheap = (byrote.evaluate(each, record) for each in (memorization, loss))
    print(f"{'example':<14} {'label':<11} memorization (90 % interval)  loss (IN models)")
    for i in causal.ranked(real)[:15]:
        label = record.classes[record.population.labels[i]]
        interval = f"{causal.value[i]:+.2f}  ({causal.low[i]:+.2f} to {causal.high[i]:+.2f})"
        print(f"{causal.ids[i]:<14} {label:<11} {interval:<28} {cheap.value[i]:>16.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audits/own_fit"))
