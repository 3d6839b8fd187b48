"""Records written by hand: what runs said, without any training."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from byrote.record import Observed, Population, Record, Step, run_path, write_manifest, write_population
from byrote.record import write_run as write
from layout import BASE_COLUMNS, LAYOUT, MANIFEST, run_settings

Columns = dict[str, NDArray[np.generic]]


def written(
    where: Path,
    member: NDArray[np.bool_],
    clean: Columns,
    seen: Columns | None = None,
    *,
    ids: list[str] | None = None,
    labels: NDArray[np.int64] | None = None,
    groups: list[str] | None = None,
    **manifest: object,
) -> Record:
    """Write `clean` [run example] at the last step and `seen` [run step example] at every step of it, and read it."""
    runs, n = member.shape
    steps = next(iter(seen.values())).shape[1] if seen else 1
    population = Population.of(
        ids=np.array(ids or [f"train/{i}" for i in range(n)]),
        split=np.array([name.split("/")[0] for name in ids] if ids else ["train"] * n),
        labels=np.zeros(n, np.int64) if labels is None else labels,
        canary=np.full(n, ""),
        verification=np.zeros(n, np.bool_),
        source=np.full(n, ""),
        true_label=np.full(n, -1),
        groups=np.array(groups or [""] * n),
        inputs=np.zeros((n, 2), np.float32),
    )
    where.mkdir(parents=True, exist_ok=True)
    write_population(where, population)
    task = {"name": "small", "classes": ["a", "b"], "model": "m"}
    body = {"task": task, "steps": {"unit": "epoch", "last": steps}, "blocks": [runs], "key": "", "recipe": {}}
    write_manifest(where, {**MANIFEST, **body, **manifest})
    kinds = {name: kind.to_pandas_dtype() for name, kind in BASE_COLUMNS.items()}
    for run in range(runs):
        spoken = []
        for step in range(steps):
            last, heard = None, None
            if clean and step == steps - 1:
                last = Observed(np.arange(n), {k: v[run].astype(kinds[k]) for k, v in clean.items()})
            if seen:
                who = np.flatnonzero(member[run])
                heard = Observed(who, {k: v[run, step, who].astype(kinds[k]) for k, v in seen.items()})
            spoken.append(Step(step + 1, last, heard))
        write(
            run_path(where, run),
            spoken,
            member[run],
            population.ids,
            run_settings(run, str(manifest.get("key", ""))),
            LAYOUT,
        )
    return Record(where)
