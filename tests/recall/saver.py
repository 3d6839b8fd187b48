"""Save a memory again and again in processes that are killed, and print what is opened after each. Run by test_files.py."""

import json
import os
import signal
import sys
import time

import numpy as np

from byrote.recall import Memory, open_memory


def change(memory: Memory, turn: int) -> None:
    """Go from one state to the next: the same changes for the same turn."""
    rng = np.random.default_rng(turn)
    memory.add(rng.normal(size=(40, 8)), [f"value {turn}-{i}" for i in range(40)], [f"{turn}-{i}" for i in range(40)])
    if turn:
        memory.delete([f"{turn - 1}-{i}" for i in range(0, 40, 3)])


def save_on(where: str, memory: Memory, turn: int, pipe: int) -> None:
    while True:
        change(memory, turn)
        memory.save(where)
        os.write(pipe, bytes([turn]))
        turn += 1


def killed(where: str, memory: Memory, turn: int, seconds: float) -> int:
    """Save from `turn` on in a process that is killed some time after its first save; return the last turn it finished."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        save_on(where, memory, turn, writing)
    os.close(writing)
    last = os.read(reading, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = os.read(reading, 1000)
    os.close(reading)
    return (last + rest)[-1]


def main(where: str, rounds: int) -> None:
    memory, turn, rng, found = Memory(8), 0, np.random.default_rng(0), list[tuple[int, int]]()
    states = list[int]()
    alone = Memory(8)
    for _ in range(rounds):
        last = killed(where, memory, turn, rng.uniform(0, 0.1))
        while len(states) < last + 3:
            change(alone, len(states))
            states.append(alone.fingerprint)
        memory = open_memory(where)
        found.append((last, states.index(memory.fingerprint)))
        turn = found[-1][1] + 1
    change(memory, turn)
    memory.save(where)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
