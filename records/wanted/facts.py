"""The same list of facts in the weights of a language model, in a memory of prompts beside it, and in a kNN-LM.

python -m records.wanted.facts FOLDER [COUNT] [0]    # 100 facts: about three minutes of one core; 0: not in the weights

Facts: the place of a verse -> its first eight words. COUNT of the 1,739 verses that come with byrote, at random by the seed; as
many others are unseen facts of the same form. The model has read most of these verses, but no place.
"""

import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
from records.wanted.scripture import Scripture, scripture

from byrote.lm.answering import answered
from byrote.lm.attack_judgement import judge
from byrote.lm.corpus import Texts
from byrote.lm.knn import document_entries, store_tokens, with_memory
from byrote.lm.memorizing import change_of_means, control_losses
from byrote.lm.model import LanguageModel
from byrote.lm.rote import Rote, learn
from byrote.lm.states import document_states, prompt_states, width_of
from byrote.lm.training import model_of
from byrote.lm.variations import variations
from byrote.lm.wanted import Wanted, facts
from byrote.recall import Memory
from byrote.stats.estimate import Estimate
from byrote.task.datasets.king_james import king_james

COUNT, CHANGED, SEED = 100, 10, 0
FALSE_ACCEPT = 0.02
UNKNOWN = "not known"


def main(folder: Path, total: int = COUNT, weights: int = 1) -> None:
    found = scripture(folder)
    encoder, verses = found.made.encoder, king_james()
    drawn = np.random.default_rng(SEED).permutation(list(verses))[: 2 * total]
    rows = [(f"Verse {place} begins:", " ".join(verses[place].split()[:8])) for place in drawn]
    own, unseen = (facts(encoder, *zip(*part, strict=True)) for part in (rows[:total], rows[total:]))
    control = Texts(found.control.documents + found.chapters.documents)
    print(
        f"{total} facts, {int(own.answer_tokens.sum()):,} tokens of answers, {total} unseen; control text: {len(control)} documents"
    )
    before = control_losses(found.model, control)
    print(
        f"the model before: recall {share(answered(found.model, own).exact)}, loss of control text {Estimate.of_mean(before, 'document')}"
    )
    for rehearsed in (False, True) if weights else ():
        in_weights(found, own, unseen, control, before, rehearsed)
    in_memory(found.model, own, unseen)
    in_knn(found.model, own, unseen, control, before)


def in_weights(
    found: Scripture, own: Wanted, unseen: Wanted, control: Texts, before: np.ndarray, rehearsed: bool
) -> None:
    print(f"== in the weights, {'with' if rehearsed else 'without'} rehearsal")
    model = copied(found, found.model)
    start = answered(model, own).logprob, answered(model, unseen).logprob
    done = learn(model, own, Rote(floor=1.0, epochs=60), ordinary=found.made.corpus if rehearsed else None)
    told(model, own, unseen, control, before, start)
    weights = sum(weight.numel() for weight in model.module.parameters())
    print(
        f"{done.ended} after {len(done.passes)} passes, {done.seconds:.0f} s; bytes a fact: {4 * weights / len(own):,.0f} (all weights; nothing else is stored)"
    )
    if rehearsed:
        return
    exact = answered(model, own).exact
    pool = answers_of(own, unseen)
    times, broken, ranks = [], [], []
    for at in range(CHANGED):
        changed = copied(found, model)
        new = facts(found.made.encoder, [own.prompts[at]], [unseen.answers[at]])
        one = learn(changed, new, Rote(floor=1.0, epochs=100))
        others = np.arange(len(own)) != at
        broken.append(float((exact & ~answered(changed, own).exact)[others].mean()))
        times.append(one.seconds)
        ranks.append(rank_of(changed, own.prompts[at], own.answers[at], pool, found))
        assert answered(changed, new).exact.all()
    print(
        f"update of one fact by training on it alone, {CHANGED} times: {Estimate.of_mean(times, 'fact')} s, other facts that are lost {Estimate.of_mean(broken, 'fact')}"
    )
    exposure("the old answer after its update", ranks, len(pool))
    times, broken, ranks, whole = [], [], [], []
    for at in range(CHANGED):
        changed = copied(found, model)
        whole.append(rank_of(changed, own.prompts[at], own.answers[at], pool, found))
        one = learn(changed, facts(found.made.encoder, [own.prompts[at]], [UNKNOWN]), Rote(floor=1.0, epochs=100))
        others = np.arange(len(own)) != at
        broken.append(float((exact & ~answered(changed, own).exact)[others].mean()))
        times.append(one.seconds)
        ranks.append(rank_of(changed, own.prompts[at], own.answers[at], pool, found))
    print(
        f"deletion of one fact by training its prompt on '{UNKNOWN}', {CHANGED} times: {Estimate.of_mean(times, 'fact')} s, other facts that are lost {Estimate.of_mean(broken, 'fact')}"
    )
    exposure("a fact that is stored", whole, len(pool))
    exposure("what is left after its deletion", ranks, len(pool))
    never = [rank_of(model, unseen.prompts[at], unseen.answers[at], pool, found) for at in range(CHANGED)]
    exposure("a fact that was never stored", never, len(pool))


def in_memory(model: LanguageModel, own: Wanted, unseen: Wanted) -> None:
    print("== in a memory keyed by the state of the model after the prompt (cosine)")
    start = time.perf_counter()
    keys = prompt_states(model, own.prompts)
    memory = Memory(keys.shape[1])
    memory.add(keys, list(own.answers), list(own.ids))
    print(
        f"{len(memory)} facts stored in {time.perf_counter() - start:.2f} s; bytes a fact {memory.bytes / len(memory):,.0f}, beside the model"
    )
    strangers = prompt_states(model, unseen.prompts)
    threshold = memory.calibrate(strangers[::2], FALSE_ACCEPT)
    print(
        f"threshold {threshold.distance:.4f}; false accepts among the other half of the unseen prompts {share(memory.look_up(strangers[1::2]).known)}"
    )
    recalled(memory, model, own, own.prompts, "as given")
    for name, prompts in variations(own.prompts).items():
        recalled(memory, model, own, prompts, name)
    times = [timed(lambda at=at: memory.update([str(at)], ["another answer"])) for at in range(CHANGED)]
    found = memory.look_up(keys).answer
    right = np.array([found[at] == own.answers[at] for at in range(CHANGED, len(own))])
    print(
        f"update of one fact: {1000 * np.mean(times):.3f} ms; new answers given {sum(answer == 'another answer' for answer in found[:CHANGED])} of {CHANGED}; others that are lost {share(~right)}"
    )
    times = [timed(lambda at=at: memory.delete([str(at)])) for at in range(CHANGED)]
    left = memory.look_up(keys[:CHANGED])
    print(
        f"deletion of one fact: {1000 * np.mean(times):.3f} ms; still known {share(left.known)}, with the old answer {int(sum(answer == own.answers[at] for at, answer in enumerate(left.answer)))}"
    )
    gone = memory.delete_and_prove([str(CHANGED)])
    print(f"with proof: never held {gone.never_held}, copies of its key left {gone.copies_left}")


def in_knn(model: LanguageModel, own: Wanted, unseen: Wanted, control: Texts, before: np.ndarray) -> None:
    for weight, calibrated in ((0.25, False), (0.9, False), (0.9, True)):
        print(f"== kNN-LM, weight {weight}{', not known beyond a threshold' if calibrated else ''}")
        begun = time.perf_counter()
        memory = Memory(width_of(model), metric="euclidean")
        store_tokens(memory, model, own.ids, own.tokens)
        seconds = time.perf_counter() - begun
        if calibrated:
            states = document_states(model, [model.encoder.encode(each.text) for each in control.documents[::2]])
            memory.calibrate(np.concatenate([each.state for each in states]), 0.01)
        mixed = with_memory(model, memory, weight=weight, temperature=1.0)
        told(mixed, own, unseen, control, before, (answered(model, own).logprob, answered(model, unseen).logprob))
        print(f"stored in {seconds:.1f} s; bytes a fact {memory.bytes / len(own):,.0f}, beside the model")
        if weight == 0.25 or calibrated:
            continue
        exact, times, broken, kept, left = answered(mixed, own).exact, [], [], [], []
        for at in range(CHANGED):
            new = facts(model.encoder, [own.prompts[at]], [unseen.answers[at]])
            start = time.perf_counter()
            memory.delete(document_entries(memory, str(at)))
            times.append(time.perf_counter() - start)
            left.append(bool(answered(mixed, own.rows(np.array([at]))).exact[0]))
            store_tokens(memory, model, [str(at)], new.tokens)
            times[-1] = time.perf_counter() - start
            kept.append(bool(answered(mixed, new).exact[0]))
            broken.append(float((exact & ~answered(mixed, own).exact)[CHANGED:].mean()))
        print(
            f"update of one fact (delete, store): {1000 * np.mean(times):.0f} ms; new answers given {sum(kept)} of {CHANGED}, old answers given after deletion {sum(left)} of {CHANGED}; other facts that are lost in the end {broken[-1]:.3f}"
        )


def told(
    model: LanguageModel,
    own: Wanted,
    unseen: Wanted,
    control: Texts,
    before: np.ndarray,
    start: tuple[np.ndarray, np.ndarray],
) -> None:
    """Print recall, near-misses, the loss of control text, and how well the loss tells the list from unseen facts."""
    print(f"recall {share(answered(model, own).exact)}, of unseen facts {share(answered(model, unseen).exact)}")
    for name, prompts in variations(own.prompts).items():
        print(f"  {name}: {share(answered(model, own.prompted(model.encoder, prompts)).exact)}")
    change = change_of_means(before, control_losses(model, control), "document").change
    print(f"loss of control text: change {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]")
    member = np.repeat([True, False], [len(own), len(unseen)])
    areas = [
        judge(np.concatenate(each), member).auroc
        for each in (start, (answered(model, own).logprob, answered(model, unseen).logprob))
    ]
    print(f"leakage, AUROC: {areas[1]} (before {areas[0]})", flush=True)


def recalled(memory: Memory, model: LanguageModel, own: Wanted, prompts: Sequence[str], name: str) -> None:
    found = memory.look_up(prompt_states(model, prompts))
    right = np.array([answer == true for answer, true in zip(found.answer, own.answers, strict=True)])
    nearest = np.array([value == true for value, true in zip(found.values[:, 0], own.answers, strict=True)])
    print(
        f"  {name}: right {share(right)}, not known {share(~found.known)}, wrong {share(found.known & ~right)}; right by the nearest key, without a threshold {share(nearest)}"
    )


def rank_of(model: LanguageModel, prompt: str, answer: str, pool: Sequence[str], found: Scripture) -> float:
    """Return the rank of the answer among others by log-probability per token, from 1."""
    given = ranked(found, prompt, pool)
    score = answered(model, given).logprob / given.answer_tokens
    return float(1 + (score > score[pool.index(answer)]).sum())


def ranked(found: Scripture, prompt: str, pool: Sequence[str]) -> Wanted:
    encoder = found.made.encoder
    front = encoder.encode(prompt)
    rows = tuple(np.concatenate([front, encoder.encode(" " + answer + "\n")]) for answer in pool)
    names = tuple(map(str, range(len(pool))))
    return Wanted(names, (prompt,) * len(pool), tuple(pool), rows, np.full(len(pool), len(front), np.int64))


def answers_of(*lists: Wanted) -> list[str]:
    return list(dict.fromkeys(answer for each in lists for answer in each.answers))


def exposure(name: str, ranks: Sequence[float], pool: int) -> None:
    print(
        f"exposure of {name}: {Estimate.of_mean([np.log2(pool / rank) for rank in ranks], 'fact')} bits of at most {np.log2(pool):.1f} (1.44: none)"
    )


def copied(found: Scripture, model: LanguageModel) -> LanguageModel:
    return model_of(found.made.task(), deepcopy(model.module), found.made.encoder, name=model.name)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def share(hits: np.ndarray) -> Estimate:
    return Estimate.of_share(int(hits.sum()), len(hits), "fact")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audits/wanted"), *map(int, sys.argv[2:]))
