"""`byrote locate` and `byrote attribute` as a user types them, and what the report shows of what they keep."""

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from byrote.attribution import About, Attribution, read_attribution, write_attribution
from byrote.record import Record
from byrote.record.reading import write_manifest
from byrote.report import write_report
from cli.test_cli import assert_message, byrote
from findings.test_findings import own_loop

FILE = """
from dataclasses import replace
from byrote.task.recipe import Recipe
from small import small_task
task = replace(small_task(n=160), recipe=Recipe(epochs={epochs}, batch_size=16, optimizer="sgd", learning_rate=0.1))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of a task, and a record of it."""
    folder = tmp_path_factory.mktemp("verbs")
    (folder / "mine.py").write_text(FILE.format(epochs=25))
    made = byrote("audit", "mine.py", "--runs", 6, "--canaries", 10, "--out", "kept", "--workers", 1, cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


def run_verb(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    result = byrote(*arguments, cwd=place)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.slow
def test_locate_prints_a_row_per_layer_and_ends_with_a_verdict(place: Path) -> None:
    table = run_verb(place, "locate", "mine.py", "kept", "--run", 1, "--examples", 5)
    heads, *rows = [line.split() for line in table.stdout.splitlines()[1:]]
    assert heads[:3] == ["layer", "kind", "weights"]
    assert [row[:3] for row in rows] == [["1", "Linear", "2,080"], ["3", "Linear", "132"]]
    assert len(re.findall(r"\d+ \[\d+, \d+\]", table.stdout)) == 12
    assert max(map(len, table.stdout.splitlines())) < 110
    about, verdict = table.stderr.strip().splitlines()[-2:]
    assert re.search(r"^\d+ of \d+ planted wrong labels were memorized\. In %, .* retrained for 9 epochs\.$", about)
    assert re.search(r"^(No single layer keeps most of|Layer \d \(Linear\) keeps most of) ", verdict)
    assert "check with --run whether others agree" in verdict
    rows = list(
        csv.DictReader(
            io.StringIO(run_verb(place, "locate", "mine.py", "kept", "--csv", "--run", 1, "--examples", 5).stdout)
        )
    )
    same = json.loads(run_verb(place, "locate", "mine.py", "kept", "--json", "--run", 1, "--examples", 5).stdout)
    assert len(rows) == len(same) == 2
    for text, row in zip(rows, same, strict=True):
        for name in ("gradient", "rewound", "retrained"):
            for who in ("memorized", "clean"):
                low, value, high = (row[f"{name} {who}{end}"] for end in (" low", "", " high"))
                assert low <= value <= high
                assert float(text[f"{name} {who}"]) == value
    assert f"{100 * same[0]['retrained clean']:.0f} [" in table.stdout


@pytest.mark.slow
def test_locate_analyses_single_modules_and_neurons(place: Path) -> None:
    rows = json.loads(run_verb(place, "locate", "mine.py", "kept", "--layer", "3", "--json").stdout)
    assert [row["layer"] for row in rows] == ["3"]
    shown = run_verb(place, "locate", "mine.py", "kept", "--neurons", "--examples", 5)
    assert [line.split()[0] for line in shown.stdout.splitlines()[-2:]] == ["memorized", "clean"]
    assert "silenced neurons that flips an example of run 0" in shown.stderr
    rows = json.loads(run_verb(place, "locate", "mine.py", "kept", "--neurons", "--json", "--examples", 5).stdout)
    assert rows[0]["critical"] <= rows[0]["random"]
    assert f"{rows[0]['critical']:g} [" in shown.stdout


def test_attribute_prints_pairs_and_keeps_the_block(place: Path) -> None:
    table = run_verb(place, "attribute", "mine.py", "kept", "--targets", 12, "--top", 4, "--sketch", 0)
    assert len(table.stdout.splitlines()) == 5
    assert run_verb(place, "score", "kept", "tracin", "--top", 4).stdout == table.stdout
    verdict, where = table.stderr.strip().splitlines()[-2:]
    assert re.search(
        r"tracin from 1 run has a rank correlation of -?\d\.\d{3} \[.* with the target's margin in 5 other runs",
        verdict,
    )
    assert "Pair by pair it has" in verdict
    assert "TracIn and TRAK are proxies" in verdict
    assert where == "kept: kept/attribution/tracin.parquet"
    kept = read_attribution(Record(place / "kept"), "tracin")
    assert kept.about.runs == (0,)
    assert kept.about.epochs == (9, 17, 25)
    assert kept.value.shape == (len(Record(place / "kept").population), 12)
    rows = json.loads(
        run_verb(
            place, "attribute", "mine.py", "kept", "--method", "trak", "--models", 2, "--targets", 12, "--json"
        ).stdout
    )
    assert len(rows) == 20
    both = read_attribution(Record(place / "kept"), "trak")
    assert both.about.runs == (0, 1)
    assert np.nanmax(np.abs(both.value)) == pytest.approx(abs(rows[0]["trak"]))
    assert list(rows[0]) == [
        "example",
        "label",
        "target",
        "target label",
        "trak",
        "influence",
        "influence low",
        "influence high",
    ]
    third = run_verb(place, "attribute", "mine.py", "kept", "--run", 2, "--run", 4, "--targets", 3, "--top", 2, "--csv")
    assert third.stdout.count("\n") == 3
    assert read_attribution(Record(place / "kept"), "tracin").about.runs == (2, 4)


def test_what_is_refused(place: Path, tmp_path: Path) -> None:
    for verb in ("locate", "attribute"):
        # the runs are checked before it says how long they take
        assert_message(byrote(verb, "mine.py", "kept", "--run", 40, cwd=place), "no finished run 40", "0 to 5")
        assert_message(byrote(verb, "mine.py", "absent", cwd=place), "is not a record")
        assert_message(
            byrote(verb, "digits", "kept", cwd=place), "trained with another", "Give the task of this record"
        )
        assert byrote(verb, "mine.py", cwd=place).returncode == 2
    both = byrote("attribute", "mine.py", "kept", "--run", 0, "--models", 2, cwd=place)
    assert both.returncode == 2
    assert "Give --run or --models, not both." in both.stderr
    assert_message(
        byrote("attribute", "mine.py", "kept", "--method", "trak", "--sketch", 5000, cwd=place), "Take a smaller sketch"
    )
    nine = byrote("locate", "mine.py", "kept", "--layer", "nine", cwd=place)
    assert_message(nine, "no layer named 'nine'", after=("Training run 0 again takes about", "training run 0 again "))
    (tmp_path / "mine.py").write_text(FILE.format(epochs=2))
    bare = byrote("audit", "mine.py", "--runs", 2, "--canaries", 0, "--out", "bare", "--workers", 1, cwd=tmp_path)
    assert bare.returncode == 0, bare.stderr
    assert_message(
        byrote("locate", "mine.py", "bare", cwd=tmp_path), "no mislabeled canary", "--canaries mislabeled=20"
    )


def test_a_fit_and_a_loop_of_ones_own_cannot_be_trained_again(place: Path, tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text(
        "import numpy as np, byrote\nfrom small import small_task\n"
        "def fit(train, seed):\n    return lambda x: np.full((len(x), 4), .25)\n"
        "task = byrote.Task(byrote.Fit(fit), small_task().train, small_task().test, name='fit')\n"
    )
    made = byrote("audit", "fit.py", "--runs", 2, "--out", "fitted", "--workers", 1, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    own_loop(Record(place / "kept"), tmp_path / "loop", clean_pass=True)
    (tmp_path / "mine.py").write_text(FILE.format(epochs=2))
    for verb in ("locate", "attribute"):
        assert_message(
            byrote(verb, "fit.py", "fitted", cwd=tmp_path),
            "A byrote.Fit trains in its own way",
            "Give a task with a torch model",
        )
        refused = byrote(verb, "mine.py", "loop", cwd=tmp_path)
        assert_message(refused, "was not trained by byrote", "cannot be trained again")


class Text(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags, self.text = list[str](), ""
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1] not in ("script", "style"):
            self.text += data


@pytest.mark.slow
def test_the_report_shows_what_is_kept_and_else_the_command(place: Path, tmp_path: Path) -> None:
    copy = Record(shutil.copytree(place / "kept", tmp_path / "copy"))
    shutil.rmtree(tmp_path / "copy/attribution", ignore_errors=True)
    without = Text(write_report(copy, tmp_path / "without.html"))
    assert "byrote attribute mine.py RECORD" in without.text
    assert "Attribution by gradients" not in without.text
    found = replace(read_attribution_of(copy), about=replace(read_attribution_of(copy).about, runs=(0, 3)))
    write_attribution(copy, found)
    shown = Text(write_report(copy, tmp_path / "with.html"))
    size = found.about.agreement.spearman
    section = shown.text.split("Attribution by gradients")[1]
    assert f"{size.value:.2f} [{size.low:.2f},\xa0{size.high:.2f}] {size.n} targets" in section
    assert "tracin0, 3" in section
    assert "they are proxies of influence" in section
    assert "byrote attribute" not in shown.text
    write_attribution(copy, replace(found, about=replace(found.about, method="trak", agreement=None, compared=2)))
    both = Text(write_report(copy, tmp_path / "both.html"))
    assert "not measured: it takes 4 other runs2" in both.text
    (tmp_path / "copy/attribution/trak.parquet").write_bytes(b"rotten")
    broken = Text(write_report(copy, tmp_path / "broken.html"))
    assert "trak.parquet cannot be read" in broken.text


def read_attribution_of(record: Record) -> Attribution:
    """An attribution made up: the page only shows how it was made."""
    from byrote.attribution import Agreement
    from byrote.stats.estimate import Estimate

    size = Estimate(0.12, 0.08, 0.16, 30, "target")
    about = About("tracin", (0,), (1, 2), 64, 0, 6, Agreement(size, size, size, replace(size, value=0.4)))
    targets = np.flatnonzero(record.population.where("test"))[:3]
    return Attribution(about, targets, np.zeros((len(record.population), 3), np.float32))


@pytest.mark.slow
def test_nothing_hostile_leaves_the_table(place: Path, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    copy = Record(shutil.copytree(place / "kept", tmp_path / f"{evil.replace('/', '')}"))
    write_manifest(
        copy.directory,
        {
            **{k: v for k, v in copy.manifest.items() if k != "schema"},
            "task": {**copy.manifest["task"], "source": f"{evil}.py"},
        },
    )
    copy = Record(copy.directory)
    shutil.rmtree(copy.directory / "attribution", ignore_errors=True)
    assert evil not in write_report(copy, tmp_path / "a.html").read_text()
    made = write_attribution(copy, read_attribution_of(copy))
    made.write_bytes(b"rotten")
    page = write_report(copy, tmp_path / "b.html")
    assert evil not in page.read_text()
    assert f"{evil}/attribution/tracin.parquet cannot be read" in Text(page).text
