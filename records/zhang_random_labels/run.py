"""Networks fit random labels, and 2n + d weights suffice for any: Zhang et al. 2017, arXiv:1611.03530, table 1 and theorem 1.

python records/zhang_random_labels/run.py
"""

from pathlib import Path

import torch

from byrote.experiments.reproductions.conduct import conduct
from byrote.experiments.reproductions.zhang import random_labels, theorem
from byrote.experiments.reproductions.zhang.fitting import KINDS
from byrote.stats.estimate import Estimate
from byrote.training.compute import Compute


def main() -> None:
    size, exact = random_labels.RANDOM_LABELS.sizes["tiny"], theorem.THEOREM.sizes["tiny"]
    print(
        f"torch {torch.__version__}, {size.examples} examples, {size.seeds} seeds, means with 90 % intervals over seeds, "
        f"{size.epochs} epochs, learning rate {size.rate} that falls linearly, batches of {size.batch}"
    )
    parts = [*random_labels.parts(size, 0), *theorem.parts(exact, 0)]
    found = conduct(parts, Path("reproductions/zhang2017-tiny"), data=None, compute=Compute(), progress=None)
    for name in KINDS:
        told = []
        for what in ("training", "test"):
            each = Estimate.of_mean(random_labels.values_of(found, name, what), "seeds")
            told.append(f"{what} {each.value:.4f} [{each.low:.4f}, {each.high:.4f}]")
        print(f"{name}: {', '.join(told)}")
    for n in exact.floating:
        for name in ("random labels", "normal values"):
            value = found[f"theorem, {n} {name}"]
            print(f"theorem 1, n={n}, {name}: {value['weights']} = 2n + d weights, largest error {value['error']:.1e}")
    for n in exact.exact:
        value = found[f"theorem, {n} exact"]
        print(f"theorem 1, n={n}, in fractions: {value['weights']} = 2n + d weights, {value['missed']} labels missed")


if __name__ == "__main__":
    main()
