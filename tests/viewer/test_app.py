"""What the pages are told is what the library says: the same numbers, in the same order, under the same names."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from byrote.errors import WrongRecord
from byrote.evidence.evaluate import evaluate
from byrote.experiments.compare_audits import compare_audits
from byrote.explain import explain
from byrote.findings.comparison import change_rows, example_rows
from byrote.findings.findings import findings
from byrote.record import Record, write_population
from byrote.report.kept_verdict import keep_verdict
from byrote.report.sections.summary import tiles
from byrote.scores import c_score, mean_confidence, memorization
from byrote.viewer.opening import open_all
from viewer.served import Served, served


def rows(viewer: Served, number: int = 1, **given: object) -> dict[str, object]:
    return viewer.get(f"/api/rows/{number}?{urlencode({'columns': 'memorization', 'count': 500, **given})}")


def test_the_overview_has_the_numbers_of_the_report(viewer: Served, record: Record) -> None:
    kinds = [(each["kind"], each["page"]) for each in viewer.get("/api/open")]
    assert kinds == [("audit", True), ("audit", True), ("language", False)]
    found = findings(record)
    expected = tiles(found.accuracies, found.memorized.mean, found.words)  # type: ignore[union-attr]
    shown = viewer.get("/api/numbers/1")["tiles"]
    assert [(each["name"], each["value"], each["range"]) for each in shown] == [
        (each.name, each.value, each.interval) for each in expected
    ]
    assert "gives back 100" in viewer.get("/api/numbers/3")["sentences"][0]


def test_rows_are_in_the_order_of_a_score_with_undefined_last(viewer: Served, record: Record) -> None:
    for score in (memorization, mean_confidence):
        values = evaluate(score, record)
        train = np.flatnonzero(record.population.where("train"))
        expected = values.ids[train[np.argsort(-score.sign * values.value[train], kind="stable")]].tolist()
        found = rows(viewer, sort=str(score))
        assert [row["id"] for row in found["rows"]] == expected
        turned = [row["id"] for row in rows(viewer, sort=str(score), turned=1)["rows"]]
        known = np.isfinite(values.value[record.population.where("train")]).sum()
        first = dict(zip(values.ids.tolist(), values.value, strict=True))
        ends = [score.sign * first[name] for name in turned[:known]]
        assert ends == sorted(ends)
        surest = values.ids[values.ranked(record.population.where("train"))].tolist()
        assert [row["id"] for row in rows(viewer, sort=str(score), surely=1)["rows"]] == surest
    values = evaluate(memorization, record)
    for row in rows(viewer)["rows"]:
        size = [values.value[row["at"]], values.low[row["at"]], values.high[row["at"]]]
        assert np.allclose([np.nan if each is None else each for each in row["scores"]["memorization"]], size, 1e-5, equal_nan=True)  # fmt: skip


def test_pages_of_rows_are_parts_of_the_whole(viewer: Served) -> None:
    whole = [row["id"] for row in rows(viewer, sort="loss")["rows"]]
    parts = [
        row["id"] for start in range(0, 240, 50) for row in rows(viewer, sort="loss", start=start, count=50)["rows"]
    ]
    assert parts == whole
    assert rows(viewer, start=10_000)["rows"] == []


def test_filters_leave_what_they_say(viewer: Served, record: Record) -> None:
    population = record.population
    label = rows(viewer, label=2)
    assert label["total"] == int((population.labels[population.where("train")] == 2).sum())
    some = rows(viewer, text="TRAIN/1")["rows"]
    assert {row["id"] for row in some} == {n for n in population.ids.tolist() if n.startswith("train/1")}
    assert rows(viewer, split="canary")["total"] == int(population.where("canary").sum())
    assert rows(viewer, text="no such id")["total"] == 0
    viewer.get("/api/causes/1")
    chosen = rows(viewer, cause="label suspect")["rows"]
    at = np.array([row["at"] for row in chosen])
    assert len(at) > 3
    assert {each.cause for each in explain(record, at)} == {"label suspect"}


def test_a_sentence_and_no_trace_for_what_is_not_there(viewer: Served) -> None:
    for path, said in [
        ("/api/rows/9", "No audit with the number 9 is open"),
        ("/api/rows/3", "No audit with the number 3"),
        ("/api/rows/x", "is no number of an audit"),
        ("/api/rows/1?sort=memorisation", "Did you mean 'memorization'?"),
        ("/api/rows/1?split=training", "Did you mean 'train'?"),
        ("/api/rows/1?count=501", "from 0 to 500"),
        ("/api/curve/1?at=100000", "is no example"),
        ("/api/find/1?id=train/nobody", "no example 'train/nobody'"),
        ("/api/passages/1", "No language with the number 1"),
    ]:
        status, text, _ = viewer.ask(path)
        assert status == 409, path
        assert said in json.loads(text)["error"]


def test_an_example_is_followed_through_scores_steps_and_other_audits(viewer: Served, record: Record) -> None:
    at = int(evaluate(memorization, record).ranked(record.population.where("train"))[0])
    name = str(record.population.ids[at])
    found = viewer.get(f"/api/score/1?at={at}&name=memorization")
    member = np.array([record.member(run)[at] for run in record.runs])
    assert (found["runsIn"], found["runsOut"]) == (member.sum(), (~member).sum())
    curve = viewer.get(f"/api/curve/1?at={at}")
    ends = np.array([record.at_step(run, "confidence", record.last_step)[at] for run in record.runs])
    assert curve["trained"][-1][0] == pytest.approx(ends[member].mean(), rel=1e-5)
    assert curve["leftOut"][-1][0] == pytest.approx(ends[~member].mean(), rel=1e-5)
    assert len(curve["trained"]) == record.last_step
    assert curve["leftOut"][0][0] is None
    (other,) = viewer.get(f"/api/elsewhere/1?at={at}")
    assert (other["number"], other["reason"]) == (2, "")
    (own,) = explain(record, np.array([at]))
    beside = viewer.get(f"/api/neighbours/1?at={at}")
    assert (beside["id"], beside["cause"]) == (name, own.cause)
    assert [each["id"] for each in beside["neighbours"]] == [each.id for each in own.neighbours]


def test_two_audits_are_compared_as_the_verb_does(viewer: Served, directories: list[Path]) -> None:
    expected = compare_audits(directories[0], directories[1])
    found = viewer.get("/api/change/1/2?count=50")
    assert [row["id"] for row in found["rows"]] == [row["id"] for row in example_rows(expected)[:50]]
    assert [row["measure"] for row in found["measures"]] == [row["measure"] for row in change_rows(expected)]
    assert found["measures"][0]["change"] == pytest.approx(change_rows(expected)[0]["change"])
    both = viewer.get("/api/both/1/2?name=memorization")
    fine = np.isfinite(expected.examples.before) & np.isfinite(expected.examples.after)
    assert both["examples"] == sum(n for _, _, n, _ in both["points"]) == fine.sum()


def test_scores_that_no_example_of_a_split_has_are_named(viewer: Served, record: Record) -> None:
    columns = "memorization\nmean_confidence\nc_score"
    viewer.get("/api/causes/1")
    train, test = (rows(viewer, split=split, columns=columns) for split in ("train", "test"))
    assert (train["empty"], train["hasCauses"]) == ([], True)
    values = {
        str(score): evaluate(score, record).value[record.population.where("test")]
        for score in (memorization, mean_confidence, c_score)
    }
    expected = [name for name, each in values.items() if np.isnan(each).all()]
    assert (test["empty"], test["hasCauses"]) == (expected, False)
    assert 0 < len(expected) < 3


def test_audits_of_other_data_with_the_same_ids_are_not_compared(directories: list[Path], tmp_path: Path) -> None:
    other, own = tmp_path / "other", Record(directories[0])
    shutil.copytree(directories[0], other)
    write_population(other, own.population.with_inputs(255 - own.population.inputs))
    with served([directories[0], other]) as viewer:
        status, text, _ = viewer.ask("/api/change/1/2")
        assert status == 409
        assert "about other data" in json.loads(text)["error"]
        (found,) = viewer.get("/api/elsewhere/1?at=0")
        assert (found["size"], found["reason"]) == (None, "another example has this id there")


def test_passages_are_those_of_the_language_report(viewer: Served) -> None:
    found = viewer.get("/api/passages/3")
    text = "".join(text for text, _, _ in found["passages"][0]["tokens"])
    assert len(text) == 16
    assert any("<b>" in "".join(each[0] for each in one["tokens"]) for one in found["passages"])
    assert {token[1] is None for token in found["passages"][0]["tokens"]} == {True, False}


def test_a_record_that_grows_or_goes_away_is_said(directories: list[Path], record: Record, tmp_path: Path) -> None:
    growing = tmp_path / "growing"
    shutil.copytree(directories[0], growing)
    last = sorted((growing / "runs").iterdir())[-1]
    kept = last.read_bytes()
    last.unlink()
    with served([growing]) as viewer:
        before = viewer.get("/api/audit/1")["runs"]
        last.write_bytes(kept)
        assert viewer.get("/api/rows/1?sort=memorization")["total"] == int(record.population.where("train").sum())
        assert viewer.get("/api/audit/1")["runs"] == before + 1
        last.write_bytes(kept[:1000])
        shutil.copy(last, growing / "runs" / "0099.parquet")
        status, text, _ = viewer.ask("/api/audit/1")
        assert (status, "Traceback" in text) == (409, False)
        shutil.rmtree(growing)
        for path in ("/api/audit/1", "/api/rows/1?sort=loss", "/api/numbers/1"):
            status, text, _ = viewer.ask(path)
            assert status == 409
            assert "no longer there" in json.loads(text)["error"]
        assert viewer.ask("/report/1")[0] == 404


def test_a_comparison_opens_with_its_sentences_and_its_audits(directories: list[Path], tmp_path: Path) -> None:
    whole = tmp_path / "comparison"
    shutil.copytree(directories[1], whole / "unchanged")
    (whole / "comparison.json").write_text(json.dumps({"arms": {"unchanged": "unchanged task <b>"}}))
    keep_verdict(whole, "comparison", "mine", ["Nothing is shown."])
    first, part = open_all([whole])
    assert (first.kind, first.name, first.parts, first.verdict.sentences) == ("comparison", "mine", (2,), ("Nothing is shown.",))  # type: ignore[union-attr]  # fmt: skip
    assert (part.kind, part.name, part.whole) == ("audit", "unchanged task <b>", 1)


def test_a_directory_with_nothing_to_look_at_is_refused(directories: list[Path], tmp_path: Path) -> None:
    with pytest.raises(WrongRecord, match="Did you mean"):
        open_all([directories[0].parent])
    with pytest.raises(WrongRecord, match="Did you mean 'whole'"):
        open_all([directories[0].parent / "wole"])
