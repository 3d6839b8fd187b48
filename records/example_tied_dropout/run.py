"""Example-tied dropout sends memorization to units that can be dropped: Maini et al. 2023, arXiv:2307.09542.

python records/example_tied_dropout/run.py        # needs scikit-learn, for the digits
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

import byrote
from byrote.task.datasets.digits import digits
from byrote.task.datasets.fashion_mnist import fashion

SEEDS, EXAMPLES, NOISE, EPOCHS = range(4), 1000, 0.1, 60
WIDTH, FIXED, OWN = 512, 0.2, 0.1


def flat(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return flattened images in [0, 1]: 8x8 as they are, 28x28 at half the resolution."""
    step, side = (2, 14) if images.shape[1] == 28 else (1, 8)
    return (images.reshape(-1, side, step, side, step).mean((2, 4)) / 255).astype(np.float32).reshape(len(images), -1)


class Tied(nn.Module):
    """A perceptron whose first hidden units are active for all examples; each training example has a few of the others."""

    def __init__(self, examples: int, features: int, tied: bool, seed: int) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(features, WIDTH), nn.Linear(WIDTH, 10)
        own = torch.rand(examples, WIDTH, generator=torch.Generator().manual_seed(seed)) < OWN
        shared = torch.arange(WIDTH) < FIXED * WIDTH
        self.mask, self.shared, self.tied = (own | shared).float(), shared.float(), tied

    def forward(self, x: Tensor, who: Tensor | None = None, drop: bool = False) -> Tensor:
        """Return logits: with the masks of the examples `who`, without the memory units, or with all units at their mean."""
        hidden = torch.relu(self.into(x))
        if self.tied and who is not None:
            hidden = hidden * self.mask[who]
        elif self.tied and drop:
            hidden = hidden * self.shared * (FIXED + (1 - FIXED) * OWN) / FIXED
        elif self.tied:
            hidden = hidden * (self.shared + (1 - self.shared) * OWN)
        return self.out(hidden)


def learn(x: Tensor, y: Tensor, tied: bool, seed: int) -> Tied:
    """Return a model that was trained until it fits its wrong labels."""
    torch.manual_seed(seed)
    model = Tied(*x.shape, tied, seed)
    update = torch.optim.AdamW(model.parameters(), lr=0.003)
    for _ in range(EPOCHS):
        for who in torch.randperm(len(x)).split(50):
            loss = nn.functional.cross_entropy(model(x[who], who), y[who])
            update.zero_grad()
            loss.backward()
            update.step()
    return model


def spelled(values: list[float]) -> str:
    """Return the mean over seeds with Student's 90 % interval."""
    half = stats.t.ppf(0.95, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):.3f} +- {half:.3f}"


def compare(everyone: byrote.Examples, others: byrote.Examples) -> None:
    """Print the accuracies of a standard and a tied model."""
    images, test, truth = flat(everyone.inputs), torch.from_numpy(flat(others.inputs)), torch.from_numpy(others.labels)
    found: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        which = rng.permutation(len(images))[:EXAMPLES]
        x, right = torch.from_numpy(images[which]), torch.from_numpy(everyone.labels[which])
        wrong = torch.arange(EXAMPLES) < NOISE * EXAMPLES
        y = torch.where(wrong, (right + torch.from_numpy(rng.integers(1, 10, EXAMPLES))) % 10, right)
        known = torch.arange(EXAMPLES)
        standard, tied = learn(x, y, False, seed), learn(x, y, True, seed)
        for name, model, who, drop in (
            ("standard", standard, None, False),
            ("tied, each example with its own units", tied, known, False),
            ("tied, all units", tied, None, False),
            ("tied, memory dropped", tied, None, True),
        ):
            with torch.no_grad():
                said = model(x, who, drop).argmax(1)
                asked = model(test, None, drop).argmax(1)
            shares = ((said == y)[wrong], (said == right)[wrong], (said == y)[~wrong], asked == truth)
            found.setdefault(name, []).append([float(share.double().mean()) for share in shares])
    for name, rows in found.items():
        told = [spelled(list(column)) for column in np.array(rows).T]
        print(f"  {name}: wrong labels {told[0]} (their true class {told[1]}), clean {told[2]}, test {told[3]}")


def main() -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, {EXAMPLES} examples, {NOISE:.0%} wrong labels, {len(SEEDS)} seeds, "
        "means with 90 % intervals over seeds"
    )
    for name, load in (("Fashion-MNIST at 14x14", fashion), ("digits", digits)):
        print(name, flush=True)
        compare(*load())


if __name__ == "__main__":
    main()
