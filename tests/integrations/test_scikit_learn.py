"""MemoryClassifier: scikit-learn's own checks, its answers beside KNeighborsClassifier, and what it does not know."""

import contextlib
import unittest

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import byrote
from byrote.errors import InvalidData


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, {"k": 3, "temperature": 0.5}], ids=["plain", "weighted"])
def test_scikit_learns_checks(options: dict[str, float]) -> None:
    names = []
    for estimator, check in estimator_checks_generator(byrote.MemoryClassifier(**options)):
        with contextlib.suppress(unittest.SkipTest):  # what needs SCIPY_ARRAY_API, or is for other kinds of estimators
            check(estimator)
        names.append(check.func.__name__)
    assert len(names) > 40


def digits() -> tuple[np.ndarray, ...]:
    x, y = load_digits(return_X_y=True)
    return x[:900], y[:900], x[900:], y[900:]


@pytest.mark.parametrize("k", [1, 5])
def test_answers_are_those_of_nearest_neighbours(k: int) -> None:
    x, y, x_test, _ = digits()
    mine, other = byrote.MemoryClassifier(k).fit(x, y), KNeighborsClassifier(k).fit(x, y)
    assert (mine.predict(x_test) == other.predict(x_test)).mean() > 0.999
    np.testing.assert_allclose(mine.kneighbors(x_test)[0], other.kneighbors(x_test)[0], rtol=1e-6)
    np.testing.assert_allclose(mine.predict_proba(x_test).mean(0), other.predict_proba(x_test).mean(0), atol=2e-3)
    assert mine.score(x, y) == 1 or k > 1


def test_a_temperature_next_to_zero_leaves_the_nearest() -> None:
    x, y, x_test, _ = digits()
    cold = byrote.MemoryClassifier(3, temperature=1e-300).fit(x, y).predict_proba(x_test)
    assert np.isfinite(cold).all()
    assert (cold == byrote.MemoryClassifier(1).fit(x, y).predict_proba(x_test)).all()


def test_adding_is_fitting_at_once() -> None:
    x, y, x_test, _ = digits()
    x = x + 0.01 * np.random.default_rng(0).normal(size=x.shape)  # no equal distances
    whole = byrote.MemoryClassifier(3).fit(x, y)
    parts = byrote.MemoryClassifier(3)
    for chosen in (y < 4, (y >= 4) & (y < 9), y == 9):
        parts.partial_fit(x[chosen], y[chosen])
    assert (parts.predict(x_test) == whole.predict(x_test)).all()
    assert (parts.classes_ == whole.classes_).all()
    assert len(parts.memory_) == 900


def test_what_is_not_known_gets_the_reject_label() -> None:
    x, y, x_test, y_test = digits()
    rates, kept = [], []
    for unknown in (7, 8, 9):
        labels = np.where(y == unknown, -1, y)
        model = byrote.MemoryClassifier(false_accept=0.1).fit(x, labels)
        found = model.predict(x_test)
        rates.append((found[y_test == unknown] != -1).mean())
        kept.append((found[y_test != unknown] == y_test[y_test != unknown]).mean())
        assert (model.predict(x[labels != -1]) == labels[labels != -1]).all()
        np.testing.assert_allclose(model.predict_proba(x_test).sum(1), 1)
    assert np.mean(rates) < 0.2
    assert np.mean(kept) > 0.6
    with pytest.raises(InvalidData, match="No label is -1, and a false-accept rate needs examples of nothing"):
        byrote.MemoryClassifier(false_accept=0.1).fit(x, y)


def test_it_works_in_a_pipeline() -> None:
    x, y, *_ = digits()
    scores = cross_val_score(make_pipeline(StandardScaler(), byrote.MemoryClassifier(3, metric="cosine")), x, y, cv=3)
    assert scores.mean() > 0.85
