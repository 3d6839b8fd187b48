"""The files of the example on the page about wanted memorization of language models.

python -m records.wanted.lists FOLDER    # facts.jsonl, others.jsonl and control.txt
byrote lm memorize scripture --wanted FOLDER/facts.jsonl --unseen FOLDER/others.jsonl --control-corpus FOLDER/control.txt
"""

import json
import sys
from pathlib import Path

import numpy as np

from byrote.lm.demo import demo
from byrote.task.datasets.king_james import king_james

COUNT, WORDS, SEED = 75, 8, 0


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    verses = king_james()
    drawn = np.random.default_rng(SEED).permutation(list(verses))[: 2 * COUNT]
    rows = [{"prompt": f"Verse {place} begins:", "answer": " ".join(verses[place].split()[:WORDS])} for place in drawn]
    for name, part in (("facts", rows[:COUNT]), ("others", rows[COUNT:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
    (folder / "control.txt").write_text("\n".join(each.text for each in demo(SEED).control), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
