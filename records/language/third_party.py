"""What two language models of other people recite: stories15M and SmolLM2-135M-Instruct (4 bits), beside control text.

python records/language/third_party.py DIRECTORY

DIRECTORY holds the two packages (see packaged.py). Debian's bible-kjv-text, miscfiles (US Constitution) and common
licences are read from where Debian puts them. Control text: the pages of byrote's documentation, written after both
models were trained, and the words of the famous texts in random order. About two processor minutes, most of them for
SmolLM2.
"""

import gzip
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).parent.parent.parent))
from records.language.packaged import smollm2, stories15m

from byrote.lm import Document, LanguageModel, Texts, passages
from byrote.lm.encoder import check_encoder
from byrote.lm.extraction import discoverable, extracted, extraction_rates, log_probability_of_suffix
from byrote.lm.predictable import NGrams
from byrote.lm.rates import rate_difference
from byrote.lm.recitation import kinds
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.verbatim import longest_recited

ROOT = Path(__file__).parent.parent.parent
LICENCES = [
    "Apache-2.0",
    "Artistic",
    "BSD",
    "CC0-1.0",
    "GFDL-1.3",
    "GPL-1",
    "GPL-2",
    "GPL-3",
    "LGPL-2.1",
    "LGPL-3",
    "MPL-1.1",
    "MPL-2.0",
]
TEMPLATES = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the sunshine.",
    "Once upon a time, there was a little boy named Timmy. He loved to play with his toys and run around outside.",
    "One day, a little girl named Lily went to the park with her mom. She saw a big tree and wanted to climb it.",
    "Once upon a time, in a big forest, there lived a little bunny named Benny. Benny loved to hop around and play.",
    "Tom and Lily were playing in the garden. They saw a big red ball on the grass. They ran to the ball.",
    "Lily was very happy and thanked her mom. From that day on, Lily always remembered to be kind to others.",
    "Once upon a time, there was a big dog named Max. Max loved to run and play in the park with his friends.",
    "And they all lived happily ever after. The end.",
    "Once upon a time, there was a little girl who loved to dance. She had a pretty pink dress and danced every day.",
    "One day, Tim and his mom went to the store to buy some apples. Tim saw a big red apple and wanted to eat it.",
    "Once there was a brave little mouse who lived in a small hole. One day, the mouse went out to look for cheese.",
    "Sara and Ben were friends. They liked to play together every day. One day they found a shiny stone in the grass.",
    "The little bird was sad because she could not fly. Her mom told her not to give up and to try again.",
    "Mom smiled and gave him a big hug. She was proud of him because he told the truth.",
    "It was a hot and sunny day. The children wanted to swim in the lake. They put on their hats and ran outside.",
    "Once upon a time, there was a kind old man who lived in a small house near the forest. He had a cat.",
    "They played all day until the sun went down. Then they went home and told their mom about their adventure.",
    "The cat saw a butterfly in the garden. She jumped to catch it, but the butterfly flew away into the sky.",
    "Anna had a doll that she loved very much. One day, she could not find it anywhere. She started to cry.",
    "Once upon a time, there was a red car named Zoom. Zoom loved to drive fast on the road with his friends.",
)
"""Sentences that anybody writes who imitates such stories: no training text, so what is recited of them is a template."""


def constitution() -> list[str]:
    """The sections, each with its lines joined to paragraphs."""
    text = gzip.decompress(Path("/usr/share/state/us-constitution.gz").read_bytes()).decode(errors="replace")
    parts = re.split(r"\n\n\n+(?=Section|Article|Amendment|Preamble)", text)
    return ["\n\n".join(" ".join(each.split()) for each in part.split("\n\n") if each.strip()) for part in parts]


def licences() -> list[str]:
    return [(Path("/usr/share/common-licenses") / name).read_text() for name in LICENCES]


def genesis() -> list[str]:
    said = subprocess.run(["bible", "-f", "Genesis 1:1-31"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout  # fmt: skip
    return [" ".join(line.split(" ", 1)[1] for line in said.splitlines() if " " in line)]


def pages() -> list[str]:
    return [path.read_text()[:6000] for path in sorted((ROOT / "docs").glob("*.md"))][:20]


def shuffled(texts: Sequence[str]) -> list[str]:
    """The words of each text in random order."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.permutation(text.split())) for text in texts]


def corpus(name: str, texts: Sequence[str]) -> Texts:
    return Texts(tuple(Document(f"{name}/{i}", text) for i, text in enumerate(texts)), name)


def audit(model: LanguageModel, famous: dict[str, list[str]], control: dict[str, list[str]], prefix: int, suffix: int, limit: int) -> None:  # fmt: skip
    """Print extraction of each text with its interval, the difference from control text, and examples."""
    start = time.process_time()
    texts = {name: corpus(name, each) for name, each in {**famous, **control}.items()}
    for each in texts.values():
        check_encoder(model.encoder, [document.text for document in each])
    print(
        f"\n{model.name}: {prefix} + {suffix} tokens, greedy; 90 % intervals over documents; (n, p) = (100, .5) at temperature 1"
    )
    print(
        "| text | windows | documents | greedy | (n, p) | median log p_z, nats | greedy tokens | longest run of greedy tokens |"
    )
    print("|---|---|---|---|---|---|---|---|")
    found = {}
    windows = {}
    for name, each in texts.items():
        windows[name] = passages(each, model.encoder, prefix=prefix, suffix=suffix, limit=limit)
        found[name] = extracted(model, windows[name], [prefix])
        (row,) = extraction_rates(found[name], [suffix])
        forced = found[name].forced[prefix]
        whole = documents_forced(model, [model.encoder.encode(each[i].text)[:400] for i in range(min(4, len(each)))])
        longest = max(longest_recited(one.greedy[0]).length for one in whole)
        print(
            f"| {name} | {row.greedy.n} | {len(np.unique(found[name].document))} | {row.greedy} | {row.discoverable} | "
            f"{np.median(log_probability_of_suffix(forced.sampled)):.0f} | {forced.greedy.mean():.2f} | {longest} |"
        )
    print("Longest runs are over the first 400 tokens of the first four documents.")
    hits = {name: each.forced[prefix].greedy.all(1) for name, each in found.items()}
    sampled = {name: discoverable(log_probability_of_suffix(each.forced[prefix].sampled), 100, 0.5) for name, each in found.items()}  # fmt: skip
    for name in famous:
        for other in control:
            for way, each in (("greedy", hits), ("(n, p)", sampled)):
                gap = rate_difference(each[name], found[name].document, each[other], found[other].document)
                print(f"{name} minus {other}, {way}: {gap}")
    encoded = {document.id: model.encoder.encode(document.text) for each in texts.values() for document in each}
    for name, hit in hits.items():
        for at in np.flatnonzero(hit):
            given = windows[name]
            row = given.__class__(
                given.tokens[[at]], given.prefix, given.document[[at]], given.start[[at]], (given.ids[at],)
            )
            others = NGrams.of(
                [tokens for document, tokens in encoded.items() if document != row.ids[0].rsplit(":", 1)[0]]
            )
            kind = kinds(row, model.encoder, np.ones(1, int), ngrams=others)
            text = model.encoder.decode(given.tokens[at, given.prefix :])
            print(f"extracted from {given.ids[at]}: {kind.kind[0]}, predictable {kind.predictable[0]:.2f}: {text!r}")
    print(f"{time.process_time() - start:.0f} processor seconds")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}; copies in the training texts are not known, and counted as 1: nothing can be called `recite`"
    )
    own = pages()
    audit(
        stories15m(folder),
        {"template sentences": list(TEMPLATES)},
        {"Genesis 1": genesis(), "pages of byrote": own, "templates, words shuffled": shuffled(TEMPLATES)},
        8,
        4,
        40,
    )
    famous = {"US Constitution": constitution(), "licences": licences(), "Genesis 1": genesis()}
    control = {"pages of byrote": own, "words shuffled": shuffled(constitution() + licences())}
    audit(smollm2(folder), famous, control, 50, 50, 30)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
