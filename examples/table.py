"""Which rows of a table does a small network know by rote? The data are tumours of scikit-learn, with their column names.

python examples/table.py [DIRECTORY]      (half a minute on two cores; finished runs are kept)
"""

import sys

from sklearn.datasets import load_breast_cancer
from torch import nn

import byrote

frame, labels = load_breast_cancer(
    return_X_y=True, as_frame=True
)  # the report shows the names and values of a DataFrame

task = byrote.Task(
    # The batch norm standardizes the columns inside the model, so the report can show the values as they were measured.
    model=lambda: nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2)),
    train=byrote.Examples(frame[:450], labels[:450]),
    test=byrote.Examples(frame[450:], labels[450:]),
    recipe=byrote.Recipe(epochs=60, batch_size=32, learning_rate=0.05),
    classes=("malignant", "benign"),
    name="tumours",
)

directory = sys.argv[1] if len(sys.argv) > 1 else "audits/tumours"
byrote.audit(
    task, directory, runs=8, canaries=byrote.Canaries.of_each(5), on_verdict=lambda lines: print("\n".join(lines))
)
