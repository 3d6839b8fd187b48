"""Classification: a wanted list of examples in the weights of a classifier, and in memories beside it."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor, nn

from byrote.controls import wanted as recall_floor
from byrote.errors import InvalidData
from byrote.experiments.recalling.wanted_list import WantedList
from byrote.experiments.recalling.way import Change, Problem, Way
from byrote.experiments.variations import Variation, variations, varied
from byrote.objectives.classification import logits
from byrote.probes.embedding import embedding
from byrote.recall import Memory
from byrote.recall.index import Metric
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.summaries.auroc import auroc
from byrote.summaries.recalled import recalled
from byrote.task.designs import Everything
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.models import read_model
from byrote.training.progress import Watcher
from byrote.training.tensors import as_read
from byrote.training.updates import Optimizer

FALSE_ACCEPT = 0.01
"""Share of examples that are not stored which a memory answers all the same."""

IMPOSTORS = 1000
"""Training examples that are not wanted, by which a memory is calibrated."""

QUERIES = 100
"""Single queries that are timed."""

PATIENCE = 200
"""Updates within which a new example has to be learned."""

GOING_ON = 0.1
"""A new example is learned with this share of the first learning rate."""

AT_ONCE = 1024

ARMS = ("without", "weights", "floor")


@dataclass(frozen=True, eq=False)
class Data:
    """What all ways are measured on, as a model reads it."""

    wanted: Tensor
    labels: Int[ndarray, " wanted"]
    arbitrary: Bool[ndarray, " wanted"]
    tests: Tensor
    test_labels: Int[ndarray, " test"]
    others: Tensor
    other_labels: Int[ndarray, " other"]
    rest: Tensor
    rest_labels: Int[ndarray, " rest"]
    kind: str


@dataclass(frozen=True, eq=False)
class Answerer:
    """One way in one run: what it answers (-1: nothing), and how much the answer and all else that it gives out look stored.

    `evidence` is high where a wanted example looks stored; `never` is the same where it is not stored, and `never_right`
    whether it is answered right there.
    """

    answer: Callable[[Tensor], Int[ndarray, " query"]]
    evidence: Float[ndarray, " wanted"]
    never: Float[ndarray, " wanted"]
    never_right: Bool[ndarray, " wanted"]
    bytes_each: float = 0.0
    update: tuple[Sequence[float], Sequence[bool], float, float] | None = None
    deletion: tuple[float, float, float] | None = None


def on_classification(
    listed: WantedList,
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
    list: a memory of inputs, and one of the network's embeddings, which answer where a query is near enough (FALSE_ACCEPT of
    other examples are), and leave the rest to the network. Raises InvalidData where inputs are not one array of real numbers, or
    the task has no test examples.
    """
    task = listed.task
    if task.test is None:
        raise InvalidData(f"{task.name!r} has no test examples, which show what recall costs on new data. Give some.")
    data = _data(listed)
    floor = recall_floor(task.train.ids[listed.wanted].tolist(), recall)
    tasks = {"without": listed.without, "weights": listed.with_all, "floor": floor(listed.with_all)}
    records = {
        name: collect(
            tasks[name], directory / name, runs=runs, design=Everything(), seed=seed, compute=compute, keep_models=True, progress=progress
        )
        for name in ARMS
    }  # fmt: skip
    networks = {name: [read_model(tasks[name], directory / name, run) for run in range(runs)] for name in ARMS}
    plain = networks["without"]
    ways: list[Way] = [
        _way("the network without the list", [_network(model, model, data) for model in plain], data, seed),
        *(
            _way(name, [_trained(model, never, data, records[arm], tasks[arm]) for model, never in zip(networks[arm], plain, strict=True)], data, seed)
            for arm, name in (("weights", "in the weights"), ("floor", f"in the weights, recall held at {recall:g}"))
        ),
        _way("memory of inputs", [_memory(model, _flat, data, "euclidean") for model in plain], data, seed),
        _way("memory of embeddings", [_memory(model, _Embedding(model), data, "cosine") for model in plain], data, seed),
    ]  # fmt: skip
    notes = (
        f"{len(data.labels)} wanted examples, {int(data.arbitrary.sum())} of them with an arbitrary answer; {runs} models of each way; {len(data.test_labels)} test examples.",
        f"Memories are calibrated by {min(IMPOSTORS, len(data.rest_labels))} training examples that are not stored: {100 * FALSE_ACCEPT:g} % of such examples are answered from the memory.",
        "The network without the list answers what the memory does not know.",
    )
    return Problem(
        "classification",
        task.name,
        "share of the list with its own label",
        "accuracy on test examples",
        tuple(ways),
        notes,
    )


def _data(listed: WantedList) -> Data:
    task = listed.task
    inputs = as_read(task.train.inputs, "cpu")
    tests = as_read(task.test.inputs, "cpu") if task.test is not None else inputs[:0]
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        raise InvalidData(
            f"Inputs of {task.name!r} are not one array of real numbers, and have no keys by themselves. Make keys by an encoder, and use byrote.recall.Memory."
        )
    labels = task.train.labels
    rest = np.setdiff1d(np.arange(len(labels)), np.concatenate([listed.wanted, listed.others]))
    rest = rest[~np.isin(task.train.ids[rest], sorted(task.excluded))]
    return Data(
        inputs[listed.wanted], labels[listed.wanted], np.isin(listed.wanted, listed.arbitrary), tests,
        task.test.labels if task.test is not None else labels[:0], inputs[listed.others], labels[listed.others],
        inputs[rest], labels[rest], task.train.display.kind,
    )  # fmt: skip


def _way(name: str, runs: Sequence[Answerer], data: Data, seed: int) -> Way:
    """Measure one way over its runs."""
    right = np.array([each.answer(data.wanted) == data.labels for each in runs])
    parts = {"as labelled": ~data.arbitrary, "arbitrary answers": data.arbitrary} if data.arbitrary.any() else {}
    changes = variations(data.wanted, data.kind)
    evidence = np.array([[*each.evidence, *each.never] for each in runs])
    answers = np.array([[*row, *each.never_right] for row, each in zip(right, runs, strict=True)], np.float64)
    stored = np.repeat([[True, False]], len(data.labels), axis=1).repeat(len(runs), axis=0)
    return Way(
        name,
        recalled(right),
        {part: recalled(right[:, mask]) for part, mask in parts.items()},
        new=recalled(np.array([each.answer(data.tests) == data.test_labels for each in runs])),
        varied={str(change): recalled(_right_when_varied(runs, data, change, seed)) for change in changes},
        leakage=auroc(evidence, stored),
        leakage_of_answers=auroc(answers, stored),
        bytes_each=float(np.mean([each.bytes_each for each in runs])),
        seconds_each=_seconds_each(runs, data),
        update=_update(runs),
        deletion=_deletion(runs),
    )


def _right_when_varied(
    runs: Sequence[Answerer], data: Data, change: Variation, seed: int
) -> Bool[ndarray, "run wanted"]:
    inputs = varied(data.wanted, data.rest, change, seed)
    return np.array([each.answer(inputs) == data.labels for each in runs])


def _seconds_each(runs: Sequence[Answerer], data: Data) -> float:
    """Return the median time of a query by itself, over wanted and test examples in turns."""
    times: list[float] = []
    for at in range(QUERIES):
        source = data.wanted if at % 2 else data.tests
        one = source[at % len(source)][None]
        begin = time.perf_counter()
        runs[at % len(runs)].answer(one)
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


# --- in the weights


def _network(model: nn.Module, never: nn.Module, data: Data) -> Answerer:
    confidence, before = (_confidence(each, data.wanted, data.labels) for each in (model, never))
    return Answerer(
        lambda inputs: _predicted(model, inputs), confidence, before, _predicted(never, data.wanted) == data.labels
    )


def _trained(model: nn.Module, never: nn.Module, data: Data, record: Record, task: Task) -> Answerer:
    plain, seconds = _network(model, never, data), float(np.median(list(record.seconds().values())))
    still = float((_predicted(never, data.wanted) == data.labels).mean())
    return Answerer(
        plain.answer, plain.evidence, plain.never, plain.never_right,
        update=_learn_each(model, data, task), deletion=(seconds, still, still),
    )  # fmt: skip


def _learn_each(model: nn.Module, data: Data, task: Task) -> tuple[list[float], list[bool], float, float]:
    """Learn each of the new examples by itself, from the same model; return times, success, change of accuracy, share lost."""
    before, known = _predicted(model, data.tests) == data.test_labels, _predicted(model, data.wanted) == data.labels
    times: list[float] = []
    works: list[bool] = []
    cost: list[float] = []
    lost: list[float] = []
    source = torch.Generator().manual_seed(0)
    for one, label in zip(data.others, data.other_labels, strict=True):
        changed = copy.deepcopy(model)
        begin = time.perf_counter()
        works.append(_learn(changed, one, int(label), data, task, source))
        times.append(time.perf_counter() - begin)
        cost.append(float((_predicted(changed, data.tests) == data.test_labels).mean() - before.mean()))
        lost.append(float((known & (_predicted(changed, data.wanted) != data.labels)).sum() / max(known.sum(), 1)))
    return times, works, float(np.mean(cost)), float(np.mean(lost))


def _learn(model: nn.Module, one: Tensor, label: int, data: Data, task: Task, source: torch.Generator) -> bool:
    """Train on one new example with others from training beside it, until it is right in three updates in a row."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer, rate, decay = (
        Optimizer(weights, task.recipe),
        GOING_ON * _first(task.recipe.learning_rate),
        _first(task.recipe.weight_decay),
    )
    right = 0
    for _ in range(PATIENCE):
        beside = torch.randint(len(data.rest), (task.recipe.batch_size - 1,), generator=source)
        targets = task.learned.to_tensor(np.concatenate([[label], data.rest_labels[beside.numpy()]]))
        model.train()
        task.learned.losses(model(torch.cat([one[None], data.rest[beside]])), targets).mean().backward()
        optimizer.update([rate], [decay])
        model.eval()
        right = right + 1 if int(_predicted(model, one[None])[0]) == label else 0
        if right == 3:
            return True
    return False


def _first(knob: Any) -> float:
    """Return a knob at the start of training: a schedule's first value, and 0 of what a controller turns."""
    value = getattr(knob, "start", knob)
    return float(value) if isinstance(value, float | int) else 0.0


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        parts = [logits(model(some)) for some in inputs.split(AT_ONCE)]
    return torch.cat(parts)


def _predicted(model: nn.Module, inputs: Tensor) -> Int[ndarray, " query"]:
    return _outputs(model, inputs).argmax(1).numpy()


def _confidence(model: nn.Module, inputs: Tensor, labels: Int[ndarray, " query"]) -> Float[ndarray, " query"]:
    """Return the log-odds of the label, by which attacks of the loss rank: high where the model is sure of it."""
    outputs, at = _outputs(model, inputs).double(), torch.from_numpy(labels)[:, None]
    own = outputs.gather(1, at)[:, 0]
    return (own - outputs.scatter(1, at, -torch.inf).logsumexp(1)).numpy()


# --- in a memory


def _flat(inputs: Tensor) -> Tensor:
    return inputs.flatten(1)


@dataclass(frozen=True, eq=False)
class _Embedding:
    """Keys by a network: the input of its last linear layer."""

    model: nn.Module

    def __call__(self, inputs: Tensor) -> Tensor:
        return embedding(self.model, inputs)


def _memory(model: nn.Module, key: Callable[[Tensor], Tensor], data: Data, metric: Metric) -> Answerer:
    """Store the wanted list beside a network that never saw it."""
    keys, values = key(data.wanted), data.labels
    memory = Memory(keys.shape[1], metric=metric)
    memory.add(keys, values)
    memory.calibrate(key(data.rest[:IMPOSTORS]), FALSE_ACCEPT)

    def answer(inputs: Tensor) -> Int[ndarray, " query"]:
        found = memory.look_up(key(inputs))
        answers = found.values[:, 0].astype(np.int64)
        if not found.known.all():
            answers[~found.known] = _predicted(model, inputs[torch.from_numpy(~found.known)])
        return answers

    near = memory.look_up(
        keys, k=2
    ).distances  # its own key, and that of the nearest other: what it would find if it were not stored
    never = _predicted(model, data.wanted) == data.labels
    size, before = memory.bytes / len(memory), (answer(data.tests) == data.test_labels).mean()
    known = answer(data.wanted) == data.labels
    times: list[float] = []
    new = key(data.others)
    for one, label in zip(new, data.other_labels, strict=True):
        begin = time.perf_counter()
        memory.add(one[None], [int(label)])
        times.append(time.perf_counter() - begin)
    works = answer(data.others) == data.other_labels
    cost = float((answer(data.tests) == data.test_labels).mean() - before)
    lost = float((known & (answer(data.wanted) != data.labels)).sum() / max(known.sum(), 1))
    gone = memory.ids[: len(values)]
    begin = time.perf_counter()
    memory.delete(gone[:1])
    seconds = time.perf_counter() - begin
    memory.delete(gone[1:])
    still = float((answer(data.wanted) == data.labels).mean())
    memory.delete(memory.ids)
    memory.add(keys, values)  # as it was, for what is measured next
    return Answerer(
        answer,
        -near[:, 0],
        -near[:, 1],
        never,
        size,
        (times, works.tolist(), cost, lost),
        (seconds, still, float(never.mean())),
    )


# --- changes


def _update(runs: Sequence[Answerer]) -> Change | None:
    found = [each.update for each in runs if each.update is not None]
    if not found:
        return None
    times, works, cost, lost = zip(*found, strict=True)
    return Change(
        Estimate.of_mean([float(np.median(each)) for each in times], "run"), recalled(np.array(works, np.bool_)),
        cost=Estimate.of_mean(cost, "run"), lost=Estimate.of_mean(lost, "run"),
    )  # fmt: skip


def _deletion(runs: Sequence[Answerer]) -> Change | None:
    found = [each.deletion for each in runs if each.deletion is not None]
    if not found:
        return None
    seconds, still, never = (Estimate.of_mean(each, "run") for each in zip(*found, strict=True))
    return Change(seconds, still, never)
