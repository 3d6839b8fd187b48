"""Build the wheel and the sdist, install the wheel into an empty environment, and use it there as a user would.

python records/packaging/run.py FOLDER [--constraint 'torch==2.13.0'] [--python python3.11]

FOLDER keeps what is built, the environment and an audit; it is new or empty. Prints each step with its seconds; exits with 1 at
the first that fails.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TASK = """
import numpy as np
import byrote
from torch import nn

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 8)).astype("float32")
y = (x[:, 0] > 0).astype(int)
y[:20] = 1 - y[:20]
task = byrote.Task(
    lambda: nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2)),
    byrote.Examples(x[:150], y[:150]),
    byrote.Examples(x[150:], y[150:]),
    byrote.Recipe(epochs=20, batch_size=16, learning_rate=0.01),
    name="mine",
)
"""

VERSIONS = "import platform, torch, numpy, byrote; print('Python', platform.python_version(), 'torch', torch.__version__, 'numpy', numpy.__version__, byrote.__file__)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--constraint", default="torch==2.13.0", help="pins of the environment, separated by spaces")
    parser.add_argument("--python", default=sys.executable, help="which Python makes the environment")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty. Name a new folder.")
    pins, task, bin_ = folder / "pins.txt", folder / "my_task.py", folder / "empty/bin"
    pins.write_text("\n".join(chosen.constraint.split()) + "\n")
    task.write_text(TASK)

    step("build", sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, here=folder, quiet=True)
    for built in sorted((folder / "dist").iterdir()):
        print(f"  {built.name}: {built.stat().st_size / 1e6:.1f} MB", flush=True)
    step("an empty environment", chosen.python, "-m", "venv", folder / "empty", here=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    step("pip install", bin_ / "pip", "install", "--quiet", "--constraint", pins, wheel, here=folder)
    print(f"  {megabytes(folder / 'empty'):,.0f} MB installed", flush=True)
    step("pip check", bin_ / "pip", "check", here=folder)
    step("versions", bin_ / "python", "-c", VERSIONS, here=folder)
    step("byrote --help", bin_ / "byrote", "--help", here=folder, quiet=True)
    step("byrote catalogue", bin_ / "byrote", "catalogue", here=folder, quiet=True)
    step("byrote audit my_task.py", bin_ / "byrote", "audit", "my_task.py", "--runs", "6", here=folder)
    assert (folder / "audits/mine/report.html").is_file()
    step("byrote score", bin_ / "byrote", "score", "audits/mine", "memorization", "--top", "3", here=folder)
    step("byrote audit fashion", bin_ / "byrote", "audit", "fashion", "--take", "300", "--runs", "4", "--epochs", "2", here=folder)  # fmt: skip


def step(name: str, *command: object, here: Path, quiet: bool = False) -> None:
    """Run a command, with nothing of this checkout on its path; say how long it took."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    start = time.perf_counter()
    done = subprocess.run([str(part) for part in command], cwd=here, env=clean, capture_output=True, text=True)
    print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    if not quiet and done.stdout:
        print("  " + done.stdout.strip().replace(str(here), "FOLDER").replace("\n", "\n  "), flush=True)


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


if __name__ == "__main__":
    main()
