"""A model that others trained (stories15M) learns 25 facts by an adapter, and recalls them from a memory beside it.

python -m records.wanted.stories MODELS    # MODELS holds the packages of records/language/packaged.py; minutes
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from byrote.lm.answering import answered
from byrote.lm.corpus import Texts
from byrote.lm.knn import store_tokens, with_memory
from byrote.lm.memfree import continued
from byrote.lm.memorizing import change_of_means, control_losses, memorize
from byrote.lm.rote import Rote
from byrote.lm.states import document_states, width_of
from byrote.lm.wanted import facts
from byrote.recall import Memory
from byrote.report.rote_sentences import rote_sentences
from byrote.stats.estimate import Estimate
from byrote.task.datasets.king_james import king_james

sys.path.append(str(Path(__file__).parent.parent / "language"))
from packaged import stories15m

COUNT = 25
NAMES = ("girl", "boy", "cat", "dog", "bird", "frog", "bear", "fish", "king", "tree", "bee", "farmer")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    model, verses = stories15m(folder), king_james()
    drawn = np.random.default_rng(0).permutation(list(verses))[: 2 * COUNT]
    rows = [(f"Verse {place} begins:", " ".join(verses[place].split()[:8])) for place in drawn]
    own, unseen = (facts(model.encoder, *zip(*part, strict=True), between="") for part in (rows[:COUNT], rows[COUNT:]))
    prompts = np.stack([model.encoder.encode(f"Once upon a time, there was a little {name}")[:10] for name in NAMES])
    told = continued(model, prompts, 60)
    control = Texts.of([model.encoder.decode(np.concatenate(each)) for each in zip(prompts, told, strict=True)])

    before, start = control_losses(model, control), time.perf_counter()
    memory = Memory(width_of(model), metric="euclidean")
    store_tokens(memory, model, own.ids, own.tokens)
    seconds = time.perf_counter() - start
    strangers = [
        each.state
        for each in document_states(model, [model.encoder.encode(each.text) for each in control.documents[::2]])
    ]
    for calibrated in (False, True):
        if calibrated:
            memory.calibrate(np.concatenate(strangers), 0.01)
        mixed = with_memory(model, memory, weight=0.9, temperature=1.0)
        exact, new = (answered(mixed, each).exact for each in (own, unseen))
        change = change_of_means(before, control_losses(mixed, control), "story").change
        print(
            f"kNN-LM, weight .9{', with not known' if calibrated else ''}: {len(memory):,} tokens in {seconds:.1f} s, {memory.bytes / COUNT:,.0f} bytes a fact; recall {Estimate.of_share(int(exact.sum()), COUNT, 'fact')}, unseen {Estimate.of_share(int(new.sum()), COUNT, 'fact')}, loss of the model's own stories {change}",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as out:
        found = memorize(model, own, Path(out) / "lora", rote=Rote(epochs=40, learning_rate=3e-3), method="lora", rank=8, control=control, unseen=unseen)  # fmt: skip
        print("\n".join(each for each in rote_sentences(found) if each))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
