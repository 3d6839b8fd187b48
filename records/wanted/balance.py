"""The price of rote learning as a curve: how much is recalled of a list of arbitrary answers, and what it costs on new data.

python -m records.wanted.balance --json records/wanted/balance.json    # about four minutes of one core
python -m records.wanted.balance --draw records/wanted/balance.json --figure docs/wanted_balance.svg

Digits. The list is a growing share of the training examples, each with a random wrong answer, which only rote can give. It is
kept in the weights as the task trains, in the weights with a floor of .99, and in a memory beside a network that never learned it
(the memory answers what is near enough to a stored picture, the network all else). Then the same list of 20 % against brakes of
growing strength.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import byrote
from byrote.controls import drop, wanted
from byrote.controls.dropout import dropout
from byrote.experiments.recalling.in_memory import FALSE_ACCEPT, Beside, flat
from byrote.experiments.recalling.in_weights import predicted
from byrote.experiments.variations import Variation, varied
from byrote.objectives import Classification
from byrote.recall import Memory
from byrote.summaries import recalled
from byrote.summaries.auroc import auroc
from byrote.task.designs import Everything
from byrote.task.loading import load_task
from byrote.task.task import Task
from byrote.training.compute import Compute
from byrote.training.models import read_model
from byrote.training.tensors import as_read

SHARES, RUNS, FLOOR, SEED = (0.0, 0.05, 0.1, 0.2, 0.4), 3, 0.99, 0
LIST = 0.2
DECAYS, RATES = (0.0003, 0.001, 0.01), (0.3, 0.6, 0.8)
OTHERS = 100
"""Examples with an arbitrary label that no way learns: leakage is how well the list is distinguished from them."""
VARIATIONS = (Variation("noise", 0.1), Variation("noise", 0.3), Variation("shift", 1.0))
Answer = Callable[[Tensor], np.ndarray]


@dataclass(frozen=True, eq=False)
class Data:
    """The task with its list: inputs and labels of the list, of others that nothing learns, of the rest, and of tests."""

    task: Task
    ids: list[str]
    inputs: Tensor
    labels: np.ndarray
    others: Tensor
    other_labels: np.ndarray
    rest: Tensor
    tests: Tensor
    truth: np.ndarray


def data(share: float) -> Data:
    """Return the digits, with a random wrong answer for a share of the training examples. Longer lists hold the shorter ones."""
    task = load_task("digits")
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(task.train))
    others, chosen = order[:OTHERS], order[OTHERS:][: round(share * len(task.train))]
    odd, labels = np.concatenate([others, chosen]), task.train.labels.copy()
    labels[odd] = Classification().wrong(task.train.labels, odd, rng)
    assert task.test is not None
    inputs, rest = as_read(task.train.inputs, "cpu"), order[OTHERS + len(chosen) :]
    held = drop(task.train.ids[others].tolist())(replace(task, train=task.train.with_labels(labels)))
    return Data(
        held, task.train.ids[chosen].tolist(), inputs[chosen], labels[chosen], inputs[others], labels[others],
        inputs[rest], as_read(task.test.inputs, "cpu"), task.test.labels,
    )  # fmt: skip


def networks(task: Task) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "record"
        byrote.collect(
            task, where, runs=RUNS, design=Everything(), seed=SEED, compute=Compute(workers=1), keep_models=True,
            progress=lambda _: None,
        )  # fmt: skip
        return [read_model(task, where, run) for run in range(RUNS)]


@dataclass(frozen=True, eq=False)
class Way:
    """What one way answers in one run, and how much an example with its label looks stored: high is stored."""

    answer: Answer
    evidence: Callable[[Tensor, np.ndarray], np.ndarray]


def by(models: Sequence[Any]) -> list[Way]:
    return [Way(partial(predicted, model), partial(confidence, model)) for model in models]


def confidence(model: Any, inputs: Tensor, labels: np.ndarray) -> np.ndarray:
    """Return the probability of each label."""
    with torch.no_grad():
        found = model(inputs).double().softmax(1)
    return found.gather(1, torch.from_numpy(labels)[:, None])[:, 0].numpy()


def beside(models: Sequence[Any], given: Data) -> list[Way]:
    memory = Memory(flat(given.inputs).shape[1], metric="euclidean")
    memory.add(flat(given.inputs), given.labels)
    memory.calibrate(flat(given.rest), FALSE_ACCEPT)

    def near(inputs: Tensor, _: np.ndarray) -> np.ndarray:
        return -memory.look_up(flat(inputs)).nearest.astype(np.float64)

    return [Way(Beside(memory, flat, model), near) for model in models]


def row(way: str, setting: str, share: float, runs: list[Way], given: Data) -> dict[str, Any]:
    """Print one row, and return its numbers for the picture."""
    found = {"new": recalled(np.array([each.answer(given.tests) == given.truth for each in runs]))}
    if share:
        found["recall"] = recalled(np.array([each.answer(given.inputs) == given.labels for each in runs]))
        for change in VARIATIONS:
            inputs = varied(given.inputs, given.rest, change, SEED)
            found[str(change)] = recalled(np.array([each.answer(inputs) == given.labels for each in runs]))
        parts = ((given.inputs, given.labels), (given.others, given.other_labels))
        evidence = np.array([np.concatenate([each.evidence(*part) for part in parts]) for each in runs])
        found["leakage"] = auroc(evidence, np.tile(np.arange(evidence.shape[1]) < len(given.labels), (len(runs), 1)))
    cells = (str(found.get(name, "-")) for name in ("recall", "new", *map(str, VARIATIONS), "leakage"))
    print(f"| {way} | {setting} | {share:.0%} | {' | '.join(cells)} |", flush=True)
    numbers = {name: [each.value, each.low, each.high] for name, each in found.items()}
    return {"way": way, "setting": setting, "share": share, **numbers}


def measured() -> list[dict[str, Any]]:
    torch.set_num_threads(1)
    start, rows = time.time(), []
    print(
        f"torch {torch.__version__}; digits, {RUNS} networks of each row, seed {SEED}; 90 % intervals over networks and examples"
    )
    print(
        f"| way | brakes | list, share of training examples | recall | right on new data | {' | '.join(f'recall, {each}' for each in VARIATIONS)} | leakage, AUROC |"
    )
    print("|" + "---|" * (6 + len(VARIATIONS)))
    for share in SHARES:
        given = data(share)
        if share:
            never = networks(drop(given.ids)(given.task))
            rows.append(row("in a memory beside", "-", share, beside(never, given), given))
            floor = wanted(given.ids, FLOOR)(longer(given.task))
            rows.append(row("in the weights, floor .99", "-", share, by(networks(floor)), given))
        rows.append(row("in the weights", "-", share, by(networks(given.task)), given))
    given = data(LIST)
    braked = [
        (f"weight decay {decay:g}", replace(given.task, recipe=replace(given.task.recipe, weight_decay=decay)))
        for decay in DECAYS
    ]
    braked += [(f"dropout {rate:g}", dropout(rate)(given.task)) for rate in RATES]
    for setting, task in braked:
        rows.append(row("in the weights, with brakes", setting, LIST, by(networks(task)), given))
    print(f"{time.time() - start:.0f} s")
    return rows


def longer(task: Task) -> Task:
    """Return the task with three times the epochs, so that the floor can hold."""
    return replace(task, recipe=replace(task.recipe, epochs=3 * task.recipe.epochs))


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw what the list costs against its length, and accuracy against recall for one length."""
    import altair as alt

    ways = [
        "in the weights",
        "in the weights, floor .99",
        "in a memory beside",
        "in the weights, weight decay",
        "in the weights, dropout",
    ]
    colour = alt.Color(
        "way:N",
        title=None,
        sort=ways,
        scale=alt.Scale(domain=ways),
        legend=alt.Legend(orient="bottom", columns=3, labelLimit=400),
    )
    lengths = alt.Axis(format="%", grid=False, values=[*SHARES])

    def panel(x: Any, low: float, title: str, values: list[dict[str, Any]], order: str) -> Any:
        scale = alt.Scale(domain=[low, 1])
        base = alt.Chart(alt.Data(values=values)).encode(x=x, color=colour)
        lines = base.mark_line(point=True).encode(y=alt.Y("value:Q", title=title, scale=scale), order=order)
        bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
        texts = base.mark_text(align="left", dx=5, dy=-7, fontSize=9).encode(y="value:Q", text="strength:N")
        return (lines + bars + texts).properties(width=230, height=230)

    def point(each: dict[str, Any], name: str, way: str, strength: str = "") -> dict[str, Any]:
        value, low, high = each[name]
        own = {"way": way, "share": each["share"], "recall": each.get("recall", [None])[0], "strength": strength}
        return {**own, "size": float(strength or 0), "value": value, "low": low, "high": high}

    def against_share(name: str, low: float, title: str) -> Any:
        values = [point(each, name, each["way"]) for each in rows if each["setting"] == "-" and name in each]
        x = alt.X(
            "share:Q",
            title="list, share of the training examples",
            axis=lengths,
            scale=alt.Scale(domain=[0, max(SHARES)]),
        )
        return panel(x, low, title, values, "share:Q")

    values = []
    for each in (each for each in rows if each["share"] == LIST):
        kind, _, strength = each["setting"].rpartition(" ")
        values += [point(each, "new", f"in the weights, {kind}", strength) if kind else point(each, "new", each["way"])]
        if each["way"] == "in the weights":  # both kinds of brakes begin at none
            values += [point(each, "new", way) for way in ways[3:]]
    x = alt.X(
        "recall:Q", title=f"recall of a list of {LIST:.0%}", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(grid=False)
    )
    panels = (
        against_share("new", 0.5, "right on new data"),
        against_share(str(VARIATIONS[1]), 0, f"recall, {VARIATIONS[1]}"),
        panel(x, 0.7, "right on new data", values, "size:Q"),
    )
    alt.hconcat(*panels).save(str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--draw", type=Path, help="draw the numbers of this file, and measure nothing")
    parser.add_argument("--figure", type=Path, default=Path("wanted_balance.svg"))
    given = parser.parse_args()
    if given.draw:
        draw(json.loads(given.draw.read_text()), given.figure)
        return
    rows = measured()
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
