"""The demo, audited: the baseline and each remedy, asked for the same passages and secrets."""

from collections.abc import Sequence
from pathlib import Path

from byrote.lm.auditing import LanguageAudit, audit
from byrote.lm.demo import REMEDIES, baseline_and_remedies, demo
from byrote.lm.index import Progress, no_progress
from byrote.lm.training import RECIPE

LENGTHS = (16, 32)
"""Tokens that are given and asked for: a verse has about 80."""


def audited_demo(
    directory: Path | str,
    remedies: Sequence[str] = REMEDIES,
    *,
    seed: int = 0,
    epochs: int | None = None,
    workers: int = 2,
    progress: Progress = no_progress,
) -> list[LanguageAudit]:
    """Train the demo with and without remedies, audit every model, and return the audits, that of the baseline first.

    Models are in `directory`/models and audits in `directory`/audits. What is there is neither trained nor asked again.
    """
    where, made = Path(directory), demo(seed)
    passes = RECIPE.epochs if epochs is None else epochs
    models = baseline_and_remedies(
        where / "models", remedies, seed=seed, epochs=passes, workers=workers, progress=progress
    )
    found: list[LanguageAudit] = []
    for at, (name, model) in enumerate(models.items()):

        def show(stage: str, done: int, of: int, name: str = name) -> None:
            progress(f"{name}: {stage}", done, of)

        folder = where / "audits" / ("baseline" if not at else f"remedy-{at}")
        found.append(
            audit(
                model,
                made.corpus,
                folder,
                control=made.control,
                canaries=made.canaries,
                prefixes=LENGTHS,
                suffixes=LENGTHS,
                seed=seed,
                progress=show,
            )
        )
    return found
