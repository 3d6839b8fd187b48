"""One example over the steps, against a loop over runs written by hand."""

import numpy as np

from byrote.findings.followed import follow
from byrote.record import Record
from byrote.stats.estimate import Estimate


def test_the_means_are_those_of_the_runs_and_no_run_is_counted_twice(record: Record) -> None:
    last = record.last_step
    for at in np.flatnonzero(record.population.where("train"))[:3].tolist():
        found = follow(record, at)
        member = {run: bool(record.member(run)[at]) for run in record.runs}
        for step in (1, last):
            values = {
                run: float(record.over_steps(run, "confidence" if step == last else "confidence_seen")[step - 1, at])
                for run in record.runs
            }
            own = Estimate.of_mean([v for run, v in values.items() if member[run]], "run").within(0.0, 1.0)
            assert found.trained[step - 1] == own
        out = [record.at_step(run, "confidence", last)[at] for run in record.runs if not member[run]]
        assert found.left_out[-1].value == np.mean(out, dtype=np.float64)
        assert found.left_out[-1].n == len(out)
        assert np.isnan(found.left_out[0].value)  # left out examples are predicted at the end only
        assert found.during
        assert [each[:2] for each in found.at_end] == list(member.items())


def test_a_test_example_is_left_out_of_every_run(record: Record) -> None:
    at = int(np.flatnonzero(record.population.where("test"))[0])
    found = follow(record, at)
    assert np.isnan(found.trained[-1].value)
    assert found.left_out[-1].n == len(record.runs)
