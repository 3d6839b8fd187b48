"""Doubtful labels in the formats of other tools, and decisions that come back."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image

from byrote.cli import app
from byrote.controls import drop, relabel
from byrote.errors import ByroteError, InvalidData, Unsupported
from byrote.explain.class_probabilities import class_probabilities
from byrote.explain.relabel import Suggestion, is_issue, suggestions
from byrote.integrations import cleanlab as to_cleanlab
from byrote.integrations import fiftyone as to_fiftyone
from byrote.integrations import label_studio as to_label_studio
from byrote.integrations.label_studio_decisions import read_decisions, write_decisions
from byrote.record import Record
from byrote.record.cells import Cell, spell_days
from byrote.record.display import Display
from byrote.record.population import Population
from small_record import task as small_task

Tasks = list[dict[str, Any]]


@pytest.fixture(scope="module")
def found(record: Record) -> list[Suggestion]:
    return [each for each in suggestions(record) if isinstance(each, Suggestion)]


@pytest.fixture(scope="module")
def exported(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("label studio") / "sus pects"
    to_label_studio.export(record, folder)
    return folder


@pytest.fixture
def tasks(exported: Path) -> Tasks:
    return json.loads((exported / "tasks.json").read_text())


def answered(task: dict[str, Any], *choices: tuple[str, str], **about: Any) -> dict[str, Any]:
    """Return an annotation as Label Studio exports it."""
    result = [
        {"id": "x", "from_name": name, "to_name": "example", "type": "choices", "origin": "manual", "value": {"choices": [choice]}}
        for name, choice in choices
    ]  # fmt: skip
    return {"id": 7, "completed_by": 1, "was_cancelled": False, "result": result, "lead_time": 2.5, **about}


def annotated(path: Path, tasks: Tasks, *annotations: list[dict[str, Any]]) -> Path:
    given = [
        {"id": at, **task, "annotations": each} for at, (task, each) in enumerate(zip(tasks, annotations, strict=False))
    ]
    path.write_text(json.dumps(given))
    return path


@pytest.mark.filterwarnings("ignore")
def test_the_table_is_what_datalab_says(record: Record, tmp_path: Path) -> None:
    datalab = pytest.importorskip("cleanlab").Datalab
    assert to_cleanlab.export(record, tmp_path / "issues.parquet") == int(record.population.where("train").sum())
    ours = pq.read_table(tmp_path / "issues.parquet").to_pandas()
    train = np.flatnonzero(record.population.where("train"))
    labels = [record.classes[label] for label in record.population.labels[train]]
    order = np.argsort(record.classes)  # Datalab sorts the classes by name
    lab = datalab({"label": labels}, label_name="label", verbosity=0)
    lab.find_issues(pred_probs=class_probabilities(record, train)[:, order], issue_types={"label": {}})
    theirs = lab.get_issues("label")
    ours = ours.set_index("example").loc[record.population.ids[train]].reset_index()
    assert ours["given_class"].tolist() == theirs["given_label"].tolist()
    assert ours["given_label"].tolist() == record.population.labels[train].tolist()
    np.testing.assert_allclose(ours["label_quality"], theirs["label_score"], rtol=1e-5)
    assert (ours["is_label_issue"] & theirs["is_label_issue"]).sum() >= 0.8 * ours["is_label_issue"].sum() > 0


def test_csv_and_parquet_say_the_same_and_other_endings_are_refused(record: Record, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    for ending in ("csv", "parquet"):
        assert to_cleanlab.export(record, tmp_path / f"issues.{ending}", top=9) == 9
    (tmp_path / "mine.csv").write_text("example,label\n1,2\n")
    with pytest.raises(InvalidData, match="not overwritten"):
        to_cleanlab.export(record, tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").read_text() == "example,label\n1,2\n"
    left, right = pandas.read_csv(tmp_path / "issues.csv"), pandas.read_parquet(tmp_path / "issues.parquet")
    pandas.testing.assert_frame_equal(left, right, check_dtype=False)
    with pytest.raises(InvalidData, match=r"'\.xlsx'"):
        to_cleanlab.export(record, tmp_path / "issues.xlsx")


def test_fiftyone_gets_pictures_and_its_own_mistakenness(
    record: Record, found: list[Suggestion], tmp_path: Path
) -> None:
    folder = tmp_path / "suspects"
    assert to_fiftyone.export(record, folder, top=30) == 30
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    about = json.loads((folder / "metadata.json").read_text())
    assert "version" not in about, "with one, FiftyOne would migrate a database of that version"
    assert about["info"]["default_classes"] == list(record.classes)
    for sample, each in zip(samples, found, strict=False):
        with Image.open(folder / sample["filepath"]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), record.population.inputs[each.position])
        assert sample["example"] == each.id
        assert sample["ground_truth"] == {"_cls": "Classification", "label": record.classes[each.given_label]}
        assert ("label issue" in sample["tags"]) == each.is_label_issue
        sign = 1 if sample["predictions"]["label"] != sample["ground_truth"]["label"] else -1
        assert sample["mistakenness"] == pytest.approx((1 + sign * sample["predictions"]["confidence"]) / 2)
        low, value, high = (sample[f"shrunk_memorization{end}"] for end in ("_low", "", "_high"))
        assert low <= value <= high
        assert sample["models"] == each.models


def test_an_earlier_export_is_replaced_and_nothing_else_is(record: Record, tmp_path: Path) -> None:
    folder, mine, verb = tmp_path / "suspects", tmp_path / "mine", CliRunner()
    given = ["export", str(record.directory), "--out", str(folder), "--to"]
    first, second = (verb.invoke(app, [*given, "label-studio", *more]) for more in ((), ("--top", "2")))
    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    assert "in place of the earlier export" not in first.stderr
    assert "2 examples written" in second.stderr
    assert "in place of the earlier export there" in second.stderr
    tasks = json.loads((folder / "tasks.json").read_text())
    assert len(tasks) == 2
    names = [task["data"]["image"].rpartition("/")[2] for task in tasks]
    assert all((folder / "images" / name).is_file() for name in names)
    with pytest.raises(InvalidData, match="holds an export to label-studio"):
        to_fiftyone.export(record, folder)
    mine.mkdir()
    (mine / "samples.json").write_text("{}")
    with pytest.raises(InvalidData, match="no export of byrote"):
        to_fiftyone.export(record, mine)
    assert (mine / "samples.json").read_text() == "{}"
    (folder / "tasks.json").unlink()
    (folder / "tasks.json").symlink_to(mine / "samples.json")
    with pytest.raises(InvalidData, match="symbolic links"):
        to_label_studio.export(record, folder)
    mark = json.loads((folder / "byrote.json").read_text())
    (folder / "byrote.json").write_text(json.dumps({**mark, "ids": "others"}))
    with pytest.raises(InvalidData, match="an export of other examples"):
        to_label_studio.export(record, folder)


def test_the_table_for_cleanlab_is_that_of_relabel(record: Record, tmp_path: Path) -> None:
    verb, paths = CliRunner(), [tmp_path / name for name in ("issues.csv", "fixes.csv")]
    commands = (
        ["export", str(record.directory), "--to", "cleanlab", "--out", str(paths[0])],
        ["relabel", str(record.directory), "--csv", str(paths[1])],
    )
    for command in (*commands, commands[1]):
        result = verb.invoke(app, command)
        assert result.exit_code == 0, result.output
    assert "The earlier table there was replaced" in result.stderr
    assert paths[0].read_bytes() == paths[1].read_bytes()
    own, issues = small_task(), {each.id for each in suggestions(record) if is_issue(each)}
    assert {f"train/{name}" for name in drop(paths[0]).change(own).excluded} == issues
    assert (relabel(paths[0]).change(own).train.labels != own.train.labels).any()
    (tmp_path / "data.csv").write_text("label,text\n")
    refused = verb.invoke(app, [*commands[1][:-1], str(tmp_path / "data.csv")])
    assert isinstance(refused.exception, InvalidData)


def test_label_studio_gets_the_label_issues_with_predictions(
    record: Record, found: list[Suggestion], exported: Path, tasks: Tasks
) -> None:
    issues = [each for each in found if each.is_label_issue]
    assert [task["data"]["example_id"] for task in tasks] == [each.id for each in issues]
    interface = ElementTree.parse(exported / "config.xml").getroot()
    questions = {each.get("name"): [choice.get("value") for choice in each] for each in interface.iter("Choices")}
    assert questions == {"label": list(record.classes), "decision": ["leave out"]}
    (shown,) = interface.iter("Image")
    assert shown.get("value") == "$image"
    for task, each in zip(tasks, issues, strict=True):
        (prediction,) = task["predictions"]
        assert prediction["score"] == each.agreement
        (region,) = prediction["result"]
        assert region["value"] == {"choices": [record.classes[each.predicted_label or 0]]}
        assert (region["from_name"], region["to_name"]) == ("label", shown.get("name"))
        prefix, _, name = task["data"]["image"].rpartition("/")
        assert prefix == "/data/local-files/?d=sus%20pects/images"
        assert (exported / "images" / name).is_file()


def test_decisions_come_back_as_files_for_relabel_and_drop(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    first, second, third, fourth = tasks[:4]
    export = annotated(
        tmp_path / "export.json",
        tasks,
        [answered(first, ("label", first["data"]["predicted_label"]))],
        [answered(second, ("label", second["data"]["given_label"]))] * 2,
        [answered(third, ("decision", "leave out"))],
        [answered(fourth, ("label", record.classes[0])), answered(fourth, ("label", record.classes[1]))],
        [answered(tasks[4], ("label", record.classes[0]), was_cancelled=True)],
    )
    out = tmp_path / "decisions"
    result = CliRunner().invoke(app, ["import", str(record.directory), str(export), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "1 label changed, 1 found right, 1 example left out, 2 undecided" in result.stderr
    own = small_task()
    new = relabel(out / "relabel.csv").change(own)
    (at,) = np.flatnonzero(new.train.labels != own.train.labels)
    assert f"train/{own.train.ids[at]}" == first["data"]["example_id"]
    assert record.classes[new.train.labels[at]] == first["data"]["predicted_label"]
    (gone,) = drop(out / "drop.csv").change(own).excluded
    assert f"train/{gone}" == third["data"]["example_id"]


def test_a_second_import_says_what_changes_and_keeps_the_rest(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    verb, out, names = CliRunner(), tmp_path / "decisions", [task["data"]["example_id"] for task in tasks]

    def imported(*annotations: list[dict[str, Any]], of: Tasks = tasks) -> Any:
        export = annotated(tmp_path / "export.json", of, *annotations)
        return verb.invoke(app, ["import", str(record.directory), str(export), "--out", str(out)])

    def files() -> list[str]:
        return [(out / name).read_text() for name in ("relabel.csv", "drop.csv")]

    leave = [answered(tasks[0], ("decision", "leave out"))]
    right = [answered(tasks[1], ("label", tasks[1]["data"]["given_label"]))]
    proposed = [answered(tasks[2], ("label", tasks[2]["data"]["predicted_label"]))]
    first = imported(leave, right, proposed)
    assert "imported there before" not in first.stderr
    strange = [answered(tasks[3], ("label", "nord\x1b")), answered(tasks[3], ("label", "north"))]
    second = imported(right, right, strange, leave, of=[tasks[0], tasks[1], tasks[3], tasks[4]])
    assert second.exit_code == 0, second.output
    assert "1 new, 1 changed, 1 the same, 0 withdrawn; 1 earlier decision about other examples kept" in second.stderr
    assert f"  {names[3]}: nord\\x1b" in second.stderr
    after = files()
    assert after[1].split() == ["example", names[4]]
    assert {line.split(",")[0] for line in after[0].splitlines()[1:]} == set(names[:3])
    taken_back = imported([{**leave[0], "was_cancelled": True}], [], of=[tasks[4], tasks[2]])
    assert (
        "0 new, 0 changed, 0 the same, 2 withdrawn; 2 earlier decisions about other examples kept" in taken_back.stderr
    )
    assert files()[1].split() == ["example"]
    assert {line.split(",")[0] for line in files()[0].splitlines()[1:]} == set(names[:2])
    imported(proposed, strange, leave, of=[tasks[2], tasks[3], tasks[4]])
    assert [sorted(each.splitlines()) for each in files()] == [sorted(each.splitlines()) for each in after]
    only_strange = CliRunner().invoke(
        app,
        [
            "import",
            str(record.directory),
            str(annotated(tmp_path / "e.json", [tasks[3]], strange)),
            "--out",
            str(tmp_path / "none"),
        ],
    )
    assert isinstance(only_strange.exception, ByroteError)
    (out / "drop.csv").write_text("id\nmy own\n")
    refused = imported(leave, of=[tasks[2]])
    assert "was not written by `byrote import`" in str(refused.exception)
    assert files()[1] == "id\nmy own\n"
    assert sorted(files()[0].splitlines()) == sorted(after[0].splitlines())


def test_the_folder_that_the_viewer_writes_is_refused(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    path = annotated(tmp_path / "export.json", tasks, [answered(tasks[0], ("decision", "leave out"))])
    with pytest.raises(InvalidData, match="byrote view"):
        write_decisions(record, read_decisions(record, path), f"{record.directory}/decisions")


def test_the_python_of_the_page(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "exports.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    path = annotated(tmp_path / "decided.json", tasks, [answered(tasks[0], ("decision", "leave out"))])
    write_decisions(record, read_decisions(record, path), tmp_path / "decisions")
    given: dict[str, Any] = {"record": record, "task": small_task()}
    with contextlib.chdir(tmp_path):
        for block in blocks:
            exec(compile(block, "docs/exports.md", "exec"), given)  # noqa: S102 - our own page
    assert {"issues.parquet", "suspects", "to_decide"} <= {each.name for each in tmp_path.iterdir()}
    assert len(json.loads((tmp_path / "to_decide" / "tasks.json").read_text())) == 50
    assert len(given["decided"].excluded) == len(given["task"].excluded) + 1


def test_no_decisions_change_nothing(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    export = annotated(tmp_path / "export.json", tasks, [], [answered(tasks[1])])
    found = read_decisions(record, export)
    assert (found.labels, found.left_out, len(found.undecided)) == ({}, (), 2)
    paths = write_decisions(record, found, tmp_path).paths
    assert (relabel(paths[0]).change(small_task()).train.labels == small_task().train.labels).all()
    assert drop(paths[1]).change(small_task()).excluded == small_task().excluded
    result = CliRunner().invoke(app, ["import", str(record.directory), str(export), "--out", str(tmp_path / "new")])
    assert isinstance(result.exception, ByroteError)
    assert not (tmp_path / "new").exists()


def test_what_is_no_export_of_these_tasks_is_refused(record: Record, tasks: Tasks, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    data = tasks[0]["data"]
    for text, says in (
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        (json.dumps([{"id": 1, **data, "label": "north"}]), "not as JSON-MIN"),
        (json.dumps([{"data": {"example_id": "train/no"}, "annotations": []}]), "'train/no'"),
    ):
        path.write_text(text)
        with pytest.raises(InvalidData, match=says):
            read_decisions(record, path)
    hostile = [{"result": [3, {"from_name": "label"}, {"from_name": "label", "value": [1]}]}, {"result": 9}]
    path.write_text(json.dumps([{"data": data, "annotations": hostile}]))
    assert read_decisions(record, path).undecided == (data["example_id"],)


@pytest.mark.parametrize("kind", ["table", "signal", "text"])
def test_rows_signals_and_texts_are_shown_as_they_are(
    record: Record, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    population, n = record.population, len(record.population)
    values = np.arange(n * 6, dtype=np.float32).reshape(n, 6)
    day = Cell("day", "date", 1, offset=20_000 - 1)
    cells = (Cell("a", "number", 0), day, *(Cell(name, "number", 2 + at) for at, name in enumerate("cdef")))
    names = ("a", "b") if kind == "signal" else ("a", "b", "c", "d", "e", "f")
    other = Record(record.directory)
    monkeypatch.setattr(
        other,
        "population",
        Population.of(
            population.ids, population.split, population.labels, values, canary=population.canary,
            display=Display(kind, () if kind == "text" else names, (2, 3) if kind == "signal" else (6,), cells=cells if kind == "table" else ()),
            read_texts=lambda: [f"text {at}" for at in range(n)] if kind == "text" else None,
        ),
    )  # fmt: skip
    to_label_studio.export(other, tmp_path / "suspects", top=2)
    first = json.loads((tmp_path / "suspects" / "tasks.json").read_text())[0]["data"]
    at = population.ids.tolist().index(first["example_id"])
    row = [str(at * 6 + i) for i in range(6)]
    expected = {
        "table": {each.name: spell_days(at * 6 + 20_000) if each is day else row[each.at] for each in cells},
        "signal": {"time": [0, 1, 2], "a": [*map(float, row[:3])], "b": [*map(float, row[3:])]},
        "text": f"text {at}",
    }
    assert first[kind] == expected[kind]
    root = ElementTree.parse(tmp_path / "suspects" / "config.xml").getroot()
    assert [each.get("column") for each in root.iter("Channel")] == (["a", "b"] if kind == "signal" else [])
    assert not (tmp_path / "suspects" / "images").exists()
    with pytest.raises(Unsupported, match="cleanlab or label-studio"):
        to_fiftyone.export(other, tmp_path / "pictures")
