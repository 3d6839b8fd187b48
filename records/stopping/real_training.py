"""The estimated reliability of `fashion` in small blocks beside the measured one, and what allocation does; see README.md.

python records/stopping/real_training.py PLACE [--seeds 0 1]      # 16 runs a seed, 3 minutes of a core
"""

import argparse
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from records.stopping.allocation import EVEN, allocated, shares  # noqa: E402
from time_to_reliability import reference, reliability, task  # noqa: E402

import byrote  # noqa: E402
from byrote.evidence.columns import stack  # noqa: E402
from byrote.scores import memorization, shrunk_memorization  # noqa: E402
from byrote.scores._empirical_bayes import posteriors  # noqa: E402
from byrote.scores.shrunk_memorization import estimate_with_held_out  # noqa: E402
from byrote.summaries import held_out_reliability  # noqa: E402

RUNS, TOTAL, MEMBER, DATA = 12, 8, 3, 5


@dataclass(frozen=True, eq=False)
class Allocated:
    """A design that was planned elsewhere."""

    member: np.ndarray
    name = "allocated"

    def __str__(self) -> str:
        return self.name

    def membership(self, blocks: Any, groups: Any, seed: int) -> np.ndarray:
        return self.member[: sum(blocks)]

    def default_runs(self, groups: Any) -> int:
        return len(self.member)


def columns(record: byrote.Record, runs: int) -> list[np.ndarray]:
    chosen = record.runs[:runs]
    return [stack(need, record, chosen, shrunk_memorization, record.at_step) for need in shrunk_memorization.needs]


def say(what: str, known: list[np.ndarray], real: np.ndarray) -> None:
    (value, _, _), held_out = estimate_with_held_out(*known, level=0.9)
    value, seen = value[real], held_out.where(real)
    found = held_out_reliability(value, *(getattr(seen, field.name) for field in fields(seen)))
    textbook = np.asarray(memorization(known[0], known[MEMBER]))[real]
    judge = reference()
    print(
        f"{what}: estimated {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], measured {reliability(judge, value):.3f}, "
        f"textbook {reliability(judge, textbook):.3f}, mean memorization {np.nanmean(value):.3f} (reference {judge.value.mean():.3f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    asked = parser.parse_args()
    for seed in asked.seeds:
        even = byrote.collect(task(), asked.place / f"even{seed}", until="error=0.001", runs=RUNS, seed=2000 + seed)
        real = even.population.split == "train"
        for runs in range(EVEN, RUNS + 1):
            say(f"seed {seed}, {runs} even runs", columns(even, runs), real)
        first = columns(even, EVEN)
        p_in, p_out = (
            np.nan_to_num(each.mean, nan=0.5)[real] for each in posteriors(*first[:DATA], np.column_stack(first[DATA:]))
        )
        inside, more = first[MEMBER].sum(axis=0)[real], TOTAL - EVEN
        member = allocated(shares(p_in, p_out, inside, EVEN - inside, more), more, np.random.default_rng(seed))
        aimed = byrote.collect(task(), asked.place / f"allocated{seed}", runs=more, design=Allocated(member), seed=7000 + seed)  # fmt: skip
        both = [
            np.concatenate(parts) if parts[0].ndim > 1 else parts[0]
            for parts in zip(first, columns(aimed, more), strict=True)
        ]
        say(f"seed {seed}, {EVEN} even and {more} allocated runs", both, real)


if __name__ == "__main__":
    main()
