"""How many bits of random strings do tiny transformers hold? Morris et al., 2025, arXiv:2505.24832.

python records/language/capacity.py        (about four minutes on one core)
"""

import math
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from byrote.lm.capacity import bits_per_parameter_slope, capacity, random_string_bits, trainable_parameters

SYMBOLS, LENGTH, BATCH, SEEDS, RATE = 64, 32, 128, (0, 1), 0.01
BEGIN = SYMBOLS
WIDTHS = {16: (32, 64, 128, 256, 512)}
"""Width of the model, and numbers of strings: 192 bits each. Several widths give a slope too."""

STEPS = 2000
"""Updates of each model: the whole optimization budget."""


class Transformer(nn.Module):
    """One layer: learned positions, one head, a feed-forward layer four times as wide, head tied to the symbols."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.symbol, self.place = nn.Embedding(SYMBOLS + 1, width), nn.Embedding(LENGTH, width)
        self.attend, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.first, self.second = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.later: Tensor
        self.register_buffer("later", torch.full((LENGTH, LENGTH), -math.inf).triu(1))
        nn.init.normal_(self.symbol.weight, std=0.1)
        nn.init.normal_(self.place.weight, std=0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.symbol(tokens) + self.place.weight
        query, key, value = self.attend(self.norms[0](x)).chunk(3, -1)
        scores = query @ key.mT / x.shape[-1] ** 0.5 + self.later
        x = x + self.out(scores.softmax(-1) @ value)
        x = x + self.second(torch.relu(self.first(self.norms[1](x))))
        return self.norms[2](x) @ self.symbol.weight[:SYMBOLS].T * 4


def log_probability(model: nn.Module, strings: Tensor) -> NDArray[np.float32]:
    """Return the log-probability of each symbol of each string, the first one too."""
    with torch.no_grad():
        found = [model(behind(part)).log_softmax(-1).gather(2, part[..., None])[..., 0] for part in strings.split(256)]
    return torch.cat(found).numpy()


def behind(strings: Tensor) -> Tensor:
    return torch.cat([torch.full((len(strings), 1), BEGIN), strings[:, :-1]], 1)


def memorized(width: int, count: int, seed: int) -> tuple[float, float, int, int]:
    """Train one model on so many strings; return the bits it stores, those at two thirds, parameters and epochs."""
    torch.manual_seed(seed)
    strings = torch.randint(0, SYMBOLS, (count, LENGTH), generator=torch.Generator().manual_seed(1000 * seed + count))
    model = Transformer(width)
    update = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    earlier = 0.0
    for step in range(STEPS):
        for group in update.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / STEPS)))
        rows = torch.randperm(count)[:BATCH]
        loss = nn.functional.cross_entropy(model(behind(strings[rows])).flatten(0, 1), strings[rows].flatten())
        update.zero_grad()
        loss.backward()
        update.step()
        if step + 1 == 2 * STEPS // 3:
            earlier = random_string_bits(log_probability(model, strings), symbols=SYMBOLS).value
    found = random_string_bits(log_probability(model, strings), symbols=SYMBOLS)
    return found.value, earlier, trainable_parameters(model), STEPS * min(BATCH, count) // count


def main() -> None:
    torch.set_num_threads(1)
    start = time.process_time()
    print(
        f"Strings of {LENGTH} out of {SYMBOLS} symbols, {STEPS} updates of at most {BATCH} strings, seeds {SEEDS}, AdamW {RATE}\n"
    )
    print(
        "| parameters | strings | data bits | memorized bits | at 2/3 of the updates | bits per parameter | epochs |\n|-|-|-|-|-|-|-|"
    )
    sizes, heights = list[int](), list[float]()
    for width, counts in WIDTHS.items():
        table = np.empty((len(counts), len(SEEDS)))
        parameters = 0
        for i, count in enumerate(counts):
            for j, seed in enumerate(SEEDS):
                table[i, j], earlier, parameters, epochs = memorized(width, count, seed)
                print(
                    f"| {parameters:,} | {count} | {count * LENGTH * 6:,} | {table[i, j]:,.0f} | {earlier:,.0f} | "
                    f"{table[i, j] / parameters:.2f} | {epochs} |",
                    flush=True,
                )
        found = capacity(np.array(counts) * LENGTH * 6.0, table, parameters)
        print(
            f"\n{parameters:,} parameters: {found.per_parameter} bits each, plateau reached: {found.reached}\n",
            flush=True,
        )
        sizes += [parameters] * len(SEEDS)
        heights += list(table.max(axis=0))
    if len(WIDTHS) > 1:
        print(
            f"Slope over {len(sizes)} models: {bits_per_parameter_slope(np.array(sizes), np.array(heights))} bits per further parameter"
        )
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()
