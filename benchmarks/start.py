"""How long a start takes, and how many modules it imports: `import byrote`, `byrote --help`, scores on arrays, a task.

python benchmarks/start.py [--rounds 7]
"""

import argparse
import statistics
import subprocess
import sys
import time

CASES = {
    "python, nothing else": "pass",
    "import byrote": "import byrote",
    "byrote --help": "import sys; sys.argv = ['byrote', '--help']\nfrom byrote.cli import main\ntry: main()\nexcept SystemExit: pass",
    "import byrote.scores": "import byrote.scores",
    "import torch": "import torch",
    "byrote.Task": "import byrote; byrote.Task",
}
COUNT = "\nimport sys; print(len(sys.modules))"


def started(code: str) -> tuple[float, int]:
    """Return the seconds that a new Python takes for this, and how many modules it then has."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + COUNT], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, int(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    found = {name: [started(code) for _ in range(rounds)] for name, code in CASES.items()}
    print(f"{rounds} rounds, Python {sys.version.split()[0]}, seconds")
    print("| | median | smallest | largest | modules |\n|---|---|---|---|---|")
    for name, each in found.items():
        seconds = [second for second, _ in each]
        print(
            f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {max(seconds):.2f} | {each[0][1]:,} |"
        )


if __name__ == "__main__":
    main()
