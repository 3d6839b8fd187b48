"""Objectives in training: what the record says, against NumPy and against a training loop by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

import byrote
from byrote.errors import InvalidData
from byrote.evidence.evaluate import evaluate
from byrote.experiments.removal import remove
from byrote.objectives import Classification, Objective, Regression
from byrote.record import Record
from byrote.record.inputs import describe, kinds
from byrote.scores import memorization
from byrote.task.canaries import Canaries, plant
from byrote.task.designs import halves
from byrote.task.examples import Examples
from byrote.task.fit import Fit
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.engine import Engine
from byrote.training.tensors import to_tensors

N = 48
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N + 12, 5)).astype(np.float32)
NUMBERS = (X @ RNG.normal(size=(5, 2)) * [30, 0.2] + [500, -1] + RNG.normal(size=(N + 12, 2)) * [9, 0.05]).astype(
    np.float32
)
SETS = (NUMBERS.mean(0) < NUMBERS).astype(np.int8)
SGD = Recipe(epochs=3, batch_size=N, optimizer="sgd", learning_rate=0.3, momentum=0.0)
ONE = Compute(workers=1)


def linear(outputs: int) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = nn.Linear(5, outputs)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        return model

    return make


def task(
    labels: Any, outputs: int, objective: Objective | str, *, model: Any = None, test: bool = True, recipe: Recipe = SGD
) -> Task:
    tests = Examples(X[N:], labels[N:]) if test else None
    return Task(model or linear(outputs), Examples(X[:N], labels[:N]), tests, recipe, objective=objective)


def members(record: Record) -> np.ndarray:
    return np.stack([record.member(run) for run in record.runs])


def last(record: Record, column: str) -> np.ndarray:
    return np.stack([record.at_step(run, column, record.last_step) for run in record.runs])


@pytest.mark.parametrize("targets", [NUMBERS, NUMBERS[:, 0]], ids=["two targets", "one target"])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_mean_memorization_of_a_regression_is_the_gap_in_r2(tmp_path: Path, targets: np.ndarray, loss: Any) -> None:
    """From predictions in the units of the targets alone, whatever was trained with."""
    columns = 1 if targets.ndim == 1 else 2
    record = collect(task(targets, columns, Regression(loss)), tmp_path, runs=6, design=halves(), compute=ONE)
    names = ["prediction"] if columns == 1 else ["prediction_0", "prediction_1"]
    train = record.population.split == "train"
    np.testing.assert_array_equal(record.population.labels[train], targets[:N])
    predicted = np.stack([last(record, name)[:, train] for name in names], 2).astype(np.float64)
    truth = targets[:N].reshape(N, columns).astype(np.float64)
    squared = ((predicted - truth) ** 2 / truth.var(0)).mean(2)
    member = members(record)[:, train]
    assert (member.sum(0) == 3).all()
    gap = (1 - squared[member].mean()) - (1 - squared[~member].mean())
    found = evaluate(memorization, record).value[train]
    assert gap > 1e-3
    np.testing.assert_allclose(found.mean(), gap, rtol=1e-4)


def test_mean_memorization_of_several_labels_is_the_gap_in_the_share_right(tmp_path: Path) -> None:
    record = collect(task(SETS, 2, "multilabel"), tmp_path, runs=6, design=halves(), compute=ONE)
    train = record.population.split == "train"
    right = np.stack([last(record, f"correct_{i}")[:, train] for i in range(2)], 2)
    member = members(record)[:, train]
    found = evaluate(memorization, record).value[train]
    np.testing.assert_allclose(found.mean(), right[member].mean() - right[~member].mean(), atol=1e-6)


@pytest.mark.parametrize("is_list", [False, True], ids=["[example, 1]", "[example]"])
def test_one_logit_trains_as_two_of_which_the_first_is_0(tmp_path: Path, is_list: bool) -> None:
    labels = SETS[:, 0].astype(np.int64)
    one = collect(_of_one_logit("list" if is_list else "column", labels), tmp_path / "1", runs=2, compute=ONE)
    two = collect(_of_one_logit("two", labels), tmp_path / "2", runs=2, compute=ONE)
    assert one.classes == two.classes == ("0", "1")
    for column in ("loss", "margin", "confidence", "residual", "correct", "prediction"):
        np.testing.assert_allclose(last(one, column), last(two, column), rtol=1e-5, atol=1e-6, err_msg=column)


class OneLogit(nn.Linear):
    """A linear model of one logit z, which answers `[example]`, `[example, 1]` or (0, z)."""

    def __init__(self, form: str) -> None:
        super().__init__(5, 1)
        self.form = form
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        z = super().forward(input)
        return {"list": z[:, 0], "column": z, "two": torch.cat([torch.zeros_like(z), z], 1)}[self.form]


def _of_one_logit(form: str, labels: np.ndarray) -> Task:
    return Task(lambda: OneLogit(form), Examples(X[:N], labels[:N]), Examples(X[N:], labels[N:]), SGD)


# --- weights


def alone(labels: np.ndarray, keep: np.ndarray, objective: Objective, outputs: int, weights: np.ndarray) -> np.ndarray:
    """Return what full-batch gradient descent by hand on the kept examples gives, as outputs of all."""
    model = linear(outputs)()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    x, y, w = torch.from_numpy(X[:N]), objective.to_tensor(labels[:N]), torch.from_numpy(weights.astype(np.float32))
    for _ in range(3):
        optimizer.zero_grad()
        losses = objective.losses(model(x[keep]), y[keep])
        ((w[keep] * losses).sum() / w[keep].sum()).backward()
        optimizer.step()
    return objective.observe(model(torch.from_numpy(X[:N])).detach(), y)["loss"]


@pytest.mark.parametrize("runs", [1, 3], ids=["alone", "side by side"])
@pytest.mark.parametrize("kind", ["regression", "multilabel", "classification"])
def test_weight_0_is_absence_and_weight_2_is_standing_twice(tmp_path: Path, kind: str, runs: int) -> None:
    labels = {"regression": NUMBERS, "multilabel": SETS, "classification": SETS[:, 0].astype(np.int64)}[kind]
    weights = RNG.integers(0, 3, N)
    given = Task(linear(2), Examples(X[:N], labels[:N], weights=weights), None, SGD, objective=kind)
    record = collect(given, tmp_path, runs=runs, design=halves(), compute=ONE)
    objective = record.objective
    for run in record.runs:
        member = record.member(run)
        twice = np.concatenate([np.flatnonzero(member & (weights >= 1)), np.flatnonzero(member & (weights == 2))])
        expected = alone(labels, twice, objective, 2, np.ones(N))
        found = record.at_step(run, "loss", record.last_step)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(record.population.weights, weights)


def test_class_weights_are_those_of_torch(tmp_path: Path) -> None:
    labels = SETS[:, 0].astype(np.int64)
    record = collect(task(labels, 2, Classification(class_weights=(1.0, 3.0))), tmp_path, runs=1, compute=ONE)
    member = np.flatnonzero(record.member(0))
    model = linear(2)()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    loss = nn.CrossEntropyLoss(torch.tensor([1.0, 3.0]))
    x, y = torch.from_numpy(X[:N]), torch.from_numpy(labels[:N])
    for _ in range(3):
        optimizer.zero_grad()
        loss(model(x[member]), y[member]).backward()
        optimizer.step()
    expected = nn.functional.cross_entropy(model(x), y, reduction="none").detach().numpy()
    np.testing.assert_allclose(record.at_step(0, "loss", 3)[:N], expected, rtol=1e-4, atol=1e-6)


# --- inputs and outputs


class Words(nn.Module):
    """Mean embedding of the words that the mask leaves."""

    def __init__(self, wrap: Callable[[torch.Tensor], Any] = lambda z: z) -> None:
        super().__init__()
        self.embedding, self.last, self.wrap = nn.Embedding(9, 4), nn.Linear(4, 2), wrap

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        assert ids.dtype == torch.int64
        assert mask.dtype == torch.bool
        kept = mask.unsqueeze(-1).float()
        return self.wrap(self.last((self.embedding(ids) * kept).sum(1) / kept.sum(1)))


IDS = RNG.integers(0, 9, (N, 6))
MASK = np.arange(6) < RNG.integers(1, 7, (N, 1))
TEXT = {"ids": IDS, "mask": MASK}
LABELS = (IDS[:, 0] > 4).astype(np.int64)


class Answer(NamedTuple):
    loss: None
    logits: torch.Tensor


def words(
    wrap: Callable[[torch.Tensor], Any] = lambda z: z, output: Any = None, inputs: Any = None, pack: int = 1
) -> Task:
    return Task(
        lambda: Words(wrap), Examples(TEXT if inputs is None else inputs, LABELS), None,
        Recipe(epochs=2, batch_size=8, optimizer="sgd", learning_rate=0.1), output=output,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wrap", "output"),
    [
        (lambda z: {"logits": z, "hidden": z[:, :1]}, "logits"),
        (lambda z: (z[:, :1], z), 1),
        (lambda z: Answer(None, z), "logits"),
    ],
    ids=["dict", "tuple", "object"],
)
def test_every_form_of_inputs_and_outputs_trains_the_same(tmp_path: Path, wrap: Any, output: Any) -> None:
    plain = collect(words(), tmp_path / "plain", runs=2, compute=ONE, canaries=Canaries())
    other = collect(words(wrap, output, (IDS, MASK)), tmp_path / "other", runs=2, compute=ONE, canaries=Canaries())
    np.testing.assert_allclose(last(plain, "loss"), last(other, "loss"), rtol=1e-5, atol=1e-6)
    assert describe(plain.inputs) == "ids: int64 [6], as given; mask: bool [6], as given"
    assert other.manifest["task"]["output"] == output


def hidden(outputs: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, outputs))


@pytest.mark.parametrize("kind", ["words", "one target", "two targets", "multilabel"])
def test_side_by_side_equals_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    given = {
        "words": words(),
        "one target": task(NUMBERS[:, 0], 1, "regression", model=hidden(1)),
        "two targets": task(NUMBERS, 2, "regression", model=hidden(2)),
        "multilabel": task(SETS, 2, "multilabel", model=hidden(2)),
    }[kind]
    records: list[Record] = []
    for pack in (3, 1):
        monkeypatch.setattr("byrote.training.collect.choose", lambda *_, pack=pack, **__: Engine(pack=pack))
        records.append(collect(given, tmp_path / str(pack), runs=3, compute=ONE))
    assert [record.run_settings(0)["pack"] for record in records] == [[0, 1, 2], [0]]
    for column in given.learned.columns():
        packed, alone = (last(record, column) for record in records)
        np.testing.assert_allclose(packed, alone, rtol=1e-4, atol=1e-4, err_msg=column)


def test_a_model_that_returns_more_says_which_part_to_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"'logits'.*output="):
        collect(words(lambda z: {"hidden": z, "logits": z}), tmp_path, runs=1, compute=ONE)
    with pytest.raises(InvalidData, match=r"hidden.*'logit'"):
        collect(words(lambda z: {"hidden": z, "logits": z}, "logit"), tmp_path, runs=1, compute=ONE)


# --- what reaches a model


@pytest.mark.parametrize(
    ("dtype", "shape", "seen"),
    [(kind, (3,), torch.int64) for kind in (np.uint8, np.int8, np.int16, np.int32, np.int64)]
    + [(np.bool_, (3,), torch.bool), (np.float64, (3,), torch.float32), (np.float16, (3,), torch.float32)]
    + [(np.uint8, (3, 2), torch.float32), (np.uint8, (1, 3, 2), torch.float32), (np.int16, (3, 2), torch.int64)],
    ids=str,
)
def test_inputs_reach_a_model_as_they_are_given(dtype: type, shape: tuple[int, ...], seen: torch.dtype) -> None:
    inputs = np.random.default_rng(0).integers(0, 2, (8, *shape)) * 100
    examples = Examples(inputs.astype(dtype), np.arange(8) % 2)
    population = plant(Task(linear(2), examples), Canaries(), 0)
    tensor, _ = to_tensors(population, Classification(2), "cpu")
    given = inputs.astype(dtype).astype(np.float64)
    picture = dtype is np.uint8 and len(shape) > 1
    assert tensor.dtype == seen
    np.testing.assert_allclose(tensor.double().numpy(), given / 255 if picture else given, rtol=1e-6)
    assert describe(kinds(population.inputs)).endswith("divided by 255" if picture else "as given")


# --- a Fit


@pytest.mark.parametrize("targets", [NUMBERS, NUMBERS[:, 0]], ids=["two targets", "one target"])
def test_a_fit_predicts_in_units_of_the_targets(tmp_path: Path, targets: np.ndarray) -> None:
    def fit(train: Examples, seed: int) -> Callable[[np.ndarray], Any]:
        return Ridge(0.1).fit(train.inputs, train.labels).predict

    given = Task(Fit(fit), Examples(X[:N], targets[:N]), Examples(X[N:], targets[N:]), objective="regression")
    record = collect(given, tmp_path, runs=2, compute=ONE)
    member = record.member(0)[:N]
    expected = Ridge(0.1).fit(X[:N][member], targets[:N][member]).predict(X)
    names = ["prediction"] if targets.ndim == 1 else ["prediction_0", "prediction_1"]
    found = np.stack([record.at_step(0, name, 1) for name in names], 1)
    np.testing.assert_allclose(found, expected.reshape(len(X), -1), rtol=1e-4)
    r2 = 1 - ((expected - targets).reshape(len(X), -1) ** 2 / targets[:N].astype(np.float64).var(0)).mean(1)
    np.testing.assert_allclose(record.at_step(0, "r2", 1), r2, rtol=1e-3, atol=1e-3)


def test_a_fit_gives_the_probability_of_each_label(tmp_path: Path) -> None:
    def fit(train: Examples, seed: int) -> Callable[[np.ndarray], Any]:
        share = train.labels.mean(axis=0)
        return lambda inputs: np.tile(share, (len(inputs), 1))

    record = collect(Task(Fit(fit), Examples(X[:N], SETS[:N]), objective="multilabel"), tmp_path, runs=1, compute=ONE)
    share = SETS[:N][record.member(0)].mean(0)
    own = np.where(SETS[:N] == 1, share, 1 - share)
    np.testing.assert_allclose(record.at_step(0, "confidence", 1), own.mean(1), rtol=1e-5)
    np.testing.assert_allclose(record.at_step(0, "loss", 1), -np.log(own).mean(1), rtol=1e-5)


# --- test examples


def test_removal_of_a_regression_measures_r2_of_the_test_examples(tmp_path: Path) -> None:
    given = task(NUMBERS[:, 0], 1, "regression")
    record = collect(given, tmp_path / "record", runs=4, design=halves(), compute=ONE)
    removal = remove(given, record, tmp_path / "removed", shares=(0.2,), seeds=2, compute=ONE)
    nothing = Record(tmp_path / "removed" / "nothing-0")
    test = nothing.population.where("test")
    y = NUMBERS[:, 0].astype(np.float64)
    expected = 1 - ((last(nothing, "prediction")[:, test] - y[N:]) ** 2).mean() / y[:N].var()
    assert removal.accuracy("nothing", 0.0).value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("labels", "outputs", "kind"),
    [(SETS[:, 0], 2, "classification"), (NUMBERS[:, 0], 1, "regression"), (NUMBERS, 2, "regression"),
     (SETS, 2, "multilabel")],
    ids=["classes", "one target", "two targets", "labels"],
)  # fmt: skip
def test_an_audit_without_a_test_set_says_what_is_missing(tmp_path: Path, labels: Any, outputs: int, kind: str) -> None:
    said: list[str] = []
    given = task(labels, outputs, kind, test=False)
    record = byrote.audit(given, tmp_path, runs=4, canaries=Canaries(1, 1, 1), compute=ONE, on_verdict=said.extend)
    assert set(record.population.split) == {"train", "canary"}
    text = " ".join([*said, (tmp_path / "report.html").read_text()]).lower()
    assert "no test" in text or "test set" in text
    assert np.isfinite(evaluate(memorization, record).value[record.population.where("train")]).any()


def test_removal_without_a_test_set_is_refused_and_the_onion_needs_none(tmp_path: Path) -> None:
    given = task(NUMBERS[:, 0], 1, "regression", test=False)
    record = collect(given, tmp_path / "record", runs=4, design=halves(), compute=ONE)
    with pytest.raises(InvalidData, match=r"test examples.*Task\(test=\)"):
        remove(given, record, tmp_path / "removed", seeds=2, compute=ONE)
    assert not (tmp_path / "removed").exists()
    onion = byrote.peel(given, record, tmp_path / "peeled", runs=4, compute=ONE)
    assert np.isfinite(onion.rise.value)
