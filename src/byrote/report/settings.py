"""Settings: how the record was made, and the command that repeats it."""

import shlex
from dataclasses import dataclass

import numpy as np

from byrote.findings.attributed import source_words
from byrote.findings.findings import Findings
from byrote.record import Record
from byrote.record.inputs import describe
from byrote.signature import parse_call


@dataclass(frozen=True)
class SettingsTable:
    """Settings with a title, as pairs of a name and a value."""

    title: str
    rows: tuple[tuple[str, str], ...]


def settings(record: Record, found: Findings) -> tuple[SettingsTable, ...]:
    """Return the settings of a record; those that it does not hold are left out."""
    manifest, run = record.manifest, record.run_settings(record.runs[0])
    seconds = list(record.seconds().values())
    task = manifest.get("task", {})
    tables = {
        "Data and model": {
            "name": task.get("name"),
            "source": source_words(manifest),
            "objective": manifest.get("objective"),
            "inputs": describe(record.inputs),
            "classes": ", ".join(record.classes),
            "fingerprint of the examples": str(task.get("examples", ""))[:12],
            "fingerprint of the model": str(task.get("model", ""))[:12],
        },
        "Design": {
            "runs": len(record.runs),
            "design": manifest.get("design"),
            "canaries": ", ".join(f"{count} {kind}" for kind, count in found.planted.items()),
            "seed": manifest.get("seed"),
            "training examples taken": manifest.get("take"),
            "key": str(manifest.get("key", ""))[:12],
        },
        "Recipe": manifest.get("recipe") or {},
        "Versions": {name: run.get(name) for name in ("byrote", "torch", "device", "threads")},
        "Time": {
            "runs with a known time": len(seconds) or None,
            "median seconds of a run": f"{np.median(seconds):.1f}" if seconds else None,
            "sum over runs, in minutes": f"{sum(seconds) / 60:.1f}" if seconds else None,
        },
    }
    kept = {
        title: tuple((str(k).replace("_", " "), str(v)) for k, v in table.items() if v not in (None, ""))
        for title, table in tables.items()
    }
    return tuple(SettingsTable(title, rows) for title, rows in kept.items() if rows)


def command(record: Record) -> str | None:
    """Return the command that repeats the audit; None for a record that a loop of the user's own wrote.

    Where runs were added later it is several, one for each block: who is trained on in a run depends on the blocks. Blocks
    that were planned, and of which no run was trained because enough was known, are left out.
    """
    manifest = record.manifest
    source, seed, steps = source_words(manifest), manifest.get("seed"), manifest["steps"]
    if not source or seed is None:
        return None
    counts = {kind: number for kind, number in parse_call(manifest["canaries"])[1].items() if number}
    canaries = ",".join(f"{kind}={number}" for kind, number in counts.items()) or "0"
    options = [f"--design {shlex.quote(manifest['design'])}", f"--canaries {canaries}", f"--seed {seed}"]
    if steps.get("unit") == "epoch":
        options.append(f"--epochs {steps['last']}")
    if "take" in manifest:
        options.append(f"--take {manifest['take']}")
    options += [f"--probe {shlex.quote(probe)}" for probe in record.probes]
    if every := manifest.get("probes", {}).get("every"):
        options.append(f"--probe-every {every}")
    ends = np.cumsum(manifest["blocks"])
    planned = ends[ends - manifest["blocks"] <= max(record.runs, default=0)].tolist()
    if len(planned) > 2:
        listed = " ".join(map(str, planned))
        return f"for runs in {listed}; do byrote audit {source} --runs $runs {' '.join(options)}; done"
    return " && ".join(f"byrote audit {source} --runs {runs} {' '.join(options)}" for runs in planned)
