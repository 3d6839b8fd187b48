"""False discoveries: of lists that promise a false-discovery rate, and of targets that are called suspect."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from records.calibration.rows import Row, of_records
from records.calibration.truths import TRUTHS, Truth, balanced
from scipy import special

from byrote.explain import beyond_noise, noise_floor
from byrote.explain.target_causes import fence
from byrote.explain.usual_distances import usual_distances
from byrote.summaries import memorized_at_fdr

RUNS, FDR, ACCUSED = (6, 10, 20, 80), 0.1, 0.01
Noise = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

NOISES: dict[str, Noise] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "Laplace": lambda rng, shape: rng.laplace(size=shape) / np.sqrt(2),
    "Student's t (3)": lambda rng, shape: rng.standard_t(3, shape) / np.sqrt(3),
}
"""Noise of regression targets, in its standard deviations."""


def rows(*, records: int = 40, seed: int = 1) -> Iterator[Row]:
    """Yield the mean share of false ones among all that are listed (0 where none is), and the share of right targets accused."""
    for name, truth in TRUTHS.items():
        for runs in RUNS:
            yield _memorized(name, truth, runs, records, seed)
    yield _memorized("normal, runs differ in quality", TRUTHS["normal"], 20, records, seed, quality=1.0)
    for altered in (0.0, 0.05, 0.2):
        for kind in KINDS:
            yield from _labels(kind, altered, records, seed)
        for best in MODELS:
            yield from _labels_of_models(best, altered, max(records // 4, 2), seed)
    for targets in (1, 2, 5):
        for name, noise in NOISES.items():
            yield from _suspects(name, noise, targets, records, seed)


def _memorized(
    name: str,
    truth: Callable[[int, np.random.Generator], Truth],
    runs: int,
    records: int,
    seed: int,
    quality: float = 0.0,
) -> Row:
    """Half of the examples have no memorization at all; `quality` is the spread of a run's luck, in units of the noise."""
    shares: list[float] = []
    for record in range(records):
        rng = np.random.default_rng([seed, runs, record, 5])
        drawn = truth(1000, rng)
        null = np.arange(1000) < 500
        member = balanced(runs, 1000, rng)
        luck = quality * rng.normal(size=(runs, 1))
        margin = np.where(member & ~null, drawn.inside, drawn.outside) + luck
        correct = rng.random(member.shape) < (
            special.ndtr(margin) if quality else np.where(member & ~null, drawn.p_in, drawn.p_out)
        )
        shares.append(_false(memorized_at_fdr(correct, member, fdr=FDR).listed, null))
    return of_records("memorized_at_fdr", f"{name}, half not memorized, {runs} runs", shares, nominal=FDR)


KINDS: dict[str, tuple[int, float, float]] = {
    "2 classes, best possible accuracy .77, models too sure by a factor of 2": (2, 1.4, 0.0),
    "2 classes, best possible accuracy .77, factors from 1 to 4": (2, 1.4, 0.7),
    "2 classes, best possible accuracy .94, models too sure by a factor of 2": (2, 6.0, 0.0),
    "2 classes, best possible accuracy .94, factors from 1 to 4": (2, 6.0, 0.7),
    "10 classes, best possible accuracy .87, factors from 1 to 4": (10, 8.0, 0.7),
}
"""Classes, spread of the true logits, and how much models differ in how sure they are, of simulated probabilities."""

MODELS = {"best possible accuracy .78": 1.5, "best possible accuracy .96": 8.0}
"""Spread of the true logits, where models are trained."""


def simulated_labels(kind: str, altered: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities of models that are too sure, labels drawn from the true ones, and which of these were altered."""
    classes, spread, differing = KINDS[kind]
    logits = rng.normal(0, spread, (2_000, classes))
    labels, wrong = _drawn(special.softmax(logits, axis=1), altered, rng)
    sure = 2 * np.exp(differing * rng.normal(size=(2_000, 1)))
    return special.softmax(sure * logits, axis=1), labels, wrong


def _drawn(p: np.ndarray, altered: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    wrong = rng.random(len(p)) < altered
    return np.where(wrong, (labels + rng.integers(1, p.shape[1], len(p))) % p.shape[1], labels), wrong


def _labels(kind: str, altered: float, records: int, seed: int) -> Iterator[Row]:
    drawn = [simulated_labels(kind, altered, np.random.default_rng([seed, record, 8])) for record in range(records)]
    yield from _listed(f"{kind}, {altered:.0%} altered", drawn)


def _labels_of_models(best: str, altered: float, records: int, seed: int) -> Iterator[Row]:
    """Ten logistic regressions on random features, each trained on 70 % of 1,500 examples; the others are judged."""
    drawn: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for record in range(records):
        rng = np.random.default_rng([seed, record, 9])
        inputs = rng.normal(size=(1_500, 5))
        logits = np.tanh(inputs @ rng.normal(size=(5, 8)) * 0.7) @ rng.normal(size=8)
        p = special.expit(MODELS[best] * np.sqrt(2) * (logits - logits.mean()) / logits.std())
        labels, wrong = _drawn(np.stack([1 - p, p], axis=1), altered, rng)
        features = np.cos(inputs @ rng.normal(0, 0.7, (5, 200)) + rng.uniform(0, 2 * np.pi, 200)) / 2
        total, models = np.zeros(1_500), np.zeros(1_500)
        for _ in range(10):
            member = rng.random(1_500) < 0.7
            total[~member] += special.expit(features[~member] @ _logistic(features[member], labels[member]))
            models[~member] += 1
        judged = models >= 3
        mean = total[judged] / models[judged]
        drawn.append((np.stack([1 - mean, mean], axis=1), labels[judged], wrong[judged]))
    yield from _listed(f"10 models of 2 classes, {best}, {altered:.0%} altered", drawn)


def _logistic(features: np.ndarray, labels: np.ndarray, ridge: float = 0.1) -> np.ndarray:
    """Return the coefficients of a logistic regression, by eight Newton steps."""
    at = np.zeros(features.shape[1])
    for _ in range(8):
        p = special.expit(features @ at)
        gradient = features.T @ (p - labels) + ridge * at
        hessian = (features * (p * (1 - p))[:, None]).T @ features + ridge * np.eye(len(at))
        at = at - np.linalg.solve(hessian, gradient)
    return at


def _listed(setting: str, drawn: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Iterator[Row]:
    false: list[float] = []
    by_rule: list[float] = []
    found: list[float] = []
    for probabilities, labels, wrong in drawn:
        contradicts = probabilities.argmax(axis=1) != labels
        altered = noise_floor(probabilities, labels).probability_altered(probabilities, labels)
        listed = beyond_noise(altered, contradicts, fdr=FDR)
        false.append(_false(listed, ~wrong))
        by_rule.append(_false(contradicts, ~wrong))
        found.append(float(np.sum(listed & wrong) / max(wrong.sum(), 1)))
    yield of_records("beyond_noise (the list of relabel)", setting, false, nominal=FDR)
    yield of_records("beyond_noise: all labels that contradict the models, for comparison", setting, by_rule, nominal=1)
    if any(wrong.any() for *_, wrong in drawn):
        yield of_records("beyond_noise: share of the altered labels that are listed", setting, found, nominal=0)


def _suspects(name: str, noise: Noise, targets: int, records: int, seed: int) -> Iterator[Row]:
    """Tables of 1,000 examples without a wrong target, and with 2 % of them wrong by five standard deviations."""
    accused: list[float] = []
    tukey: list[float] = []
    found: list[float] = []
    for record in range(records):
        rng = np.random.default_rng([seed, record, targets, 7])
        error = noise(rng, (1000, targets))
        accused.append(float((abs(error) > usual_distances(np.abs(error))).any(axis=1).mean()))
        each = np.array([fence(np.abs(error[:, at])) for at in range(targets)])
        tukey.append(float((abs(error) > each).any(axis=1).mean()))
        error[:20, 0] += 5 * rng.choice([-1, 1], 20)
        found.append(float((abs(error) > usual_distances(np.abs(error)))[:20, 0].mean()))
    setting = f"{name} noise, {targets} target{'s' if targets > 1 else ''}"
    yield of_records("suspect targets: right ones accused", setting, accused, nominal=ACCUSED)
    yield of_records("suspect targets: right ones accused by Tukey's fence, for comparison", setting, tukey, nominal=1)
    yield of_records("suspect targets: share found of wrong ones, 5 standard deviations off", setting, found, nominal=0)


def _false(listed: np.ndarray, right: np.ndarray) -> float:
    return float(np.sum(listed & right) / max(np.sum(listed), 1))


def main() -> None:
    """Print the rows."""
    warnings.simplefilter("ignore", UserWarning)
    for row in rows():
        print(f"{row.quantity:75s} {row.setting:80s} {row.measured:.3f} {row.word}", flush=True)


if __name__ == "__main__":
    main()
