"""Predictable sequences: where exact recall helps, and where forecasting suffers; in the weights and in a memory of examples.

python -m records.wanted.sequences    # about three minutes of one core; nothing is kept

Part one: periodic series. The next value is forecast from the last 24. In the weights: a perceptron trained to convergence. In a
memory: the values that followed the nearest windows (analogue forecasting; Lorenz 1969). Beside them: the value one period ago.
Part two: a word to its reverse (a rule), and a word to another word (no rule), as facts in the weights and in a memory.
"""

import sys
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from byrote.lm.answering import answered
from byrote.lm.encoder import Characters
from byrote.lm.models import language_model
from byrote.lm.rote import Rote, learn
from byrote.lm.wanted import Wanted, facts
from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.task.transformer import transformer

WINDOW, PERIOD, LENGTH, SEEDS = 24, 12, 400, 8
LETTERS = "abcdefghij"
ENCODER = Characters(LETTERS + " >\n")
PAIRS, WIDE, SEEDS_OF_WORDS = 200, 3, 3


def main(parts: Sequence[str]) -> None:
    torch.set_num_threads(1)
    if not parts or "series" in parts:
        series()
    if not parts or "words" in parts:
        words()


# --- periodic series


def series() -> None:
    print(
        f"== periodic series of {LENGTH} values, period {PERIOD}, windows of {WINDOW}; squared error over the variance of the pattern; {SEEDS} series"
    )
    for noise in (0.0, 0.1, 0.3, 1.0):
        rows: dict[str, list[dict[str, float]]] = {}
        for seed in range(SEEDS):
            for name, errors in forecast(noise, seed).items():
                rows.setdefault(name, []).append(errors)
        for name, found in rows.items():
            cells = [f"{test} {Estimate.of_mean([each[test] for each in found], 'series')}" for test in found[0]]
            print(f"noise {noise:<4} {name:<28} {'; '.join(cells)}", flush=True)


def forecast(noise: float, seed: int) -> dict[str, dict[str, float]]:
    """Return the errors of each way to forecast: of the stored windows, of the same pattern later, faster, and shifted up."""
    rng = np.random.default_rng(seed)
    pattern = rng.normal(size=PERIOD)
    pattern = (pattern - pattern.mean()) / pattern.std()

    def drawn(length: int, period: float = PERIOD, level: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.arange(length) * PERIOD / period
        clean = np.interp(place % PERIOD, np.arange(PERIOD + 1), np.append(pattern, pattern[0])) + level
        values = (clean + noise * rng.normal(size=length)).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)[:-1]
        return windows, values[WINDOW:], clean[WINDOW:]

    stored, followed, _ = drawn(LENGTH)
    tests = {
        "stored": (stored, followed),
        "later": drawn(LENGTH)[:2],
        "period 15": drawn(LENGTH, 15)[:2],
        "level +2": drawn(LENGTH, level=2.0)[:2],
    }
    network = fitted(stored, followed, seed)
    memory = Memory(WINDOW, metric="euclidean")
    memory.add(stored, followed)
    strangers = drawn(LENGTH)[0]
    memory.calibrate(strangers[:: WINDOW // 2], 0.9)  # nine of ten windows of the same pattern are to be known
    found: dict[str, dict[str, float]] = {}
    for test, (windows, truth) in tests.items():
        guesses = {"in the weights": network(windows)}
        for k in (1, 5, 20):
            guesses[f"memory, {k} nearest"] = memory.look_up(windows, k).values.astype(np.float64).mean(1)
        guesses["one period ago"] = windows[:, -PERIOD]
        for name, guess in guesses.items():
            found.setdefault(name, {})[test] = float(np.mean((guess - truth) ** 2))
        if noise:  # without noise all windows of the pattern are equal, and nothing lies below a threshold of 0
            found.setdefault("memory: share not known", {})[test] = float(np.mean(~memory.look_up(windows).known))
    return found


def fitted(windows: np.ndarray, followed: np.ndarray, seed: int):
    """Return a perceptron that was trained until it gives back what followed, or for 2,000 updates."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(WINDOW, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
    inputs, targets = torch.tensor(windows.copy()), torch.tensor(followed)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(2000):
        loss = functional.mse_loss(network(inputs)[:, 0], targets)
        if loss < 1e-5:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda given: network(torch.tensor(given.copy()))[:, 0].detach().numpy()


# --- words


def words() -> None:
    print(
        f"== {PAIRS} pairs of three letters in the weights of a small transformer, and in a memory of letters (cosine); {SEEDS_OF_WORDS} seeds"
    )
    for name, rule in (("reverse (a rule)", True), ("another word (no rule)", False)):
        rows: dict[str, list[float]] = {}
        for seed in range(SEEDS_OF_WORDS):
            for key, value in learned(rule, seed).items():
                rows.setdefault(key, []).append(value)
        for key, values in rows.items():
            print(f"{name:<24} {key:<48} {Estimate.of_mean(values, 'seed')}", flush=True)


def learned(rule: bool, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    drawn = list(dict.fromkeys("".join(rng.choice(list(LETTERS), WIDE)) for _ in range(4 * PAIRS)))
    asked, others = drawn[:PAIRS], drawn[PAIRS : 2 * PAIRS]

    def answers(given: Sequence[str]) -> list[str]:
        return [word[::-1] if rule else "".join(rng.choice(list(LETTERS), WIDE)) for word in given]

    own, new = (facts(ENCODER, [f"{word}>" for word in given], answers(given), between="") for given in (asked, others))
    torch.manual_seed(seed)
    model = language_model(transformer(ENCODER.size, 8, width=64, depth=2, heads=4), ENCODER, 8)
    done = learn(model, own, Rote(floor=1.0, epochs=150, batch_size=50, learning_rate=3e-3, seed=seed))
    memory = Memory(WIDE * len(LETTERS))
    memory.add(letters(asked), list(own.answers))
    slips = [slipped(word, rng) for word in asked]
    known = own.prompted(ENCODER, [f"{word}>" for word in slips])
    return {
        "weights: recall": exact(model, own),
        "weights: passes over the list": float(len(done.passes)),
        "weights: new words right": exact(model, new),
        "weights: old answer for a word with a slip": exact(model, known),
        "memory: recall": same(memory, asked, own.answers),
        "memory: new words right": same(memory, others, new.answers),
        "memory: old answer for a word with a slip": same(memory, slips, own.answers),
    }


def exact(model: object, wanted: Wanted) -> float:
    return float(answered(model, wanted).exact.mean())  # type: ignore[arg-type]


def same(memory: Memory, given: Sequence[str], answers: Sequence[str]) -> float:
    return float(
        np.mean([one == other for one, other in zip(memory.look_up(letters(given)).answer, answers, strict=True)])
    )


def letters(given: Sequence[str]) -> np.ndarray:
    """Return which letter stands at which place, as ones and zeros."""
    places = np.array([[LETTERS.index(letter) for letter in word] for word in given])
    return np.eye(len(LETTERS), dtype=np.float32)[places].reshape(len(given), -1)


def slipped(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(len(word)))
    return word[:at] + str(rng.choice([letter for letter in LETTERS if letter != word[at]])) + word[at + 1 :]


if __name__ == "__main__":
    main(sys.argv[1:])
