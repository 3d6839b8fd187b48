"""Which remedies keep a small language model from reciting, at what cost, and does it come back when the model learns other text?

python records/language/remedies.py FOLDER [ARM ...]   # all arms: about eight minutes of one core; finished arms are
not trained again
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from byrote.controls import apply, parse_control
from byrote.lm.canaries import Canary
from byrote.lm.demo import Demo, demo
from byrote.lm.exposure import canary_exposures
from byrote.lm.memfree import MemFree, continued, forbidden
from byrote.lm.model import LanguageModel
from byrote.lm.rates import rate
from byrote.lm.teacher_forcing import recited, teacher_forced
from byrote.lm.training import model_of
from byrote.lm.windows import Passages, passages
from byrote.record import Population
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries, plant
from byrote.task.task import Task
from byrote.training.planning import choose
from byrote.training.replay import checkpoints

PREFIX, SUFFIX = 32, 32
MADE = demo()
ARMS = {
    "baseline": (),
    "deduplicate": ("deduplicate(0)",),
    "deduplicate, as many updates": ("deduplicate(0)", "epochs(2.25)"),
    "goldfish 4": ("goldfish(4)",),
    "dropout .2": ("dropout(0.2)",),
    "weight decay 1": ("weight_decay(1.0)",),
    "n-gram penalty": ("ngram_penalty(1.0)",),
}
OTHER_UPDATES, OTHER_RATE = 100, 1e-3


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in wanted or ARMS:
        kept, begun = folder / f"{name}.pt", time.process_time()
        task = apply([parse_control(text) for text in ARMS[name]], MADE.task())
        made = dict(torch.load(kept, weights_only=True)) if kept.exists() else trained(task, name == "baseline")
        torch.save(made, kept)
        print(f"== {name}: {', '.join(task.controls) or 'no control'}, {time.process_time() - begun:.0f} s", flush=True)
        for epoch, state in made.items():
            module = task.model()
            module.load_state_dict(
                {key: value for key, value in state.items() if not key.endswith("_knob")}, strict=False
            )
            model = model_of(task, module, MADE.encoder, name=name)
            print(f"after epoch {epoch}: validation loss {validation(task, model):.3f}")
            if epoch == max(made):
                report(model, everything=True)
                after_other_text(task, model)
            elif epoch == min(made, key=lambda each: made_loss(task, made[each])):
                print("this is the epoch with the least validation loss")
                report(model, everything=True)


def trained(task: Task, every: bool) -> dict[int, dict[str, torch.Tensor]]:
    """Return the weights after the last epoch, and of the baseline after all later ones."""
    population: Population = plant(task, Canaries(), 0)
    member = population.split == "train"
    member &= ~np.isin(population.ids, [f"train/{name}" for name in task.excluded])
    last = task.recipe.epochs
    engine = choose(task.model, population, task.recipe, runs=1, objective=task.learned)
    epochs = range(3, last + 1) if every else [last]
    found = checkpoints(task, population, member, 0, epochs=list(epochs), engine=engine)
    return {each.epoch: each.model.state_dict() for each in found}


def made_loss(task: Task, state: dict[str, torch.Tensor]) -> float:
    module = task.model()
    module.load_state_dict(state, strict=False)
    return validation(task, model_of(task, module, MADE.encoder))


@torch.no_grad()
def validation(task: Task, model: LanguageModel) -> float:
    """Return the mean loss of a token of the control text, in nats."""
    assert task.test is not None
    total, count = 0.0, 0
    for inputs, targets in zip(
        torch.from_numpy(task.test.inputs).long().split(64),
        torch.from_numpy(task.test.labels).long().split(64),
        strict=True,
    ):
        logits = model.logits(inputs).float().flatten(0, 1)
        total += float(functional.cross_entropy(logits, targets.flatten(), ignore_index=-1, reduction="sum"))
        count += int((targets >= 0).sum())
    return total / count


def verses(made: Demo, copies: int) -> Passages:
    """Return the first 64 tokens of the verses with so many copies; those of 0 are control text."""
    names = {name for name, number in made.copies.items() if number == copies}
    corpus = made.corpus if copies else made.control
    only = [at for at, document in enumerate(corpus) if document.id in names]
    found = passages(corpus, made.encoder, prefix=PREFIX, suffix=SUFFIX, only=only)
    first = found.start == 0
    ids = tuple(name for name, keep in zip(found.ids, first, strict=True) if keep)
    return Passages(found.tokens[first], PREFIX, found.document[first], found.start[first], ids)


def report(model: LanguageModel, *, everything: bool = False) -> None:
    for copies in (0, 1, 2, 4, 8, 16):
        own = verses(MADE, copies)
        hit, said = recited(model, own), teacher_forced(model, own)
        p_z = np.exp(said.logprob.sum(1))
        print(
            f"  verses, {copies} copies: recited {written(rate(hit, own.document))}, tokens right {said.greedy.mean():.2f}, p_z above .01: {int((p_z > 0.01).sum())}"
        )
    held = passages(MADE.control, MADE.encoder, prefix=PREFIX, suffix=SUFFIX, only=range(5))
    print(f"  held-out chapters: recited {written(rate(recited(model, held), held.document))}")
    if everything:
        for family in ("digits", "phrases"):
            print(
                f"  exposure of {family}, bits: {', '.join(f'{copies}: {exposure(model, family, copies)}' for copies in (0, 1, 2, 4, 8, 16))}"
            )


def exposure(model: LanguageModel, family: str, copies: int) -> str:
    own: list[Canary] = [each for each in MADE.canaries if each.family.name == family and each.copies == copies]
    found = canary_exposures(model, own, references=200, nodes=200)
    return f"{np.mean(found.exposure):.1f}"


def written(size: Estimate) -> str:
    return f"{round(size.value * size.n)} of {size.n} [{size.low:.2f}, {size.high:.2f}]"


def after_other_text(task: Task, model: LanguageModel) -> None:
    """Learn the control chapters, which share no verse with the planted ones, and ask again."""
    assert task.test is not None
    chapters = np.char.startswith(task.test.ids, "Num")
    inputs, targets = (torch.from_numpy(part[chapters]).long() for part in (task.test.inputs, task.test.labels))
    optimizer = torch.optim.AdamW(model.module.parameters(), lr=OTHER_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    order = torch.Generator().manual_seed(0)
    model.module.train()
    for _ in range(OTHER_UPDATES):
        which = torch.randperm(len(inputs), generator=order)[:16]
        with torch.autocast("cpu", torch.bfloat16):
            logits = model.module(inputs[which])
        optimizer.zero_grad()
        functional.cross_entropy(logits.float().flatten(0, 1), targets[which].flatten(), ignore_index=-1).backward()
        optimizer.step()
    model.module.eval()
    print(f"after {OTHER_UPDATES} updates on other text (held-out chapters, rate {OTHER_RATE:g}):")
    report(model)


def memfree(folder: Path) -> None:
    """Ask the baseline with and without MemFree decoding, and see how near what it says is to the text."""
    made = torch.load(folder / "baseline.pt", weights_only=True)
    task = MADE.task()
    module = task.model()
    module.load_state_dict(made[max(made)])
    model = model_of(task, module, MADE.encoder)
    barred = MemFree(forbidden(MADE.corpus, MADE.encoder, 10))
    own = verses(MADE, 16)
    truth = own.tokens[:, PREFIX:]
    print("== MemFree decoding of the baseline, 10-grams of the corpus, verses with 16 copies")
    for name, processor in (("greedy", None), ("MemFree", barred)):
        said = continued(model, own.tokens[:, :PREFIX], SUFFIX, processor)
        same = (said == truth).mean(1)
        kept = [longest_common(a, b) / SUFFIX for a, b in zip(said, truth, strict=True)]
        print(
            f"{name}: exact {int((said == truth).all(1).sum())} of {len(own)}, tokens in place {same.mean():.2f}, longest common subsequence {np.mean(kept):.2f} of the suffix"
        )
    said = continued(model, own.tokens[:2, :PREFIX], SUFFIX, barred)
    for row, right in zip(said, truth, strict=False):
        print("  said:", MADE.encoder.decode(row), "| text:", MADE.encoder.decode(right))


def longest_common(one: np.ndarray, other: np.ndarray) -> int:
    table = np.zeros((len(one) + 1, len(other) + 1), np.int64)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if sys.argv[2:] == ["memfree"]:
        memfree(where)
    else:
        main(where, sys.argv[2:])
