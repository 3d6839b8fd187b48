"""What the pages tell people to type works as it stands there."""

import contextlib
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

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
from byrote.task.canaries import Canaries
from byrote.task.designs import halves
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.version import __version__
from executed import ROOT, blocks, commands, executed
from inputs.folders import pictures, series
from lm.recall import Recall
from small import small_task
from small_lm import byte_pairs, save_model

WRITTEN = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/tutorials").glob("*.md"))]
"""The pages that people write; docs/api/ is generated."""


@pytest.mark.pages
def test_the_ten_lines_of_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("README.md")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    rng = np.random.default_rng(0)
    x, x_test = rng.normal(size=(150, 20)), rng.normal(size=(50, 20))
    y, y_test = (x[:, 0] > 0).astype(int), (x_test[:, 0] > 0).astype(int)
    executed("README.md", tmp_path, x=x, y=y, x_test=x_test, y_test=y_test)
    assert len(capsys.readouterr().out.splitlines()) == 10
    assert (tmp_path / "audits/mine/report.html").exists()


@pytest.mark.pages
def test_the_task_and_the_python_of_the_start_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my_task.py").write_text(blocks("docs/start.md")[0])
    executed("docs/start.md", tmp_path)
    worst = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    planted = {f"train/{i}" for i in range(20)}
    assert len(planted & set(worst)) >= 5, "the ten most memorized are mostly the twenty wrong labels"


@pytest.mark.pages
def test_the_python_of_the_model_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = executed("docs/model.md", tmp_path)
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
    given = executed("docs/compare.md", tmp_path)
    printed = capsys.readouterr().out
    assert "These sentences rest on 6 runs of each" in printed
    assert (tmp_path / "comparisons/mine/comparison.html").exists()
    assert given["after"] < given["before"], "dropout lowers memorization here"


@pytest.mark.pages
def test_the_python_of_the_page_of_wanted_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = executed("docs/memorize.md", tmp_path)
    with contextlib.chdir(tmp_path):
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
    given = executed("docs/controls.md", tmp_path)
    assert np.isfinite(given["loss"].item())
    assert re.search(r"^nominal epsilon \d+\.\d\d$", capsys.readouterr().out, re.MULTILINE)
    assert all(weight.grad is not None for weight in given["model"].parameters())
    assert len(given["found"].rows()) == 4


@pytest.mark.pages
def test_the_python_of_the_page_on_language_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    train, unseen = (["".join(rng.choice(list("abcdefgh "), 60)) for _ in range(30)] for _ in range(2))
    executed("docs/lm.md", tmp_path, network=Recall(train, Bytes()), train=train, unseen=unseen)
    recited, control = (float(each) for each in re.findall(r"([01]\.\d+) \[", capsys.readouterr().out))
    assert recited > 0.9
    assert control == 0
    assert (tmp_path / "audits" / "mine" / "report.html").is_file()


@pytest.mark.pages
def test_the_python_of_the_page_of_extraction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, folder, _ = blocks("docs/lm_extraction.md")
    assert max(len([line for line in block.splitlines() if line.strip()]) for block in (own, folder)) <= 9
    save_model(tmp_path / "my_model", "llama", byte_pairs())
    (tmp_path / "train.txt").write_text("\n\n".join(["the cat sat on the mat. " * 5] * 9))
    (tmp_path / "control.txt").write_text("\n\n".join(["no dog and no log was there. " * 5] * 9))
    executed("docs/lm_extraction.md", tmp_path)
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
    executed(page, tmp_path)
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
    executed("docs/lm_memorize.md", tmp_path)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("8 of 8 wanted answers are given exactly")
    assert (tmp_path / "models" / "mine" / "report.html").is_file()
    assert printed[-2] == "0.0 1.0"
    assert printed[-1] == "True 7 of 8"


@pytest.mark.pages
def test_the_python_of_the_page_of_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdefgh "), 40)) for _ in range(30)]
    given = executed(
        "docs/lm_secrets.md", tmp_path, texts=texts, learn=lambda found: Recall([each.text for each in found], Bytes())
    )
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
    given = executed("docs/lm_membership.md", tmp_path, network=network, train=train, unseen=unseen)
    printed = capsys.readouterr().out
    assert given["blind"].warning is None
    assert len(re.findall(r"^(?:loss|zlib|lowercase|min_k|min_k_plus_plus) 1\.000", printed, re.MULTILINE)) >= 3
    assert "times the bits" in printed


@pytest.mark.pages
def test_the_python_of_the_page_of_networks_that_recall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = executed("docs/recall_networks.md", tmp_path)
    printed = capsys.readouterr().out
    few_shot = re.search(r"^5-way 1-shot: (0\.\d+) \[", printed, re.MULTILINE)
    assert few_shot is not None
    assert float(few_shot[1]) > 0.85, "chance is .2"
    assert given["found"].ids[:, 0].tolist() == ["pattern 0", "pattern 1", "pattern 2"]
    repaired = dict(re.findall(r"^(classical|modern) repairs (\d+) of 60", printed, re.MULTILINE))
    assert int(repaired["classical"]) < 10
    assert int(repaired["modern"]) == 60


@pytest.mark.pages
def test_the_python_of_the_page_of_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executed("docs/tables.md", tmp_path)
    assert "number id dropped: whole numbers" in capsys.readouterr().out
    assert (tmp_path / "audits/kinds/report.html").is_file()


@pytest.mark.pages
def test_the_python_of_the_page_of_c_scores(tmp_path: Path) -> None:
    profile = executed("docs/c_scores.md", tmp_path)["profile"]
    assert profile.fractions.tolist() == [0.1, 0.5]
    assert (profile.low <= profile.value).all()


@pytest.mark.pages
def test_the_python_of_the_causes_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executed("docs/causes.md", tmp_path)
    printed = capsys.readouterr().out
    assert "How sure: 16 runs in 4 arms of 4" in printed
    assert re.search(r"^noise -?0\.\d+ \[", printed, re.MULTILINE)
    assert (tmp_path / "audits/mine-causes/causes.html").exists()


@pytest.mark.pages
def test_the_python_of_the_page_of_corpora(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pydivsufsort")
    pytest.importorskip("rensa")
    given = executed("docs/lm_corpus.md", tmp_path)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "302 documents in 1 file: 302 JSON lines."
    assert printed[2] == "30"
    assert [(span.copies, span.usual) for span in given["found"].spans][-1] == (30, False)
    assert printed[-1] == "300 documents, and 0.0 in repeats"


@pytest.mark.pages
def test_the_python_of_the_page_of_explicit_memories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = executed("docs/recall.md", tmp_path)
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


def test_every_command_on_the_pages_can_be_typed() -> None:
    """Nothing runs: click reads the line. A name of a command without what it takes, as in a sentence, has known options."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")]
    typed = {tuple(words): page.name for page in (*pages, *WRITTEN) for words in commands(page)}
    del typed[("footer", "crc32")]  # a key of a Parquet file
    assert len(typed) > 120
    refused = {" ".join(words): (page, found) for words, page in typed.items() if (found := refusal(list(words)))}
    assert not refused


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("score audits/photos --csv", "Missing argument 'SCORES...'"),
        ("compare photos --control dropout", "No such option '--control'"),
        ("audit --control dropout", "No such option '--control'"),
        ("scor audits/photos", "no command"),
        ("audit --design kfold", ""),
        ("lm dedup --near", ""),
    ],
)
def test_what_cannot_be_typed_is_found(line: str, said: str) -> None:
    assert said in refusal(line.split())
    assert bool(said) == bool(refusal(line.split()))


def refusal(words: list[str]) -> str:
    """Return why click refuses a command; empty where it does not, or where it only lacks what a name of a command lacks."""
    command: click.Command = app
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if isinstance(command, click.Group):
        return "" if not words or words[0].startswith("-") or words[0] == "..." else f"no command {words[0]!r}"
    if not words:
        return ""
    try:
        command.make_context("byrote", list(words))
    except click.NoSuchOption as error:
        return error.format_message()
    except click.UsageError as error:
        is_name = words[0].startswith("-")
        return "" if is_name or "does not exist" in error.format_message() else error.format_message()
    return ""


def test_the_version_is_that_of_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["byrote", "--version"])
    main()
    assert "0.1.0" in capsys.readouterr().out


def test_links_between_pages_lead_somewhere() -> None:
    """On a code host, whose anchors are those of GitHub: `make site` checks those of the site."""
    of_root = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    for page in [*of_root, *WRITTEN, *(ROOT / "benchmarks").glob("*.md"), *(ROOT / "records").rglob("*.md")]:
        for target, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", without_code(page)):
            path = page.parent / target if target else page
            assert path.exists(), f"{page.name} -> {target}"
            assert not anchor or anchor in anchors(path), f"{page.name} -> {target}#{anchor}"


def without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in re.findall(r"^#+ (.*)", text, re.MULTILINE))
    return {title.strip().replace(" ", "-") for title in titles}


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    entries = set(re.findall(r'"(docs/[^"]*\.md)"', (ROOT / "zensical.toml").read_text()))
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")}
    assert pages - entries == set(), "pages without a line in zensical.toml"
    assert entries - pages == set(), "lines of zensical.toml without a page"


def test_the_citation_has_the_version_of_the_package() -> None:
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text().splitlines()


def test_the_python_of_the_page_on_looking(record: Record, tmp_path: Path) -> None:
    shutil.copytree(record.directory, tmp_path / "audits/mine")
    given = executed("docs/view.md", tmp_path)
    assert given["values"]._repr_html_().count("<tr>") == 11


def test_the_keys_of_the_page_on_looking_are_those_of_the_viewer() -> None:
    page, script = (ROOT / name for name in ("docs/view.md", "src/byrote/viewer/static/audit.js"))
    for key in ("k", "r", "d", "w"):
        assert f"| `{key}` |" in page.read_text()
        assert f"{key}: " in script.read_text()


@pytest.mark.pages
def test_the_tutorials_on_small_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their commands take minutes. Here their Python reads small records of the same names."""
    planted = Canaries(mislabeled=10)
    for name, seed in (("fashion", 0), ("more", 1), ("leak", 2)):
        made = {"runs": 8, "design": halves(), "canaries": planted, "seed": seed, "compute": Compute(workers=1)}
        collect(small_task(), tmp_path / "audits" / name, **made)
    (tmp_path / "my_score.py").write_text(blocks("docs/tutorials/score.md")[0])
    executed("docs/tutorials/score.md", tmp_path)
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows][:2] == ["late_loss", "mean_confidence"]
    assert len(rows) == 7
    given = executed("docs/tutorials/privacy.md", tmp_path)
    assert all(re.fullmatch(r"\S+ \d of \d \d of \d", row) for row in capsys.readouterr().out.splitlines())
    assert given["task"].controls == ("weight_decay(decay=0.01)",)
    assert executed("docs/tutorials/classifier.md", tmp_path)["task"].recipe.weight_decay == 0.01
    executed("docs/tutorials/wanted.md", tmp_path)


@pytest.mark.parametrize("name", ["own_loop", "fine_tuning"])
@pytest.mark.pages
def test_the_examples_of_ones_own_loop(name: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / f"examples/{name}.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "memorization (90 % interval)" in result.stdout


@pytest.mark.pages
def test_the_loop_of_the_thermostat_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executed("docs/thermostat.md", tmp_path)
    held = float(re.search(r"held (-?[\d.]+)", capsys.readouterr().out)[1])  # pyright: ignore[reportOptionalSubscript]
    assert abs(held - 0.3) < 0.17, "80 and 80 canaries have a standard error of about .055"


@pytest.mark.pages
def test_the_python_of_the_page_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(tmp_path / "photos", 12, lambda at: (90, 60 + at % 2))
    executed("docs/images.md", tmp_path)
    assert (tmp_path / "audits/own/report.html").is_file()
    assert "they are brought to 64 x 43" in capsys.readouterr().out


@pytest.mark.pages
def test_the_python_of_the_page_of_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series(tmp_path / "machines", 12, lambda at: 95 + at)
    executed("docs/series.md", tmp_path)
    assert "('x', 'y', 'measured') (19, 3, 100)" in capsys.readouterr().out
    assert not (tmp_path / "audits/machines").exists(), "the first command of the page writes another task there"


@pytest.mark.pages
def test_the_python_of_the_page_of_data_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collect(small_task(epochs=3), tmp_path / "audits" / "mine", runs=6, compute=Compute(workers=1))
    given = executed("docs/frames.md", tmp_path)
    rows = (tmp_path / "examples.csv").read_text().splitlines()
    assert len(rows) == 1 + len(given["record"].population)
    assert "memorization low" in capsys.readouterr().out
    assert given["task"].train.display.kind == "text"
