"""Which signals does a network know by rote? The data: how much ink scikit-learn's digits have in each row and in each column.

Signals are `[example, channel, time]`, or `[example, time]` with `kind="signal"`. The report draws them as lines.

python examples/signals.py [DIRECTORY]      (half a minute on two cores; finished runs are kept)
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

import byrote

images, labels = load_digits(return_X_y=True)
ink = images.reshape(-1, 8, 8) / 16
signals = np.stack([ink.sum(axis=2), ink.sum(axis=1)], axis=1)  # from top to bottom, and from left to right
names = ("ink in each row", "ink in each column")

task = byrote.Task(
    model=lambda: nn.Sequential(
        nn.Conv1d(2, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10)
    ),
    train=byrote.Examples(signals[:800], labels[:800], columns=names),
    test=byrote.Examples(signals[800:1200], labels[800:1200], columns=names),
    recipe=byrote.Recipe(epochs=30, batch_size=32, learning_rate=0.02),
    name="ink",
)

directory = sys.argv[1] if len(sys.argv) > 1 else "audits/ink"
byrote.audit(
    task, directory, runs=8, canaries=byrote.Canaries.of_each(8), on_verdict=lambda lines: print("\n".join(lines))
)
