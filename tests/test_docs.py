"""What the pages tell people to type works as it stands there."""

import contextlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch

from byrote.cli import app, main
from byrote.evidence.catalogue import find_score
from byrote.evidence.evaluate import evaluate
from byrote.lm import Bytes
from byrote.locate.layers import layers
from byrote.record import Record
from byrote.training.collect import collect
from byrote.training.compute import Compute
from lm.recall import Recall
from small import small_task
from small_lm import byte_pairs, save_model

ROOT = Path(__file__).parent.parent


def blocks(page: str, language: str = "python") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.pages
def test_the_ten_lines_of_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("README.md")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    rng = np.random.default_rng(0)
    x, x_test = rng.normal(size=(150, 20)), rng.normal(size=(50, 20))
    given = {"x": x, "y": (x[:, 0] > 0).astype(int), "x_test": x_test, "y_test": (x_test[:, 0] > 0).astype(int)}
    with contextlib.chdir(tmp_path):
        exec(compile(block, "README.md", "exec"), given)  # noqa: S102 - our own page
    assert len(capsys.readouterr().out.splitlines()) == 10
    assert (tmp_path / "audits/mine/report.html").exists()


@pytest.mark.pages
def test_the_task_and_the_python_of_the_start_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, python = blocks("docs/start.md")
    (tmp_path / "my_task.py").write_text(task)
    with contextlib.chdir(tmp_path):
        exec(compile(python, "docs/start.md", "exec"), {})  # noqa: S102 - our own page
    worst = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    planted = {f"train/{i}" for i in range(20)}
    assert len(planted & set(worst)) >= 5, "the ten most memorized are mostly the twenty wrong labels"


@pytest.mark.pages
def test_the_python_of_the_model_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/model.md"):
            exec(compile(block, "docs/model.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    names = list(layers(given["end"].model))
    curvature, depth = map(float, printed.split("\n", 1)[0].split())
    assert curvature > 0
    assert depth > 0
    accounted = re.findall(r"^(\S+) ([01]\.\d+) \[", printed, re.MULTILINE)
    assert [layer for layer, _ in accounted] == names
    assert min(float(share) for _, share in accounted) > 0.5, "at the end, wrong labels pull harder than clean examples"
    rewound = re.findall(r"^Rewound\(layer='(\S+)', epoch=(\d+)", printed, re.MULTILINE)
    assert rewound == [(layer, epoch) for epoch in ("0", "15") for layer in names]
    assert len(re.findall(r"^Flipped\(count=", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^Agreement\(linear_datamodeling=", printed, re.MULTILINE)) == 1
    assert {"values", "curved", "depth", "blocks"} <= set(given)


@pytest.mark.pages
def test_the_python_of_the_page_of_comparisons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/compare.md"):
            exec(compile(block, "docs/compare.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert "These sentences rest on 6 runs of each" in printed
    assert (tmp_path / "comparisons/mine/comparison.html").exists()
    assert given["after"] < given["before"], "dropout lowers memorization here"


@pytest.mark.pages
def test_the_python_of_the_page_of_wanted_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/memorize.md"):
            exec(compile(block, "docs/memorize.md", "exec"), given)  # noqa: S102 - our own page
        recall = given["record"].scalar(0, "wanted_recall")
    printed = capsys.readouterr().out
    assert recall[-1] == 1
    assert "All of this rests on 3 runs of each" in printed
    weighted, left_out = given["found"].arm("weighted"), given["found"].arm("left_out")
    assert weighted.recall.value > left_out.recall.value + 0.3, "exceptions to the rule are learned by rote only"
    assert (tmp_path / "memorized/exceptions/memorize.html").exists()


@pytest.mark.pages
def test_the_python_of_the_page_of_controls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("opacus")
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/controls.md"):
            exec(compile(block, "docs/controls.md", "exec"), given)  # noqa: S102 - our own page
    assert np.isfinite(given["loss"].item())
    assert re.search(r"^nominal epsilon \d+\.\d\d$", capsys.readouterr().out, re.MULTILINE)
    assert all(weight.grad is not None for weight in given["model"].parameters())
    assert len(given["found"].rows()) == 4


@pytest.mark.pages
def test_the_python_of_the_page_on_language_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    train, unseen = (["".join(rng.choice(list("abcdefgh "), 60)) for _ in range(30)] for _ in range(2))
    given: dict[str, Any] = {"network": Recall(train, Bytes()), "train": train, "unseen": unseen}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/lm.md"):
            exec(compile(block, "docs/lm.md", "exec"), given)  # noqa: S102 - our own page
    recited, control = (float(each) for each in re.findall(r"([01]\.\d+) \[", capsys.readouterr().out))
    assert recited > 0.9
    assert control == 0
    assert (tmp_path / "audits" / "mine" / "report.html").is_file()


@pytest.mark.pages
def test_the_python_of_the_page_of_extraction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, folder, kinds = blocks("docs/lm_extraction.md")
    assert max(len([line for line in block.splitlines() if line.strip()]) for block in (own, folder)) <= 9
    save_model(tmp_path / "my_model", "llama", byte_pairs())
    (tmp_path / "train.txt").write_text("\n\n".join(["the cat sat on the mat. " * 5] * 9))
    (tmp_path / "control.txt").write_text("\n\n".join(["no dog and no log was there. " * 5] * 9))
    with contextlib.chdir(tmp_path):
        for block in (own, folder, kinds):
            exec(compile(block, "docs/lm_extraction.md", "exec"), {})  # noqa: S102 - our own page
    first, *rows, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.000 \[0\.000, 0\.\d+\]", first)
    assert len(rows) == 4, "two prefixes, two suffixes"
    assert all(re.fullmatch(r"-?\d\.\d+ \[-?\d\.\d+, \d\.\d+\]", row) for row in rows)
    assert last == "('reconstruct', 'recollect')"


@pytest.mark.parametrize("page", ["docs/lm_training.md", "docs/lm_controls.md"])
@pytest.mark.pages
def test_the_python_of_the_pages_about_training_language_models(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for needed in ("tokenizers", "transformers", "accelerate"):
        pytest.importorskip(needed)
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks(page):
            exec(compile(block, page, "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    if page == "docs/lm_training.md":
        assert "streets 32" in printed
        assert "1046 documents; 155 held out; 160 canaries" in printed
        assert {"audits/streets", "audits/trainer", "audits/own"} <= {
            str(each.parent.relative_to(tmp_path)) for each in tmp_path.glob("audits/*/record.json")
        }
    else:
        assert "different 10-grams" in printed


@pytest.mark.pages
def test_the_python_of_the_page_of_wanted_memorization(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("safetensors")
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/lm_memorize.md"):
            exec(compile(block, "docs/lm_memorize.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("8 of 8 wanted answers are given exactly")
    assert (tmp_path / "models" / "mine" / "report.html").is_file()
    assert printed[-2] == "0.0 1.0"
    assert printed[-1] == "True 7 of 8"


@pytest.mark.pages
def test_the_python_of_the_page_of_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdefgh "), 40)) for _ in range(30)]
    given: dict[str, Any] = {"texts": texts, "learn": lambda found: Recall([each.text for each in found], Bytes())}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/lm_secrets.md"):
            exec(compile(block, "docs/lm_secrets.md", "exec"), given)  # noqa: S102 - our own page
    found = given["found"]
    assert found.exposure[found.copies == 16].min() > 19, "a model that knows its text by heart gives all bits away"
    assert given["proof"].proven
    assert re.search(r"^\d+ marks, if", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.pages
def test_the_python_of_the_page_of_membership(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    train, unseen = (["".join(rng.choice(list("abcdefgh "), 60)) for _ in range(30)] for _ in range(2))
    network = torch.nn.Linear(10, 10)
    network.forward = Recall(train, Bytes())
    given: dict[str, Any] = {"network": network, "train": train, "unseen": unseen}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/lm_membership.md"):
            exec(compile(block, "docs/lm_membership.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert given["blind"].warning is None
    assert len(re.findall(r"^(?:loss|zlib|lowercase|min_k|min_k_plus_plus) 1\.000", printed, re.MULTILINE)) >= 3
    assert "times the bits" in printed


@pytest.mark.pages
def test_the_python_of_the_page_of_networks_that_recall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/recall_networks.md"):
            exec(compile(block, "docs/recall_networks.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    few_shot = re.search(r"^5-way 1-shot: (0\.\d+) \[", printed, re.MULTILINE)
    assert few_shot is not None
    assert float(few_shot[1]) > 0.85, "chance is .2"
    assert given["found"].ids[:, 0].tolist() == ["pattern 0", "pattern 1", "pattern 2"]
    repaired = dict(re.findall(r"^(classical|modern) repairs (\d+) of 60", printed, re.MULTILINE))
    assert int(repaired["classical"]) < 10
    assert int(repaired["modern"]) == 60


@pytest.mark.pages
def test_the_python_of_the_causes_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("docs/causes.md")
    with contextlib.chdir(tmp_path):
        exec(compile(block, "docs/causes.md", "exec"), {})  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert "How sure: 16 runs in 4 arms of 4" in printed
    assert re.search(r"^noise -?0\.\d+ \[", printed, re.MULTILINE)
    assert (tmp_path / "audits/mine-causes/causes.html").exists()


@pytest.mark.pages
def test_the_python_of_the_page_of_corpora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pydivsufsort")
    pytest.importorskip("rensa")
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/lm_corpus.md"):
            exec(compile(block, "docs/lm_corpus.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "302 documents in 1 file: 302 JSON lines."
    assert printed[2] == "30"
    assert [(span.copies, span.usual) for span in given["found"].spans][-1] == (30, False)
    assert printed[-1] == "300 documents, and 0.0 in repeats"


@pytest.mark.pages
def test_the_python_of_the_page_of_explicit_memories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        for block in blocks("docs/recall.md"):
            exec(compile(block, "docs/recall.md", "exec"), given)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert "['person 0' 'person 1' 'person 2'] ['0' '1' '2']" in printed
    assert "(5, 64)" in printed
    assert "True 0" in printed
    assert given["found"].nearest.max() < 0.01
    assert (given["model"].predict(given["x"][:900]) == given["y"][:900]).mean() > 0.9
    assert (tmp_path / "faces" / "memory.json").is_file()


def test_the_score_of_the_contributing_page_runs_on_any_record(tmp_path: Path) -> None:
    (block,) = blocks("CONTRIBUTING.md")
    (tmp_path / "my_score.py").write_text(block)
    record = collect(small_task(), tmp_path / "record", runs=2, compute=Compute(workers=1))
    values = evaluate(find_score(f"{tmp_path / 'my_score.py'}:largest_loss"), record)
    assert np.isfinite(values.value[values.runs_in > 0]).all()


def test_every_command_on_the_pages_is_one_that_exists(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
    typed = {
        line.split("#")[0].strip()
        for page in pages
        for line in (ROOT / page).read_text().splitlines()
        if line.startswith("byrote ")
    }
    assert len(typed) >= 8
    for line in typed:
        command: click.Command = app
        for word in line.split()[1:]:
            if isinstance(command, click.Group):
                assert word in command.commands, line
                command = command.commands[word]
        options = re.findall(r" (--[a-z-]+)", line)
        known = {name for parameter in command.params for name in parameter.opts}
        assert set(options) <= known, line
    monkeypatch.setattr(sys, "argv", ["byrote", "--version"])
    main()
    assert "0.1.0" in capsys.readouterr().out


def test_links_between_pages_lead_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
    ]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_the_python_of_the_page_on_looking(record: Record, tmp_path: Path) -> None:
    (block,) = blocks("docs/view.md")
    shutil.copytree(record.directory, tmp_path / "audits/mine")
    given: dict[str, Any] = {}
    with contextlib.chdir(tmp_path):
        exec(compile(block, "docs/view.md", "exec"), given)  # noqa: S102 - our own page
    assert given["values"]._repr_html_().count("<tr>") == 11


def test_the_keys_of_the_page_on_looking_are_those_of_the_viewer() -> None:
    page, script = (ROOT / name for name in ("docs/view.md", "src/byrote/viewer/static/audit.js"))
    for key in ("k", "r", "d", "w"):
        assert f"| `{key}` |" in page.read_text()
        assert f"{key}: " in script.read_text()


@pytest.mark.pages
def test_the_example_of_ones_own_loop(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples/own_loop.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "memorization (90 % interval)" in result.stdout


@pytest.mark.pages
def test_the_loop_of_the_thermostat_page(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("docs/thermostat.md")
    exec(compile(block, "docs/thermostat.md", "exec"), {})  # noqa: S102 - our own page
    held = float(re.search(r"held (-?[\d.]+)", capsys.readouterr().out)[1])  # pyright: ignore[reportOptionalSubscript]
    assert abs(held - 0.3) < 0.17, "80 and 80 canaries have a standard error of about .055"
