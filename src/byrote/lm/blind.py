"""Blind baselines on texts: what tells members from others without any model, Das, Zhang & Tramèr, 2024, arXiv:2406.16201."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy import optimize, sparse
from scipy.special import expit
from scipy.stats import rankdata

from byrote.arrays import checked
from byrote.errors import InvalidData, Unsupported
from byrote.membership.blind import standardized
from byrote.stats.estimate import Estimate
from byrote.summaries.auroc import auroc

FOLDS = 5
WIDER = (1 + FOLDS / (FOLDS - 1)) ** 0.5
"""How much wider an interval of a cross-validated number is than that of a rule that is given: 1.5 (Nadeau & Bengio, 2003)."""

HASHES = 1 << 14
"""Words and pairs of words are counted in so many columns."""

PENALTY = 1.0
FALSE_ALARMS = 0.05
"""The chance, at most about, that one of three baselines warns of a random split."""

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
MONTH = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December|covid|pandemic|coronavirus)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class BlindText:
    """AUROC of telling members from others by the texts alone: .5 is a random split, more a leak of the split itself.

    `words` reads words and pairs of words, `length` only how long a text is, `dates` years and names of months. Where one of
    them is above chance for sure, `warning` says so; an attack on these texts is then to be compared with it, not with .5.
    """

    words: Estimate
    length: Estimate
    dates: Estimate
    warning: str | None


@checked
def blind_text(
    texts: Sequence[str], member: Bool[ndarray, " document"], *, seed: int = 0, level: float = 0.9
) -> BlindText:
    """Judge membership by the texts alone, without any model, by three logistic regressions in five-fold cross-validation.

    Each text is judged by a regression (with a ridge penalty) that was fitted without it. The AUROC is that of the ranks
    within folds. Its interval is that of `byrote.summaries.auroc`, 1.5 times as wide, since five regressions that share data
    vary more than one that is given (Nadeau & Bengio, 2003): without that, 10 % of random splits raised the warning. It is
    raised where one of the three intervals, at the level that keeps false alarms of all three below 5 %, lies above .5.
    Raises InvalidData unless there is one text for each document, and Unsupported below five members or five others.

    It misleads in one direction: three simple baselines that see nothing do not prove that the split was random. Near-copies
    on both sides of a fold make a baseline look better than it is; remove them first.
    """
    if len(texts) != len(member):
        raise InvalidData(
            f"There are {len(texts)} texts for {len(member)} documents. Give one for each, in their order."
        )
    members = int(member.sum())
    if min(members, len(member) - members) < FOLDS:
        raise Unsupported(
            f"There are {members} members and {len(member) - members} others. Cross-validation needs {FOLDS} of each."
        )
    fold = _folds(member, np.random.default_rng([seed, 17]))
    kinds = {"words": _words(texts), "length": _lengths(texts), "dates": _dates(texts)}
    ranks = {name: _judged(features, member, fold) for name, features in kinds.items()}
    areas = {name: _area(rank, member, level) for name, rank in ranks.items()}
    strict = 1 - 2 * FALSE_ALARMS / len(kinds)
    sure = {name: areas[name] for name, rank in ranks.items() if _area(rank, member, strict).low > 0.5}
    warning = None
    if sure:
        name = max(sure, key=lambda each: sure[each].value)
        said = {"words": "their words", "length": "their length", "dates": "the dates in them"}[name]
        warning = (
            f"Members and others can be told apart by {said} alone (AUROC {sure[name]}), without any model. "
            "They are no random split of one source: an attack has to beat this, not .5."
        )
    return BlindText(areas["words"], areas["length"], areas["dates"], warning)


def _area(rank: Float[ndarray, " document"], member: Bool[ndarray, " document"], level: float) -> Estimate:
    """Return the AUROC of ranks within folds, with its widened interval."""
    area = auroc(rank, member, level=level)
    low, high = (area.value + WIDER * (end - area.value) for end in (area.low, area.high))
    return replace(area, low=low, high=high, unit="document").within(0.0, 1.0)


def _folds(member: Bool[ndarray, " document"], rng: np.random.Generator) -> ndarray:
    """Return the fold of each document: each has the same share of members."""
    fold = np.empty(len(member), np.int64)
    for side in (member, ~member):
        fold[side] = rng.permutation(np.arange(np.count_nonzero(side)) % FOLDS)
    return fold


def _judged(features: Any, member: Bool[ndarray, " document"], fold: ndarray) -> Float[ndarray, " document"]:
    """Return the rank of each document within its fold, from 0 to 1, by a regression that was fitted to the others."""
    rank = np.empty(len(member))
    for each in range(FOLDS):
        own = fold == each
        x, held_out = features[~own], features[own]
        weights = _logistic(x, member[~own])
        score = np.asarray(held_out @ weights[:-1]).ravel()
        rank[own] = (rankdata(score.round(10)) - 0.5) / own.sum()
    return rank


def _logistic(x: Any, member: Bool[ndarray, " document"]) -> Float[ndarray, " weight"]:
    """Return the weights of a ridge-penalized logistic regression, the intercept last."""
    sign = np.where(member, 1.0, -1.0)

    def value(weights: Float[ndarray, " weight"]) -> tuple[float, Float[ndarray, " weight"]]:
        margin = sign * (np.asarray(x @ weights[:-1]).ravel() + weights[-1])
        slope = -sign * expit(-margin)
        gradient = np.append(np.asarray(x.T @ slope).ravel() + PENALTY * weights[:-1], slope.sum())
        return float(np.logaddexp(0, -margin).sum() + PENALTY / 2 * weights[:-1] @ weights[:-1]), gradient

    return optimize.minimize(value, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x


def _words(texts: Sequence[str]) -> Any:
    """Return hashed counts of words and pairs of words, on a log scale, each row of length 10."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for at, text in enumerate(texts):
        words = WORD.findall(text.lower())
        pairs = [f"{one} {other}" for one, other in pairwise(words)]
        counts = Counter(zlib.crc32(each.encode()) % HASHES for each in [*words, *pairs])
        weight = np.log1p(np.array(list(counts.values()), np.float64))
        size = float(np.sqrt((weight**2).sum())) or 1.0
        rows += [at] * len(counts)
        columns += list(counts)
        values += list(10 * weight / size)
    return sparse.csr_matrix((values, (rows, columns)), (len(texts), HASHES))


def _lengths(texts: Sequence[str]) -> Float[ndarray, "document feature"]:
    length = np.array([len(text) for text in texts], np.float64)
    return standardized(np.stack([length, np.log1p(length)], axis=1))


def _dates(texts: Sequence[str]) -> Float[ndarray, "document feature"]:
    """Return for each text: how many years it names, the last, the mean one, and how many months and such."""
    rows: list[list[float]] = []
    for text in texts:
        years = [int(year) for year in YEAR.findall(text)]
        rows.append(
            [
                float(len(years)),
                float(max(years, default=0)),
                float(np.mean(years)) if years else 0.0,
                float(bool(years)),
                float(len(MONTH.findall(text))),
            ]
        )
    found = np.array(rows)
    known = found[:, 3] == 1
    for column in (1, 2):  # texts without a year are in the middle of those with one
        found[~known, column] = found[known, column].mean() if known.any() else 0.0
    return standardized(found)
