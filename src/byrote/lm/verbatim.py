"""Longest recited run and recited blocks of whole documents, such as books: how much comes back, and in how long pieces.

The block measure follows Ahmed et al., 2026, arXiv:2601.02671, with teacher forcing in place of generation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from byrote.arrays import checked
from byrote.errors import InvalidData


@dataclass(frozen=True)
class Run:
    """Tokens of a document from `start` up to `end`, which is not included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return self.end - self.start


@checked
def longest_recited(greedy: Bool[ndarray, " token"]) -> Run:
    """Return the longest run of tokens of a document that are all the greedy ones; high is recited, length 0 is none.

    `greedy` is `documents_forced(...)[i].greedy[0]`. Of a document that fits into the context, greedy decoding after the tokens
    before the run gives the whole run. A longer document is read in windows, and a run that goes on into the next window is
    what greedy decoding gives if, at each border of windows, it is given the last `context - stride` tokens (all of them its own
    by then, or true ones before the run) to go on from. Of runs that are equally long the first is returned.
    """
    found = _runs(greedy)
    if not len(found):
        return Run(0, 0)
    start, end = found[np.argmax(found[:, 1] - found[:, 0])]
    return Run(int(start), int(end))


@checked
def recited_blocks(greedy: Bool[ndarray, " token"], *, least: int = 50, gap: int = 0) -> tuple[Run, ...]:
    """Return the blocks of a document that are recited: runs of greedy tokens, joined over at most `gap` others between them.

    A joined block counts if it has `least` tokens or more, and with a gap it is near-verbatim: the model needs the true token
    wherever it went wrong. Raises InvalidData for `least` below 1 or a negative gap.
    """
    if least < 1 or gap < 0:
        raise InvalidData(f"least={least}, gap={gap}: give 1 or more, and 0 or more.")
    joined = list[Run]()
    for start, end in _runs(greedy).tolist():
        if joined and start - joined[-1].end <= gap:
            joined[-1] = Run(joined[-1].start, end)
        else:
            joined.append(Run(start, end))
    return tuple(run for run in joined if run.length >= least)


def share_recited(blocks: tuple[Run, ...], tokens: int) -> float:
    """Return the share of a document's tokens that lie in recited blocks; high is recited. NaN for an empty document."""
    return sum(block.length for block in blocks) / tokens if tokens else float("nan")


def _runs(greedy: Bool[ndarray, " token"]) -> Int[ndarray, "run 2"]:
    """Return start and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], greedy, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)
