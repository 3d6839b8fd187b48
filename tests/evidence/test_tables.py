import csv
import io
import json

import numpy as np
import pytest
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.typing import NDArray

import small
from byrote.evidence.evaluate import Values, evaluate, pairs
from byrote.evidence.tables import Row, as_csv, as_json, pair_rows, score_rows
from byrote.record import Record
from byrote.scores import csl, forgetting, influence, mean_confidence, memorization, shrunk_memorization
from byrote.signature import score
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    where = tmp_path_factory.mktemp("audit")
    return collect(small.small_task(3), where, runs=6, canaries=Canaries(4, 4, 4), compute=Compute(workers=1))


def where(record: Record, name: str) -> int:
    return int(np.flatnonzero(record.population.ids == name)[0])


@pytest.mark.parametrize("split", ["train", "test", "canary", "all"])
def test_rows_are_of_the_split_asked_for(record: Record, split: str) -> None:
    rows = score_rows(record, [evaluate(memorization, record)], split=split)
    mask = record.population.where(split)
    assert sorted(row["example"] for row in rows) == sorted(record.population.ids[mask].tolist())
    planted = [row["example"].startswith("canary/") for row in rows]
    assert sum(planted) == {"train": 0, "test": 0, "canary": 12, "all": 12}[split]


def test_a_row_says_what_was_measured(record: Record) -> None:
    scored = [evaluate(memorization, record), evaluate(csl, record)]
    for row in score_rows(record, scored):
        i = where(record, row["example"])
        assert row["label"] == record.classes[record.population.labels[i]]
        assert row["runs in"] == int(scored[0].runs_in[i])
        assert row["runs in"] + row["runs out"] == 6
        for values in scored:
            name = values.score.name
            for cell, exact in ((name, values.value), (f"{name} low", values.low), (f"{name} high", values.high)):
                assert row[cell] == (None if np.isnan(exact[i]) else exact[i])


@pytest.mark.parametrize("first", [memorization, mean_confidence], ids=lambda s: s.name)
def test_the_surely_memorized_by_the_first_score_come_first(record: Record, first: object) -> None:
    scored = [evaluate(s, record) for s in sorted([memorization, mean_confidence], key=lambda s: s is not first)]
    ranking = scored[0].score
    every = score_rows(record, scored)
    end = "low" if ranking.sign > 0 else "high"
    found = [
        (row[f"{ranking.name} {end}"], row[ranking.name]) for row in every if row[f"{ranking.name} {end}"] is not None
    ]
    numbers = [(ranking.sign * sure, ranking.sign * value) for sure, value in found]
    assert numbers == sorted(numbers, reverse=True)
    assert scored[0].sorted_by.startswith(f"the {'lower' if ranking.sign > 0 else 'upper'} end of the 90 % interval")
    assert score_rows(record, scored, top=5) == every[:5]
    in_python = scored[0].ranked(record.population.where("train"))
    assert [row["example"] for row in every] == scored[0].ids[in_python].tolist()


def test_luck_does_not_come_before_evidence(record: Record) -> None:
    n, train = len(record.population), np.flatnonzero(record.population.where("train"))
    value, low, high = np.zeros(n), np.full(n, -0.5), np.full(n, 0.5)
    lucky, sure, unknown, undefined = train[:4]
    value[lucky], low[lucky] = 1.0, -0.2
    value[sure], low[sure] = 0.7, 0.4
    value[unknown], low[unknown] = 1.0, np.nan
    value[undefined], low[undefined] = np.nan, np.nan
    runs = np.ones(n, np.int64)
    values = Values(memorization, record.population.ids, value, low, high, runs, runs)
    order = values.ranked(record.population.where("train"))
    assert list(order[:2]) == [sure, lucky]
    assert list(order[-2:]) == [unknown, undefined]
    shrunk = Values(shrunk_memorization, record.population.ids, value, low, high, runs, runs)
    assert list(shrunk.ranked(record.population.where("train"))[:3]) == [lucky, unknown, sure]
    assert shrunk.sorted_by == "shrunk_memorization, largest first"
    alone = Values(memorization, record.population.ids, value, value * np.nan, value * np.nan, runs, runs)
    assert alone.sorted_by == "memorization, largest first"


def brute_force(record: Record, targets: str, top: int) -> list[tuple[str, str, float]]:
    population = record.population
    train, asked = np.flatnonzero(population.where("train")), np.flatnonzero(population.where(targets))
    ((_, value, _, _),) = pairs(influence, record, asked)
    found = [
        (str(population.ids[i]), str(population.ids[j]), float(value[i, k]))
        for i in train
        for k, j in enumerate(asked)
        if i != j and not np.isnan(value[i, k])
    ]
    return sorted(found, key=lambda pair: -pair[2])[:top]


@pytest.mark.parametrize("targets", ["test", "train", "canary"])
@pytest.mark.parametrize("top", [1, 20, 100_000])
def test_pairs_are_the_largest_of_all(record: Record, targets: str, top: int) -> None:
    rows, expected = pair_rows(record, influence, targets=targets, top=top), brute_force(record, targets, top)
    assert [row["influence"] for row in rows] == pytest.approx([value for *_, value in expected])
    worth = {(example, target): value for example, target, value in brute_force(record, targets, 10**6)}
    for row in rows:
        assert row["influence"] == pytest.approx(worth[row["example"], row["target"]])
        assert row["example"].startswith("train/")
        assert row["influence low"] <= row["influence"] <= row["influence high"]
    assert len({(row["example"], row["target"]) for row in rows}) == len(rows) == len(expected)


@score(high="helps")
def together(
    correct: Bool[ndarray, "run target"], member: Bool[ndarray, "run example"]
) -> Float[ndarray, "example target"]:
    """Share of the runs in which one was in and the other right; it has no interval."""
    return (member.T.astype(float) @ correct) / len(member)


def test_pairs_without_an_interval_leave_it_open(record: Record) -> None:
    rows = pair_rows(record, together, top=3)
    assert all(row["together low"] is None and row["together high"] is None for row in rows)
    assert json.loads(as_json(rows)) == rows


def undefined(record: Record) -> list[Row]:
    """One row each of a number, an infinity, a negative infinity and nothing."""
    n = len(record.population)
    value: NDArray[np.float64] = np.full(n, np.nan)
    train = np.flatnonzero(record.population.where("train"))
    value[train[:3]] = [0.1, np.inf, -np.inf]
    runs = np.ones(n, np.int64)
    return score_rows(record, [Values(forgetting, record.population.ids, value, value, value, runs, runs)], top=4)


def test_json_is_read_back(record: Record) -> None:
    text = as_json(undefined(record))
    back = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert [row["forgetting"] for row in back] == ["inf", 0.1, "-inf", None]
    assert [row["runs in"] for row in back] == [1] * 4
    assert as_json([]) == "[]\n"


def test_csv_is_read_back(record: Record) -> None:
    rows = undefined(record)
    back = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [row["forgetting"] for row in back] == ["inf", "0.1", "-inf", ""]
    assert list(back[0]) == list(rows[0])
    commas = score_rows(record, [evaluate(mean_confidence.bind(until=2), record)], top=2)
    assert "mean_confidence(until=2) low" in next(csv.DictReader(io.StringIO(as_csv(commas))))
