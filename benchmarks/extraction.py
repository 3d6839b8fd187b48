"""Sequences per processor second (50 + 50 tokens) of the greedy verdict: is the suffix what the model goes on with?

python benchmarks/extraction.py [--models DIRECTORY] [--sequences 96] [--rounds 5]

Two models: stories15M (needs its package in DIRECTORY, see records/language/packaged.py), and GPT-2 of two layers with
random weights. One suffix in eight is what the model itself goes on with; the others depart from that after three
tokens on average. Arms, in turns, on one thread, in processor seconds, on the same model object and the same token ids:
byrote with all columns (log-probability, rank, verdict of each token), byrote with the verdict alone, lm-evaluation-
harness (`loglikelihood` with its `is_greedy`) at batch 1, its default, and at batch 16, and memaudit: its teacher-
forced signals, and its prefix test, which generates. Each arm has to give the same verdicts.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from side_by_side import machine, median_interval, spread, table

sys.path.append(str(Path(__file__).parent.parent))
from records.language.packaged import STORIES, stories15m

from byrote.lm import LanguageModel, Passages
from byrote.lm.models import language_model
from byrote.lm.teacher_forcing import recited, teacher_forced

PREFIX, SUFFIX = 50, 50
Verdict = Callable[[], np.ndarray]


def tokenizer(vocabulary: int) -> Any:
    """A tokenizer of transformers whose words are the token ids: the other programs ask for one."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<s>", "</s>", *(f"t{i}" for i in range(3, vocabulary))]
    words = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="<unk>")


def random_gpt2() -> LanguageModel:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=5000, n_positions=128, n_embd=128, n_layer=2, n_head=4, initializer_range=0.3)
    return language_model(GPT2LMHeadModel(config).eval(), tokenizer(5000), name="random GPT-2")


def sequences(model: LanguageModel, count: int) -> np.ndarray:
    """Token ids [sequence, token]: greedy after a random start, with half of the suffix replaced in seven of eight."""
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.integers(3, model.encoder.size, (count, 4)))
    assert model.reading is not None
    read, cache = tokens, None
    with torch.no_grad():
        while tokens.shape[1] < PREFIX + SUFFIX:  # sampled, then greedy
            logits, cache = model.reading(read, 1, cache)
            noise = torch.from_numpy(rng.gumbel(size=logits[:, -1].shape)) if tokens.shape[1] < PREFIX else 0
            logits[..., :3] = -torch.inf  # no special tokens
            read = (logits[:, -1] + noise).argmax(1, keepdim=True)
            tokens = torch.cat([tokens, read], 1)
    found = tokens.numpy()
    for row in np.flatnonzero(np.arange(count) % 8):
        at = PREFIX + rng.geometric(0.3)  # where the text departs from the greedy one
        found[row, at:] = rng.permutation(found[rng.integers(count), PREFIX : PREFIX + max(0, PREFIX + SUFFIX - at)])
    return found


def arms(model: LanguageModel, tokens: np.ndarray) -> dict[str, Verdict]:
    from lm_eval.models.huggingface import HFLM
    from memaudit.scoring import extract_token_signals, greedy_complete

    module, words = model.module, tokenizer(model.encoder.size)
    plain = LanguageModel(model.logits, _Ids(model.encoder.size), model.context, model.name, "cpu", module, model.ending, model.reading)  # fmt: skip
    rows = np.arange(len(tokens))
    given = Passages(tokens, PREFIX, rows, rows, tuple(map(str, rows)))
    lists = tokens.tolist()

    def harness(batch: int) -> Verdict:
        asked = HFLM(pretrained=module, tokenizer=words, batch_size=batch, max_length=model.context)
        requests = [(("", str(i)), row[:PREFIX], row[PREFIX:]) for i, row in enumerate(lists)]
        return lambda: np.array([greedy for _, greedy in asked._loglikelihood_tokens(requests, disable_tqdm=True)])

    def signals() -> np.ndarray:
        found = [extract_token_signals(module, row, span=(PREFIX, PREFIX + SUFFIX)) for row in lists]
        return np.array([bool(np.all(each.argmax_correct)) for each in found])

    def generation() -> np.ndarray:
        texts = [" ".join(f"t{i}" for i in row) for row in lists]
        starts = [" ".join(text.split()[:PREFIX]) for text in texts]
        return np.array([f"{a} {greedy_complete(module, words, a, SUFFIX)}" == b for a, b in zip(starts, texts, strict=True)])  # fmt: skip

    return {
        "byrote: all columns": lambda: teacher_forced(plain, given).greedy.all(1),
        "byrote: verdict alone": lambda: recited(plain, given),
        "lm-evaluation-harness, batch 1 (default)": harness(1),
        "lm-evaluation-harness, batch 16": harness(16),
        "memaudit: teacher-forced signals": signals,
        "memaudit: prefix test": generation,
    }


class _Ids:
    """An encoder that nothing encodes: token ids are given."""

    name, begin = "ids", None

    def __init__(self, size: int) -> None:
        self.size = size


def work(model: LanguageModel) -> tuple[float, float]:
    """GFLOP of one sequence with all columns, in matrix products, and how many of these a core does a second at their sizes."""
    sizes = [tuple(w.shape) for n, w in model.module.named_parameters() if w.ndim == 2 and "emb" not in n and "wte" not in n and "wpe" not in n and "lm_head" not in n]  # fmt: skip
    width = model.module.get_input_embeddings().weight.shape[1]
    inside = PREFIX + SUFFIX - 1
    products = [(inside * 16, *size) for size in sizes] + [(SUFFIX * 16, width, model.encoder.size)]
    total = sum(2 * a * b * c for a, b, c in products) / 16 / 1e9
    took = 0.0
    for rows, one, other in products:
        left, right = torch.randn(rows, one), torch.randn(other, one).T
        times = []
        for _ in range(3):
            start = time.process_time()
            left @ right
            times.append(time.process_time() - start)
        took += min(times) / 16
    return total, total / took


def measure(model: LanguageModel, count: int, rounds: int) -> None:
    tokens = sequences(model, count)
    given = arms(model, tokens)
    seconds: dict[str, list[float]] = {arm: [] for arm in given}
    verdicts: dict[str, np.ndarray] = {}
    for turn in range(rounds):
        for arm in given if turn % 2 == 0 else reversed(given):
            start = time.process_time()
            verdicts[arm] = given[arm]()
            seconds[arm].append(time.process_time() - start)
            print(f"{model.name}, {arm}: {seconds[arm][-1]:.2f} s", file=sys.stderr, flush=True)
    first = verdicts["byrote: all columns"]
    rows = []
    for arm in given:
        speed = [count / each for each in seconds[arm]]
        against = [
            "{:.2f} [{:.2f}, {:.2f}]".format(
                *median_interval([t / o for t, o in zip(seconds[arm], seconds[ours], strict=True)])
            )
            for ours in ("byrote: all columns", "byrote: verdict alone")
        ]
        rows.append([arm, spread(speed, 1), *against, f"{int((verdicts[arm] == first).sum())} of {count}"])
    gflop, rate = work(model)
    reached = gflop * count / np.median(seconds["byrote: all columns"])
    print(
        f"**{model.name}**, {count} sequences of {PREFIX} + {SUFFIX} tokens, {int(first.sum())} of them recited; {rounds} rounds.\n"
    )
    print(table(["arm", "sequences per processor second, median (smallest to largest)", "seconds / all columns (90 % interval)", "seconds / verdict alone", "same verdict"], rows))  # fmt: skip
    print(
        f"\nAll columns: {gflop:.2f} GFLOP a sequence in matrix products, {reached:.0f} GFLOP/s; the products alone run at {rate:.0f} GFLOP/s.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="where the package of stories15M is")
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    models = [random_gpt2()]
    if given.models is not None and (given.models / STORIES).exists():
        models.append(stories15m(given.models))
    for model in models:
        measure(model, given.sequences, given.rounds)
    print(machine())


if __name__ == "__main__":
    main()
