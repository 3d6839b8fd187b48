"""Time to a reliability of .9 of memorization on `fashion`: byrote, against the textbook estimator in a DataLoader loop.

All arms train the built-in task's model and recipe on random 70 % of the same 5,050 examples: the embedded images, 50 of
them with a wrong label, and 50 of noise. The plain loop draws each model's examples independently (Feldman & Zhang 2020).
`byrote` collects one balanced block of runs, records six columns at every epoch, writes them, and scores them; a count of
runs is a separate measurement, from the start of the work to the scores. Imports of the first process are excluded.

Reliability is the squared correlation with the true values, which is the correlation to expect with as many new runs. It is
estimated from a reference of 134 runs with other seeds, corrected for the error of the reference. The plain loop has reached .9
when it stays there.

    python benchmarks/time_to_reliability.py [--rounds 3] [--counts 6 8 10] [--most 40]
    python benchmarks/time_to_reliability.py --reference-from audits/long/fashion   # of accuracy_per_run.py --collect
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars
import torch
from accuracy_per_run import Floats, Judge, counts
from loops import SHARE, correct, dataloader_loop, scaled
from side_by_side import machine, median_interval, spread, table
from torch.utils.data import DataLoader, TensorDataset

import byrote
from byrote.evidence.evaluate import evaluate
from byrote.scores import memorization, shrunk_memorization
from byrote.task.canaries import Canaries, plant
from byrote.task.loading import load_task

REFERENCE = Path(__file__).parent / "results" / "fashion_reference.parquet"
COLUMNS = ("runs_with", "right_with", "runs_without", "right_without")
TARGET = 0.9


def task(name: str = "fashion", canaries: int = 50) -> byrote.Task:
    """A built-in task, with so many canaries of each kind (default: those of the reference) among its training examples."""
    built_in = load_task(name)
    everyone = plant(built_in, Canaries.of_each(canaries), seed=0)
    train = everyone.split != "test"
    examples = byrote.Examples(everyone.inputs[train], everyone.labels[train])
    return byrote.Task(built_in.model, examples, built_in.test, built_in.recipe, built_in.classes)


def plain(seed: int, runs: int) -> list[dict[str, float]]:
    """Train models one after the other; return the estimate after each, and its time."""
    judge, rng = reference(), np.random.default_rng(seed)
    this = task()
    start = time.perf_counter()
    x, y = scaled(this.train)
    tested, everyone = DataLoader(TensorDataset(*scaled(this.test)), 1000), DataLoader(TensorDataset(x, y), 1000)
    member, right, found = np.zeros((runs, len(x)), np.bool_), np.zeros((runs, len(x)), np.bool_), []
    for run in range(runs):
        torch.manual_seed(1000 * seed + run)
        keep = torch.from_numpy(rng.permutation(len(x))[: int(SHARE * len(x))])
        member[run, keep] = True
        model = this.model()
        for _ in dataloader_loop(model, x[keep], y[keep], this.recipe):
            correct(model, tested)
        right[run] = correct(model, everyone).numpy()
        value = memorization(right[: run + 1], member[: run + 1])
        spent = time.perf_counter() - start
        found.append({"runs": run + 1, "seconds": spent, "textbook": reliability(judge, value)})
    return found


def collected(seed: int, runs: int) -> list[dict[str, float]]:
    """Collect and score; return both estimates, and the seconds of the whole."""
    this = task()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        record = byrote.collect(this, directory, runs=runs, seed=1000 + seed)
        train = record.population.split == "train"
        value = np.asarray(evaluate(shrunk_memorization, record).value)[train]
        spent = time.perf_counter() - start
        textbook = np.asarray(evaluate(memorization, record).value)[train]
    judge = reference()
    return [
        {"runs": runs, "seconds": spent, "shrunk": reliability(judge, value), "textbook": reliability(judge, textbook)}
    ]


def reference() -> Judge:
    table = polars.read_parquet(REFERENCE)
    return Judge(*(table[name].to_numpy().astype(np.int64) for name in COLUMNS))


def reliability(judge: Judge, value: Floats) -> float:
    """Return the squared correlation with the true values; an example without a value gets the mean."""
    if np.isnan(value).all():
        return 0.0
    value = np.where(np.isnan(value), np.nanmean(value), value)
    return float(np.corrcoef(value, judge.value)[0, 1] ** 2 / judge.reliability) if value.std() else 0.0


def write_reference(directory: Path) -> None:
    record = byrote.Record(directory)
    runs = record.runs
    member = np.stack([record.member(run) for run in runs])
    right = np.stack([record.at_step(run, "correct", record.last_step) for run in runs]).astype(np.bool_)
    train = record.population.split != "test"
    made = dict(zip(COLUMNS, counts(right[:, train], member[:, train]), strict=True))
    polars.DataFrame({"id": record.population.ids[train]} | {k: v.astype(np.uint8) for k, v in made.items()}).write_parquet(REFERENCE)  # fmt: skip


def measure(arm: str, seed: int, runs: int) -> list[dict[str, float]]:
    options = ["--arm", arm, "--seed", str(seed), "--most", str(runs)]
    said = subprocess.run([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(said.splitlines()[-1])


def reached(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the first of these from which on reliability stays at the target."""
    below = [k for k, one in enumerate(found) if one["textbook"] < TARGET]
    first = below[-1] + 1 if below else 0
    if first == len(found):
        raise SystemExit(f"The plain loop did not reach {TARGET} with {len(found)} runs. Allow more with --most.")
    return found[first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=[6, 8, 10], help="runs that byrote collects")
    parser.add_argument("--most", type=int, default=40, help="models that the plain loop trains")
    parser.add_argument("--reference-from", type=Path, help="write the reference from this record, and stop")
    parser.add_argument("--arm", choices=["plain", "byrote"], help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.reference_from:
        write_reference(asked.reference_from)
        return
    if asked.arm:
        print(json.dumps((plain if asked.arm == "plain" else collected)(asked.seed, asked.most)))
        return
    loops: list[dict[str, float]] = []
    ours: dict[int, list[dict[str, float]]] = {runs: [] for runs in asked.counts}
    for seed in range(asked.rounds):
        turns = [("plain", asked.most), *(("byrote", runs) for runs in asked.counts)]
        for arm, runs in turns if seed % 2 == 0 else turns[::-1]:
            found = measure(arm, seed, runs)
            print(f"round {seed + 1}, {arm}: {json.dumps(found)}", file=sys.stderr)
            if arm == "plain":
                loops.append(reached(found))
            else:
                ours[runs] += found
    rows = [["plain loop, textbook, first at .9", spread([one["runs"] for one in loops], 0),
             spread([one["seconds"] for one in loops], 0), spread([one["textbook"] for one in loops], 3), "", "1"]]  # fmt: skip
    for runs, found in ours.items():
        ratios = [theirs["seconds"] / mine["seconds"] for theirs, mine in zip(loops, found, strict=True)]
        rows.append([
            "byrote", str(runs), *(spread([one[k] for one in found], d) for k, d in (("seconds", 0), ("textbook", 3), ("shrunk", 3))),
            "{:.1f} ({:.1f} to {:.1f})".format(*median_interval(ratios)),
        ])  # fmt: skip
    print(
        f"\n{asked.rounds} alternating rounds; median (smallest to largest), ratio: median (90 % bootstrap interval)\n"
    )
    print(
        table(["", "runs", "seconds", "reliability, textbook", "reliability, shrunk", "times faster than plain"], rows)
    )
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
