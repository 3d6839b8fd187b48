"""The page, the sentences and the command of a comparison."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from byrote.cli import app
from byrote.experiments.compare import Comparison, Result, compare
from byrote.experiments.paired import Judged, Verdict
from byrote.findings.as_table import as_table
from byrote.findings.comparison import sorted_results
from byrote.record import Record
from byrote.report import comparison_sentences, write_comparison
from byrote.report.comparison_charts import front_chart
from byrote.stats.estimate import Estimate
from byrote.training.compute import Compute

TASK = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
from small import small_task
def task():
    return small_task(epochs=4)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "compared_task.py").write_text(TASK)
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> tuple[str, str]:
    """Return what the command prints on stdout and on stderr."""
    arguments = ["compare", str(folder / "compared_task.py"), "--controls", "dropout(0.5)", "flooding", "--runs", "20"]
    ran = CliRunner().invoke(app, [*arguments, "--workers", "1", "--out", str(folder / "out")], catch_exceptions=False)
    assert ran.exit_code == 0
    return ran.stdout, ran.stderr


@pytest.fixture(scope="module")
def comparison(folder: Path, printed: tuple[str, str]) -> Comparison:
    controls = ["dropout(0.5)", "flooding"]
    return compare(str(folder / "compared_task.py"), controls, folder / "out", runs=20, compute=Compute(workers=1))


def test_the_command_says_what_it_will_do_then_what_was_shown(printed: tuple[str, str], folder: Path) -> None:
    out, err = printed
    assert "20 runs: 4 runs of each of 5 (one of them the unchanged task)." in err
    assert re.search(r"About \d+ (second|minute)s?; stop it at any time", err)
    assert "These sentences rest on 4 runs of each" in out
    assert "Not shown: that any of them raises the accuracy." in out
    assert f"report: {folder / 'out' / 'comparison.html'}" in err
    assert (folder / "out" / "comparison.html").is_file()
    assert Record(folder / "out" / "dropout-rate-0.5").runs == (0, 1, 2, 3)


def test_rows_are_data_on_stdout(printed: tuple[str, str], folder: Path) -> None:
    arguments = [
        "compare",
        str(folder / "compared_task.py"),
        "--controls",
        "dropout(0.5)",
        "--controls",
        "flooding",
        "--runs",
        "20",
    ]
    common = [*arguments, "--workers", "1", "--out", str(folder / "out")]
    rows = list(csv.DictReader(io.StringIO(CliRunner().invoke(app, [*common, "--csv"]).stdout)))
    assert rows[0]["arm"] == "unchanged"
    assert len(rows) == 5
    as_json = json.loads(CliRunner().invoke(app, [*common, "--json"]).stdout)
    assert {row["arm"] for row in as_json} == {row["arm"] for row in rows}
    assert all(
        row["change of accuracy low"] <= row["change of accuracy"]
        for row in as_json
        if row["change of accuracy low"] is not None
    )


def test_two_audits_are_compared_by_their_directories(printed: tuple[str, str], folder: Path) -> None:
    audits = [str(folder / "out" / name) for name in ("unchanged", "dropout-rate-0.5")]
    ran = CliRunner().invoke(app, ["compare", *audits], catch_exceptions=False)
    assert "memorization" in ran.stdout
    assert "compared run by run, since both trained the same runs" in ran.stdout
    assert "are no longer memorized" in ran.stdout
    rows = json.loads(CliRunner().invoke(app, ["compare", *audits, "--json"]).stdout)
    assert len(rows) == 80 - 10
    assert set(rows[0]) >= {"id", "before", "after", "change", "p_value", "listed"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fashion", "a", "b"], "Controls follow --controls"),
        (["fashion", "--controls", "dropot"], "dropout"),
        (["nowhere", "elsewhere"], "not a record"),
    ],
)
def test_wrong_calls_are_refused(arguments: list[str], message: str) -> None:
    ran = CliRunner().invoke(app, ["compare", *arguments])
    assert ran.exit_code != 0
    assert message in f"{ran.output}{ran.exception}"


def test_a_comparison_is_a_data_frame(comparison: Comparison) -> None:
    frame = pl.DataFrame(as_table(comparison))
    assert frame["arm"].to_list() == [each.arm for each in sorted_results(comparison)]
    unchanged = comparison.unchanged.levels["memorization"]
    assert frame.row(0, named=True)["memorization low"] == unchanged.low


def test_the_page_holds_all_it_shows(comparison: Comparison, tmp_path: Path) -> None:
    html = Path(str(write_comparison(comparison, tmp_path / "page.html"))).read_text()
    assert not re.search(r"(src|href)=\"https?:", html)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    charts = json.loads(found[1])["charts"]
    assert set(charts) == {"front", "wrong-labels"}
    rows = charts["front"]["datasets"]["rows"]
    assert [row["arm"] for row in rows] == [each.arm for each in comparison.results]
    for each in comparison.results:
        assert f'<th scope="row">{each.arm}</th>' in html
    for sentence in comparison_sentences(comparison)[1:]:
        assert sentence.replace("'", "&#39;").replace("+", "+") in html.replace("&#34;", '"')


def altered(
    comparison: Comparison, verdict: Verdict, memorization: tuple[float, ...], accuracy: tuple[float, ...]
) -> Comparison:
    """Return the comparison with this verdict of its second arm, and nothing shown about the others."""
    less, right = (Estimate(*numbers, 4, "run") for numbers in (memorization, accuracy))
    nothing = Judged(Estimate(0.0, -1.0, 1.0, 4, "run"), Estimate(0.0, -1.0, 1.0, 4, "run"), "open")
    results: list[Result] = [comparison.results[0], replace(comparison.results[1], judged=Judged(less, right, verdict))]
    results += [replace(each, judged=nothing) for each in comparison.results[2:]]
    return replace(comparison, results=tuple(results))


@pytest.mark.parametrize(
    ("verdict", "memorization", "accuracy", "sentence"),
    [
        ("better", (-0.1, -0.12, -0.08), (-0.001, -0.006, 0.004), "the same accuracy (-0.1 points [-0.6, +0.4]) at less memorization"),
        ("better", (-0.1, -0.12, -0.08), (0.02, 0.01, 0.03), "more accuracy (+2.0 points [+1.0, +3.0]) at less memorization"),
        ("better", (-0.01, -0.12, 0.08), (0.02, 0.01, 0.03), "more accuracy (+2.0 points [+1.0, +3.0]) with memorization not shown to change"),
        ("better", (-0.1, -0.12, -0.08), (-0.004, -0.006, -0.002), "less accuracy, by less than 1 point (-0.4 points [-0.6, -0.2]) with less memorization"),
        ("trade", (-0.1, -0.12, -0.08), (-0.05, -0.06, -0.04), "less accuracy (-5.0 points [-6.0, -4.0]) with less memorization"),
        ("less", (-0.1, -0.12, -0.08), (-0.01, -0.06, 0.04), "accuracy not known to 1 point (-1.0 points [-6.0, +4.0]) with less memorization"),
        ("worse", (0.1, 0.08, 0.12), (-0.05, -0.06, -0.04), "less accuracy (-5.0 points [-6.0, -4.0]) with more memorization"),
    ],
)  # fmt: skip
def test_each_verdict_has_its_sentence(
    comparison: Comparison,
    verdict: Verdict,
    memorization: tuple[float, ...],
    accuracy: tuple[float, ...],
    sentence: str,
) -> None:
    said = [
        text.replace("\u00a0", " ")
        for text in comparison_sentences(altered(comparison, verdict, memorization, accuracy))
    ]
    (own,) = [text for text in said if text.startswith("dropout(rate=0.5): ")]
    base = comparison.unchanged.values["memorization"].mean()
    assert sentence in own
    assert f"difference {memorization[0]:+.{2 if abs(memorization[0]) >= 0.1 else 3}f}" in own
    assert re.search(rf"instead of {base:.2f}|instead of {base:.3f}", own)
    assert ("1 of 4 remedies helps" in said[0]) == (verdict == "better")
    assert any(text.startswith("Not shown: that any of them raises the accuracy") for text in said) == (
        accuracy[1] <= 0
    )


def test_an_arm_that_collapsed_is_named_and_not_drawn(comparison: Comparison) -> None:
    low = replace(
        comparison.results[1], levels={**comparison.results[1].levels, "accuracy": Estimate(0.01, 0.0, 0.02, 4, "run")}
    )
    chart, named = front_chart(replace(comparison, results=(comparison.results[0], low, *comparison.results[2:])))
    assert named == ["dropout(rate=0.5)"]
    assert len(chart.spec["datasets"]["rows"]) == len(comparison.results) - 1
    assert np.isfinite(chart.spec["datasets"]["rows"][0]["x"])
