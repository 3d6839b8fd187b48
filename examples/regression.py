"""Audit of a regression on scikit-learn's diabetes data: which patients does the network learn by heart?

python examples/regression.py [DIRECTORY]      (a minute on two cores; finished runs are kept)
"""

import sys

from sklearn.datasets import load_diabetes
from torch import nn

import byrote

x, y = load_diabetes(return_X_y=True)
task = byrote.Task(
    model=lambda: nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1)),
    train=byrote.Examples(x[:342] * 20, y[:342]),
    test=byrote.Examples(x[342:] * 20, y[342:]),
    recipe=byrote.Recipe(epochs=60, batch_size=16, learning_rate=0.01),
    classes=("disease progression",),
    name="diabetes",
    objective="regression",
)
directory = sys.argv[1] if len(sys.argv) > 1 else "audits/diabetes"
byrote.audit(
    task, directory, runs=40, canaries=byrote.Canaries.of_each(10), on_verdict=lambda lines: print("\n".join(lines))
)
