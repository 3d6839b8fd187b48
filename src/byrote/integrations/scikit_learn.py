"""scikit-learn: a classifier that answers from a memory of its training examples, and can say that it does not know."""

from typing import Any

import numpy as np
from numpy import ndarray

from byrote.errors import InvalidData, missing_extra
from byrote.recall.answers import Answers
from byrote.recall.memory import Memory

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise missing_extra("byrote.MemoryClassifier needs scikit-learn 1.6 or newer", "sklearn") from None

Base: Any = BaseEstimator
Mixin: Any = ClassifierMixin
checked_data: Any = validate_data


class MemoryClassifier(Mixin, Base):
    """Answers with the labels of the `k` nearest training examples: by majority, or weighted by exp(-distance / temperature).

    It stores every example that it is fitted to (`memory_`, a `byrote.recall.Memory`), so a training example is answered
    exactly with k=1. `partial_fit` adds further ones. `metric` is "euclidean" or "cosine", `index` "exact" or "approximate".
    `most` caps how many are stored, and `evict` says which go.

    With `false_accept`, an example that is nearer to no stored one than the threshold gets the `reject_label`. The rows of
    y with this label are then no class: they are examples of nothing that is stored, from which the threshold is
    computed so that others of their kind are answered at this rate (see `byrote.recall.threshold_at`, also for how many are
    needed). Raises InvalidData where there are none.

    Follows the conventions of scikit-learn; raises ValueError for what its checks refuse.
    """

    def __init__(
        self,
        k: int = 1,
        *,
        metric: str = "euclidean",
        index: str = "exact",
        temperature: float | None = None,
        false_accept: float | None = None,
        reject_label: Any = -1,
        most: int | None = None,
        evict: str = "oldest",
    ) -> None:
        self.k = k
        self.metric = metric
        self.index = index
        self.temperature = temperature
        self.false_accept = false_accept
        self.reject_label = reject_label
        self.most = most
        self.evict = evict

    def fit(self, X: Any, y: Any) -> "MemoryClassifier":
        """Store examples [example, feature] with their labels, in place of what was stored."""
        inputs, labels = checked_data(self, X, y)
        return self._add(inputs, labels, None, first=True)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "MemoryClassifier":
        """Store further examples; `classes`, at the first call, are all labels that there will be."""
        first = not hasattr(self, "memory_")
        inputs, labels = checked_data(self, X, y, reset=first)
        return self._add(inputs, labels, classes, first=first)

    def predict(self, X: Any) -> ndarray:
        """Return the label of each example; `reject_label` where it is not known."""
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(1)]

    def predict_proba(self, X: Any) -> ndarray:
        """Return the share of the votes of each class [example, class]; all of them for `reject_label` where it is not known."""
        found = self._found(X, self.k)
        shares = np.zeros((len(found), len(self.classes_)))
        there = np.isfinite(found.distances)
        weights = np.where(there, 1.0, 0.0)
        if self.temperature is not None:
            distances = found.distances.astype(np.float64)
            beyond = np.where(there, distances, np.inf) - distances[:, :1]
            with np.errstate(over="ignore", invalid="ignore"):
                weights = np.where(beyond > 0, np.exp(-beyond / self.temperature), 1.0) * there
        rows, ranks = np.nonzero(there)
        np.add.at(shares, (rows, found.values[rows, ranks].astype(np.int64)), weights[rows, ranks])
        shares /= np.maximum(shares.sum(1, keepdims=True), np.finfo(float).tiny)
        if self.false_accept is not None:
            shares[~found.known] = self.classes_ == self.reject_label
        return shares

    def kneighbors(self, X: Any, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Return distances and positions of the nearest stored examples, in the order in which they were given to fit.

        Where there are fewer than asked for, the position is -1 and the distance infinite.
        """
        found = self._found(X, self.k if n_neighbors is None else n_neighbors)
        positions = np.where(np.isfinite(found.distances), found.ids, "-1").astype(np.int64)
        return (found.distances, positions) if return_distance else positions

    def _found(self, X: Any, k: int) -> Answers:
        check_is_fitted(self)
        return self.memory_.look_up(checked_data(self, X, reset=False), k=min(k, len(self.memory_)))

    def _add(self, X: ndarray, y: ndarray, classes: Any, *, first: bool) -> "MemoryClassifier":
        check_classification_targets(y)
        if self.k < 1 or (self.temperature is not None and not self.temperature > 0):
            raise InvalidData(f"k={self.k!r} examples at the temperature {self.temperature!r} give no vote. Give 1 or more, and above 0.")  # fmt: skip
        if first:
            metric: Any = self.metric
            evict: Any = self.evict
            self.memory_ = Memory(X.shape[1], metric=metric, index=self.index, most=self.most, evict=evict)
            self.classes_, self._seen = np.unique(y if classes is None else np.asarray(classes)), 0
        self._extend_classes(y)
        stored = np.ones(len(y), np.bool_) if self.false_accept is None else y != self.reject_label
        ids = [str(self._seen + at) for at in np.flatnonzero(stored).tolist()]
        refused = np.concatenate([X[:0] if first else self._refused, X[~stored]])
        if self.false_accept is not None and first and stored.all():
            raise InvalidData(f"No label is {self.reject_label!r}, and a false-accept rate needs examples of nothing that is stored. Give them this label, or name theirs as reject_label.")  # fmt: skip
        self.memory_.add(X[stored], np.searchsorted(self.classes_, y[stored]), ids)
        self._seen += len(y)
        self._refused = refused
        if self.false_accept is not None and (first or not stored.all()):
            self.memory_.calibrate(refused, self.false_accept)
        return self

    def _extend_classes(self, y: ndarray) -> None:
        """Take new labels into the sorted classes, and number the values in the memory anew."""
        new = np.union1d(self.classes_, y)
        if len(new) > len(self.classes_):
            if len(self.memory_):
                self.memory_.update(self.memory_.ids, np.searchsorted(new, self.classes_)[self.memory_.values])
            self.classes_ = new
