"""The exact index and the search for near-duplicates: bytes on disk, seconds to build, latency, recall.

python benchmarks/corpus_index.py [--corpus verses.txt] [--copies 10] [--rounds 3]

The corpus is the King James Bible, a line per verse, from Debian's `bible-kjv` (apt-get install bible-kjv), or --corpus FILE
with a text per line. The larger one holds it --copies times, each but the first with its letters exchanged by a permutation of
its own: a text of the same kind, in which no copy repeats another.

Index: byrote beside infini-gram (bytes, one shard), where it is installed. Each build is a process of its own, from a file of
JSON lines to an index on disk, with the start of Python; programs take turns. Then both answer the same queries, half of them
text of the corpus and half with a changed letter, 20 to 60 bytes; their counts have to be equal. A trace is the longest matches
of a text of 2,000 characters, half of it from the corpus.

Near-duplicates: verses, and as many copies of every tenth verse with a changed word; pairs that share .7 of their runs of 3
words. byrote beside datasketch, both with 128 permutations; recall is against exact comparison of all pairs.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from side_by_side import machine, spread, table

from byrote.lm import NearDuplicates, Shingles, Texts, near_duplicates, open_index
from byrote.lm.minhash import exact_pairs, jaccard

AT_LEAST = 0.7
SHINGLES = Shingles("words", 3)


def king_james() -> list[str]:
    """The verses, as the program `bible` prints them."""
    said = subprocess.run(["bible", "-l10000", "gen1:1-rev22:21"], capture_output=True, text=True, check=True)
    return [found[1] for found in re.finditer(r"^\s+\d+ (.*)$", said.stdout, re.MULTILINE)]


def enlarged(lines: list[str], copies: int) -> list[str]:
    """The lines, and copies of them whose letters are exchanged."""
    rng, letters, made = np.random.default_rng(0), "abcdefghijklmnopqrstuvwxyz", list(lines)
    for _ in range(copies - 1):
        order = "".join(letters[i] for i in rng.permutation(26))
        exchange = str.maketrans(letters + letters.upper(), order + order.upper())
        made += [line.translate(exchange) for line in lines]
    return made


def build(arm: str, folder: Path) -> tuple[float, int, float]:
    """Index corpus.jsonl in a folder; return seconds, bytes on disk and the peak memory of its processes in MB."""
    out = folder / arm
    subprocess.run(["rm", "-rf", str(out)], check=True)
    if arm == "byrote":
        command = [
            sys.executable,
            "-m",
            "byrote",
            "lm",
            "index",
            str(folder / "data" / "corpus.jsonl"),
            "--out",
            str(out),
        ]
    else:
        command = [
            sys.executable, "-m", "infini_gram.indexing", "--data_dir", str(folder / "data"), "--save_dir", str(out),
            "--token_dtype", "u8", "--cpus", "1", "--mem", "4", "--ulimit", "1024",
        ]  # fmt: skip
    watched = [sys.executable, "-c", WATCH, *command]
    start = time.perf_counter()
    said = subprocess.run(watched, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if said.returncode:
        sys.exit(said.stderr[-2000:])
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return seconds, size, float(said.stdout.splitlines()[-1]) / 1024


WATCH = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def queries(lines: list[str], count: int) -> list[str]:
    rng, made = np.random.default_rng(1), list[str]()
    while len(made) < count:
        line, size = lines[int(rng.integers(len(lines)))], int(rng.integers(20, 60))
        if line.isascii() and len(line) > size:
            at = int(rng.integers(len(line) - size))
            text = line[at : at + size]
            made.append(text if len(made) % 2 else f"{text[: size // 2]}#{text[size // 2 + 1 :]}")
    return made


def answer(arm: str, folder: Path, asked: list[str], text: str) -> tuple[list[int], float, float]:
    """Return counts, the median microseconds of a query and the milliseconds of a trace."""
    if arm == "byrote":
        index = open_index(folder / arm)
        count, longest = index.count, lambda: index.longest(text)
    else:
        from infini_gram.engine import InfiniGramEngine

        engine = InfiniGramEngine(str(folder / arm), eos_token_id=254, vocab_size=255, token_dtype="u8")

        def count(query: str) -> int:
            return engine.count(list(query.encode()))["count"]

        def longest() -> object:
            return engine.attribute(list(text.encode()), delim_ids=[], min_len=20, max_cnt=1000, enforce_bow=False)

    counts, times, traces = list[int](), list[float](), list[float]()
    for query in asked:
        start = time.perf_counter()
        counts.append(count(query))
        times.append(time.perf_counter() - start)
    for _ in range(5):
        start = time.perf_counter()
        longest()
        traces.append(time.perf_counter() - start)
    return counts, statistics.median(times) * 1e6, statistics.median(traces) * 1e3


def index_table(lines: list[str], folder: Path, rounds: int) -> str:
    (folder / "data").mkdir(parents=True)
    with (folder / "data" / "corpus.jsonl").open("w") as file:
        for line in lines:
            file.write(json.dumps({"text": line}) + "\n")
    size = sum(len(line.encode()) for line in lines)
    arms = ["byrote", *(["infini-gram"] if find_spec("infini_gram") else [])]
    built: dict[str, list[tuple[float, int, float]]] = {arm: [] for arm in arms}
    answered: dict[str, list[tuple[list[int], float, float]]] = {arm: [] for arm in arms}
    asked = queries(lines, 2000)
    text = "".join(query + " unheard of, " for query in asked)[:2000]
    for turn in range(rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            built[arm].append(build(arm, folder))
            print(f"{arm}: {built[arm][-1][0]:.1f} s", file=sys.stderr, flush=True)
        for arm in arms if turn % 2 == 0 else reversed(arms):
            answered[arm].append(answer(arm, folder, asked, text))
    assert all(each[0] == answered["byrote"][0][0] for arm in arms for each in answered[arm]), "counts differ"
    rows = [
        [
            arm, f"{built[arm][0][1] / size:.2f}", spread([each[0] for each in built[arm]], 1), f"{max(each[2] for each in built[arm]):.0f}",
            spread([each[1] for each in answered[arm]], 0), spread([each[2] for each in answered[arm]], 1),
        ]
        for arm in arms
    ]  # fmt: skip
    head = [
        "index",
        "bytes on disk per byte",
        "seconds to build",
        "peak MB",
        "microseconds per count",
        "ms to trace 2,000 characters",
    ]
    return f"{len(lines):,} documents, {size / 1e6:.1f} MB; {len(asked):,} counts are equal.\n\n{table(head, rows)}"


def with_copies(lines: list[str]) -> list[str]:
    """The lines, and a copy of every tenth with one word changed."""
    rng, made = np.random.default_rng(2), list(lines)
    for line in lines[::10]:
        words = line.split()
        words[int(rng.integers(len(words)))] = "changed"
        made.append(" ".join(words))
    return made


def datasketch_pairs(texts: list[str]) -> set[tuple[int, int]]:
    from datasketch import MinHash, MinHashLSH

    lsh, hashes = MinHashLSH(threshold=AT_LEAST, num_perm=128), list[MinHash | None]()
    pairs: set[tuple[int, int]] = set()
    for at, text in enumerate(texts):
        words = re.findall(r"\w+", text.casefold())
        runs = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))} if words else set[str]()
        made = MinHash(num_perm=128)
        made.update_batch([run.encode() for run in runs])
        hashes.append(made)
        if runs:
            pairs |= {(int(other), at) for other in lsh.query(made)}
            lsh.insert(at, made)
    return pairs


def all_pairs(made: NearDuplicates) -> set[tuple[int, int]]:
    """The pairs, also those of documents with the same shingles as another: byrote pairs these with the first one only."""
    twins: dict[int, list[int]] = {}
    for (first, other), similarity in zip(made.pairs.tolist(), made.similarity, strict=True):
        if similarity == 1:
            twins.setdefault(first, [first]).append(other)
    found: set[tuple[int, int]] = set()
    for first, other in made.pairs.tolist():
        for a in twins.get(first, [first]):
            found |= {(min(a, b), max(a, b)) for b in twins.get(other, [other]) if a != b}
    for same in twins.values():
        found |= {(min(a, b), max(a, b)) for a in same for b in same if a != b}
    return found


def near_table(texts: list[str], rounds: int) -> str:
    corpus = Texts.of(texts)
    true = {(int(a), int(b)) for a, b in exact_pairs(corpus, range(len(texts)), SHINGLES, AT_LEAST)}
    arms = ["byrote", *(["datasketch"] if find_spec("datasketch") else [])]
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    found: dict[str, set[tuple[int, int]]] = {}
    for turn in range(rounds):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            start = time.perf_counter()
            if arm == "byrote":
                made = near_duplicates(corpus, at_least=AT_LEAST, shingles=SHINGLES, check=0)
                found[arm] = all_pairs(made)
            else:
                found[arm] = datasketch_pairs(texts)
            seconds[arm].append(time.perf_counter() - start)
            print(f"{arm}: {seconds[arm][-1]:.1f} s", file=sys.stderr, flush=True)
    rows: list[list[object]] = []
    for arm in arms:
        near = [jaccard(SHINGLES.of(texts[a]), SHINGLES.of(texts[b])) >= AT_LEAST for a, b in found[arm]]
        rows.append([arm, spread(seconds[arm], 1), f"{len(found[arm] & true) / len(true):.3f}", f"{np.mean(near):.3f}"])
    checked = near_duplicates(corpus, at_least=AT_LEAST, shingles=SHINGLES)
    head = ["near-duplicates", "seconds", "recall", "share of its pairs that are as near"]
    return (
        f"{len(texts):,} documents, {len(true):,} pairs of Jaccard similarity {AT_LEAST:g} or more, all compared exactly.\n\n"
        f"{table(head, rows)}\n\nWhat byrote says of its own recall, from 5,000 documents: {checked.recall}, from {checked.recall.n} groups."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="a file with a text per line [default: what `bible` prints]")
    parser.add_argument("--copies", type=int, default=10, help="how many times the corpus is in the larger one")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    lines = Path(given.corpus).read_text().splitlines() if given.corpus else king_james()
    lines = [line for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        for copies in (1, given.copies):
            print(
                index_table(enlarged(lines, copies), Path(folder) / str(copies), given.rounds), end="\n\n", flush=True
            )
    print(near_table(with_copies(lines), given.rounds), end="\n\n")
    print(machine())


if __name__ == "__main__":
    main()
