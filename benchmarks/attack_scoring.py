"""Seconds and peak memory of LiRA on every example of every run, each run the target once, from arrays in memory.

python benchmarks/attack_scoring.py [--examples 60000] [--runs 256] [--targets 2] [--rounds 3]

Arms: byrote, all runs at once; a NumPy loop over targets, vectorized over examples, like published code; and TensorFlow
Privacy's `compute_score_lira` where tensorflow-privacy 0.8.12 is installed (.ci/run installs it). The loops are
timed on --targets runs and extrapolated, because all targets take equally long. Each measurement is a process of its
own on one core; arms take turns.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from side_by_side import machine, median_interval, spread, table

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from byrote.scores import bavaria, calibrated_loss, lira, rmia
from byrote.scores._shadows import logit
from peers import tensorflow_privacy_lira


def world(runs: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and membership, both [run example]."""
    rng = np.random.default_rng(0)
    member = rng.random((runs, examples), np.float32).argsort(axis=0) < runs // 2
    value = rng.normal(3, 1, examples).astype(np.float32) + rng.standard_normal((runs, examples), np.float32) + member
    return np.log1p(np.exp(-value)), member


def numpy_loop(loss: np.ndarray, member: np.ndarray, targets: int) -> None:
    """Online, one variance per side: the published code, vectorized over examples."""
    value = logit(loss)
    for target in range(targets):
        rest, kept = np.delete(value, target, 0), np.delete(member, target, 0)
        inside, outside = np.where(kept, rest, np.nan), np.where(kept, np.nan, rest)
        sides = []
        for side in (inside, outside):
            mean = np.nanmean(side, 0)
            sides.append((mean, np.nanstd(side - mean)))
        (mean_in, std_in), (mean_out, std_out) = sides
        x = value[target]
        _ = ((x - mean_out) / std_out) ** 2 / 2 - ((x - mean_in) / std_in) ** 2 / 2 + np.log(std_out / std_in)


def tensorflow_privacy(loss: np.ndarray, member: np.ndarray, targets: int) -> None:
    peer = tensorflow_privacy_lira()
    assert peer is not None
    value = logit(loss)
    for target in range(targets):
        rest, kept = np.delete(value, target, 0), np.delete(member, target, 0)
        inside = [rest[kept[:, i], i][:, None] for i in range(rest.shape[1])]
        outside = [rest[~kept[:, i], i][:, None] for i in range(rest.shape[1])]
        peer(value[target][:, None], inside, outside, "both", True, "mean")


OURS: dict[str, Callable[..., np.ndarray]] = {
    "byrote: lira": lira,
    "byrote: lira(variance='bayes')": lira.bind(variance="bayes"),
    "byrote: bavaria": bavaria,
    "byrote: rmia": rmia,
    "byrote: calibrated_loss": calibrated_loss,
}
LOOPS = {"NumPy loop: LiRA": numpy_loop, "TensorFlow Privacy: LiRA": tensorflow_privacy}


def measure(arm: str, runs: int, examples: int, targets: int) -> None:
    """Print seconds for all runs and the peak memory in MB."""
    loss, member = world(runs, examples)
    start = time.perf_counter()
    if arm in OURS:
        OURS[arm](loss, member)
        seconds = time.perf_counter() - start
    else:
        LOOPS[arm](loss, member, targets)
        seconds = (time.perf_counter() - start) * runs / targets
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(seconds, int(peak.split()[1]) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=256)
    parser.add_argument("--examples", type=int, default=60_000)
    parser.add_argument("--targets", type=int, default=2, help="runs that the loops judge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.arm:
        measure(given.arm, given.runs, given.examples, given.targets)
        return
    arms = [*OURS, *(a for a in LOOPS if a.startswith("NumPy") or tensorflow_privacy_lira() is not None)]
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    peaks: dict[str, list[float]] = {arm: [] for arm in arms}
    size = ["--runs", str(given.runs), "--examples", str(given.examples), "--targets", str(given.targets)]
    one_core = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for turn in range(given.rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            said = subprocess.run([sys.executable, __file__, *size, "--arm", arm], env=one_core, capture_output=True, text=True, check=True)  # fmt: skip
            took, peak = map(float, said.stdout.split())
            seconds[arm].append(took)
            peaks[arm].append(peak)
            print(f"{arm}: {took:.1f} s", file=sys.stderr, flush=True)
    rows = []
    for arm in arms:
        ratio = [theirs / ours for theirs, ours in zip(seconds[arm], seconds["byrote: lira"], strict=True)]
        middle, low, high = median_interval(ratio)
        times = f"{middle:.1f} ({low:.1f} to {high:.1f})" if arm in LOOPS else ""
        rows.append([arm, spread(seconds[arm], 1), times, f"{max(peaks[arm]):.0f}"])
    print(
        f"{given.examples:,} examples, {given.runs} runs, {given.rounds} rounds; loops timed on {given.targets} targets.\n"
    )
    print(
        table(["arm", "seconds, median (smallest to largest)", "times byrote's lira (90 % interval)", "peak MB"], rows)
    )
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
