"""The demo, audited: the baseline and each remedy, asked for the same passages and secrets."""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from byrote.controls import parse_control
from byrote.lm.auditing import LanguageAudit, audit, read_audit
from byrote.lm.demo import demo, trained
from byrote.lm.index import Stage, no_progress
from byrote.lm.training import RECIPE
from byrote.training.claims import ticked

if TYPE_CHECKING:
    from byrote.training.progress import Progress

REMEDIES = ("deduplicate(0)", "goldfish(4)")
"""The controls that are tried on the demo by default."""

LENGTHS = (16, 32)
"""Tokens that are given and asked for: a verse has about 80."""


def audited_demo(
    directory: Path | str,
    remedies: Sequence[str] = REMEDIES,
    *,
    seed: int = 0,
    epochs: int | None = None,
    workers: int = 2,
    progress: Stage = no_progress,
) -> list[LanguageAudit]:
    """Train the demo with and without remedies, audit every model, and return the audits, that of the baseline first.

    All are trained from the same first weights. Each has a folder in `directory`/models and in `directory`/audits; what is
    there is neither trained nor asked again. At most `workers` processes are at work, one thread each; a model takes about two
    minutes of one core. `progress` is told how many epochs of all models are done. Raises ByroteError for what is no control.
    """
    arms = [(), *((str(parse_control(text)),) for text in remedies)]
    names = ["baseline", *(f"remedy-{at}" for at in range(1, len(arms)))]
    passes = RECIPE.epochs if epochs is None else epochs
    where, asking = Path(directory), max(1, passes // 3)  # asking takes about a third of the time of training
    with ProcessPoolExecutor(min(workers, len(arms)), mp_context=get_context("spawn")) as pool:
        futures = [
            pool.submit(_train_and_ask, seed, passes, str(where), name, controls)
            for name, controls in zip(names, arms, strict=True)
        ]
        while not all(each.done() for each in futures):
            done = sum(
                passes + asking
                if future.done()
                else ticked(where / "models" / name, 0) or passes * _is_trained(where, name)
                for name, future in zip(names, futures, strict=True)
            )
            ready = sum(each.done() for each in futures)
            progress(f"training and asking, {ready} of {len(arms)} models done", done, (passes + asking) * len(arms))
            wait(futures, timeout=0.5, return_when=FIRST_EXCEPTION)
            for each in futures:
                if each.done():
                    each.result()
    progress("reading what was said", 1, 1)
    return [read_audit(where / "audits" / name) for name in names]


def _is_trained(directory: Path, name: str) -> bool:
    return any((directory / "models" / name / "runs").glob("*.parquet"))


def _train_and_ask(seed: int, epochs: int, directory: str, name: str, controls: tuple[str, ...]) -> None:
    """Train one model, and ask it for the passages and the secrets."""
    torch.set_num_threads(1)  # this process is one of several, and its own
    made, where = demo(seed), Path(directory)
    model = trained(made.task(epochs), made.encoder, where / "models" / name, controls, progress=_silent)
    audit(
        model, made.corpus, where / "audits" / name, control=made.control, canaries=made.canaries,
        prefixes=LENGTHS, suffixes=LENGTHS, seed=seed,
    )  # fmt: skip


def _silent(_: "Progress") -> None:
    """Say nothing: the process that waits does."""
