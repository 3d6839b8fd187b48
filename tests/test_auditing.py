"""An audit in one call: what its verdict says of what was asked for."""

from pathlib import Path

import byrote
from byrote.training.compute import Compute
from byrote.training.progress import Progress
from small import small_task


def test_the_verdict_says_whether_what_was_asked_for_is_known(tmp_path: Path) -> None:
    said: list[str] = []
    told: list[Progress] = []

    def audit(until: str, runs: int) -> None:
        byrote.audit(small_task(epochs=1), tmp_path, until=until, runs=runs, compute=Compute(workers=1), progress=told.append, on_verdict=said.extend)  # fmt: skip

    audit("error=0.001", 5)
    assert said[-1].startswith("What had to be known (error=0.001) is not known after 5 runs: median standard error 0.")
    audit("error=0.9", 6)
    assert said[-1].startswith("What had to be known (error=0.9) is known after 5 runs: median standard error 0.")
    assert any("cannot be judged yet: that takes 3 models" in each for each in said)
