"""Language: a list of facts in the weights of a small language model, in a memory of prompts beside it, and in a kNN-LM."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from byrote.experiments.recalling.measuring import Trial, median_seconds, share_lost, timed
from byrote.experiments.recalling.way import MEMORY, Change, Problem, Way
from byrote.lm.answering import answered
from byrote.lm.corpus import Corpus, Texts
from byrote.lm.demo import demo, trained
from byrote.lm.knn import datastore, document_entries, store_tokens, with_memory
from byrote.lm.model import LanguageModel
from byrote.lm.rote import Rote, learn
from byrote.lm.states import document_states, prompt_states
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.training import model_of
from byrote.lm.variations import variations
from byrote.lm.wanted import Wanted, facts
from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.summaries.auroc import auroc
from byrote.summaries.recalled import recalled
from byrote.task.datasets.king_james import king_james
from byrote.training.progress import Progress, Watcher

FACTS = 100
"""Facts of the list, and as many others of the same form that no way learns."""

WORDS = 8
CHANGED = 5
"""Facts that are given another answer, one by one."""

QUERIES = 10
"""Single queries that are timed."""

FALSE_ACCEPT = 0.01
WEIGHT, SHARPNESS, GAPS = 0.9, 4.0, 500
"""Share of the memory in the mixture of a kNN-LM; a key as far away as stored keys are from each other (the median of so many)
weighs exp(-SHARPNESS) of one that is the query itself."""

EPOCHS = 60


@dataclass(frozen=True, eq=False)
class Facts:
    """A model that knows none of the facts, the list, unseen facts of the same form, and text.

    `strangers` are prompts of facts that nothing else is measured on, `control` is text that the model never saw, `ordinary`
    what it was trained on, and `copied` makes a copy of a model of this kind that can be trained on.
    """

    model: LanguageModel
    listed: Wanted
    unseen: Wanted
    strangers: tuple[str, ...]
    control: Texts
    ordinary: Corpus
    copied: Callable[[LanguageModel], LanguageModel]


@dataclass(frozen=True, eq=False)
class Tried:
    """What one way gives: whether facts of the list, unseen ones and varied prompts are answered, and how stored they look."""

    right: Bool[ndarray, " wanted"]
    unseen: Bool[ndarray, " unseen"]
    varied: dict[str, Bool[ndarray, " wanted"]]
    evidence: Float[ndarray, " wanted_and_unseen"]
    new: Float[ndarray, " document"]


def on_language(directory: Path, *, recall: float = 0.99, seed: int = 0, progress: Watcher | None = None) -> Problem:
    """Compare ways of keeping FACTS facts: the place of a verse, and its first eight words.

    The model is that of `byrote lm demo`: it has read most of these verses, but no place. In the weights, it is trained on the
    facts until `recall` of them are answered, with and without other text beside them. A memory of prompts is keyed by the
    state of the model behind the prompt; a kNN-LM mixes what followed the nearest states into each token.
    """
    given = _facts(directory, seed, progress)
    ways = compare_facts(given, Rote(floor=recall, epochs=EPOCHS), FALSE_ACCEPT)
    notes = (
        f"{FACTS} facts such as: {given.listed.prompts[0]} {given.listed.answers[0]} ... One model and one list: intervals are over facts and documents.",
        f"Changes are of {CHANGED} facts, one by one. In the weights they are trained alone.",
        f"The memory of prompts answers {100 * FALSE_ACCEPT:g} % of prompts that are not stored; the model answers the rest. The kNN-LM has weight {WEIGHT:g} where a state is near, and 0 elsewhere.",
    )
    return Problem(
        "language", "King James Bible", "of the facts are answered word for word", "of the tokens of unseen text are the most probable ones", ways, notes
    )  # fmt: skip


def compare_facts(given: Facts, rote: Rote, false_accept: float) -> tuple[Way, ...]:
    """Return what each way of keeping the list gives and takes."""
    before = _tried(given.model, given, None)
    return (
        _way("not stored", before, 0.0, None, None),
        *(_in_weights(given, before, rote, rehearsed) for rehearsed in (False, True)),
        _in_memory(given, before, false_accept),
        _in_mixture(given, before, false_accept),
    )


def _facts(directory: Path, seed: int, progress: Watcher | None) -> Facts:
    if progress is not None:
        progress(Progress(0, 1, 0, 1, stage="language: training the model, about two minutes of one core"))
    made, verses = demo(seed), king_james()
    model = trained(made.task(), made.encoder, directory / f"model-{seed}")
    drawn = np.random.default_rng(seed).permutation(list(verses))[: 3 * FACTS]
    rows = [(f"Verse {place} begins:", " ".join(verses[place].split()[:WORDS])) for place in drawn]
    listed, unseen = (facts(made.encoder, *zip(*part, strict=True)) for part in (rows[:FACTS], rows[FACTS : 2 * FACTS]))
    strangers = tuple(prompt for prompt, _ in rows[2 * FACTS :])

    def copied(other: LanguageModel) -> LanguageModel:
        return model_of(made.task(), copy.deepcopy(other.module), made.encoder, name=other.name)

    return Facts(model, listed, unseen, strangers, Texts(tuple(made.control)[:40], "control text"), made.corpus, copied)


def _tried(model: LanguageModel, given: Facts, before: Tried | None) -> Tried:
    """Ask a model for all that is measured; its evidence is the log-probability of answers, less that of `before`."""
    listed, unseen = answered(model, given.listed), answered(model, given.unseen)
    varied = {
        name: answered(model, given.listed.prompted(given.model.encoder, prompts)).exact
        for name, prompts in variations(given.listed.prompts).items()
    }
    evidence = np.concatenate([listed.logprob, unseen.logprob])
    raw = evidence if before is None else evidence - before.evidence
    return Tried(listed.exact, unseen.exact, varied, raw, _token_accuracy(model, given.control))


def _token_accuracy(model: LanguageModel, control: Texts) -> Float[ndarray, " document"]:
    found = documents_forced(model, [model.encoder.encode(document.text) for document in control])
    return np.array([each.greedy.mean() for each in found])


def _in_weights(given: Facts, before: Tried, rote: Rote, rehearsed: bool) -> Way:
    model = given.copied(given.model)
    done = learn(model, given.listed, rote, ordinary=given.ordinary if rehearsed else None)
    held = _tried(model, given, before)
    trials: list[Trial] = []
    for at in range(CHANGED):
        changed, new = given.copied(model), _changed(given, at)
        seconds, _ = timed(partial(learn, changed, new, replace(rote, floor=1.0)))
        cost = float(_token_accuracy(changed, given.control).mean() - held.new.mean())
        lost = _lost(held.right, answered(changed, given.listed).exact, at)
        trials.append(Trial(seconds, bool(answered(changed, new).exact[0]), cost, lost))
    name = "in the weights, other text beside the list" if rehearsed else "in the weights"
    update = _change(trials)
    query = median_seconds(lambda at: answered(model, given.listed.rows(np.array([at]))), QUERIES)
    return _way(name, held, 0.0, update, Change(_one(done.seconds), _share(before.right), _share(before.right)), query)


def _in_memory(given: Facts, before: Tried, false_accept: float) -> Way:
    """Store answers by the state of the model behind their prompt."""
    keys, others = (prompt_states(given.model, each.prompts) for each in (given.listed, given.unseen))
    memory = Memory(keys.shape[1])
    memory.add(keys, list(given.listed.answers), list(given.listed.ids))
    memory.calibrate(prompt_states(given.model, given.strangers), false_accept)
    size = memory.bytes / len(memory)

    def right(prompts: Sequence[str], instead: Bool[ndarray, " wanted"]) -> Bool[ndarray, " wanted"]:
        found = memory.look_up(prompt_states(given.model, prompts))
        same = np.array([answer == own for answer, own in zip(found.answer, given.listed.answers, strict=True)])
        return np.where(found.known, same, instead)

    varied = {name: right(prompts, before.varied[name]) for name, prompts in variations(given.listed.prompts).items()}
    near = np.concatenate([memory.look_up(each).nearest for each in (keys, others)])
    unseen = np.where(memory.look_up(others).known, False, before.unseen)
    held = Tried(right(given.listed.prompts, before.right), unseen, varied, -near.astype(np.float64), before.new)
    query = median_seconds(lambda at: memory.look_up(prompt_states(given.model, [given.listed.prompts[at]])), QUERIES)
    trials: list[Trial] = []
    for at in range(CHANGED):
        seconds, _ = timed(partial(memory.update, [str(at)], [given.unseen.answers[at]]))
        works = memory.look_up(keys[at : at + 1]).answer[0] == given.unseen.answers[at]
        trials.append(Trial(seconds, works, 0.0, _lost(held.right, right(given.listed.prompts, before.right), at)))
        memory.update([str(at)], [given.listed.answers[at]])
    update = replace(_change(trials), cost=_one(0.0))  # other text is answered by the model alone, whatever is stored
    took, _ = timed(partial(memory.delete, ["0"]))
    memory.delete(memory.ids)
    left = np.where(memory.look_up(keys).known, False, before.right)
    return _way(
        f"{MEMORY} of prompts", held, size, update, Change(_one(took), _share(left), _share(before.right)), query
    )


def _in_mixture(given: Facts, before: Tried, false_accept: float) -> Way:
    """Store what followed each state of the facts, and mix it into what the model says."""
    memory = datastore(given.model, Texts((), "facts"))
    store_tokens(memory, given.model, given.listed.ids, given.listed.tokens)
    gaps = memory.look_up(memory.keys()[:GAPS], k=2).distances[:, 1].astype(np.float64)
    ordinary = tuple(given.ordinary)[:20]
    states = document_states(given.model, [given.model.encoder.encode(each.text) for each in ordinary])
    memory.calibrate(np.concatenate([each.state for each in states]), false_accept)
    model = with_memory(given.model, memory, weight=WEIGHT, temperature=float(np.median(gaps**2)) / SHARPNESS)
    size = memory.bytes / len(given.listed)
    held = _tried(model, given, before)
    query = median_seconds(lambda at: answered(model, given.listed.rows(np.array([at]))), QUERIES)
    trials: list[Trial] = []
    for at in range(CHANGED):
        new = _changed(given, at)
        seconds, _ = timed(partial(_restored, memory, given.model, str(at), new.tokens[0]))
        lost = _lost(held.right, answered(model, given.listed).exact, at)
        cost = float(_token_accuracy(model, given.control).mean() - held.new.mean())
        trials.append(Trial(seconds, bool(answered(model, new).exact[0]), cost, lost))
        _restored(memory, given.model, str(at), given.listed.tokens[at])
    took, _ = timed(lambda: memory.delete(document_entries(memory, str(CHANGED))))
    memory.delete(memory.ids)
    left = answered(model, given.listed).exact
    update = _change(trials)
    return _way(
        f"{MEMORY} of states (kNN-LM)",
        held,
        size,
        update,
        Change(_one(took), _share(left), _share(before.right)),
        query,
    )


def _restored(memory: Memory, model: LanguageModel, document: str, tokens: Int[ndarray, " token"]) -> None:
    """Store a document anew, in place of what is stored of it."""
    memory.delete(document_entries(memory, document))
    store_tokens(memory, model, [document], [tokens])


def _changed(given: Facts, at: int) -> Wanted:
    """Return a fact of the list with the answer of an unseen one."""
    return facts(given.model.encoder, [given.listed.prompts[at]], [given.unseen.answers[at]])


def _way(
    name: str, held: Tried, size: float, update: Change | None, deletion: Change | None, query: float = float("nan")
) -> Way:  # fmt: skip
    both = np.concatenate([held.right, held.unseen])
    member = np.arange(len(both)) < len(held.right)
    return Way(
        name,
        recalled(held.right[None]),
        name.startswith(MEMORY),
        new=Estimate.of_mean(held.new, "document").within(0, 1),
        varied={variation: recalled(right[None]) for variation, right in held.varied.items()},
        leakage=auroc(held.evidence, member),
        leakage_of_answers=auroc(both.astype(np.float64), member),
        bytes_each=size,
        seconds_each=query,
        update=update,
        deletion=deletion,
        right=held.right[None],
    )


def _change(trials: Sequence[Trial]) -> Change:
    seconds, cost, lost = (
        Estimate.of_mean([getattr(trial, part) for trial in trials], "fact") for part in ("seconds", "cost", "lost")
    )
    return Change(seconds, recalled(np.array([[trial.works for trial in trials]])), cost=cost, lost=lost)


def _lost(before: Bool[ndarray, " wanted"], after: Bool[ndarray, " wanted"], but: int) -> float:
    """Return the share of facts that were answered and no longer are, without one of them."""
    others = np.arange(len(before)) != but
    return share_lost(before[others], after[others])


def _share(right: Bool[ndarray, " wanted"]) -> Estimate:
    return recalled(right[None])


def _one(value: float) -> Estimate:
    return Estimate(value, float("nan"), float("nan"), 1, "run")
