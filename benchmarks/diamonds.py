"""A tabular task with real label noise: the cut of 5,000 diamonds from nine numbers. `byrote audit benchmarks/diamonds.py`.

The prices and measures of 53,940 diamonds are data of the plotnine package (they come from
ggplot2). The grade of the cut is a judgement that the measures only partly explain: a perceptron with two hidden layers
gets 74 % of the examples right that it was not trained on, and 89 % of those that it was, so it memorizes much.
"""

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
from torch import nn

from byrote import Examples, Recipe, Task, linear

CUT = ("Fair", "Good", "Very Good", "Premium", "Ideal")
COLOR, CLARITY = "DEFGHIJ", ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
NUMBERS = ("carat", "depth", "table", "price", "x", "y", "z")
TRAIN, TEST = 5_000, 1_000


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(9, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, len(CUT)))


def task() -> Task:
    found = importlib.util.find_spec("plotnine")
    if found is None or found.origin is None:
        sys.exit(
            "The diamonds are data of the plotnine package, which is not installed. Install plotnine and run this again."
        )
    with (Path(found.origin).parent / "data" / "diamonds.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    inputs = np.array(
        [
            [*(float(row[name]) for name in NUMBERS), COLOR.index(row["color"]), CLARITY.index(row["clarity"])]
            for row in rows
        ]
    )
    labels = np.array([CUT.index(row["cut"]) for row in rows])
    inputs[:, NUMBERS.index("price")] = np.log(inputs[:, NUMBERS.index("price")])
    chosen = np.random.default_rng(0).permutation(len(rows))[: TRAIN + TEST]
    inputs = inputs[chosen]
    inputs = ((inputs - inputs.mean(axis=0)) / inputs.std(axis=0)).astype(np.float32)
    train, test = (
        Examples(inputs[part], labels[chosen[part]], list(chosen[part])) for part in (slice(TRAIN), slice(TRAIN, None))
    )
    recipe = Recipe(epochs=80, batch_size=64, learning_rate=linear(0.005), evaluate_every=0)
    return Task(network, train, test, recipe, CUT, "diamonds")
