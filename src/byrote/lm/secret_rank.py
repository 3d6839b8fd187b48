"""The rank of a secret among all that it could be: by enumeration that leaves out what cannot rank above it, or by sampling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from byrote.errors import Unsupported
from byrote.lm.canaries import Canary, Family
from byrote.lm.encoder import Encoder, joined
from byrote.lm.language_model import LanguageModel
from byrote.lm.teacher_forcing import as_tensor, asking, candidates_forced, check_length, last_logits, with_begin

BATCH = 256
ENCODED = 100_000
"""A space whose secrets have to be encoded one by one is enumerated up to this size."""

ENUMERATED = 10_000_000
"""A space is enumerated up to this size."""

PROBES = 64
"""Random secrets on which it is checked that places are encoded independently of each other."""

TIE = 1e-5
"""Log-probabilities nearer than this are equal: float32 gives a text another one in another batch."""

END = -1


@dataclass(frozen=True, eq=False)
class SecretSpace:
    """All secrets behind a canary's text as token ids: `front`, which all share, and `tokens` in sorted rows, -1 behind the end.

    What two secrets share stands in neighbouring rows, so a model reads it once.
    """

    front: Int[ndarray, " before"]
    tokens: Int[ndarray, "secret token"]


def product_table(family: Family, encoder: Encoder, gap: str) -> Int[ndarray, "secret token"] | None:
    """Return all secrets behind `gap` as sorted rows of token ids, each place encoded alone; None where that is no table."""
    if family.size > ENUMERATED:
        return None
    tables: list[Int[ndarray, "option token"]] = []
    for place in range(family.places):
        rows = _options(family, encoder, gap, place)
        if len({len(row) for row in rows}) > 1:
            return None
        table = np.stack(rows).astype(np.int32)
        tables.append(table[np.lexsort(table.T[::-1])])
    chosen = np.unravel_index(np.arange(family.size), [len(family.options)] * family.places)
    return np.concatenate([table[at] for table, at in zip(tables, chosen, strict=True)], axis=1)


def secret_space(
    canary: Canary, encoder: Encoder, table: Int[ndarray, "secret token"] | None = None
) -> SecretSpace | None:
    """Return all secrets of a canary as a model reads them; None where they are too many to enumerate.

    `table` is the `product_table` of its family, behind the blanks that end the canary's text. It is used where each place is
    encoded as it is alone (digits, characters, bytes), which is checked on 64 random secrets. Otherwise up to 100,000
    secrets are encoded one by one.
    """
    family, (stem, gap) = canary.family, split_gap(canary.before)
    front = encoder.encode(stem)
    drawn = family.draw(PROBES, np.random.default_rng(0))
    options = [_options(family, encoder, gap, place) for place in range(family.places)]
    if table is not None and all(
        np.array_equal(
            encoder.encode(canary.before + family.secret(choice)),
            joined([front, *[options[place][i] for place, i in enumerate(choice)]]),
        )
        for choice in (canary.choice, *drawn)
    ):
        return SecretSpace(front, table)
    if family.size > ENCODED:
        return None
    choices = np.stack(np.unravel_index(np.arange(family.size), [len(family.options)] * family.places), axis=1)
    encoded = [encoder.encode(canary.before + family.secret(choice)) for choice in choices]
    shared = common_start(encoded)
    rows = np.full((family.size, max(map(len, encoded)) - shared), END, np.int32)
    for row, tokens in zip(rows, encoded, strict=True):
        row[: len(tokens) - shared] = tokens[shared:]
    return SecretSpace(encoded[0][:shared], rows[np.lexsort(rows.T[::-1])])


def exact_rank(model: LanguageModel, canary: Canary, space: SecretSpace, *, nodes: int = 2000) -> int | None:
    """Return the rank of a canary's secret among all secrets, 1 for the likeliest; None beyond `nodes` beginnings.

    Secrets are ranked by their log-probability behind the canary's text; equal ones (within 1e-5) rank above it. All
    beginnings that are as likely as the whole secret are extended token by token, since a longer text is never likelier
    than its beginning; the others are left out, so the rank is exact. A secret near the top takes a few hundred
    beginnings, and one in the middle of a million nearly all: then there is no rank, and a sample says as much.
    """
    whole = model.encoder.encode(canary.before + canary.secret)
    least = float(log_probabilities(model, space.front, [whole[len(space.front) :]])[0]) - TIE
    check_length(model, len(space.front) + space.tokens.shape[1])
    following = _reader(model, space.front)
    starts, ends, likelihood = np.zeros(1, np.int64), np.array([len(space.tokens)], np.int64), np.zeros(1)
    rank, read = 0, 0
    for depth in range(space.tokens.shape[1]):
        read += len(starts)
        if read > nodes:
            return None
        if not len(starts):
            break
        next_token = following(space.tokens[starts, :depth])
        kept: list[tuple[int, int, float]] = []
        for start, end, so_far, row in zip(starts, ends, likelihood, next_token, strict=True):
            part = space.tokens[start:end, depth]
            options = np.unique(part)
            first, last = np.searchsorted(part, options), np.searchsorted(part, options, side="right")
            total = np.where(options == END, so_far, so_far + row[options])
            rank += int((last - first)[(options == END) & (total >= least)].sum())
            kept += [
                (int(start + first[i]), int(start + last[i]), float(total[i]))
                for i in np.flatnonzero((options != END) & (total >= least))
            ]
        columns = np.array(kept, np.float64).reshape(-1, 3)
        starts, ends, likelihood = columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64), columns[:, 2]
    return rank + int((ends - starts).sum())


def sampled_losses(
    model: LanguageModel, canary: Canary, *, references: int, seed: int = 0
) -> tuple[float, Float[ndarray, " candidate"]]:
    """Return the loss of a canary's secret, in nats, and those of random secrets of its family behind the same text."""
    drawn = canary.family.draw(references, np.random.default_rng([seed, 12]))
    encoded = [model.encoder.encode(canary.before + canary.family.secret(choice)) for choice in (canary.choice, *drawn)]
    shared = common_start(encoded)
    losses = -log_probabilities(model, encoded[0][:shared], [row[shared:] for row in encoded])
    return float(losses[0]), losses[1:]


def log_probabilities(
    model: LanguageModel, front: Int[ndarray, " before"], rows: Sequence[Int[ndarray, " _"]]
) -> Float[ndarray, " row"]:
    """Return the log-probability of each row of tokens behind `front`, in nats. Raises Unsupported where nothing is in front."""
    _check_front(model, front)
    found = np.zeros(len(rows))
    lengths = np.array([len(row) for row in rows])
    for length in np.unique(lengths[lengths > 0]):
        own = np.flatnonzero(lengths == length)
        forced = candidates_forced(model, front, np.stack([rows[i] for i in own.tolist()]))
        found[own] = forced.logprob.sum(axis=1, dtype=np.float64)
    return found


def common_start(rows: Sequence[Int[ndarray, " _"]]) -> int:
    """Return how many tokens all rows share in front."""
    shortest = min(map(len, rows))
    table = np.stack([row[:shortest] for row in rows])
    differ = np.flatnonzero((table != table[0]).any(axis=0))
    return int(differ[0]) if len(differ) else shortest


def split_gap(before: str) -> tuple[str, str]:
    """Return a text without the blanks at its end, and these: many tokenizers join a blank to what follows."""
    stem = before.rstrip(" ")
    return stem, before[len(stem) :]


def _options(family: Family, encoder: Encoder, gap: str, place: int) -> list[Int[ndarray, " _"]]:
    front = family.separator if place else gap
    return [encoder.encode(front + option) for option in family.options]


def _check_front(model: LanguageModel, front: Int[ndarray, " before"]) -> None:
    if not len(front) and model.encoder.begin is None:
        raise Unsupported(
            "A secret at the beginning of a document has no probability without a first token. Give the canary a text in front."
        )


def _reader(
    model: LanguageModel, front: Int[ndarray, " before"]
) -> Callable[[Int[ndarray, "node token"]], Float[ndarray, "node vocabulary"]]:
    """Return a function from beginnings of secrets to the log-probability of each token behind them; the front is read once."""
    shared = with_begin(model, front[None])
    with asking(model):
        first = None if model.reading is None else model.reading(as_tensor(model, shared), 1, None)

    def following(beginnings: Int[ndarray, "node token"]) -> Float[ndarray, "node vocabulary"]:
        found: list[Float[ndarray, "node vocabulary"]] = []
        with asking(model):
            for at in range(0, len(beginnings), BATCH):
                some = beginnings[at : at + BATCH]
                if first is None or model.reading is None:
                    rows = np.concatenate([np.tile(shared, (len(some), 1)), some], axis=1)
                    logits = last_logits(model, as_tensor(model, rows), 1)
                elif some.shape[1] == 0:
                    logits = first[0].float().expand(len(some), -1, -1)
                else:
                    given = as_tensor(model, some)
                    kept = first[1].rows(torch.zeros(len(some), dtype=torch.long, device=given.device))
                    logits = model.reading(given, 1, kept)[0].float()
                found.append(logits[:, -1].log_softmax(-1).double().cpu().numpy())
        return np.concatenate(found)

    return following
