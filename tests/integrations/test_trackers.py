"""What MLflow and TensorBoard hold afterwards is what the report says; both are the real libraries."""

import contextlib
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.errors import ByroteError, InvalidData
from byrote.evidence.certainty import Certainty
from byrote.evidence.evaluate import evaluate
from byrote.findings.accuracy import read_accuracies
from byrote.integrations import mlflow as to_mlflow
from byrote.integrations import tensorboard as to_tensorboard
from byrote.integrations.tracked import Tracked, slug, tracked
from byrote.record import Record
from byrote.report.numbers import percent, text
from byrote.scores import shrunk_memorization
from byrote.stats.estimate import Estimate
from byrote.summaries import forecast
from byrote.training.progress import Progress
from small import small_task

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

MEMBER = np.arange(16)[:, None] % 2 == np.arange(40) % 2
COUNTED = forecast(MEMBER | (np.arange(40) % 3 == 0), MEMBER)
KNOWN = Certainty(16, Estimate(0.9, 0.8, 0.95, 40, "example"), COUNTED)
PAGE = Path(__file__).parents[2] / "docs" / "trackers.md"

STAGES = (
    Progress(1, 9, 0, 3),
    Progress(3, 9, 1, 3, finished=(0,)),
    Progress(6, 9, 2, 3, finished=(1,), certainty=KNOWN),
    Progress(0, 0, 0, 0, stage="measuring"),
)


@pytest.fixture(scope="module")
def found(record: Record) -> Tracked:
    return tracked(record)


@pytest.fixture(autouse=True)
def once(record: Record, found: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the record once for all tests of this module."""
    for module in (to_mlflow, to_tensorboard):
        monkeypatch.setattr(module, "tracked", lambda given: found if given is record else tracked(given))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An SQLite store that MLflow is set to, with its artifacts beside it."""
    mlflow = pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("mlflow")
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{folder}/mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        mlflow.MlflowClient(tracking_uri=uri).create_experiment("byrote", f"file://{folder}/artifacts")
    yield uri
    mlflow.set_tracking_uri(before)


def test_numbers_are_those_of_the_report_with_their_ends(record: Record, found: Tracked) -> None:
    held_out = read_accuracies(record).held_out
    assert isinstance(held_out, Estimate)
    ends = [found.numbers[f"accuracy/held_out{end}"] for end in ("", "_low", "_high")]
    assert ends == [held_out.value, held_out.low, held_out.high]
    assert all(np.isfinite(value) for value in found.numbers.values())
    names = [*found.numbers, *found.curves, *found.settings]
    assert [name for name in names if name != slug(name)] == []
    assert slug("R² (mean)/a,b") == "R2_mean/a_b"


def test_a_number_of_the_verdict_has_its_name_in_the_tracker(record: Record, found: Tracked) -> None:
    """`0.99 [0.96, 0.99] by shrunk_memorization and 0.96 [0.90, 0.98] by mean_confidence in one run`, name by name."""
    (check,) = (each for each in found.sentences if each.startswith("Check on"))
    quoted = re.findall(r"(\S+ \[\S+\s\S+\]) by (\w+(?: in one run)?)", check)
    assert [name for _, name in quoted] == ["shrunk_memorization", "mean_confidence in one run"]
    for said, name in quoted:
        ends = [found.numbers[slug(f"wrong labels found/AUROC by {name}{end}")] for end in ("", "_low", "_high")]
        assert said == text(Estimate(*ends, 1, "example"))
    of_kind = evaluate(shrunk_memorization, record).value[record.population.canary == "noise"]
    assert found.numbers["canaries/shrunk_memorization_of_noise"] == pytest.approx(np.nanmean(of_kind))
    found_by_chance = [each for each in found.numbers if "membership_shuffled" in each]
    assert f"shuffled, the strongest finds {percent(found.numbers[found_by_chance[0]])}" in " ".join(found.sentences)


def test_memorization_by_epoch_is_that_of_the_canaries_that_the_run_may_read(record: Record, found: Tracked) -> None:
    of_runs = [
        record.scalar(run, "canary_correct_in") - record.scalar(run, "canary_correct_out") for run in record.runs
    ]
    curve = found.curves["by_epoch/memorization_of_canaries"]
    assert list(curve) == list(range(1, record.last_step + 1))
    np.testing.assert_allclose(list(curve.values()), np.mean(of_runs, axis=0))
    assert curve[record.last_step] > curve[1]
    assert "by_epoch/learning_rate_low" not in found.curves, "a knob that is the same in all runs has no interval"


def test_mlflow_has_it_all(record: Record, found: Tracked, store: str) -> None:
    result = CliRunner().invoke(app, ["log", str(record.directory), "--to", "mlflow", "--at", store])
    assert result.exit_code == 0, result.output
    client = sys.modules["mlflow"].MlflowClient(tracking_uri=store)
    (run,) = client.search_runs([client.get_experiment_by_name("byrote").experiment_id])
    assert run.info.run_id in result.stderr
    assert run.info.status == "FINISHED"
    assert {name: run.data.metrics[name] for name in found.numbers} == found.numbers
    assert run.data.params == found.settings
    points = client.get_metric_history(run.info.run_id, "by_epoch/memorization_of_canaries")
    assert {each.step: each.value for each in points} == found.curves["by_epoch/memorization_of_canaries"]
    report = client.download_artifacts(run.info.run_id, "report.html")
    assert Path(report).read_bytes() == (record.directory / "report.html").read_bytes()


@pytest.mark.pages
def test_the_python_of_the_page(store: str, tmp_path: Path) -> None:
    mlflow: Any = sys.modules["mlflow"]
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("byrote")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    given: dict[str, Any] = {"task": small_task(epochs=1, n=40)}
    with contextlib.chdir(tmp_path):
        for block in blocks:
            fewer = block.replace("runs=20", "runs=4")  # which one process trains
            exec(compile(fewer, "docs/trackers.md", "exec"), given)  # noqa: S102 - our own page
    assert list((tmp_path / "runs" / "mine").glob("events.*"))
    client = mlflow.MlflowClient()
    newest, *_ = client.search_runs([client.get_experiment_by_name("byrote").experiment_id])
    finished = client.get_metric_history(newest.info.run_id, "progress/runs")
    assert [each.step for each in finished] == sorted({each.step for each in finished})
    assert newest.data.metrics["progress/runs"] == newest.data.metrics["audit/runs"] == 4
    errors = client.get_metric_history(newest.info.run_id, "memorization/median_standard_error")
    assert errors[-1].step == 4
    assert mlflow.active_run() is None, "the run is ended by its owner, not before"
    with pytest.raises(InvalidData, match="No MLflow run is active"):
        to_mlflow.progress()


def test_a_store_that_mlflow_gave_up_is_refused(record: Record, store: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"sqlite:///mlflow\.db"):
        to_mlflow.log(record, store=str(tmp_path / "mlruns"))


def test_tensorboard_has_it_all(record: Record, found: Tracked, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    where = tmp_path / "runs"
    watch = to_tensorboard.progress(where)
    for now in STAGES:
        watch(now)
    result = CliRunner().invoke(app, ["log", str(record.directory), "--to", "tensorboard", "--at", str(where)])
    assert result.exit_code == 0, result.output
    events = accumulator.EventAccumulator(str(where), size_guidance={"scalars": 0})
    events.Reload()
    assert {"progress/runs", *found.numbers, *found.curves} == set(events.Tags()["scalars"])
    for name, value in found.numbers.items():
        last = events.Scalars(name)[-1]
        assert (last.step, last.value) == (len(record.runs), pytest.approx(value, rel=1e-6))
    curve = found.curves["by_epoch/memorization_of_canaries"]
    steps = events.Scalars("by_epoch/memorization_of_canaries")
    assert [each.step for each in steps] == list(curve)
    assert [each.value for each in steps] == pytest.approx(list(curve.values()), rel=1e-6)
    text = events.Tensors("verdict/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert found.sentences[0] in text
    assert str(record.directory / "report.html") in text
    layout = events.Tensors("custom_scalars__config__")[-1].tensor_proto.string_val[0].decode("latin-1")
    assert "by_epoch/memorization_of_canaries_low" in layout


@pytest.mark.parametrize(("module", "extra"), [("mlflow", "mlflow"), ("torch.utils.tensorboard", "tensorboard")])
def test_what_to_install(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ByroteError, match=rf"byrote\[{extra}\]"):
        to_mlflow.log(record) if extra == "mlflow" else to_tensorboard.log(record, tmp_path)
