"""Audit of a task with several labels at once: is a handwritten digit even, prime, or above 4?

python examples/multilabel.py [DIRECTORY]      (two minutes on two cores; finished runs are kept)
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

import byrote

digits = load_digits()
pictures, digit = (digits.images * 15.9).astype(np.uint8), digits.target
labels = np.stack([digit % 2 == 0, np.isin(digit, (2, 3, 5, 7)), digit > 4], axis=1)
task = byrote.Task(
    model=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)),
    train=byrote.Examples(pictures[:1200], labels[:1200]),
    test=byrote.Examples(pictures[1200:], labels[1200:]),
    recipe=byrote.Recipe(epochs=30, batch_size=32, optimizer="sgd", learning_rate=byrote.linear(0.2)),
    classes=("even", "prime", "above 4"),
    name="digit properties",
    objective="multilabel",
)
directory = sys.argv[1] if len(sys.argv) > 1 else "audits/digit-properties"
byrote.audit(
    task, directory, runs=20, canaries=byrote.Canaries.of_each(12), on_verdict=lambda lines: print("\n".join(lines))
)
