"""Which ways of forgetting leave a model like one that never saw the examples?

python records/unlearning/run.py        # needs scikit-learn, for the digits
"""

import numpy as np
import torch
from torch import nn

import byrote
from byrote.controls import example_tied_dropout
from byrote.experiments.unlearning import PARTS, unlearn
from byrote.task.datasets.digits import digits

EXAMPLES, FORGET, SEEDS = 600, 40, 5


def main() -> None:
    torch.set_num_threads(1)
    train, test = digits()
    rng, labels = np.random.default_rng(0), train.labels[:EXAMPLES].copy()
    labels[:FORGET] = (labels[:FORGET] + rng.integers(1, 10, FORGET)) % 10
    inputs, asked = ((each.inputs / 255).astype(np.float32).reshape(len(each), -1) for each in (train, test))
    base = byrote.Task(
        lambda: nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)),
        byrote.Examples(inputs[:EXAMPLES], labels),
        byrote.Examples(asked, test.labels),
        byrote.Recipe(epochs=60, batch_size=50, learning_rate=0.003),
    )
    print(f"torch {torch.__version__}, {EXAMPLES} digits, {FORGET} wrong labels, {SEEDS} seeds, 90 % intervals")
    for what, first in (("wrong labels", 0), ("clean examples", 100)):
        for task, ways in (
            (base, ("retrain", "fine_tune", "ascent", "neurons")),
            (example_tied_dropout(0.8)(base), ("retrain", "fine_tune", "sinks")),
        ):
            ids = [str(i) for i in range(first, first + FORGET)]
            found = unlearn(task, ids, ways=ways, seeds=SEEDS)
            print(f"{FORGET} {what} to forget, {task.controls[0] if task.controls else 'plain'}")
            for way in (*found.ways, found.never):
                parts = ", ".join(f"{part} {way.outcome[part]} (loss {way.loss[part]})" for part in PARTS)
                print(f"  {way.way}: {parts}, membership {way.membership}", flush=True)


if __name__ == "__main__":
    main()
