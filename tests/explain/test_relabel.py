import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.errors import InvalidData, MissingEvidence
from byrote.evidence.tables import as_csv
from byrote.explain.causes import AGREEMENT, FEWEST_MODELS
from byrote.explain.noise_floor import beyond_noise
from byrote.explain.relabel import (
    FDR,
    Suggestion,
    check_issues,
    issue_noise,
    suggestion_rows,
    suggestions,
)
from byrote.record import Observed, Population, Record, Step, run_path, write_manifest, write_population, write_run
from byrote.task.apply_labels import apply_labels, undo_labels
from layout import BASE_COLUMNS, LAYOUT, MANIFEST, run_settings


@pytest.fixture(scope="module")
def found(record: Record) -> list[Suggestion]:
    return suggestions(record)


def write(record: Record, found: list[Suggestion], path: Path, **changes: dict[str, object]) -> Path:
    rows = [{**row, **changes.get(row["example"], {})} for row in suggestion_rows(record, found)]
    path.write_text(as_csv(rows))
    return path


def looked_at(found: list[Suggestion]) -> dict[str, dict[str, object]]:
    """Return the changes of a user who looked at every label issue, and found it right."""
    return {each.id: {"is_beyond_noise": True} for each in found if each.is_label_issue}


def test_every_real_training_example_has_one_row_worst_first(record: Record, found: list[Suggestion]) -> None:
    assert {each.position for each in found} == set(np.flatnonzero(record.population.where("train")))
    quality = [each.label_quality for each in found]
    order = [(not each.is_beyond_noise, not each.is_label_issue, each.label_quality) for each in found]
    assert order == sorted(order)
    assert 0 <= min(quality) <= max(quality) <= 1


def test_only_models_that_never_saw_it_speak(record: Record, found: list[Suggestion]) -> None:
    last = record.last_step
    for each in found[::9]:
        out = [run for run in record.runs if not record.member(run)[each.position]]
        said = Counter(int(record.at_step(run, "prediction", last)[each.position]) for run in out)
        losses = [float(record.at_step(run, "loss", last)[each.position]) for run in out]
        assert each.models == len(out)
        assert each.label_quality == pytest.approx(np.mean(np.exp(-np.array(losses))), rel=1e-6)
        assert said[each.predicted_label] == max(said.values())
        assert each.agreement == pytest.approx(max(said.values()) / len(out))
        assert each.is_label_issue == (
            each.predicted_label != each.given_label and each.agreement >= AGREEMENT and len(out) >= FEWEST_MODELS
        )


def test_planted_wrong_labels_are_issues_with_the_true_label(record: Record) -> None:
    """One in twelve of the labels was wrong before, so that some proposals and some accusations only seem false."""
    population = record.population
    wrong = suggestions(record, np.flatnonzero(population.canary == "mislabeled"))
    right = suggestions(record, np.flatnonzero(population.canary == "ordinary"))
    known = check_issues(record)
    assert (known.wrong, known.right) == (len(wrong), len(right)) == (12, 12)
    assert known.found == sum(each.is_label_issue for each in wrong) >= 0.7 * known.wrong
    assert known.accused == sum(each.is_label_issue for each in right) <= 0.2 * known.right
    assert 0.8 * known.found <= known.proposed <= known.found
    assert np.mean([e.label_quality for e in wrong]) < np.mean([e.label_quality for e in right]) - 0.5


def test_test_examples_are_judged_by_every_run(record: Record) -> None:
    test = suggestions(record, np.flatnonzero(record.population.where("test")))
    assert {each.models for each in test} == {len(record.runs)}


def test_applying_then_undoing_gives_the_labels_back(record: Record, found: list[Suggestion], tmp_path: Path) -> None:
    path = write(record, found, tmp_path / "labels.csv", **looked_at(found))
    train = record.population.where("train")
    ids = [name.removeprefix("train/") for name in record.population.ids[train]]
    labels = record.population.labels[train]
    changed = apply_labels(labels, ids, path)
    at = {each.id.removeprefix("train/"): each for each in found}
    for name, old, new in zip(ids, labels, changed, strict=True):
        assert new == (at[name].predicted_label if at[name].is_label_issue else old)
    assert (changed != labels).sum() == sum(each.is_label_issue for each in found) > 5
    np.testing.assert_array_equal(undo_labels(changed, ids, path), labels)
    np.testing.assert_array_equal(labels, record.population.labels[train])
    for call, given in ((apply_labels, changed), (undo_labels, labels)):
        with pytest.raises(InvalidData, match=r"expects label \d of .* applied \(or undone\) already"):
            call(given, ids, path)
    np.testing.assert_array_equal(apply_labels(labels, ids, path, split="test"), labels)


def test_a_review_in_the_file_is_obeyed(record: Record, found: list[Suggestion], tmp_path: Path) -> None:
    issues = [each for each in found if each.is_label_issue]
    refused, corrected = issues[0], issues[1]
    path = write(
        record,
        found,
        tmp_path / "labels.csv",
        **{
            refused.id: {"is_label_issue": False},
            corrected.id: {"predicted_label": 3, "is_beyond_noise": True},
            **{each.id: {"is_beyond_noise": True} for each in issues[2:]},
        },
    )
    labels = record.population.labels
    changed = apply_labels(labels, [name.removeprefix("train/") for name in record.population.ids], path)
    assert changed[refused.position] == labels[refused.position]
    assert changed[corrected.position] == 3


def test_only_the_list_beyond_noise_is_applied_and_the_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    head = "example,is_label_issue,is_beyond_noise,given_label,predicted_label\n"
    path.write_text(head + "a,True,True,0,1\nb,True,False,0,1\nc,True,,0,1\nd,False,True,0,1\ne,True,False,0,1\n")
    ids = ["a", "b", "c", "d", "e"]
    with pytest.warns(UserWarning, match=r"2 label issues of .*no more than noise.*Set is_beyond_noise to True"):
        changed = apply_labels([0] * 5, ids, path)
    assert changed.tolist() == [1, 0, 1, 0, 0]
    assert undo_labels(changed, ids, path).tolist() == [0] * 5
    path.write_text(head + "a,True,maybe,0,1\n")
    with pytest.raises(InvalidData, match="'maybe' as is_beyond_noise"):
        apply_labels([0], ["a"], path)


def test_the_rows_beyond_noise_are_the_list_at_the_false_discovery_rate(
    record: Record, found: list[Suggestion]
) -> None:
    altered = np.array([each.probability_altered for each in found])
    issue = np.array([each.is_label_issue for each in found])
    listed = beyond_noise(np.nan_to_num(altered), issue & ~np.isnan(altered), fdr=FDR)
    assert [each.is_beyond_noise for each in found] == listed.tolist()
    rows = suggestion_rows(record, found)
    assert [row["is_beyond_noise"] for row in rows] == [each.is_beyond_noise for each in found]
    counted = issue_noise(found)
    assert counted is not None
    assert counted.beyond == sum(bool(each.is_beyond_noise) for each in found)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    head = "example,is_label_issue,given_label,predicted_label\n"
    for text, told in (
        ("example,given_label\n", "lacks the columns is_label_issue, predicted_label"),
        (
            head + "train/a,True,0,1\nz/1.png,True,0,1\ntrain/y,True,0,1\ntrain/x,False,0,1\n",
            "2 of 3 rows to be applied are about no known example: .*line 3, is about 'z/1.png', which is not among the ids",
        ),
        (head + "train/a,True,0,1\ntrain/a,True,1,2\n", "line 3, is a second row for 'a'"),
        (head + "train/a,True,0,\n", "has labels '0' and ''"),
        (head + "a,1,1,0\n", "expects label 1 of 'a', but it is 0. The file was applied"),
        (head.replace(",", ";") + "a;True;0;1\n", "has semicolons between its columns.*Save it with commas"),
        (head.replace(",", "\t") + "a\tTrue\t0\t1\n", "has tabs between its columns"),
    ):
        path.write_text(text)
        with pytest.raises(InvalidData, match=told):
            apply_labels([0, 1], ["a", "b"], path)
    path.write_text(head)
    with pytest.raises(InvalidData, match=r"2 different ids but labels of shape \(3,\)"):
        apply_labels([0, 1, 1], ["a", "b", "b"], path)


def test_ids_of_a_record_are_answered_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("example,is_label_issue,given_label,predicted_label\ntrain/a,True,0,1\n")
    with pytest.raises(InvalidData, match=r"2 of the 2 ids .* begin with 'train/'.*name\.removeprefix\('train/'\)"):
        apply_labels([0, 1], ["train/a", "train/b"], path)


def test_what_a_spreadsheet_or_table_library_saves_is_applied(tmp_path: Path) -> None:
    """A mark before the first column, and whole numbers with a point, as a table with gaps has them."""
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffexample,is_label_issue,given_label,predicted_label\na,True,0,1.0\n", encoding="utf-8")
    assert apply_labels([0, 1], ["a", "b"], path).tolist() == [1, 1]


def test_ids_with_slashes_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "example,is_label_issue,given_label,predicted_label\ncats/1.png,True,0,1\ntrain/dogs/2.png,True,0,2\n"
    )
    assert apply_labels([0, 0, 0], ["cats/1.png", "dogs/2.png", "3"], path).tolist() == [1, 2, 0]


def test_the_columns_are_those_of_cleanlab(record: Record, found: list[Suggestion], tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(write(record, found, tmp_path / "labels.csv").read_text())))
    assert {"is_label_issue", "label_quality", "given_label", "predicted_label"} <= set(rows[0])
    assert {row["is_label_issue"] for row in rows} == {"True", "False"}


def test_nobody_asked_is_undefined(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = np.ones(len(record.population), np.bool_)
    alone = Record(record.directory)
    some = everyone.copy()
    some[1:] = False
    monkeypatch.setattr(alone, "member", lambda run: some)
    hidden, seen = suggestions(alone, np.array([0, 1]))[::-1]
    assert (hidden.predicted_label, hidden.is_label_issue, hidden.models) == (None, False, 0)
    assert np.isnan(hidden.label_quality)
    assert seen.models == len(record.runs)
    assert suggestion_rows(alone, [hidden])[0]["label_quality"] is None
    monkeypatch.setattr(alone, "member", lambda run: everyone)
    with pytest.raises(MissingEvidence, match="that the run was not trained on"):
        suggestions(alone)
    assert suggestions(alone, np.zeros(0, np.int64)) == []


def test_without_losses_the_quality_is_the_share_of_votes(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Record(record.directory)
    read = bare.at_step
    monkeypatch.setattr(
        bare, "at_step", lambda run, column, step: read(run, column, step) * (np.nan if column == "loss" else 1)
    )
    for each in suggestions(bare)[::15]:
        out = [run for run in record.runs if not record.member(run)[each.position]]
        votes = [record.at_step(run, "correct", record.last_step)[each.position] for run in out]
        assert each.label_quality == pytest.approx(np.mean(votes))


def test_cleanlab_agrees(record: Record) -> None:
    """Confident learning on the same cross-fitted votes: the same quality, and mostly the same issues."""
    rank = pytest.importorskip("cleanlab.rank")
    filters = pytest.importorskip("cleanlab.filter")
    train = np.flatnonzero(record.population.where("train"))
    found = {each.position: each for each in suggestions(record, train)}
    votes = np.zeros((len(train), len(record.classes)))
    for run in record.runs:
        said = record.at_step(run, "prediction", record.last_step)[train]
        out = ~record.member(run)[train]
        votes[np.flatnonzero(out), said[out]] += 1
    votes /= votes.sum(axis=1, keepdims=True)
    labels = record.population.labels[train]
    theirs = rank.get_label_quality_scores(labels, votes)
    ours = np.array([found[int(at)].label_quality for at in train])
    assert np.corrcoef(theirs, ours)[0, 1] > 0.9
    issues = filters.find_label_issues(labels, votes, n_jobs=1)
    mine = np.array([found[int(at)].is_label_issue for at in train])
    assert (issues & mine).sum() >= 0.8 * mine.sum()


def test_the_command_writes_the_file_and_shows_the_issues(
    record: Record, found: list[Suggestion], tmp_path: Path
) -> None:
    path = tmp_path / "new" / "labels.csv"
    result = CliRunner().invoke(app, ["relabel", str(record.directory), "--csv", str(path)])
    assert result.exit_code == 0, result.output
    assert path.read_text() == as_csv(suggestion_rows(record, found))
    issues = [each for each in found if each.is_label_issue]
    assert issues[0].id in result.stdout
    assert (
        f"{len(issues)} of {len(found)} labels that could be judged contradict what the other examples say"
        in result.stderr
    )
    assert "If no label had been altered, about" in result.stderr
    assert "On the test images of MNIST, 15 %" in result.stderr
    assert "of 12 planted wrong labels" in result.stderr
    assert f"written: {path} (the folder {tmp_path / 'new'} was not there, and was made)" in result.stderr
    assert "could not be judged" not in result.stderr
    assert "were not looked at here: --split test." in result.stderr
    assert (
        "24 examples of your train data were taken as canaries, which check this audit, and have no row (train/"
        in result.stderr
    )


def test_the_command_says_that_nobody_could_be_judged(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of five folds: each example is left out at most once, so the rule of three models can judge nobody."""
    few = record.population.where("all")
    monkeypatch.setattr(Record, "member", lambda self, run: np.full(len(few), run > 0))
    result = CliRunner().invoke(app, ["relabel", str(record.directory), "--top", "3"])
    assert result.exit_code == 0, result.output
    assert "Not judged: no example was left out of more than 1 run, and 3 models" in result.stderr
    assert "contradict what" not in result.stderr
    worst = suggestions(Record(record.directory))[0]
    assert worst.models == 1
    assert worst.id in result.stdout
    assert result.output.index("Not judged") < result.output.index(worst.id), "said before the rows"


def test_the_command_says_how_many_could_not_be_judged(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    member, judged = Record.member, np.flatnonzero(record.population.where("train"))[5:]

    def always_on_the_first_five(self: Record, run: int) -> np.ndarray:
        found = np.ones(len(self.population), np.bool_)
        found[judged] = member(self, run)[judged]
        return found

    monkeypatch.setattr(Record, "member", always_on_the_first_five)
    result = CliRunner().invoke(app, ["relabel", str(record.directory)])
    assert f" of {len(judged)} labels that could be judged contradict" in result.stderr
    assert "5 examples could not be judged: fewer than 3 runs left them out." in result.stderr
    assert result.stderr.index("could not be judged") < result.stderr.index("that could be judged contradict")


def test_two_models_are_too_few_to_call_a_label_wrong(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Record(record.directory)
    monkeypatch.setattr(few, "member", lambda run: np.full(len(record.population), run > 1))
    found = suggestions(few)
    assert {each.models for each in found} == {2}
    assert any(each.predicted_label != each.given_label and each.agreement == 1 for each in found)
    assert not any(each.is_label_issue for each in found)


def sure_of_all_but_five(where: Path) -> Record:
    """Write 8 runs on halves of 300 examples of two classes: every model is sure, and only five labels contradict them."""
    n, runs, rng = 300, 8, np.random.default_rng(0)
    true = np.arange(n) % 2
    labels = np.where(np.arange(n) < 5, 1 - true, true)
    population = Population.of(
        np.array([f"train/{at}" for at in range(n)]), np.full(n, "train"), labels, np.zeros((n, 0), np.float32)
    )
    where.mkdir()
    write_population(where, population)
    body = {"task": {"name": "sure", "classes": ["a", "b"], "model": "m"}, "recipe": {}, "key": "", "blocks": [runs]}
    write_manifest(where, {**MANIFEST, **body, "steps": {"unit": "epoch", "last": 1}})
    for run in range(runs):
        member = (np.arange(n) // 2 + run) % 2 == 0
        chosen = rng.normal(8, 1, n)  # log-odds of the class that is predicted
        predicted = np.where(member, labels, true)
        margin = np.where(predicted == labels, chosen, -chosen)
        loss = np.logaddexp(0, -margin)
        known = {
            "loss": loss,
            "margin": margin,
            "confidence": np.exp(-loss),
            "correct": predicted == labels,
            "prediction": predicted,
        }
        values = {name: known.get(name, np.zeros(n)) for name in BASE_COLUMNS}
        typed = {name: values[name].astype(kind.to_pandas_dtype()) for name, kind in BASE_COLUMNS.items()}
        observed = Observed(np.arange(n), typed)
        write_run(run_path(where, run), [Step(1, observed, None)], member, population.ids, run_settings(run), LAYOUT)
    return Record(where)


def test_where_nothing_tells_altered_labels_from_noise_no_probability_is_given(tmp_path: Path) -> None:
    """Zero would say that five labels which all models contradict are surely right."""
    record = sure_of_all_but_five(tmp_path / "sure")
    found = suggestions(record)
    first = found[:5]
    assert {each.id for each in first} == {f"train/{at}" for at in range(5)}
    assert all(each.is_label_issue and np.isnan(each.probability_altered) for each in first)
    assert not any(each.is_beyond_noise for each in found)
    counted = issue_noise(found)
    assert counted is not None
    assert (counted.issues, counted.beyond) == (5, 0)
    assert np.isnan(counted.by_noise)
    said = CliRunner().invoke(app, ["relabel", str(record.directory)]).output
    assert "cannot be told" in said
    assert "would be expected" not in said
    assert "probability_altered " not in said.splitlines()[1]
