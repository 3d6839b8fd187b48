"""A table on the command line, as a user types it: audited, resumed, refused when changed, and taken by the other verbs."""

import json
from pathlib import Path

import click
import numpy as np
import pytest

from byrote.cli import app
from byrote.record import Record
from cli.test_cli import assert_message, byrote

FEW = ("--runs", 2, "--epochs", 1, "--workers", 1, "--canaries", 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    lines = ["customer_no;age;plan;price;churn"]
    for at in range(150):
        age = "n/a" if at % 50 == 7 else rng.integers(18, 90)
        price = f"{rng.normal(20, 5):.2f}".replace(".", ",")
        lines.append(f"{1000 + at};{age};{('basic', 'plus')[at % 2]};{price};{('no', 'yes')[int(at % 3 == 0)]}")
    (folder / "customers.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    visits = [{"who": f"p{at // 3}", "size": float(rng.normal()), "cost": float(rng.normal())} for at in range(90)]
    (folder / "visits.jsonl").write_text("\n".join(map(json.dumps, visits)))
    return folder


def test_an_audit_of_a_table_says_what_it_inferred_and_goes_on(folder: Path) -> None:
    asked = ("audit", "customers.csv", "--label", "churn", *FEW)
    result = byrote(*asked, cwd=folder)
    assert result.returncode == 0, result.stderr
    for said in (
        "customer_no  id        dropped: whole numbers that count or name rows, all different",
        "3 of 150 cells are no numbers: 'n/a'; they count as missing",
        "read with a decimal comma",
        "2 classes (words)",
        "30 of 150 rows are the test set",
    ):
        assert said in result.stderr
    assert "report: audits/customers/report.html" in result.stdout
    page = (folder / "audits/customers/report.html").read_text()
    assert "byrote audit customers.csv --label churn --runs 2" in page
    assert byrote(*asked, cwd=folder).returncode == 0
    record = Record(folder / "audits/customers")
    assert len(record.runs) == 2
    assert [cell.words for cell in record.population.display.cells] == [(), ("basic", "plus"), ()]
    located = byrote("attribute", "customers.csv", "audits/customers", cwd=folder)
    assert "kept: audits/customers/attribution" in located.stderr
    other = byrote("remove", "customers.csv", "audits/customers", "--label", "plan", cwd=folder)
    assert other.returncode == 2
    assert "was made with --label churn. Leave these options out" in " ".join(other.stderr.split())


def test_a_changed_file_and_other_options_are_refused(folder: Path) -> None:
    text = (folder / "customers.csv").read_text(encoding="utf-8-sig")
    (folder / "copy.csv").write_text(text)
    asked = ("audit", "copy.csv", "--label", "churn", *FEW, "--out", "kept")
    assert byrote(*asked, cwd=folder).returncode == 0
    (folder / "copy.csv").write_text(text.replace("1001;", "1001;9", 1))
    changed = byrote(*asked, cwd=folder)
    assert changed.returncode == 1
    assert (
        "byrote: kept holds runs of another audit: the data differ (rows, labels or inputs of copy.csv"
        in changed.stderr
    )
    refused = byrote("remove", "copy.csv", "kept", cwd=folder)
    assert refused.returncode == 1
    assert "byrote: copy.csv is not what kept was made of" in refused.stderr
    assert "models takes" not in refused.stderr
    assert_message(byrote("audit", "copy.csv", cwd=folder), "--label NAME")
    assert_message(byrote("audit", "copy.csv", "--label", "chrun", cwd=folder), "Did you mean 'churn'?")
    assert_message(byrote("audit", "digits", "--label", "churn", cwd=folder), "is a task in Python")
    usage = byrote("audit", "copy.csv", "--label", "churn", "--type", "age", cwd=folder)
    assert usage.returncode == 2
    assert "--type zip=category" in usage.stderr


def test_a_regression_with_groups_leaves_whole_groups_out(folder: Path) -> None:
    result = byrote("audit", "visits.jsonl", "--label", "cost", "--group", "who", *FEW, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "a number to predict: a regression" in result.stderr
    assert "30 groups of 3 to 3 rows" in result.stderr
    record = Record(folder / "audits/visits")
    assert record.manifest["design"] == "together(fraction=0.7)"
    assert record.manifest["task"]["options"] == ["--label", "cost", "--group", "who"]
    groups = record.population.groups
    for run in record.runs:
        member = record.member(run)
        assert all(len(set(member[groups == name].tolist())) == 1 for name in set(groups.tolist()) - {""})


def test_every_verb_that_reads_a_task_takes_a_part_of_it() -> None:
    for name in ("audit", "compare", "memorize", "causes", "train", "remove", "locate", "attribute"):
        command = app.get_command(click.Context(app), name)
        assert command is not None
        options = {option for each in command.params for option in each.opts}
        assert {"--take", "--label", "--seed"} <= options, name


def test_a_part_of_a_table_is_compared(folder: Path) -> None:
    """The number of training examples is beyond what there is: a cheap proof that it is read."""
    refused = byrote("compare", "visits.jsonl", "--label", "cost", "--take", 300, cwd=folder)
    assert refused.returncode == 1
    assert "byrote: take=300 cannot be taken from 72 training examples" in refused.stderr
