"""Exposure of canaries in a character model: Carlini et al. 2019, arXiv:1802.08232.

python records/carlini_exposure/run.py
"""

from pydoc_data.topics import topics

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.stats.intervals import student
from byrote.summaries import exposure, mean_exposure

SEEDS, LENGTH, CONTEXT, EPOCHS = range(4), 40_000, 20, 6
REPEATS, OF_EACH, NEVER = (1, 2, 4, 8, 16), 2, 200
PHRASE = "and the number is "
ALPHABET = "".join(chr(code) for code in range(32, 127)) + "\n"


def codes(text: str) -> NDArray[np.int64]:
    """Return the number of each character; those that are not in the alphabet are blanks."""
    return np.array([max(ALPHABET.find(letter), 0) for letter in text])


def corpus(secrets: NDArray[np.int64], rng: np.random.Generator) -> str:
    """Return the text with each canary inserted the given number of times, at random places between lines."""
    lines = "\n".join(topics[name] for name in sorted(topics))[:LENGTH].split("\n")
    for secret, count in zip(secrets, np.repeat(REPEATS, OF_EACH), strict=True):
        for _ in range(count):
            lines.insert(int(rng.integers(1, len(lines))), f"{PHRASE}{secret:04d}")
    return "\n".join(lines)


def model() -> nn.Module:
    """Return a perceptron that reads the last characters and predicts the next."""
    return nn.Sequential(
        nn.Embedding(len(ALPHABET), 16),
        nn.Flatten(),
        nn.Linear(16 * CONTEXT, 128),
        nn.ReLU(),
        nn.Linear(128, len(ALPHABET)),
    )


def learn(text: str, seed: int) -> nn.Module:
    """Return a model of the text."""
    torch.manual_seed(seed)
    network, letters = model(), torch.from_numpy(codes(text))
    windows, following = letters.unfold(0, CONTEXT, 1)[:-1], letters[CONTEXT:]
    update = torch.optim.AdamW(network.parameters(), lr=0.002)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(following)).split(128):
            loss = nn.functional.cross_entropy(network(windows[batch]), following[batch])
            update.zero_grad()
            loss.backward()
            update.step()
    return network


@torch.no_grad()
def losses(network: nn.Module) -> NDArray[np.float64]:
    """Return the negative log likelihood of each of the 10,000 numbers after the phrase, digit by digit."""
    digits = torch.from_numpy(codes("0123456789"))
    contexts, total = torch.from_numpy(codes(PHRASE.rjust(CONTEXT, "\n")))[None], torch.zeros(1, dtype=torch.float64)
    for _ in range(4):
        step: Tensor = -network(contexts).double().log_softmax(1)[:, digits]
        total = (total[:, None] + step).flatten()
        longer = torch.cat([contexts.repeat_interleave(10, 0), digits.repeat(len(contexts))[:, None]], 1)
        contexts = longer[:, 1:]
    return total.numpy()


def main() -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, {len(SEEDS)} models, {LENGTH} characters of the Python documentation (pydoc_data.topics), 90 % intervals"
    )
    bits: dict[int, list[float]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        secrets = rng.permutation(10_000)[: len(REPEATS) * OF_EACH + NEVER]
        inserted, never = np.split(secrets, [len(REPEATS) * OF_EACH])
        loss = losses(learn(corpus(inserted, rng), seed))
        others = np.delete(loss, secrets)
        print(f"model {seed}, never inserted: {mean_exposure(loss[never], others)} bits, {NEVER} canaries", flush=True)
        for count, told in zip(np.repeat(REPEATS, OF_EACH), exposure(loss[inserted], others), strict=True):
            bits.setdefault(int(count), []).append(float(told))
        bits.setdefault(0, []).extend(exposure(loss[never], others).tolist())
    for count, found in sorted(bits.items()):
        low, high = student(np.mean(found), np.var(found, ddof=1), len(found), level=0.9)
        print(
            f"inserted {count} times: mean {np.mean(found):.2f} [{low:.2f}, {high:.2f}] bits of 13.3, {len(found)} canaries"
        )


if __name__ == "__main__":
    main()
