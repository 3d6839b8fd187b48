import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

import byrote.recorder.recorder
import byrote.recorder.step_rows
from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.evidence.evaluate import evaluate
from byrote.record import Record, read_manifest, write_manifest
from byrote.recorder import Recorder, with_ids
from byrote.scores import influence, mean_confidence, memorization
from byrote.task.examples import Examples
from layout import BASE_COLUMNS

N, FEATURES, CLASSES = 23, 4, 3


def data(n: int = N, seed: int = 0) -> tuple[Tensor, Tensor]:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(n, FEATURES, generator=source), torch.randint(0, CLASSES, (n,), generator=source)


def said_of_one(logits: Tensor, label: int) -> dict[str, float]:
    """The six columns of one example, the slow way, in float64."""
    z = [float(value) for value in logits]
    total = sum(np.exp(value) for value in z)
    p = [float(np.exp(value) / total) for value in z]
    rivals = [value for i, value in enumerate(z) if i != label]
    return {
        "loss": -float(np.log(p[label])),
        "margin": z[label] - max(rivals),
        "confidence": p[label],
        "residual": float(np.sqrt(sum((p[i] - (i == label)) ** 2 for i in range(len(z))))),
        "correct": float(z.index(max(z)) == label),
        "prediction": float(z.index(max(z))),
    }


def record_run(
    directory: Path, run: int, steps: int, keep: list[int], *, seed: int = 0
) -> dict[tuple[int, str], tuple[Tensor, int]]:
    """Train on a subset, everyone asked at the end; return what was said, last word of each step."""
    torch.manual_seed(seed)
    inputs, labels = data()
    model = nn.Linear(FEATURES, CLASSES)
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    everyone = with_ids(TensorDataset(inputs, labels), [f"image-{i}" for i in range(N)])
    recorded: dict[tuple[int, str], tuple[Tensor, int]] = {}
    recorder = Recorder(directory, run=run, steps=steps)
    for step in range(1, steps + 1):
        for x, y, ids in DataLoader(Subset(everyone, keep), 4, shuffle=True):
            logits = model(x)
            loss = nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recorder.seen(ids, logits, y)
            recorded |= {
                (step, f"train/{i}"): (z, int(k)) for i, z, k in zip(ids, logits.detach().clone(), y, strict=True)
            }
        if step == steps:
            with torch.no_grad():
                recorder.clean([f"image-{i}" for i in range(N)], model(inputs), labels)
                recorder.clean(range(5), model(inputs[:5]), labels[:5], split="test")
        recorder.end_step(step)
    return recorded


def test_seen_columns_equal_a_slow_loop(tmp_path: Path) -> None:
    keep = [0, 3, 4, 8, 11, 12, 13, 20, 22]
    recorded = record_run(tmp_path, 0, 3, keep)
    record = Record(tmp_path)
    place = {name: i for i, name in enumerate(record.population.ids.tolist())}
    for name in BASE_COLUMNS:
        expected = np.full((3, len(place)), np.nan)
        for (step, example), (logits, label) in recorded.items():
            expected[step - 1, place[example]] = said_of_one(logits, label)[name]
        np.testing.assert_allclose(record.over_steps(0, f"{name}_seen"), expected, rtol=2e-5, atol=1e-6)
    members = record.population.ids[record.member(0)]
    assert sorted(members) == sorted(f"train/image-{i}" for i in keep)


def test_clean_columns_cover_everyone_at_the_last_step_only(tmp_path: Path) -> None:
    record_run(tmp_path, 0, 2, [1, 2, 3])
    record = Record(tmp_path)
    assert record.at_step(0, "correct", 2).dtype == np.bool_
    assert np.isnan(record.at_step(0, "loss", 1)).all()
    assert record.run_settings(0)["key"] == record.manifest["key"]


def test_manifest_says_what_kind_of_audit_it_is(tmp_path: Path) -> None:
    record_run(tmp_path / "mine", 0, 2, [1, 2, 3])
    manifest = Record(tmp_path / "mine").manifest
    assert manifest["task"] == {"name": "mine", "source": "own loop", "classes": ["0", "1", "2"]}
    assert manifest["steps"] == {"unit": "epoch", "last": 2}
    assert (manifest["seed"], manifest["design"], manifest["recipe"], manifest["blocks"]) == (None, "own loop", {}, [])


def test_runs_share_a_directory_and_memorization_reads_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    members, correct = np.zeros((4, N), np.bool_), np.zeros((4, N), np.bool_)
    for run in range(4):
        keep = np.sort(rng.permutation(N)[:14])
        members[run, keep] = True
        record_run(tmp_path, run, 2, keep.tolist(), seed=run)
        correct[run] = Record(tmp_path).at_step(run, "correct", 2)[:N]
    record = Record(tmp_path)
    assert record.runs == (0, 1, 2, 3)
    assert record.population.ids.tolist() == [f"train/image-{i}" for i in range(N)] + [f"test/{i}" for i in range(5)]
    np.testing.assert_array_equal([record.member(run)[:N] for run in range(4)], members)
    values = evaluate(memorization, record)
    for i in range(N):
        inside, outside = correct[members[:, i], i], correct[~members[:, i], i]
        expected = inside.mean() - outside.mean() if len(inside) and len(outside) else np.nan
        np.testing.assert_equal(values.value[i], expected)
    assert np.isnan(values.value[N:]).all()
    assert np.isfinite(evaluate(mean_confidence, record).value[:N][members.any(0)]).all()
    with pytest.raises(ByroteError):
        evaluate(influence, record)


def test_ids_stay_with_their_examples_through_shuffling_and_loader_workers(tmp_path: Path) -> None:
    labels = torch.arange(40) % 7
    inputs = torch.arange(40.0)[:, None] + 100
    recorder = Recorder(tmp_path, steps=1)
    for x, y, ids in DataLoader(with_ids(TensorDataset(inputs, labels)), 6, shuffle=True, num_workers=2):
        recorder.seen(ids, torch.cat([x / 10, torch.zeros(len(x), 6)], 1), y)
    recorder.end_step(1)
    record = Record(tmp_path)
    assert record.population.ids.tolist() == [f"train/{i}" for i in range(40)]
    np.testing.assert_array_equal(record.population.labels, labels)
    expected = [said_of_one(torch.tensor([(100 + i) / 10, 0, 0, 0, 0, 0, 0]), i % 7)["margin"] for i in range(40)]
    np.testing.assert_allclose(record.at_step(0, "margin_seen", 1), expected, rtol=1e-6)


def test_the_last_of_two_presentations_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), torch.tensor([[5.0, 0.0]])
    for run, limit in enumerate((1 << 20, 1)):  # reduced at the end of the step, and after every batch
        monkeypatch.setattr(byrote.recorder.step_rows, "BUFFER_BYTES", limit)
        recorder = Recorder(tmp_path, run=run, steps=1)
        recorder.seen([7, 8, 7], first, [0, 1, 0])
        recorder.seen([8], second, [1])
        recorder.end_step(1)
        assert Record(tmp_path).at_step(run, "margin_seen", 1).tolist() == [3.0, -5.0]


def test_early_reduction_bounds_memory_and_changes_only_rounding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(200, 10, generator=source), torch.randint(0, 10, (200,), generator=source)
    waited: list[int] = []
    for run, limit in enumerate((1 << 20, 1000)):
        monkeypatch.setattr(byrote.recorder.step_rows, "BUFFER_BYTES", limit)
        recorder = Recorder(tmp_path, run=run, steps=1)
        for i in range(0, 200, 20):
            recorder.seen(torch.arange(i, i + 20), logits[i : i + 20], labels[i : i + 20])
            waited.append(recorder._gathered._waiting_bytes)
        recorder.end_step(1)
    assert max(waited[:10]) == 200 * 10 * 4
    assert max(waited[10:]) <= 1000
    for name in BASE_COLUMNS:
        late, early = (Record(tmp_path).at_step(run, f"{name}_seen", 1) for run in (0, 1))
        np.testing.assert_allclose(early, late, rtol=1e-6, atol=1e-6)


def test_logits_may_be_changed_in_place_after_they_were_seen(tmp_path: Path) -> None:
    buffer, ids = torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64)
    labels = torch.zeros(1, dtype=torch.int64)
    recorder = Recorder(tmp_path, steps=1)
    for i in range(3):  # as in a captured graph, whose outputs lie in the same place every time
        buffer[0, 0], ids[0], labels[0] = float(i), i, i % 2
        recorder.seen(ids, buffer, labels)
    recorder.end_step(1)
    assert Record(tmp_path).at_step(0, "margin_seen", 1).tolist() == [0.0, -1.0, 2.0]


def test_logits_of_half_precision_and_inference_mode_are_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=1)
    with torch.inference_mode():
        recorder.seen(np.array(["a"]), torch.tensor([[2.0, 0.5]], dtype=torch.bfloat16), np.array([0]))
    recorder.seen(("b",), torch.tensor([[0.0, 1.0]], dtype=torch.float16, requires_grad=True), [1])
    recorder.end_step(1)
    assert Record(tmp_path).at_step(0, "margin_seen", 1).tolist() == [1.5, 1.0]


def test_ids_are_the_same_as_tensors_arrays_lists_and_strings(tmp_path: Path) -> None:
    far = 90_000  # holes are filled, and some ids lie far away
    steps = ([5, 2, 0], [3, 2, 5], [-1, 2, 5], [-1, -3, far], [4, far, 1])
    forms = (torch.tensor, np.array, list, lambda ids: [str(i) for i in ids])
    for run, form in enumerate(forms):
        recorder = Recorder(tmp_path, run=run, steps=len(steps))
        for number, ids in enumerate(steps, 1):
            recorder.seen(form(ids), torch.tensor([[float(i), 0.0] for i in ids]), [0, 0, 0])
            recorder.end_step(number)
    record = Record(tmp_path)
    assert record.population.ids.tolist() == [f"train/{i}" for i in (0, 1, 2, 3, 4, 5, -1, -3, far)]
    expected = [[i if i in ids else np.nan for i in (0, 1, 2, 3, 4, 5, -1, -3, far)] for ids in steps]
    for run in range(len(forms)):
        np.testing.assert_array_equal(record.over_steps(run, "margin_seen"), expected)


def test_no_id_of_a_user_forges_a_canary(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=1)
    recorder.seen(["canary/noise/3", "../x"], torch.eye(2), [0, 1])
    recorder.clean(["canary/noise/3"], torch.eye(2)[:1], [0], split="test")
    recorder.end_step(1)
    population = Record(tmp_path).population
    assert population.ids.tolist() == ["train/../x", "train/canary/noise/3", "test/canary/noise/3"]
    assert population.split.tolist() == ["train", "train", "test"]
    assert not population.where("canary").any()


LOOP = """
import os, signal, sys
import torch
from byrote.recorder import Recorder

directory, checkpoint, every, killed_after, steps = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
torch.manual_seed(0)
inputs, labels = torch.randn(30, 4), torch.arange(30) % 3
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.9)
start = 0
if os.path.exists(checkpoint):
    saved = torch.load(checkpoint)
    start = saved["epoch"]
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
recorder = Recorder(directory, steps=steps)
for epoch in range(start, steps):
    order = torch.randperm(30, generator=torch.Generator().manual_seed(epoch))[: 20 + epoch]
    for batch in order.split(7):
        logits = model(inputs[batch])
        loss = torch.nn.functional.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorder.seen(batch, logits, labels[batch])
    if epoch + 1 == steps:
        recorder.clean(range(30), model(inputs), labels)
    recorder.end_step(epoch + 1)
    if (epoch + 1) % every == 0:
        torch.save({"epoch": epoch + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, checkpoint)
    if epoch + 1 == killed_after:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def own_loop(directory: Path, checkpoint: Path, *, killed_after: int, steps: int = 9) -> int:
    arguments = [str(directory), str(checkpoint), "5", str(killed_after), str(steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", LOOP, *arguments], env=environment, check=False).returncode


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    assert own_loop(tmp_path / "whole", tmp_path / "w.pt", killed_after=0) == 0
    assert own_loop(tmp_path / "parts", tmp_path / "p.pt", killed_after=7) == -signal.SIGKILL
    scratch = tmp_path / "parts/working/0000"
    assert sorted(path.name for path in scratch.iterdir()) == [f"step-{step:05d}.arrow" for step in range(1, 8)]
    assert not (tmp_path / "parts/runs/0000.parquet").exists()
    assert own_loop(tmp_path / "parts", tmp_path / "p.pt", killed_after=0) == 0
    for name in ("runs/0000.parquet", "examples.parquet"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not scratch.exists()


def step(recorder: Recorder, number: int, value: float = 1.0) -> None:
    recorder.seen([1, 2], torch.tensor([[value, 0.0], [0.0, value]]), [0, 1])
    recorder.end_step(number)


def test_an_earlier_step_replaces_and_drops_later_ones(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=4)
    for number in (1, 2, 3):
        step(recorder, number, float(number))
    step(recorder, 2, 20.0)
    with pytest.raises(ByroteError, match="lacks the steps before it: 3"):
        step(recorder, 4)
    recorder = Recorder(tmp_path, steps=4)
    step(recorder, 3, 30.0)
    step(recorder, 4, 40.0)
    np.testing.assert_array_equal(Record(tmp_path).over_steps(0, "margin_seen"), [[1, 1], [20, 20], [30, 30], [40, 40]])


def test_missing_steps_are_named(tmp_path: Path) -> None:
    with pytest.raises(ByroteError, match="lacks the steps before it: 1, 2, 3, 4, 5 and 3 more") as caught:
        step(Recorder(tmp_path, steps=9), 9)
    assert str(caught.value).count(". ") == 1


def test_a_torn_step_counts_as_missing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=4)
    for number in (1, 2):
        step(recorder, number)
    torn = tmp_path / "working/0000/step-00002.arrow"
    torn.write_bytes(torn.read_bytes()[:200])
    with pytest.raises(ByroteError, match="lacks the steps before it: 2"):
        step(Recorder(tmp_path, steps=4), 3)


def test_a_finished_run_is_neither_continued_nor_overwritten(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=1)
    step(recorder, 1)
    before = (tmp_path / "runs/0000.parquet").read_bytes()
    with pytest.raises(ByroteError, match="Run 0 is complete"):
        step(recorder, 1)
    with pytest.raises(WrongRecord, match="Run 0 is already finished"):
        Recorder(tmp_path, steps=1)
    assert (tmp_path / "runs/0000.parquet").read_bytes() == before


@pytest.mark.slow
def test_two_processes_cannot_record_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"import sys, time; from byrote.recorder import Recorder; r = Recorder({str(tmp_path)!r}, steps=2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        monkeypatch.setattr(byrote.recorder.recorder, "LOCK_SECONDS", 0.1)
        with pytest.raises(ByroteError, match="Another process is recording run 0"):
            Recorder(tmp_path, steps=2)
        Recorder(tmp_path, run=1, steps=2)
        other.kill()
        other.wait()
    Recorder(tmp_path, steps=2)


def test_another_audit_is_refused(tmp_path: Path) -> None:
    step(Recorder(tmp_path, steps=1, classes=("cat", "dog")), 1)
    with pytest.raises(WrongRecord, match="number of steps is 1, not 2"):
        Recorder(tmp_path, run=1, steps=2)
    with pytest.raises(WrongRecord, match=r"classes is \['cat', 'dog'\], not \['dog', 'cat'\]"):
        Recorder(tmp_path, run=1, steps=1, classes=("dog", "cat"))
    with pytest.raises(InvalidData, match="3 columns, but the record has 2 classes"):
        Recorder(tmp_path, run=1, steps=1).seen([1], torch.zeros(1, 3), [0])
    write_manifest(tmp_path, {**read_manifest(tmp_path), "design": "subsets(fraction=0.7)"})
    with pytest.raises(WrongRecord, match="design is 'subsets"):
        Recorder(tmp_path, run=1, steps=1)
    (tmp_path / "record.json").unlink()
    with pytest.raises(WrongRecord, match=r"no record\.json"):
        Recorder(tmp_path, run=1, steps=1)


def test_two_first_runs_at_once_agree_on_the_classes(tmp_path: Path) -> None:
    first, second = Recorder(tmp_path, run=0, steps=2), Recorder(tmp_path, run=1, steps=2)
    step(first, 1)
    second.seen([1], torch.zeros(1, 3), [0])
    with pytest.raises(WrongRecord, match="classes"):
        second.end_step(1)


def test_new_ids_of_a_later_run_are_appended_and_old_runs_stay_readable(tmp_path: Path) -> None:
    for run, ids in enumerate(([10, 9], [2, 9, 11])):
        recorder = Recorder(tmp_path, run=run, steps=1)
        recorder.seen(ids, torch.eye(3)[: len(ids)], [i % 3 for i in ids])
        recorder.end_step(1)
    record = Record(tmp_path)
    assert record.population.ids.tolist() == ["train/9", "train/10", "train/2", "train/11"]
    assert record.population.labels.tolist() == [0, 1, 2, 2]
    assert record.member(0).tolist() == [True, True, False, False]
    np.testing.assert_array_equal(np.isnan(record.at_step(0, "loss_seen", 1)), [False, False, True, True])


@pytest.mark.parametrize("when", ["batch", "step", "resumed step", "run", "at once"])
def test_an_id_has_one_label(tmp_path: Path, when: str) -> None:
    recorder = Recorder(tmp_path, steps=2)
    if when == "batch":
        recorder.seen([5, 5], torch.eye(2), [0, 1])
    else:
        recorder.seen([5], torch.eye(2)[:1], [0])
        if when == "at once":
            other = Recorder(tmp_path, run=1, steps=2)
        recorder.end_step(1)
        if when == "resumed step":
            recorder = Recorder(tmp_path, steps=2)
        if when in ("run", "at once"):
            step(recorder, 2)
            recorder = other if when == "at once" else Recorder(tmp_path, run=1, steps=2)
            recorder.seen([5], torch.eye(2)[:1], [1])
            if when == "at once":
                recorder.end_step(1)
                recorder.seen([5], torch.eye(2)[:1], [1])
        else:
            recorder.seen([5], torch.eye(2)[:1], [1])
    with pytest.raises(InvalidData, match="'train/5' has label"):
        recorder.end_step(2 if when in ("step", "resumed step", "at once") else 1)


def one_step(recorder: Recorder, number: int, ids: Any, logits: Any, labels: Any) -> None:
    recorder.seen(ids, logits, labels)
    recorder.end_step(number)


ONE = torch.zeros(1, 2)


@pytest.mark.parametrize(
    ("ids", "logits", "labels", "told"),
    [
        ([1, 2], ONE, [0], "2 ids, 1 rows of outputs and 1 labels"),
        ([1], ONE, [0, 1], "1 ids, 1 rows of outputs and 2 labels"),
        ([1], ONE[0], [0], "1 ids, 2 rows of outputs and 1 labels"),
        ([1], ONE.long(), [0], "Logits must be a tensor"),
        ([1], [[0.0, 1.0]], [0], "Logits must be a tensor"),
        ([1], ONE, [[0.5, 0.5]], "Labels must be class indices"),
        ([1], ONE, [0.5], "Labels must be class indices"),
        ("a", ONE, [0], "Ids must be a sequence"),
        (7, ONE, [0], "Ids must be a sequence"),
        (torch.tensor([[1]]), ONE, [0], "Ids must be a sequence"),
        (torch.tensor([1.5]), ONE, [0], "Ids must be whole numbers or strings"),
        ([None], ONE, [0], "Ids must be whole numbers or strings"),
        ([True], ONE, [0], "Ids must be whole numbers or strings"),
        ([[1]], ONE, [0], "Ids must be whole numbers or strings"),
        ([1], ONE, [2], "Label 2 of 'train/1' is out of range"),
        ([1], ONE, [-100], "Label -100 of 'train/1' is out of range"),
        ([1], ONE * np.nan, [0], "The outputs of 'train/1' are NaN or infinite"),
        ([1], torch.tensor([[-np.inf, 0.0]]), [0], "The outputs of 'train/1' are NaN or infinite"),
        ([1], ONE + np.inf, [0], "The outputs of 'train/1' are NaN or infinite"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    tmp_path: Path, ids: object, logits: Tensor, labels: object, told: str
) -> None:
    recorder = Recorder(tmp_path, steps=2)
    step(recorder, 1)
    with pytest.raises(InvalidData, match=told) as caught:
        one_step(recorder, 2, ids, logits, labels)
    assert str(caught.value).endswith(".")
    step(Recorder(tmp_path, steps=2), 2)  # and the steps before are not lost


def test_steps_and_runs_are_counted(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="steps=0"):
        Recorder(tmp_path, steps=0)
    with pytest.raises(InvalidData, match="run=-1"):
        Recorder(tmp_path, run=-1, steps=1)
    recorder = Recorder(tmp_path, steps=2)
    with pytest.raises(InvalidData, match="Step 0 was ended, but this run has steps 1 to 2"):
        recorder.end_step(0)
    with pytest.raises(InvalidData, match="Step 3"):
        recorder.end_step(3)
    with pytest.raises(InvalidData, match="Nothing was recorded in step 1"):
        recorder.end_step(1)
    with pytest.raises(ByroteError, match="no split named 'tset'"):
        recorder.clean([1], ONE, [0], split="tset")  # type: ignore[arg-type]


def test_membership_can_be_declared_where_nothing_was_seen(tmp_path: Path) -> None:
    for run in range(2):  # models trained long ago, of which the training sets are known
        recorder = Recorder(tmp_path, run=run, steps=1)
        recorder.clean([1, 2], torch.eye(2), [0, 0], member=np.array([run == 0, run == 1]))
        recorder.clean([3], ONE, [0], member=False)
        recorder.end_step(1)
    record = Record(tmp_path)
    assert [record.member(run).tolist() for run in (0, 1)] == [[True, False, False], [False, True, False]]
    np.testing.assert_array_equal(evaluate(memorization, record).value, [0, 0, np.nan])


def test_declared_membership_is_checked(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, steps=1)
    with pytest.raises(InvalidData, match="Test examples have no `member`"):
        recorder.clean([1], ONE, [0], split="test", member=False)
    for bad in ([True, False], 1, "yes"):
        with pytest.raises(InvalidData, match="`member` is"):
            recorder.clean([1], ONE, [0], member=bad)
    recorder.seen([1], ONE, [0])
    recorder.clean([1], ONE, [0], member=torch.tensor([False]))
    with pytest.raises(InvalidData, match="'train/1' was given to `seen` and then called no member"):
        recorder.end_step(1)


def pictures(n: int, seed: int) -> Examples:
    return Examples(np.random.default_rng(seed).integers(0, 256, (n, 5, 5), np.uint8), np.arange(n) % 2)


def test_given_examples_lend_their_pictures(tmp_path: Path) -> None:
    train, test = pictures(4, 0), pictures(2, 1)
    for run, asked in enumerate(([0, 2], [3, 0])):
        recorder = Recorder(tmp_path, run=run, steps=1, train=train, test=test)
        recorder.seen(asked, torch.eye(2), [i % 2 for i in asked])
        recorder.clean([1], ONE, [1], split="test")
        recorder.end_step(1)
    population = Record(tmp_path).population
    assert population.ids.tolist() == ["train/0", "train/2", "test/1", "train/3"]
    np.testing.assert_array_equal(
        population.inputs, [train.inputs[0], train.inputs[2], test.inputs[1], train.inputs[3]]
    )


def test_given_examples_lend_their_groups_and_vectors(tmp_path: Path) -> None:
    train = Examples(np.arange(6, dtype=np.float32).reshape(3, 2), [0, 1, 0], ["a", "b", "c"], groups=["x", "y", "z"])
    for run, asked in enumerate((["c"], ["a", "c"])):
        recorder = Recorder(tmp_path, run=run, steps=1, train=train)
        recorder.seen(asked, torch.eye(2)[: len(asked)], [0] * len(asked))
        recorder.end_step(1)
    population = Record(tmp_path).population
    assert population.ids.tolist() == ["train/c", "train/a"]
    assert population.groups.tolist() == ["z", "x"]
    np.testing.assert_array_equal(population.inputs, [[4, 5], [0, 1]])


@pytest.mark.parametrize("first", ["shown", "blind"])
def test_two_first_runs_at_once_agree_on_pictures(tmp_path: Path, first: str) -> None:
    shown, blind = Recorder(tmp_path, steps=1, train=pictures(2, 0)), Recorder(tmp_path, run=1, steps=1)
    shown.seen([0, 1], torch.eye(2), [0, 1])
    blind.seen([1, 2], torch.eye(2), [1, 0])
    one, two = (shown, blind) if first == "shown" else (blind, shown)
    one.end_step(1)
    with pytest.raises(InvalidData, match="'train/2'"):
        two.end_step(1)
    assert Record(tmp_path).runs == (one.run,)


def test_pictures_are_of_all_or_of_none(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "some", steps=1, train=pictures(2, 0))
    recorder.seen([5], ONE, [1])
    with pytest.raises(InvalidData, match="'train/5' was recorded, but it is not among the examples"):
        recorder.end_step(1)
    recorder = Recorder(tmp_path / "label", steps=1, train=pictures(2, 0))
    recorder.seen([1], ONE, [0])
    with pytest.raises(InvalidData, match="'train/1' has label 0 here and 1 elsewhere"):
        recorder.end_step(1)
    step_of = Recorder(tmp_path / "shown", steps=1, train=pictures(2, 0))
    step_of.seen([0, 1], torch.eye(2), [0, 1])
    step_of.end_step(1)
    recorder = Recorder(tmp_path / "shown", run=1, steps=1)
    recorder.seen([0, 9], torch.eye(2), [0, 1])
    with pytest.raises(InvalidData, match="'train/9' was recorded, but the record has pictures"):
        recorder.end_step(1)
    step(Recorder(tmp_path / "blind", steps=1), 1)
    with pytest.raises(InvalidData, match="recorded without pictures, such as 'train/2'"):
        Recorder(tmp_path / "blind", run=1, steps=1, train=pictures(2, 0))


def test_without_examples_nothing_is_shown(tmp_path: Path) -> None:
    step(Recorder(tmp_path, steps=1), 1)
    assert Record(tmp_path).population.inputs.shape == (2, 0)


class Stream(IterableDataset[int]):
    def __iter__(self):
        return iter(range(3))


class Bare(Dataset[Tensor]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Tensor:
        return torch.tensor([float(index)])


def test_with_ids_appends_an_id_to_each_item() -> None:
    plain = with_ids(TensorDataset(torch.zeros(3, 1), torch.arange(3)))
    assert [item[-1] for item in (plain[0], plain[2], plain[-1])] == [0, 2, 2]
    assert len(plain[0]) == 3
    assert with_ids(Bare(), ["x", "y", "z"])[1][1] == "y"
    assert type(with_ids(Bare(), torch.tensor([4, 5, 6]))[1][1]) is int
    assert [ids.tolist() for _, ids in DataLoader(with_ids(Bare(), [7, 8, 9]), 2)] == [[7, 8], [9]]


def test_with_ids_refuses_what_it_cannot_name() -> None:
    with pytest.raises(InvalidData, match="Stream has no positions"):
        with_ids(Stream())
    with pytest.raises(InvalidData, match="3 items but 2 ids"):
        with_ids(Bare(), [1, 2])
    with pytest.raises(InvalidData, match="1 ids are used more than once, for example '1'"):
        with_ids(Bare(), [1, "1", 2])
    with pytest.raises(InvalidData, match="whole numbers or strings"):
        with_ids(Bare(), [1.0, 2.0, 3.0])


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ByroteError, match="Cannot write to"):
        Recorder(tmp_path / "file", steps=1)


def test_a_far_place_is_refused_with_what_to_do() -> None:
    with pytest.raises(ByroteError, match=r"cannot write to memory://far/record\. Give it a local directory, and copy"):
        Recorder("memory://far/record", steps=1)
