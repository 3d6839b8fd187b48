"""Estimators of real libraries as tasks: what a run predicts is what they predict when one calls them by hand."""

import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import byrote
from byrote.errors import InvalidData
from byrote.inputs.estimators import estimator_task
from byrote.task.examples import Examples
from byrote.task.fit import Fit, fit_digest
from byrote.task.task import Task
from byrote.training.progress import Progress, Watcher

pytest.importorskip("sklearn")
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 4)).astype(np.float32)
Y = np.array(["no", "so so", "yes"])[RNG.integers(0, 3, N)]


def learned(task: Task, train: Examples, seed: int = 1) -> Any:
    assert isinstance(task.model, Fit)
    return task.model.function(train, seed)


def test_a_fifth_of_each_class_is_held_out_and_ids_are_rows() -> None:
    task = estimator_task(LogisticRegression(), X, Y)
    assert task.classes == ("no", "so so", "yes")
    assert task.name == "logisticregression"
    assert task.test is not None
    held = task.test.ids.astype(int)
    assert sorted([*held, *task.train.ids.astype(int)]) == list(range(N))
    for name in task.classes:
        assert abs((Y[held] == name).sum() - 0.2 * (name == Y).sum()) < 1
    np.testing.assert_array_equal(task.test.inputs, X[held])
    again = estimator_task(LogisticRegression(C=0.5), X, Y)
    assert again.test is not None
    assert set(again.test.ids) == set(task.test.ids)
    named = estimator_task(LogisticRegression(), pd.DataFrame(X, index=[f"r{at}" for at in range(N)]), pd.Series(Y))
    assert named.train.ids[0].startswith("r")
    own = estimator_task(LogisticRegression(), X[:40], Y[:40], X[40:], Y[40:])
    assert own.test is not None
    assert (len(own.train), len(own.test)) == (40, 20)


def test_whole_numbers_and_whole_floats_are_classes_as_in_a_table() -> None:
    codes = RNG.integers(0, 30, N)
    for labels in (codes, codes.astype(np.float64), codes > 3):
        assert len(estimator_task(LogisticRegression(), X, labels).classes) == len(np.unique(labels))


def test_a_pipeline_over_a_frame_gets_the_frame() -> None:
    frame = pd.DataFrame({"size": X[:, 0], "place": RNG.choice(["Bern", "Genf", "Zug"], N), "since": pd.Timestamp("2020-01-01")})  # fmt: skip
    frame.loc[3, "place"] = None
    columns = make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(handle_unknown="ignore"), ["place"]))
    pipeline = make_pipeline(columns, LogisticRegression())
    task = estimator_task(pipeline, frame, Y)
    rows = task.train.ids.astype(int)[:30]
    found = learned(task, task.train[np.arange(30)])(task.train.inputs)
    by_hand = pipeline.fit(frame.iloc[rows], Y[rows]).predict_proba(frame.iloc[task.train.ids.astype(int)])
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)


def test_texts_are_read_by_a_vectorizer() -> None:
    texts = [f"{'bad' if y == 'no' else 'good'} film number {at % 7}" for at, y in enumerate(Y)]
    task = estimator_task(make_pipeline(CountVectorizer(), MultinomialNB()), texts, Y)
    assert task.train.display.kind == "text"
    assert task.train.show is not None
    assert task.train.show(task.train.inputs[0]) == texts[int(task.train.ids[0])]
    found = learned(task, task.train)(task.train.inputs)
    assert ((found[:, 0] > 0.5) == (task.train.labels == 0)).mean() > 0.9


def test_a_class_that_a_run_lacks_has_its_place() -> None:
    there = np.flatnonzero(Y != "so so")
    for estimator in (LogisticRegression(), RidgeClassifier(), VotingClassifier([("one", LogisticRegression())])):
        task = estimator_task(estimator, X, Y, X, Y)
        found = learned(task, task.train[there])(X)
        model = estimator.fit(X[there], Y[there])
        assert found.shape == (N, 3)
        np.testing.assert_array_equal(np.array(task.classes)[found.argmax(1)], model.predict(X))
        least = 1e-7 if found.min() >= 0 else np.inf
        assert (found[:, 1] <= least).all()
        assert (found[:, 1] < found[:, [0, 2]].max(1)).all()
    assert isinstance(estimator_task(RidgeClassifier(), X, Y).model, Fit)


def test_two_classes_of_a_decision_function_are_logits() -> None:
    y = Y == "yes"
    task = estimator_task(RidgeClassifier(), X, y, X, y)
    assert isinstance(task.model, Fit)
    assert task.model.outputs == "logits"
    assert task.classes == ("False", "True")
    found = learned(task, task.train)(X)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], RidgeClassifier().fit(X, y).decision_function(X), rtol=1e-5)


def test_random_states_come_from_the_seed_and_no_state_of_the_user_changes() -> None:
    task = estimator_task(RandomForestClassifier(5, random_state=7, n_jobs=-1), X, Y)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the one that must not change
    one, same, other = (learned(task, task.train, seed)(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert isinstance(task.model, Fit)
    again = estimator_task(RandomForestClassifier(5, random_state=7, n_jobs=-1), X, Y).model
    deeper = estimator_task(RandomForestClassifier(5, random_state=7, n_jobs=-1, max_depth=2), X, Y).model
    assert isinstance(again, Fit)
    assert isinstance(deeper, Fit)
    assert fit_digest(task.model) == fit_digest(again) != fit_digest(deeper)


def test_regressors_and_searches_are_audited_too(tmp_path: Any) -> None:
    target = X @ np.array([1.0, 2.0, 0.0, 0.0]) + 5
    task = estimator_task(LinearRegression(), X, target, X, target)
    assert task.learned.name == "regression"
    np.testing.assert_allclose(learned(task, task.train)(X), target, atol=1e-4)
    search = GridSearchCV(RandomForestRegressor(3), {"max_depth": [1, 2]}, cv=2)
    assert estimator_task(search, X, target).name == "randomforestregressor"
    chosen = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    record = byrote.collect(estimator_task(chosen, X, Y), tmp_path / "record", runs=2, compute=byrote.Compute(workers=1))  # fmt: skip
    assert record.at_step(0, "correct", 1).mean() > 0.3


def test_an_interrupted_audit_keeps_its_runs_and_speaks_of_no_epochs_and_no_command(tmp_path: Path) -> None:
    """Ctrl-C while it trains is a KeyboardInterrupt of a few lines, and the same call goes on."""
    said: list[str] = []

    def interrupted(now: Progress) -> None:
        if now.finished:
            signal.raise_signal(signal.SIGINT)

    def audit(progress: Watcher | None) -> byrote.Record:
        return byrote.audit(
            LogisticRegression(), X, Y, tmp_path / "own", runs=3, compute=byrote.Compute(workers=1),
            canaries=byrote.Canaries(), progress=progress, on_verdict=said.extend,
        )  # fmt: skip

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs tests in the background may ignore it
    try:
        with pytest.raises(
            KeyboardInterrupt, match=r"Finished runs are kept in .*own; the same call goes on"
        ) as caught:
            audit(interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert caught.value.__suppress_context__
    assert [entry.name for entry in caught.traceback[-2:]] == ["audit", "audit"], "no frame of what was being done"
    first = tmp_path / "own" / "runs" / "0000.parquet"
    written = first.stat().st_mtime_ns
    record = audit(None)
    assert (len(record.runs), first.stat().st_mtime_ns, record.door) == (3, written, "python")
    page = re.sub(
        r"<(script|style).*?</\1>|<[^>]+>", " ", (tmp_path / "own" / "report.html").read_text(), flags=re.DOTALL
    )
    assert "· 3 runs ·" in re.sub(r"\s+", " ", page)
    for text in (page, " ".join(said), record._repr_html_()):
        assert "epoch" not in text
        assert "byrote audit" not in text
    assert "No wrong labels were planted" in " ".join(said)


@pytest.mark.slow
def test_xgboost_and_lightgbm_take_names_and_runs_without_a_class() -> None:
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    there = np.flatnonzero(Y != "no")
    gaps = X.copy()
    gaps[::7, 2] = np.nan
    for estimator in (xgboost.XGBClassifier(n_estimators=5), lightgbm.LGBMClassifier(n_estimators=5, min_child_samples=2, verbose=-1)):  # fmt: skip
        task = estimator_task(estimator, gaps, Y, gaps, Y)
        found = learned(task, task.train[there])(task.train.inputs)
        assert (found[:, 0] == 0).all()
        assert (np.array(task.classes)[found.argmax(1)] == Y)[there].mean() > 0.9
    numbers = estimator_task(xgboost.XGBRegressor(n_estimators=5), gaps, X[:, 0])
    assert learned(numbers, numbers.train)(numbers.train.inputs).shape == (len(numbers.train),)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: estimator_task(KMeans(3), X, Y), "KMeans is a clusterer"),
        (lambda: estimator_task(StandardScaler(), X, Y), "no `fit` and `predict`"),
        (lambda: byrote.audit(LogisticRegression, X, Y), r"such as LogisticRegression\(\)"),
        (lambda: byrote.audit(LogisticRegression(), X), r"audit\(estimator, X, y, directory\)"),
        (lambda: byrote.audit("fashion", X, Y), r"audit\(task, directory\)"),
        (lambda: byrote.audit("fashion", X_test=X), "go with an estimator"),
        (lambda: estimator_task(LogisticRegression(), X, Y, X), "belong together"),
        (lambda: estimator_task(LogisticRegression(), X, [*Y[:-1], None]), "1 of 60 labels are missing"),
        (lambda: estimator_task(LogisticRegression(), X, np.ones((N, 2))), r"labels have shape \(60, 2\)"),
        (lambda: estimator_task(LinearRegression(), X, Y), "LinearRegression is a regressor"),
        (lambda: estimator_task(RandomForestClassifier(3), X, X[:, 0]), "60 different ones such as .*Give a regressor"),
        (
            lambda: estimator_task(RandomForestClassifier(3), X, np.arange(N)),
            "60 rows have 60 different labels.*Give a regressor",
        ),
        (
            lambda: estimator_task(RandomForestClassifier(3), X, [f"row {at}" for at in range(N)]),
            "Give labels that several",
        ),
    ],
)
def test_what_cannot_be_audited_is_named(call: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        call()
