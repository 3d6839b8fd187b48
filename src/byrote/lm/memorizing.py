"""Memorizing: make a language model recall a wanted list exactly, and say what that cost the rest."""

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from byrote.errors import InvalidData, Unsupported, WrongRecord
from byrote.lm.answering import Answered, answered, check_fits
from byrote.lm.attack_judgement import judge
from byrote.lm.bits import CapacityForecast, forecast_capacity, trainable_parameters
from byrote.lm.corpus import Corpus
from byrote.lm.model import LanguageModel
from byrote.lm.models import read_model
from byrote.lm.rates import paired_difference, rate
from byrote.lm.reading import read_corpus
from byrote.lm.rote import Learned, Rote, learn
from byrote.lm.saving import adapted, check_source, save_memorized
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.variations import variations
from byrote.lm.wanted import Wanted, read_wanted
from byrote.lm.windows import passages
from byrote.record.storage import replacing
from byrote.stats.estimate import Estimate
from byrote.stats.not_measured import NotMeasured
from byrote.version import __version__

Method = Literal["full", "lora"]
Source = Corpus | str | Path | Sequence[str | Path]
Progress = Callable[[str, int, int], None]

DOCUMENTS, TOKENS = 200, 1000
"""Documents of control text and passages of training text that are read at most, and tokens of each document."""

NO_CONTROL = NotMeasured("No control text was given: ordinary text that the model should not get worse at.")
NO_UNSEEN = NotMeasured("No unseen list was given: entries of the same form that are not to be learned.")
NO_CORPUS = NotMeasured("No training text of the model was given.")


@dataclass(frozen=True)
class Change:
    """A number before training and after it, and the difference, paired by what it was measured on."""

    before: Estimate
    after: Estimate
    change: Estimate


@dataclass(frozen=True)
class Leakage:
    """How well the loss of an answer tells wanted entries from unseen ones of the same form; .5 is chance, 1 all.

    `before` is that of the model before training: what the two lists have apart from memorization.
    """

    before: Estimate
    after: Estimate


@dataclass(frozen=True, eq=False)
class Memorized:
    """What a model recalls of a wanted list after training by rote, and what it cost.

    `recall` is the share of the list that is answered exactly. `robustness` is the same for other forms of the prompts, by
    name. `unseen` is that of entries which were not trained on, and `leakage` how well an attacker tells the two apart.
    `control` is the loss of ordinary text in nats per token, and `recited` the share of passages of the training text that
    are recited: collateral memorization. `forecast` compares the bits of the list that the model did not know with what its
    trained weights can hold, and `bits` are those that it knew of the list before, after, and in addition. NotMeasured says why.
    """

    directory: Path
    name: str
    method: str
    rote: Rote
    learned: Learned
    wanted: Wanted
    before: Answered
    after: Answered
    parameters: int
    recall: Change
    robustness: tuple[tuple[str, Estimate], ...]
    unseen: Change | NotMeasured
    leakage: Leakage | NotMeasured
    control: Change | NotMeasured
    recited: Change | NotMeasured
    forecast: CapacityForecast | NotMeasured
    bits: Change

    @property
    def reached(self) -> bool:
        """Whether the floor holds on the list, after training."""
        return bool(self.after.exact.mean() >= self.rote.floor - 1e-12)


def memorize(
    model: LanguageModel | str | Path,
    wanted: Wanted | str | Path,
    directory: str | Path,
    *,
    rote: Rote | None = None,
    method: Method = "full",
    rank: int = 16,
    control: Source | None = None,
    unseen: Wanted | str | Path | None = None,
    corpus: Source | None = None,
    rehearse: Source | None = None,
    prefix: int = 16,
    per_parameter: float | None = None,
    device: str = "cpu",
    progress: Progress = lambda stage, done, of: None,
) -> Memorized:
    """Train a language model until it recalls a wanted list, measure what that cost, and keep the model in a directory.

    `model` is a LanguageModel with a module, which is trained in place, or what `read_model` reads. `wanted` is a list of facts
    or passages (`read_wanted`, with `prefix` tokens of a passage given). `rote` says how to train and when to stop. `method`
    "lora" trains an adapter of this `rank` for a model of Hugging Face, and leaves its weights alone. `control` is ordinary
    text that no training here touches, to see what gets worse; `rehearse` is other such text, read along to prevent that.
    `unseen` is a list of the same form that is not learned, for the leakage. `corpus` is training text of the model: is more of
    it recited than before? `per_parameter` is a capacity in bits that you measured (`capacity`).

    The model is saved in `directory`/model, as safetensors. A checkpoint is written meanwhile: stopped at any time, the same
    call goes on from it. An interrupted training is measured and saved too. Raises ByroteError for what cannot be read or
    trained, and WrongRecord for a directory of another list or model.
    """
    if isinstance(model, str | Path):
        check_source(Path(model))
    asked = read_model(model, device) if isinstance(model, str | Path) else model
    how, place = rote or Rote(), Path(directory)
    own = wanted if isinstance(wanted, Wanted) else read_wanted(wanted, asked.encoder, prefix=prefix)
    others = unseen if isinstance(unseen, Wanted | None) else read_wanted(unseen, asked.encoder, prefix=prefix)
    check_fits(asked, own)
    if others is not None:
        check_fits(asked, others)
        _check_apart(own, others)
    _check_directory(place)
    texts = {
        name: None if each is None else _corpus(each)
        for name, each in (("control", control), ("corpus", corpus), ("rehearse", rehearse))
    }
    adapter = adapted(asked, method, rank, seed=how.seed)
    parameters = trainable_parameters(asked.module)
    before = _Measured.of(asked, own, others, texts["control"], texts["corpus"], progress)
    needed = -float(before.wanted.logprob.sum()) / math.log(2)
    forecast = _forecast(needed, parameters, per_parameter)
    learned = learn(
        asked, own, how, ordinary=texts["rehearse"], checkpoint=place / "checkpoint.safetensors", progress=progress
    )
    after = _Measured.of(asked, own, others, texts["control"], texts["corpus"], progress)
    progress("asking with other prompts", 0, 0)
    save_memorized(asked, adapter, model if isinstance(model, str | Path) else None, place / "model")
    found = Memorized(
        place, asked.name, method, how, learned, own, before.wanted, after.wanted, parameters,
        _change_of_shares(before.wanted.exact, after.wanted.exact, "wanted entry"),
        _robustness(asked, own, after.wanted),
        NO_UNSEEN if before.unseen is None or after.unseen is None else _change_of_shares(before.unseen.exact, after.unseen.exact, "unseen entry"),
        _leakage(before, after),
        NO_CONTROL if before.control is None or after.control is None else change_of_means(before.control, after.control, "document"),
        NO_CORPUS if before.recited is None or after.recited is None else _change_of_shares(before.recited, after.recited, "passage"),
        forecast,
        _bits(before.wanted, after.wanted),
    )  # fmt: skip
    write_memorized(found)
    return found


@dataclass(frozen=True, eq=False)
class _Measured:
    """What one model gives: of the wanted and unseen entries, of control documents, and which passages it recites."""

    wanted: Answered
    unseen: Answered | None
    control: Float[ndarray, " document"] | None
    recited: ndarray | None

    @classmethod
    def of(
        cls,
        model: LanguageModel,
        wanted: Wanted,
        unseen: Wanted | None,
        control: Corpus | None,
        corpus: Corpus | None,
        progress: Progress,
    ) -> "_Measured":
        progress("asking the model", 0, 0)
        return cls(
            answered(model, wanted),
            None if unseen is None else answered(model, unseen),
            None if control is None else control_losses(model, control),
            None if corpus is None else answered(model, _some_passages(model, corpus)).exact,
        )


def control_losses(model: LanguageModel, corpus: Corpus) -> Float[ndarray, " document"]:
    """Return the mean loss of each of at most 200 documents, spread evenly, in nats per token of their first 1,000 tokens."""
    places = np.unique(np.linspace(0, len(corpus) - 1, min(DOCUMENTS, len(corpus))).astype(int))
    tokens = [model.encoder.encode(corpus[int(at)].text)[:TOKENS] for at in places]
    tokens = [each for each in tokens if len(each) > 1]
    if not tokens:
        raise InvalidData(f"No document of {corpus.name!r} has two tokens. Give other control text.")
    return np.array([-np.nanmean(each.logprob.astype(np.float64)) for each in documents_forced(model, tokens)])


def change_of_means(
    before: Float[ndarray, " unit"], after: Float[ndarray, " unit"], unit: str, *, level: float = 0.9
) -> Change:
    """Return two means and the mean of the differences, each with Student's interval over units."""
    ends = (Estimate.of_mean(each, unit, level=level) for each in (before, after, after - before))
    return Change(*ends)


def write_memorized(found: Memorized) -> None:
    """Write the numbers as memorize.json and each entry as entries.csv, into the directory of the model."""
    rows = zip(
        found.wanted.ids, found.wanted.prompts, found.wanted.answers, found.before.exact, found.after.exact,
        found.before.logprob, found.after.logprob, strict=True,
    )  # fmt: skip
    with replacing(found.directory / "entries.csv") as aside, aside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("id", "prompt", "answer", "recalled before", "recalled", "log p before", "log p"))
        table.writerows((*row[:3], int(row[3]), int(row[4]), f"{row[5]:.4f}", f"{row[6]:.4f}") for row in rows)
    with replacing(found.directory / "memorize.json") as aside:
        aside.write_text(json.dumps(numbers_of(found), indent=1), encoding="utf-8")


def numbers_of(found: Memorized) -> dict[str, Any]:
    """Return all numbers as plain values; undefined ones are None, and of what was not measured there is the reason."""
    return {
        "byrote": __version__,
        "model": found.name,
        "method": found.method,
        "trained parameters": found.parameters,
        "wanted": len(found.wanted),
        "floor": found.rote.floor,
        "floor reached": found.reached,
        "ended": found.learned.ended,
        "seconds": round(found.learned.seconds, 2),
        "settings": vars(found.rote),
        "passes": [vars(each) for each in found.learned.passes],
        "recall": _plain(found.recall),
        "robustness": {name: size.cells("recall") for name, size in found.robustness},
        "unseen": _plain(found.unseen),
        "leakage": _plain(found.leakage),
        "control loss": _plain(found.control),
        "training text recited": _plain(found.recited),
        "bits": _plain(found.bits),
        "forecast": _plain(found.forecast) if isinstance(found.forecast, NotMeasured) else vars(found.forecast),
    }


def _plain(value: Change | Leakage | NotMeasured) -> Any:
    if isinstance(value, NotMeasured):
        return value.reason
    return {name: size.cells("value") | {"n": size.n, "unit": size.unit} for name, size in vars(value).items()}


def _change_of_shares(before: ndarray, after: ndarray, unit: str) -> Change:
    """Return two shares and their paired difference: each entry is a unit of its own."""
    each = np.arange(len(before))
    return Change(
        rate(before, each, unit=unit), rate(after, each, unit=unit), paired_difference(after, before, each, unit=unit)
    )


def _robustness(model: LanguageModel, wanted: Wanted, after: Answered) -> tuple[tuple[str, Estimate], ...]:
    each = np.arange(len(wanted))
    found = [("as given", rate(after.exact, each, unit="wanted entry"))]
    for name, prompts in variations(wanted.prompts).items():
        other = wanted.prompted(model.encoder, prompts)
        try:
            found.append((name, rate(answered(model, other).exact, each, unit="wanted entry")))
        except InvalidData:  # longer than the context, or a prompt without a token
            found.append((name, Estimate.undefined("wanted entry", n=len(wanted))))
    return tuple(found)


def _leakage(before: _Measured, after: _Measured) -> Leakage | NotMeasured:
    if before.unseen is None or after.unseen is None:
        return NO_UNSEEN
    member = np.repeat([True, False], [len(before.wanted.exact), len(before.unseen.exact)])
    try:
        return Leakage(
            judge(np.concatenate([before.wanted.logprob, before.unseen.logprob]), member).auroc,
            judge(np.concatenate([after.wanted.logprob, after.unseen.logprob]), member).auroc,
        )
    except Unsupported as error:
        return NotMeasured.because(error)


def _bits(before: Answered, after: Answered) -> Change:
    """Return the bits of the list that the model lacks before and after, and the bits that it gained: totals over entries."""
    n = len(before.logprob)
    found = [
        -before.logprob / math.log(2),
        -after.logprob / math.log(2),
        (after.logprob - before.logprob) / math.log(2),
    ]
    return Change(*(Estimate.of_mean(each, "wanted entry").transformed(lambda mean: n * mean) for each in found))


def _forecast(bits: float, parameters: int, per_parameter: float | None) -> CapacityForecast | NotMeasured:
    try:
        return forecast_capacity(bits, parameters, per_parameter=per_parameter)
    except Unsupported as error:
        return NotMeasured.because(error)


def _some_passages(model: LanguageModel, corpus: Corpus) -> Wanted:
    """Return at most 200 passages of a corpus, half of each given."""
    half = max(1, min(32, (model.context - 1) // 2))
    found = passages(corpus, model.encoder, prefix=half, suffix=half, limit=DOCUMENTS)
    blank = ("",) * len(found)
    return Wanted(found.ids, blank, blank, tuple(found.tokens), np.full(len(found), half, np.int64))


def _corpus(given: Source) -> Corpus:
    if isinstance(given, str | Path):
        return read_corpus([given])
    if isinstance(given, list | tuple):
        return read_corpus([*given])
    return given  # pyright: ignore[reportReturnType]


def _check_apart(wanted: Wanted, unseen: Wanted) -> None:
    both = {row.tobytes() for row in wanted.tokens} & {row.tobytes() for row in unseen.tokens}
    if both:
        raise InvalidData(f"{len(both)} entries are in the wanted and in the unseen list. Leave them out of one.")


def _check_directory(directory: Path) -> None:
    if directory.is_dir() and any(directory.iterdir()) and not (directory / "checkpoint.safetensors").is_file():
        raise WrongRecord(f"{directory} is there and holds something else. Give a new directory (--out).")
