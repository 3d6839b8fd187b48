"""Tables of README.md from log.jsonl: python records/thermostat/table.py"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from byrote.stats.estimate import Estimate

HERE = Path(__file__).parent
NEAR = 0.05
MARK = "<!-- tables: written by table.py -->"


def lines() -> list[dict[str, Any]]:
    """Return the last line of each run of each arm, in the order of the file."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for text in (HERE / "log.jsonl").read_text().splitlines():
        line = json.loads(text)
        known[tuple(line.get(name) for name in ("stage", "task", "what", "target", "run"))] = line
    return list(known.values())


def late(line: dict[str, Any], kind: str = "mislabeled") -> float:
    return line[f"{kind} late"][0]


def held(all_: list[dict[str, Any]]) -> list[str]:
    """Return one row per task, knob and target: what canaries say that were never read."""
    groups = defaultdict(list)
    for line in all_:
        if line["stage"] in ("targets", "knobs", "control") and "knobs" in line:
            groups[line["task"], line["what"], line["target"]].append(line)
    rows = [
        "| data | knob | target | runs | held (last ten epochs) | mean distance | at the end: distance | within .05 at the end | knob at the end | test accuracy | said |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    reachable = []
    for (task, knob, target), found in groups.items():
        values, ends = (
            np.array([late(line) for line in found]),
            np.array([line["mislabeled final"][0] for line in found]),
        )
        spread = values.std(ddof=1) if len(values) > 1 else float("nan")
        said = sorted({event for line in found for event in line["events"][line["run"]]})
        rows.append(
            f"| {task} | {knob} | {target:g} | {len(found)} | {values.mean():.3f} ± {spread:.3f} | {abs(values - target).mean():.3f} | {abs(ends - target).mean():.3f} | {int((abs(ends - target) <= NEAR).sum())} of {len(found)} | {np.mean([line['knobs'][line['run']][-1] for line in found]):.2g} | {np.mean([line['test'] for line in found]):.3f} | {', '.join(said)} |"
        )
        if "unreachable" not in said and knob == "dropout":
            reachable += [(abs(late(line) - target), abs(line["mislabeled final"][0] - target)) for line in found]
    near = np.array(reachable)
    if len(near):
        for column, name in ((0, "mean of the last ten epochs"), (1, "final model")):
            share = Estimate.of_share(int((near[:, column] <= NEAR).sum()), len(near), "run")
            rows.append("")
            rows.append(
                f"Dropout, {len(near)} runs of (data, target) pairs that were not named unreachable, {name}: distance {np.median(near[:, column]):.3f} in the median, within .05 in {share.value:.0%} [{share.low:.0%}, {share.high:.0%}], worst {near[:, column].max():.3f}."
            )
    return rows


def rivals(all_: list[dict[str, Any]]) -> list[str]:
    """Return what the rivals do on fashion: one row per method, distances for each target."""
    mine = [line for line in all_ if line["task"] == "fashion"]
    by = defaultdict(list)
    for line in mine:
        if line["stage"] == "targets":
            by["thermostat, dropout", line["target"]].append((abs(late(line) - line["target"]), line["test"]))
        if line["stage"] == "rival":
            by[line["what"], line["target"]].append((abs(late(line) - line["target"]), line["test"]))
        if line["stage"] == "plain":
            for target in (0.1, 0.2, 0.4, 0.6, 0.8):
                curve = np.array(line["mislabeled curve"])
                at = int(np.argmax(curve >= target)) if (curve >= target).any() else len(curve) - 1
                by["early stopping, plain", target].append((abs(curve[at] - target), line["test curve"][at]))
    fixed = [line for line in mine if line["stage"] == "fixed"]
    for kind in ("dropout", "flooding"):
        grid = defaultdict(list)
        for line in fixed:
            if line["what"].startswith(kind):
                grid[line["what"]].append(line)
        for target in (0.1, 0.2, 0.4, 0.6, 0.8) if grid else ():
            best = min(grid.values(), key=lambda own: abs(np.mean([late(line) for line in own]) - target))
            by[f"best of fixed {kind} ({len(grid)})", target] += [
                (abs(late(line) - target), line["test"]) for line in best
            ]
    names, targets = list(dict.fromkeys(name for name, _ in by)), (0.1, 0.2, 0.4, 0.6, 0.8)
    rows = ["| method on fashion | " + " | ".join(f"{target:g}" for target in targets) + " |", "|---" * 6 + "|"]
    for name in names:
        cells = []
        for target in targets:
            found = by.get((name, target), [])
            cells.append(
                f"{np.mean([f[0] for f in found]):.3f} ({np.mean([f[1] for f in found]):.3f}, {len(found)})"
                if found
                else ""
            )
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def transfer(all_: list[dict[str, Any]]) -> list[str]:
    """Return what other kinds of canaries keep when wrong labels are held: nobody reads them."""
    rows = [
        "| data | wrong labels held at | wrong labels | ordinary examples (the gap) | noise |",
        "|---|---|---|---|---|",
    ]
    groups = defaultdict(list)
    for line in all_:
        if line["stage"] in ("targets", "plain"):
            groups[line["task"], line["target"]].append(line)
    for (task, target), found in sorted(groups.items(), key=lambda each: (each[0][0], each[0][1] or 9)):
        cells = []
        for kind in ("mislabeled", "ordinary", "noise"):
            values = [late(line, kind) for line in found if f"{kind} late" in line]
            cells.append(str(Estimate.of_mean(np.array(values), "run")) if values else "")
        rows.append(
            f"| {task} | {'nothing is held' if target is None else f'{target:g}'} | " + " | ".join(cells) + " |"
        )
    return rows


def disturbed(all_: list[dict[str, Any]]) -> list[str]:
    """Return what happens when the learning rate is tripled at epoch 25 of 40."""
    rows = ["| target | loop | wrong labels, last ten epochs | test accuracy |", "|---|---|---|---|"]
    for line in (each for each in all_ if each["stage"] == "disturbed"):
        rows.append(
            f"| {line['target']:g} | {line['what']}, run {line['run']} | {late(line):.3f} | {line['test']:.3f} |"
        )
    for line in (each for each in all_ if each["stage"] == "control" and "knobs" not in each):
        rows.append(
            f"| {line['target']:g} | {line['what']}, run {line['run']} | {late(line):.3f} | {line['test']:.3f} |"
        )
    return rows


def truth(all_: list[dict[str, Any]]) -> list[str]:
    """Return what evidence that no controller reads says: memorization of ordinary examples over runs, and an attack."""
    rows = [
        "| training | memorization, mean of ordinary examples | share above .5 | wrong labels that verify | AUROC of the strongest attack | found at 1 % |",
        "|---" * 6 + "|",
    ]
    for line in (each for each in all_ if each["stage"] == "truth"):
        cells = [
            "" if not found else f"{found[name]:.3f} [{found[f'{name} low']:.3f}, {found[f'{name} high']:.3f}]"
            for name, found in (("auroc", line.get("auroc")), ("tpr", line.get("tpr")))
        ]
        rows.append(
            f"| {line['what']} | {line['memorization']:.3f} | {line['above half']:.3f} | {line['mislabeled']:.3f} | {line.get('attack', '')} {cells[0]} | {cells[1]} |"
        )
    return rows


def main() -> None:
    all_ = lines()
    parts = {
        "Held": held(all_), "Rivals": rivals(all_), "Transfer": transfer(all_), "Disturbance and a dead sensor": disturbed(all_),
        "Other evidence (20 runs on random subsets)": truth(all_),
    }  # fmt: skip
    text = "\n\n".join(f"### {name}\n\n" + "\n".join(rows) for name, rows in parts.items() if len(rows) > 2)
    page = (HERE / "README.md").read_text()
    (HERE / "README.md").write_text(page[: page.index(MARK)] + MARK + "\n\n" + text + "\n")


if __name__ == "__main__":
    main()
