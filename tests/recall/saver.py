"""Save a memory again and again until killed, and print a line when the first state is there. Run by test_files.py."""

import sys

import numpy as np

from byrote.recall import Memory, open_memory


def change(memory: Memory, turn: int) -> None:
    """Go from one state to the next: the same changes for the same turn."""
    rng = np.random.default_rng(turn)
    memory.add(rng.normal(size=(40, 8)), [f"value {turn}-{i}" for i in range(40)], [f"{turn}-{i}" for i in range(40)])
    if turn:
        memory.delete([f"{turn - 1}-{i}" for i in range(0, 40, 3)])


if __name__ == "__main__":
    where = sys.argv[1]
    if len(sys.argv) > 2:
        memory, turn = open_memory(where), int(sys.argv[2])
    else:
        memory, turn = Memory(8), 0
    while True:
        change(memory, turn)
        memory.save(where)
        print(turn, flush=True)
        turn += 1
