"""A small recommender with item memory: which name goes with the other names of a verse?

python -m records.wanted.recommender    # 30 seconds of one core; nothing is kept

A basket is what proper names a verse of the packaged part of the King James Bible has, where they are two or more. A word is
a proper name where it stands with a capital somewhere right after a word in small letters, with nothing but a space between, and
nowhere in the text in small letters. From each basket one name is left out, at random among those that another basket has too;
a hit is when it is among the first ten proposals. Folds of verses are held out in turns.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int
from numpy import ndarray
from torch import nn

from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.task.datasets.king_james import king_james, place

FOLDS, TOP, NEIGHBOURS, SEED = 5, 10, 50, 0
WIDTH, EPOCHS, RATE, DECAY = 32, 60, 0.01, 0.01
ONE_BY_ONE, FEWER = 20, (20, 5, 1)
"""Baskets that are added, and then deleted, one by one; fewer passes over each, for the weights."""

Basket = tuple[int, ...]
Proposals = Callable[[Sequence[Basket]], list[list[int]]]
"""From the other names of baskets to ten names each, the best first."""


def baskets() -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the proper names of each verse that has two or more, and all these names."""
    verses = king_james()
    small = {word for text in verses.values() for word in re.findall(r"[A-Za-z]+", text) if word.islower()}
    names = {found for text in verses.values() for found in re.findall(r"(?<=[a-z] )[A-Z][a-z]+\b", text)}
    names = {name for name in names if name.lower() not in small}
    found = {where: tuple(sorted(names & set(re.findall(r"[A-Za-z]+", text)))) for where, text in verses.items()}
    found = {where: own for where, own in found.items() if len(own) > 1}
    return found, sorted({name for own in found.values() for name in own})


def table(given: Sequence[Basket], count: int) -> Float32[ndarray, "basket name"]:
    """Return which names each basket has, as ones and zeros."""
    found = np.zeros((len(given), count), np.float32)
    for row, basket in enumerate(given):
        found[row, list(basket)] = 1
    return found


def first(scores: ndarray, given: Sequence[Basket]) -> list[list[int]]:
    """Return the ten best names of each row that are not given."""
    for row, basket in enumerate(given):
        scores[row, list(basket)] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :TOP].tolist()


# --- ways


def popular(train: Sequence[Basket], count: int) -> Proposals:
    times = table(train, count).sum(0)
    return lambda given: first(np.tile(times, (len(given), 1)), given)


class Names:
    """Item memory: of each name, with what other names it stood together, and how often; a query is what is in the basket."""

    def __init__(self, train: Sequence[Basket], count: int) -> None:
        held = table(train, count)
        together = held.T @ held
        np.fill_diagonal(together, 0)
        self.together, self.memory = together, Memory(count)
        there = np.flatnonzero(together.any(1))
        self.memory.add(together[there], there, there.astype(str).tolist())

    def __call__(self, given: Sequence[Basket]) -> list[list[int]]:
        found = self.memory.look_up(table(given, len(self.together)), TOP + max(map(len, given)))
        rows = zip(found.values, found.distances, given, strict=True)
        return [
            [int(name) for name, far in zip(names, away, strict=True) if far < 1 and name not in basket][:TOP]
            for names, away, basket in rows
        ]

    def add(self, basket: Basket) -> None:
        """Store a new basket: the keys of its names change."""
        self.together[np.ix_(basket, basket)] += 1 - np.eye(len(basket), dtype=np.float32)
        self.memory.delete([str(name) for name in basket if str(name) in self.memory])
        self.memory.add(self.together[list(basket)], list(basket), [str(name) for name in basket])


class Baskets:
    """Memory of baskets: the nearest stored baskets vote for their names, each with its cosine."""

    def __init__(self, train: Sequence[Basket], count: int) -> None:
        self.count, self.held, self.memory = count, list(train), Memory(count)
        self.memory.add(table(train, count), np.arange(len(train)))

    def __call__(self, given: Sequence[Basket]) -> list[list[int]]:
        found = self.memory.look_up(table(given, self.count), NEIGHBOURS)
        scores = np.zeros((len(given), self.count))
        for row, (which, away) in enumerate(zip(found.values, found.distances, strict=True)):
            for basket, far in zip(which, away, strict=True):
                scores[row, list(self.held[basket])] += 1 - far
        return first(scores, given)

    def add(self, basket: Basket) -> None:
        self.held.append(basket)
        self.memory.add(table([basket], self.count), [len(self.held) - 1])


class Factors(nn.Module):
    """Matrix factorization: a basket is the mean of its names' vectors; names score by another, plus how usual they are."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.given, self.proposed = nn.Embedding(count, WIDTH), nn.Embedding(count, WIDTH)
        self.usual = nn.Parameter(torch.zeros(count))
        for each in (self.given, self.proposed):
            nn.init.normal_(each.weight, std=0.1)

    def forward(self, held: torch.Tensor) -> torch.Tensor:
        """Return scores [basket, name] of baskets [basket, name] of ones and zeros."""
        mean = held @ self.given.weight / held.sum(1, keepdim=True)
        return mean @ self.proposed.weight.T + self.usual

    def __call__(self, *held: torch.Tensor) -> torch.Tensor:
        return super().__call__(*held)


class Weights:
    """Matrix factorization that learns each name of each basket from the others (softmax over all names)."""

    def __init__(self, train: Sequence[Basket], count: int, passes: int = EPOCHS) -> None:
        torch.manual_seed(SEED)
        self.count, self.passes, self.model = count, passes, Factors(count)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), RATE, weight_decay=DECAY)
        self.learn(train, EPOCHS)

    def learn(self, train: Sequence[Basket], epochs: int) -> None:
        pairs = [(tuple(other for other in basket if other != name), name) for basket in train for name in basket]
        held, wanted = (
            torch.from_numpy(table([rest for rest, _ in pairs], self.count)),
            torch.tensor([name for _, name in pairs]),
        )
        for _ in range(epochs):
            for some in torch.randperm(len(pairs)).split(64):
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.model(held[some]), wanted[some]).backward()
                self.optimizer.step()

    def __call__(self, given: Sequence[Basket]) -> list[list[int]]:
        with torch.no_grad():
            return first(self.model(torch.from_numpy(table(given, self.count))).numpy(), given)

    def add(self, basket: Basket) -> None:
        """Learn a new basket by itself."""
        self.learn([basket], self.passes)


WAYS: dict[str, Callable[[Sequence[Basket], int], Proposals]] = {
    "popularity": popular,
    "memory of names (keys: names beside it)": Names,
    "memory of baskets (50 nearest vote)": Baskets,
    "matrix factorization, in the weights": Weights,
}


# --- measuring


def main() -> None:
    torch.set_num_threads(1)
    start = time.time()
    found, names = baskets()
    number = {name: at for at, name in enumerate(names)}
    all_ = [tuple(number[name] for name in own) for own in found.values()]
    often = Counter(name for basket in all_ for name in basket)
    chapters = np.unique([str(place(where)) for where in found], return_inverse=True)[1]
    rng = np.random.default_rng(SEED)
    fold = rng.permutation(np.arange(len(all_)) % FOLDS)
    left_out = np.full(len(all_), -1)
    for at, basket in enumerate(all_):
        known = [name for name in basket if often[name] > 1]
        if known:
            left_out[at] = rng.choice(known)
    tested = left_out >= 0
    print(
        f"{len(all_)} baskets of {len(names)} names in {chapters.max() + 1} chapters, {np.mean([len(own) for own in all_]):.1f} names each; {sum(times == 1 for times in often.values())} names in one basket only"
    )
    print(f"{tested.sum()} baskets are tested, in {FOLDS} folds; seed {SEED}; 90 % intervals over chapters")
    hits, ways = {}, {}
    for name, way in WAYS.items():
        hit = np.zeros(len(all_))
        seconds = []
        for held_out in range(FOLDS):
            train = [all_[at] for at in np.flatnonzero(fold != held_out)]
            begin = time.perf_counter()
            ways[name] = way(train, len(names))
            seconds.append(time.perf_counter() - begin)
            at = np.flatnonzero(tested & (fold == held_out))
            given = [tuple(other for other in all_[one] if other != left_out[one]) for one in at]
            hit[at] = [left_out[one] in proposed for one, proposed in zip(at, ways[name](given), strict=True)]
        hits[name] = hit[tested]
        rare = np.array([often[name] <= 5 for name in left_out[tested]])
        parts = (over(hit[tested], chapters[tested], which) for which in (np.ones(tested.sum(), bool), rare, ~rare))
        total, of_rare, of_others = parts
        print(
            f"| {name} | hit rate at {TOP} {total} | names in 2 to 5 baskets {of_rare} | in more {of_others} | built in {np.median(seconds):.3f} s |",
            flush=True,
        )
    base = hits["matrix factorization, in the weights"]
    for name, hit in hits.items():
        if hit is not base:
            print(f"{name} minus matrix factorization: {over(hit - base, chapters[tested], np.ones(len(hit), bool))}")
    last = fold == FOLDS - 1
    new, train = ([all_[at] for at in np.flatnonzero(which)] for which in (last, ~last))
    for name, way in ways.items():
        if not isinstance(way, Weights | Names | Baskets):
            continue
        changes(name, way, new, train, len(names))
    for passes in FEWER:
        changes(
            f"the same, each basket learned {passes} times", Weights(train, len(names), passes), new, train, len(names)
        )
    print(f"{time.time() - start:.0f} s")


def over(values: ndarray, chapters: Int[ndarray, " basket"], which: ndarray) -> Estimate:
    """Return a mean with its interval over chapters: neighbouring verses have the same names."""
    values, chapters = values[which], chapters[which]
    groups = np.unique(chapters)
    if not values.any():
        return Estimate.of_share(0, len(groups), "chapter")
    without = [values[chapters != one].mean() for one in groups]
    return Estimate.of_parts(float(values.mean()), np.array(without), "chapter")


def share(way: Proposals, tests: Sequence[Basket]) -> Estimate:
    """Return how often a name of a basket is proposed for the rest of it."""
    hits = [one in way([tuple(other for other in basket if other != one)])[0] for basket in tests for one in basket]
    return Estimate.of_share(sum(hits), len(hits), "name")


def changes(name: str, way: Any, new: list[Basket], train: list[Basket], count: int) -> None:
    """Add baskets one by one and print what it takes, and what it does to them and to others; then delete some."""
    added, others, seconds = new[:ONE_BY_ONE], new[ONE_BY_ONE:], []
    before = share(way, added), share(way, others)
    for basket in added:
        begin = time.perf_counter()
        way.add(basket)
        seconds.append(time.perf_counter() - begin)
    print(f"{name}: {len(added)} baskets are added, each in {1000 * np.median(seconds):.2f} ms")
    print(f"    a name of them is proposed for the rest: before {before[0]}, after {share(way, added)}")
    print(f"    the same of {len(others)} other new baskets: before {before[1]}, after {share(way, others)}")
    if isinstance(way, Weights):
        begin = time.perf_counter()
        Weights(train[1:], count)
        print(f"    to forget a basket for certain it is trained anew, in {time.perf_counter() - begin:.1f} s")
        print(f"    {sum(weight.numel() for weight in way.model.parameters()) * 4 / len(train):.0f} bytes a basket")
        return
    print(f"    {way.memory.bytes / len(way.memory):.0f} bytes an entry, {len(way.memory)} entries")
    if isinstance(way, Baskets):
        ids, seconds, proven = way.memory.ids, [], []
        for one in ids[:ONE_BY_ONE]:
            begin = time.perf_counter()
            way.memory.delete([one])
            seconds.append(time.perf_counter() - begin)
        for one in ids[ONE_BY_ONE : 2 * ONE_BY_ONE]:
            proven.append(way.memory.delete_and_prove([one]).never_held)
        print(
            f"    a basket is deleted in {1000 * np.median(seconds):.2f} ms; with proof: as if never held in {sum(proven)} of {len(proven)} cases"
        )


if __name__ == "__main__":
    main()
