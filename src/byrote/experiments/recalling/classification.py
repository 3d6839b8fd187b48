"""Classification: a wanted list of examples in the weights of a classifier, and in memories beside one."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from byrote.controls import wanted as recall_floor
from byrote.experiments.recalling.answering import Answerer, Data, data_of
from byrote.experiments.recalling.in_memory import FALSE_ACCEPT, IMPOSTORS, Flat, stored
from byrote.experiments.recalling.in_weights import network, trained
from byrote.experiments.recalling.measuring import median_seconds
from byrote.experiments.recalling.wanted_task import WantedTask
from byrote.experiments.recalling.way import MEMORY, Change, Problem, Way
from byrote.experiments.variations import Variation, variations, varied
from byrote.probes.embedding import embedding
from byrote.stats.estimate import UNDEFINED, Estimate
from byrote.summaries.auroc import auroc
from byrote.summaries.recalled import recalled
from byrote.task.designs import Everything
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.models import read_model
from byrote.training.progress import Watcher

QUERIES = 100
"""Single queries that are timed."""


def on_classification(
    listed: WantedTask,
    directory: Path,
    *,
    recall: float = 0.99,
    runs: int = 4,
    seed: int = 0,
    compute: Compute = Compute(),
    progress: Watcher | None = None,
) -> Problem:
    """Compare ways of keeping a wanted list of a classification task, over `runs` models of each.

    In the weights: trained as the task says, and with a floor of `recall`. Beside a network that was never trained on the
    list: a memory of inputs, and one of the network's embeddings. Both answer where a query is near enough (FALSE_ACCEPT of
    examples that are not stored are), and leave the rest to the network. Raises InvalidData where inputs are not one array of
    real numbers, or the task has no test examples.
    """
    data = data_of(listed)
    floor = recall_floor(listed.task.train.ids[listed.wanted].tolist(), recall)
    tasks = {"without": listed.without, "weights": listed.with_all, "floor": floor(listed.with_all)}
    records = {
        arm: collect(
            task, directory / arm, runs=runs, design=Everything(), seed=seed, compute=compute, keep_models=True, progress=progress
        )
        for arm, task in tasks.items()
    }  # fmt: skip
    models = {arm: [read_model(task, directory / arm, run) for run in range(runs)] for arm, task in tasks.items()}
    never = models["without"]

    def by_weights(arm: str) -> list[Answerer]:
        seconds = float(np.median(list(records[arm].seconds().values())))
        return [trained(one, other, data, tasks[arm], seconds) for one, other in zip(models[arm], never, strict=True)]

    ways = {
        "not stored": [network(model, model, data) for model in never],
        "in the weights": by_weights("weights"),
        f"in the weights, floor {recall:g}": by_weights("floor"),
        f"{MEMORY} of inputs": [stored(model, Flat(data.rest.inputs), data, "euclidean") for model in never],
        f"{MEMORY} of embeddings": [stored(model, partial(embedding, model), data, "cosine") for model in never],
    }
    held = [records["floor"].scalar(run, "wanted_recall")[-1] >= recall - 1e-9 for run in range(runs)]
    missed, leakage = runs - sum(held), listed.drawn and runs > 2
    cautions = () if not missed else (f"The floor of {recall:g} did not hold at the end of {missed} of {runs} runs: train longer, or see byrote memorize.",)  # fmt: skip
    if not leakage:
        cautions = (
            *cautions,
            "Whether stored entries can be told from others is measured for a list that is drawn at random, with three runs or more: else easy and hard examples look like stored ones and others.",
        )
    notes = (
        f"{len(data.wanted)} wanted examples, {int(data.arbitrary.sum())} of them with an answer drawn at random; {runs} models of each way; {len(data.tests)} test examples.",
        f"Memories are calibrated by {min(IMPOSTORS, len(data.rest))} training examples that are not stored: {100 * FALSE_ACCEPT:g} % of such examples are answered from the memory. The network that never learned the list answers the rest. {len(data.others)} examples that no way learns are compared with the list, and {len(data.new)} are added one by one.",
        "Keys of a table are its columns in standard deviations; those of pictures are their pixels.",
    )
    found = tuple(_way(name, each, data, seed, leakage=leakage) for name, each in ways.items())
    return Problem(
        "classification",
        listed.task.name,
        "of the list is answered with its own label",
        "of test examples are right",
        found,
        notes,
        cautions,
    )


def _way(name: str, runs: Sequence[Answerer], data: Data, seed: int, *, leakage: bool) -> Way:
    """Measure one way over its runs."""
    answers = np.array([each.right(data.compared) for each in runs])
    right = answers[:, : len(data.wanted)]
    parts = {"as labelled": ~data.arbitrary, "arbitrary answers": data.arbitrary} if data.arbitrary.any() else {}
    member = np.tile(np.arange(len(data.compared)) < len(data.wanted), (len(runs), 1))
    right_new = np.array([each.right(data.tests) for each in runs])
    evidence = np.array([each.evidence for each in runs]) - _of_other_runs([each.reference for each in runs])
    beyond = answers - _of_other_runs([each.reference_right for each in runs])
    return Way(
        name,
        recalled(right),
        name.startswith(MEMORY),
        {part: recalled(right[:, mask]) for part, mask in parts.items()},
        new=recalled(right_new),
        varied={str(each): recalled(_varied(runs, data, each, seed)) for each in variations(data.wanted.inputs, data.kind)},
        leakage=auroc(evidence, member) if leakage else UNDEFINED,
        leakage_of_answers=auroc(beyond, member) if leakage else UNDEFINED,
        bytes_each=float(np.mean([each.bytes_each for each in runs])),
        seconds_each=_seconds_each(runs, data),
        update=_update(runs),
        deletion=_deletion(runs),
        right=right,
        right_new=right_new,
    )  # fmt: skip


def _of_other_runs(values: Sequence[ndarray]) -> Float[ndarray, "run example"]:
    """Return for each run the mean of the others; 0 where there is one run."""
    table = np.array(values, np.float64)
    return (table.sum(0) - table) / max(len(table) - 1, 1)


def _varied(runs: Sequence[Answerer], data: Data, change: Variation, seed: int) -> Bool[ndarray, "run wanted"]:
    inputs = varied(data.wanted.inputs, data.rest.inputs, change, seed)
    return np.array([each.answer(inputs) == data.wanted.labels for each in runs])


def _seconds_each(runs: Sequence[Answerer], data: Data) -> float:
    """Return the median time of a query by itself, of wanted and test examples in turns."""

    def query(at: int) -> object:
        inputs = (data.wanted if at % 2 else data.tests).inputs
        return runs[at % len(runs)].answer(inputs[at % len(inputs)][None])

    return median_seconds(query, QUERIES)


def _update(runs: Sequence[Answerer]) -> Change | None:
    found = [each.update for each in runs if each.update]
    if not found:
        return None
    return Change(
        Estimate.of_mean([float(np.median([trial.seconds for trial in each])) for each in found], "run").within(0, np.inf),
        recalled(np.array([[trial.works for trial in each] for each in found])),
        cost=Estimate.of_mean([float(np.mean([trial.cost for trial in each])) for each in found], "run"),
        lost=Estimate.of_mean([float(np.mean([trial.lost for trial in each])) for each in found], "run"),
    )  # fmt: skip


def _deletion(runs: Sequence[Answerer]) -> Change | None:
    found = [each.deletion for each in runs if each.deletion is not None]
    if not found:
        return None
    seconds, still, never = (
        Estimate.of_mean([getattr(each, part) for each in found], "run") for part in ("seconds", "still", "never")
    )
    return Change(seconds.within(0, np.inf), still, never)
