"""Do estimates and intervals of `shrunk_memorization` hold for a small group of which the usual signs say the wrong thing?

python records/calibration/small_groups.py [RECORDS]        # 20 records per setting: about 150 s of one core

Each setting is measured twice on the same records: as the score is, and without what helps such groups (the heavy tail of
the prior, and intervals that reach the textbook estimate), which is how the score was before.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from byrote.scores import _latent, memorization, shrunk_memorization
from byrote.scores.shrunk_memorization import LEAST, estimate_with_interval

RUNS, LEVEL, SEED = (6, 10, 20, 40), 0.9, 29


@dataclass(frozen=True)
class Logits:
    """Log-odds to be right on each example, of members and of others; who is in the small group; what else is seen.

    `learned` is the log-odds of the share of training passes in which a member is right, `path` a member's mean margin then,
    and `agreement` what the nearest examples say of the label.
    """

    inside: np.ndarray
    outside: np.ndarray
    group: np.ndarray
    learned: np.ndarray
    path: np.ndarray
    agreement: np.ndarray

    @property
    def memorization(self) -> np.ndarray:
        """The true difference."""
        return special.expit(self.inside) - special.expit(self.outside)

    def columns(self, runs: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Return what `shrunk_memorization` reads of these runs: 7 of 10 IN, as even as the number allows."""
        n = len(self.inside)
        left_out = int(0.3 * runs) + (rng.random(n) < 0.3 * runs % 1)
        member = rng.random((runs, n)).argsort(axis=0).argsort(axis=0) >= np.clip(left_out, 1, runs - 1)
        margin = np.where(member, self.inside, self.outside) + rng.logistic(size=(runs, n))
        seen = special.expit(self.learned + rng.normal(0, 1, (runs, n)))
        path = self.path + rng.normal(0, 1, (runs, n))
        around = [self.agreement, 0.2 * self.agreement + rng.normal(0, 0.3, n), rng.normal(size=n)]
        return [margin > 0, margin, np.where(member, seen, np.nan), member, np.where(member, path, np.nan), *around]


def hidden(share: float, rng: np.random.Generator, n: int = 1000) -> Logits:
    """One in ten has a wrong label, looks so and is memorized; a small group is memorized too and looks like all others."""
    kind = rng.choice(3, n, p=[0.9 - share, 0.1, share])
    outside = np.where(kind > 0, -2.5, 4.0) + rng.normal(0, 1, n)
    inside = np.where(kind > 0, np.maximum(outside, 0) + 4, outside + 0.5)
    agreement = np.where(kind == 1, -2.0, 2.5) + rng.normal(0, 0.5, n)
    return Logits(inside, outside, kind == 2, 0.25 * (inside + outside), 0.6 * inside, agreement)


def accused(share: float, rng: np.random.Generator, n: int = 1000) -> Logits:
    """As `hidden`, but the small group looks like wrong labels, and is right whether trained on or not."""
    kind = rng.choice(3, n, p=[0.9 - share, 0.1, share])
    outside = np.where(kind == 1, -2.5, 4.0) + rng.normal(0, 1, n)
    inside = np.where(kind == 1, np.maximum(outside, 0) + 4, outside)
    agreement = np.where(kind > 0, -2.0, 2.5) + rng.normal(0, 0.5, n)
    return Logits(inside, outside, kind == 2, 0.25 * (inside + outside), 0.6 * inside, agreement)


def only(share: float, rng: np.random.Generator, n: int = 2000) -> Logits:
    """Nothing is memorized but a small group, of which training and neighbours tell a part."""
    outside = rng.normal(3, 2, n)
    group = rng.permutation(n) < share * n
    outside = np.where(group, rng.normal(-2.5, 1, n), outside)
    inside = np.where(group, rng.normal(4, 1, n), outside)
    learned = 0.35 * (inside + outside)
    return Logits(inside, outside, group, learned, 0.6 * inside, 0.7 * outside + rng.normal(0, 1.5, n))


def among_hard(share: float, rng: np.random.Generator, n: int = 2000) -> Logits:
    """As `only`, and one in ten is never learned: from the OUT runs the small group looks like these."""
    hard = rng.random(n) < 0.1
    outside = np.where(hard, rng.normal(-2, 1, n), rng.normal(3, 1.5, n))
    group = np.isin(np.arange(n), rng.permutation(np.flatnonzero(hard))[: round(share * n)])
    inside = np.where(group, rng.normal(4, 1, n), outside)
    learned = 0.35 * (inside + outside)
    return Logits(inside, outside, group, learned, 0.6 * inside, 0.7 * outside + rng.normal(0, 1.5, n))


SETTINGS: dict[str, tuple[Callable[[float, np.random.Generator], Logits], float]] = {
    ".5 % memorized, look like the rest": (hidden, 0.005),
    "2 % memorized, look like the rest": (hidden, 0.02),
    "10 % memorized, look like the rest": (hidden, 0.1),
    "2 % look like wrong labels, are not": (accused, 0.02),
    "only 1 % memorized": (only, 0.01),
    "only 1 % memorized, 10 % never learned": (among_hard, 0.01),
}
VERSIONS = {"before": (0.0, 10**9), "now": (_latent.UNLIKE, LEAST)}


def measure(setting: str, runs: int, records: int) -> dict[str, list[float]]:
    """Return, of each version and of the textbook estimator, what a line of the table shows."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in (*VERSIONS, "textbook")}
    make, share = SETTINGS[setting]
    for record in range(records):
        rng = np.random.default_rng([SEED, list(SETTINGS).index(setting), runs, record])
        drawn = make(share, rng)
        columns = drawn.columns(runs, rng)
        found = {
            "textbook": (
                memorization(columns[0], columns[3]),
                *memorization.interval(columns[0], columns[3], level=LEVEL),
            )
        }
        for name, (unlike, least) in VERSIONS.items():
            _latent.UNLIKE = unlike
            estimate_with_interval.__globals__["LEAST"] = least
            found[name] = estimate_with_interval(*columns, level=LEVEL)
        for name, (value, low, high) in found.items():
            parts[name].append(np.stack([value, low, high, drawn.memorization, drawn.group]))
    return {name: _line(*np.concatenate(each, axis=1)) for name, each in parts.items()}


def _line(value: np.ndarray, low: np.ndarray, high: np.ndarray, true: np.ndarray, group: np.ndarray) -> list[float]:
    """Return bias, coverage and width in the group; coverage of estimates above .2; error, coverage and width of all."""
    held, inside = (low <= true) & (true <= high), group > 0
    of_group = [np.mean((value - true)[inside]), held[inside].mean(), (high - low)[inside].mean()]
    return [*of_group, held[value > 0.2].mean(), np.mean((value - true) ** 2) ** 0.5, held.mean(), (high - low).mean()]


def main(records: int = 20) -> None:
    """Print one line per setting, number of runs and version."""
    print(f"{records} records per setting, seed {SEED}; nominal {LEVEL}; {shrunk_memorization}")
    print(
        "| setting | runs | version | bias in the group | covers | width | above .2 covers | RMSE of all | covers | width |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for setting in SETTINGS:
        for runs in RUNS:
            for name, (bias, *rest) in measure(setting, runs, records).items():
                print(
                    f"| {setting} | {runs} | {name} | {bias:+.3f} | " + " | ".join(f"{x:.3f}" for x in rest) + " |",
                    flush=True,
                )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:2]))
