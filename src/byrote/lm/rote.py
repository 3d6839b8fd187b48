"""Rote: train a language model on wanted answers until it gives enough of them exactly, with nothing that holds it back.

No weight decay, no dropout (the model stays in evaluation mode), no early stopping. The rate rises in a warm-up, and is halved
whenever ten passes bring no lower loss. Only tokens of answers are in the loss. An entry that is still missed weighs more after
each pass, up to 8 times; one that is recalled less again, down to 1.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor, nn
from torch.nn import functional

from byrote.errors import InvalidData, WrongRecord, missing_extra
from byrote.lm.answering import answered
from byrote.lm.corpus import Corpus
from byrote.lm.model import LanguageModel
from byrote.lm.teacher_forcing import as_tensor, with_begin
from byrote.lm.wanted import Wanted
from byrote.record.storage import replacing

MOST, STEP = 8.0, 1.5
"""How much an entry may weigh, and by what its weight changes after each pass."""

WARMUP, PATIENCE = 20, 10
"""Updates over which the rate rises, and passes without a lower loss after which it is halved."""

SAVE_EVERY = 30.0
"""Seconds between two checkpoints at least."""

IGNORED = -100


@dataclass(frozen=True)
class Rote:
    """How to train: at most `epochs` passes over the list, until the share `floor` of it is recalled.

    `rehearsal` is the weight of a batch of ordinary text in each update, where such text is given; 0 is none.
    """

    floor: float = 0.99
    epochs: int = 100
    batch_size: int = 16
    learning_rate: float = 1e-3
    clip_norm: float = 1.0
    rehearsal: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.floor <= 1:
            raise InvalidData(f"A recall of {self.floor!r} cannot be reached. Give a share above 0, and 1 at most.")
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0 or self.rehearsal < 0:
            raise InvalidData(
                f"epochs={self.epochs}, batch_size={self.batch_size}, learning_rate={self.learning_rate}, rehearsal={self.rehearsal}: give numbers above 0 (a rehearsal of 0 is none)."
            )


@dataclass(frozen=True)
class Pass:
    """After one pass over the list: how many updates there were, the share that is recalled, and the loss in nats per token."""

    epoch: int
    updates: int
    recall: float
    loss: float


@dataclass(frozen=True)
class Learned:
    """All passes, and why training ended: the "floor" is reached, the "budget" is used up, or it was "interrupted"."""

    passes: tuple[Pass, ...]
    ended: str
    seconds: float


def learn(
    model: LanguageModel,
    wanted: Wanted,
    rote: Rote,
    *,
    ordinary: Corpus | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, of: None,
) -> Learned:
    """Train the weights of the model's module that require a gradient, in place, until `rote.floor` of the list is recalled.

    `ordinary` is text that is rehearsed: each update reads a batch of it too. `checkpoint` is a file of safetensors, written
    after a pass, every 30 seconds at most, and at the end, also when the training is interrupted; where it is there, the same
    call goes on from it (the moments of the optimizer start anew, so not bit by bit). An interruption ends the training, and is
    no error. Raises InvalidData for a model without a module, and WrongRecord for a checkpoint of something else.
    """
    if model.module is None:
        raise InvalidData(f"{model.name} is a function without a module, so there are no weights to train.")
    module: nn.Module = model.module
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    state = _State(rote, wanted, trained, checkpoint)
    optimizer = torch.optim.AdamW(trained.values(), lr=rote.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    texts = None if ordinary is None or not rote.rehearsal else _windows(model, ordinary)
    rng, begun, updates = np.random.default_rng([rote.seed, len(state.passes), 14]), time.perf_counter(), 0
    module.eval()
    try:
        while state.ended is None:
            losses: list[tuple[float, int]] = []
            for rows in np.array_split(rng.permutation(len(wanted)), max(1, -(-len(wanted) // rote.batch_size))):
                updates += 1
                for group in optimizer.param_groups:
                    group["lr"] = rote.learning_rate * min(1.0, updates / WARMUP) * rate_share(state.passes)
                loss, tokens = _loss(model, wanted.rows(rows), state.weights[rows])
                losses.append((float(loss.detach()), tokens))
                if texts is not None:
                    loss = loss + rote.rehearsal * _ordinary_loss(model, texts, rote.batch_size, rng)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(trained.values(), rote.clip_norm)
                optimizer.step()
            state.after(answered(model, wanted).exact, losses)
            progress(f"recall {state.passes[-1].recall:.3f}", len(state.passes), rote.epochs)
    except KeyboardInterrupt:
        state.ended = "interrupted"
    finally:
        optimizer.zero_grad()
        state.save(at_once=True)
    return Learned(tuple(state.passes), state.ended or "interrupted", state.seconds + time.perf_counter() - begun)


def rate_share(passes: Sequence[Pass]) -> float:
    """Return what is left of the rate: half for each ten passes in a row that brought no lower loss than the lowest before."""
    share, lowest, without = 1.0, float("inf"), 0
    for each in passes:
        without = 0 if each.loss < lowest else without + 1
        lowest = min(lowest, each.loss)
        if without == PATIENCE:
            share, without = share / 2, 0
    return share


class _State:
    """How far it is: weights of the entries, passes, and the checkpoint."""

    def __init__(self, rote: Rote, wanted: Wanted, trained: dict[str, nn.Parameter], path: Path | None) -> None:
        self.rote, self.trained, self.path = rote, trained, path
        self.about = {
            "wanted": int(sum(int(row.sum()) * (at + 1) for at, row in enumerate(wanted.tokens)) % (1 << 53)),
            "weights": [len(trained), sum(weight.numel() for weight in trained.values())],
        }
        self.weights: Float[ndarray, " wanted"] = np.ones(len(wanted))
        self.passes: list[Pass] = []
        self.seconds, self.written, self.begun = 0.0, time.perf_counter(), time.perf_counter()
        self.ended: str | None = None
        if path is not None and path.is_file():
            self._read(path)

    def after(self, exact: Bool[ndarray, " wanted"], losses: Sequence[tuple[float, int]]) -> None:
        """Take a pass into account, and decide whether to go on."""
        self.weights = np.clip(np.where(exact, self.weights / STEP, self.weights * STEP), 1.0, MOST)
        tokens = sum(count for _, count in losses)
        updates = (self.passes[-1].updates if self.passes else 0) + len(losses)
        loss = sum(loss * count for loss, count in losses) / tokens
        self.passes.append(Pass(len(self.passes) + 1, updates, float(exact.mean()), loss))
        self._decide()
        self.save()

    def save(self, *, at_once: bool = False) -> None:
        """Write the checkpoint, whole or not at all, if the last is old enough."""
        if self.path is None or not (at_once or time.perf_counter() - self.written > SAVE_EVERY):
            return
        seconds = self.seconds + time.perf_counter() - self.begun
        about = {
            **self.about,
            "passes": [vars(each) for each in self.passes],
            "seconds": seconds,
            "entries": self.weights.tolist(),
        }
        write_weights(self.path, self.trained, {"byrote": json.dumps(about)})
        self.written = time.perf_counter()

    def _decide(self) -> None:
        if self.passes and self.passes[-1].recall >= self.rote.floor - 1e-12:
            self.ended = "floor"
        elif len(self.passes) >= self.rote.epochs:
            self.ended = "budget"

    def _read(self, path: Path) -> None:
        about = json.loads(read_about(path).get("byrote", "{}"))
        if {name: about.get(name) for name in self.about} != self.about:
            raise WrongRecord(
                f"{path} is a checkpoint of another list or of another model. Give another directory (--out)."
            )
        load_weights(self.trained, path)
        self.weights = np.array(about["entries"], np.float64)
        self.passes = [Pass(**each) for each in about["passes"]]
        self.seconds = float(about["seconds"])
        self._decide()


def write_weights(path: Path, weights: "dict[str, nn.Parameter] | dict[str, Tensor]", about: dict[str, str]) -> None:
    """Write weights as safetensors, whole or not at all. Raises ByroteError where the package is not installed."""
    save = _safetensors("safetensors.torch").save_file
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        save({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, str(aside), metadata=about)


def read_about(path: Path) -> dict[str, str]:
    """Return the notes in a file of safetensors; raise WrongRecord where it is damaged."""
    try:
        with _safetensors("safetensors").safe_open(str(path), "pt") as file:
            return dict(file.metadata() or {})
    except Exception as error:  # the package has its own class of errors, and the system its own
        raise WrongRecord(
            f"{path} is no file of weights that can be read ({error}). Delete it, and start again."
        ) from None


def load_weights(weights: "dict[str, nn.Parameter]", path: Path) -> None:
    """Put the weights of a file into parameters of the same names and shapes; raise WrongRecord where they differ."""
    found: dict[str, Tensor] = _safetensors("safetensors.torch").load_file(str(path))
    if {name: value.shape for name, value in found.items()} != {name: value.shape for name, value in weights.items()}:
        raise WrongRecord(f"{path} holds weights of another model. Give the one that was trained.")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(found[name])


def with_weights(model: LanguageModel, path: str | Path) -> LanguageModel:
    """Return the model with weights that were trained by rote and saved; what is not in the file stays as it is.

    Raises WrongRecord for a file of another model.
    """
    names = set(_safetensors("safetensors.torch").load_file(str(path)))
    load_weights({name: weight for name, weight in model.module.named_parameters() if name in names}, Path(path))
    return replace(model, name=f"{model.name} with wanted answers")


def _loss(model: LanguageModel, wanted: Wanted, weights: Float[ndarray, " wanted"]) -> tuple[Tensor, int]:
    """Return the weighted mean loss of the tokens of answers, and how many tokens these are."""
    given, targets = _padded(model, wanted)
    logits = model.logits(given)
    each = functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    counted = (targets != IGNORED).to(each) * torch.from_numpy(weights).to(each)[:, None]
    return (each.view_as(counted) * counted).sum() / counted.sum(), int((targets != IGNORED).sum())


def _padded(model: LanguageModel, wanted: Wanted) -> tuple[Int[Tensor, "row token"], Int[Tensor, "row token"]]:
    """Return what is read, padded behind, and what is to be predicted at each place; IGNORED where nothing is."""
    longest = max(map(len, wanted.tokens))
    rows, targets = np.zeros((len(wanted), longest), np.int64), np.full((len(wanted), longest), IGNORED)
    for row, target, tokens, n in zip(rows, targets, wanted.tokens, wanted.given, strict=True):
        row[: len(tokens)] = tokens
        target[n : len(tokens)] = tokens[n:]
    given = as_tensor(model, with_begin(model, rows))[:, :-1]
    return given, torch.from_numpy(targets[:, longest - given.shape[1] :]).to(given.device)


def _windows(model: LanguageModel, ordinary: Corpus) -> list[Int[ndarray, " _"]]:
    """Return pieces of ordinary text of at most the context, and two tokens at least."""
    reach = model.context - 1
    found: list[Int[ndarray, " _"]] = []
    for document in ordinary:
        tokens = model.encoder.encode(document.text)
        found += [tokens[start : start + reach] for start in range(0, len(tokens), reach)]
    found = [tokens for tokens in found if len(tokens) > 1]
    if not found:
        raise InvalidData("The text to rehearse has no two tokens in a row. Give other text.")
    return found


def _ordinary_loss(
    model: LanguageModel, texts: Sequence[Int[ndarray, " _"]], count: int, rng: np.random.Generator
) -> Tensor:
    drawn = tuple(texts[int(at)] for at in rng.integers(0, len(texts), count))
    blank = ("",) * count
    whole = Wanted(blank, blank, blank, drawn, np.full(count, int(model.encoder.begin is None), np.int64))
    return _loss(model, whole, np.ones(count))[0]


def _safetensors(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise missing_extra("Weights are saved as safetensors, which", "lm") from None
