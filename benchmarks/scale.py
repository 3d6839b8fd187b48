"""How a record grows: seconds, bytes and memory of writing, opening and scoring it, by number of runs and of examples.

Runs are simulated (random logits of the right shapes through byrote's own columns and files), because training is linear in
both by construction, and this measures what comes after it. Each measurement is a fresh process. The exponent is the slope of a
line through the logarithms: 1 is linear.

    python benchmarks/scale.py [--examples 1000 4000 15000 60000] [--runs 10 30 100 300 1000] [--rounds 3] [--out DIRECTORY]
    python benchmarks/scale.py --examples 60000 --runs 1000                       # the largest alone
    python benchmarks/scale.py --json grown.json; python benchmarks/scale.py --draw grown.json --figure docs/scale.svg
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import machine, spread, table

import byrote
from byrote.evidence.catalogue import find_score
from byrote.objectives import Classification
from byrote.record import Layout, Observed, Population, Step, run_path, write_manifest, write_population, write_run

CLASSES = 10
ACTIONS = ("open", "memorization", "shrunk_memorization", "c_score", "influence on 100 targets")


def write(directory: Path, runs: int, examples: int) -> None:
    """Write a record of this size as `collect` would, one step of clean columns per run."""
    import torch

    from byrote.objectives.classification import observe

    rng, ids, labels, member = made_up(directory, runs, 1, examples)
    ease = rng.normal(2, 2, examples)
    everyone, y = np.arange(examples), torch.from_numpy(labels)
    for run in range(runs):
        logits = rng.normal(0, 1, (examples, CLASSES)).astype(np.float32)
        logits[everyone, labels] += (ease + 4 * member[run]).astype(np.float32)
        said = Observed(everyone, observe(torch.from_numpy(logits), y))
        write_run(
            run_path(directory, run),
            [Step(1, said, None)],
            member[run],
            ids,
            {"run": run, "key": "0"},
            Layout.of(Classification()),
        )


def made_up(directory: Path, runs: int, steps: int, examples: int, **more: Any) -> tuple[Any, ...]:
    """Write the examples and the manifest of a simulated record; return a random generator, ids, labels and membership."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, examples)
    ids = np.array([f"train/{i}" for i in range(examples)])
    pictures = rng.integers(0, 256, (examples, 8, 8)).astype(np.uint8)
    write_population(directory, Population.of(ids, np.full(examples, "train"), labels, pictures))
    task = {"name": "made up", "classes": [str(c) for c in range(CLASSES)]}
    objective = Classification(CLASSES)
    about = {
        "objective": str(objective),
        **Layout.of(objective).values(),
        "key": "0",
        "task": task,
        "steps": {"unit": "epoch", "last": steps},
        "blocks": [runs],
    }
    write_manifest(directory, {**about, **more})
    return rng, ids, labels, byrote.Subsets(0.7).membership([runs], np.full(examples, ""), 0)


def act(directory: Path, action: str) -> None:
    record = byrote.Record(directory)
    if action == "open":
        return
    if action.startswith("influence"):
        list(byrote.pairs(find_score("influence"), record, targets=np.arange(100)))
        return
    byrote.evaluate(find_score(action), record)


def measure(action: str, directory: Path, runs: int, examples: int) -> tuple[float, float]:
    """Return seconds without imports, and the peak memory in MB with them, of a fresh process."""
    options = ["--act", action, "--out", str(directory), "--runs", str(runs), "--examples", str(examples)]
    said = subprocess.run([sys.executable, __file__, *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    seconds, peak = json.loads(said.splitlines()[-1])
    return seconds, peak


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log seconds over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[1000, 4000, 15000, 60000])
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 30, 100, 300, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="where to put the records, about 1.3 GB at the largest size")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--draw", type=Path, help="draw the figures of this file, and measure nothing")
    parser.add_argument("--figure", type=Path, default=Path("scale.svg"))
    parser.add_argument("--act", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.draw:
        draw(json.loads(asked.draw.read_text()), asked.figure)
        return
    if asked.act:
        start = time.perf_counter()
        if asked.act == "write":
            write(asked.out, asked.runs[0], asked.examples[0])
        else:
            act(asked.out, asked.act)
        print(json.dumps([time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3]))
        return
    grid = [(runs, max(asked.examples)) for runs in asked.runs]
    grid += [(max(asked.runs), examples) for examples in asked.examples if examples != max(asked.examples)]
    found: dict[tuple[int, int], dict[str, list[tuple[float, float]]]] = {}
    size: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory(dir=asked.out) as scratch:
        for runs, examples in grid:
            directory = Path(scratch) / f"{runs}x{examples}"
            here: dict[str, list[tuple[float, float]]] = {"write": [measure("write", directory, runs, examples)]}
            size[runs, examples] = sum(f.stat().st_size for f in directory.rglob("*.parquet")) / 1e6
            for _ in range(asked.rounds):
                for action in ACTIONS:
                    here.setdefault(action, []).append(measure(action, directory, runs, examples))
            found[runs, examples] = here
            print(f"{runs} runs x {examples}: " + json.dumps(here), file=sys.stderr)
            shutil.rmtree(directory)
    for name, pick in (("seconds", 0), ("peak memory, MB", 1)):
        rows = [
            [*key, *(spread([m[pick] for m in here[a]], 2 if pick == 0 else 0) for a in ("write", *ACTIONS))]
            for key, here in found.items()
        ]
        print(f"\n{name}\n\n" + table(["runs", "examples", "write", *ACTIONS], rows))
    print("\n" + table(["runs", "examples", "MB on disk"], [[*key, f"{mb:.1f}"] for key, mb in size.items()]))
    rows = []
    for axis, sizes in (("runs", asked.runs), ("examples", asked.examples)):
        if len(sizes) > 2:
            keys = [(n, max(asked.examples)) if axis == "runs" else (max(asked.runs), n) for n in sizes]
            rows.append([axis, *(
                f"{exponent(sizes[-3:], [float(np.median([m[0] for m in found[k][a]])) for k in keys[-3:]]):.2f}" for a in ("write", *ACTIONS)
            )])  # fmt: skip
    if rows:
        print("\nexponent of the seconds, over the three largest sizes\n\n" + table(["by", "write", *ACTIONS], rows))
    print(f"\n{machine()}")
    if asked.json:
        plain = [{"runs": r, "examples": e, "mb": size[r, e], **here} for (r, e), here in found.items()]
        asked.json.write_text(json.dumps(plain))


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds against runs and against examples, on logarithmic axes, with the line of exponent 1."""
    import altair as alt

    most = {axis: max(each[axis] for each in found) for axis in ("runs", "examples")}
    panels = []
    for axis, other in (("runs", "examples"), ("examples", "runs")):
        rows = [
            {"size": each[axis], "seconds": float(np.median([m[0] for m in each[action]])), "what": action}
            for each in found
            if each[other] == most[other]
            for action in ("write", *ACTIONS)
        ]
        ends = sorted({row["size"] for row in rows})
        top = max(row["seconds"] for row in rows)
        line = [{"size": ends[0], "seconds": top * ends[0] / ends[-1]}, {"size": ends[-1], "seconds": top}]
        x = alt.X(
            "size:Q",
            title=f"{axis} ({other}: {most[other]:,})",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(values=ends, grid=False),
        )
        y = alt.Y("seconds:Q", scale=alt.Scale(type="log"), axis=alt.Axis(values=[0.1, 1, 10, 100, 1000]))
        colour = alt.Color(
            "what:N", title=None, sort=["write", *ACTIONS], legend=alt.Legend(orient="bottom", columns=3)
        )
        base = alt.Chart(alt.Data(values=rows)).encode(x=x, y=y, color=colour)
        linear = (
            alt.Chart(alt.Data(values=line))
            .mark_line(strokeDash=[2, 3], color="#888")
            .encode(x="size:Q", y="seconds:Q")
        )
        panels.append(
            (linear + base.mark_line() + base.mark_point(filled=True, size=40)).properties(width=300, height=260)
        )
    alt.hconcat(*panels).save(str(path))


if __name__ == "__main__":
    main()
