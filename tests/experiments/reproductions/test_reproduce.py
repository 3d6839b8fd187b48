"""`reproduce`: what is planned is said first, parts are kept, names and budgets that cannot be are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from byrote.errors import ByroteError, InvalidData, MissingEvidence
from byrote.experiments.reproductions import reproduce as room
from byrote.experiments.reproductions.conduct import conduct, part_file
from byrote.experiments.reproductions.experiment import Bench, Experiment, Part, Shown
from byrote.experiments.reproductions.figure import Assertion, Panel, Point
from byrote.experiments.reproductions.reproduce import PAPERS, Paper, Plan, chosen, reproduce
from byrote.report.reproduction import write_reproduction
from byrote.stats.estimate import Estimate
from byrote.training.compute import Compute
from byrote.training.progress import Progress

ONE = Compute(workers=1)
trained: list[int] = []


def square(bench: Bench, *, of: int) -> dict[str, Any]:
    trained.append(of)
    bench.tick(0.5)
    if of < 0:
        raise InvalidData("Nothing can be learned from this.")
    return {"value": float(of * of)}


def parts(size: int, seed: int) -> list[Part]:
    return [Part(f"square {of}", square, {"of": of + seed}) for of in range(size)]


def show(size: int, found: Any) -> Shown:
    values = [found[f"square {of}"]["value"] for of in range(size)]
    points = tuple(Point("squares", of, value) for of, value in enumerate(values))
    told = Assertion("squares", Estimate.of_mean(values, "numbers"), least=-1000)
    return Shown([Panel("Squares", "x", "y", points)], [told])


def made(name: str = "figure 1", data: str = "fashion14") -> Experiment:
    sizes = dict.fromkeys(room.SCALES, 3)
    differs = dict.fromkeys(room.SCALES, "Nothing.")
    return Experiment("made", name, "squares", "They are.", differs, sizes, {"tiny": 6}, parts, show, lambda _: [data])


@pytest.fixture
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAPERS, "made", Paper("Made", (made(), made("figure 7/8"))))
    trained.clear()


@pytest.mark.usefixtures("_made")
def test_the_plan_is_said_first_and_what_is_there_is_kept(tmp_path: Path) -> None:
    plans: list[Plan] = []
    seen: list[Progress] = []

    def tell(plan: Plan) -> None:
        assert not trained
        plans.append(plan)

    figures = reproduce("made", tmp_path, compute=ONE, on_plan=tell, progress=seen.append)
    assert [figure.verdict for figure in figures] == ["holds", "holds"]
    assert trained == [0, 1, 2], "equal parts of two figures are trained once"
    assert plans[0].models == plans[0].of_models == 6
    assert plans[0].minutes == 12
    assert "6 models" in plans[0].sentence()
    assert (seen[0].steps, seen[0].of_runs) == (0, 3), "progress begins before the first training"
    assert seen[-1].runs == 3
    again = reproduce("made", tmp_path, compute=ONE, on_plan=plans.append)
    assert trained == [0, 1, 2]
    assert plans[-1].models == 0
    assert again == figures
    reproduce("made", tmp_path, seed=1, compute=ONE)
    assert trained == [0, 1, 2, 1, 2, 3], "another seed has parts of its own"


@pytest.mark.usefixtures("_made")
def test_an_interrupted_one_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    todo = parts(3, 0)
    bad = [*todo[:2], replace(todo[2], options={"of": -1})]
    with pytest.raises(InvalidData, match="Nothing can be learned"):
        conduct(bad, tmp_path, data=None, compute=ONE, progress=None)
    assert trained == [0, 1, -1]
    assert not list((tmp_path / "working").iterdir())
    found = conduct(todo, tmp_path, data=None, compute=ONE, progress=None)
    assert trained == [0, 1, -1, 2]
    assert list(found) == ["square 0", "square 1", "square 2"]
    part_file(todo[1], tmp_path).write_text("half a f")
    conduct(todo, tmp_path, data=None, compute=ONE, progress=None)
    assert trained[-1] == 1, "a file that cannot be read is trained again"


@pytest.mark.cluster
@pytest.mark.usefixtures("_made")
def test_several_processes_find_the_same(tmp_path: Path) -> None:
    figures = reproduce("made", tmp_path / "two", compute=Compute(workers=2))
    assert figures == reproduce("made", tmp_path / "one", compute=ONE)


@pytest.mark.usefixtures("_made")
def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for given, message in (
        ({"paper": "arpit"}, "Did you mean 'arpit2017'"),
        ({"scale": "tny"}, "Did you mean 'tiny'"),
        ({"only": ["figure 11"]}, "There is no figure of made named 'figure 11'. Did you mean 'figure 1'"),
        ({"minutes": 1}, "takes about 12 minutes here, and 1 were given"),
        ({"seed": -1}, "no seed"),
        ({"paper": "arpit2017", "scale": "paper"}, "MNIST does not ship with byrote and is never downloaded"),
        ({"paper": "zhang2017", "scale": "paper", "data": tmp_path}, "no data_batch_1.bin"),
        ({"scale": "small", "minutes": 100}, "hours to days"),
    ):
        options: dict[str, Any] = {"paper": "made", **given}
        with pytest.raises(ByroteError, match=message):
            reproduce(directory=tmp_path, compute=ONE, **options)
    assert not trained


def test_a_figure_whose_data_are_not_installed_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, _: object) -> None:
        if name == "digits":
            raise MissingEvidence("The digits come with scikit-learn, which is not installed.")

    monkeypatch.setattr(room, "images", absent)
    monkeypatch.setitem(PAPERS, "made", Paper("Made", (made(), made("figure 6", "digits"))))
    figures = reproduce("made", tmp_path, compute=ONE)
    assert [figure.verdict for figure in figures] == ["holds", "not measured"]
    page = write_reproduction(figures, tmp_path / "page.html", title="Made", scale="tiny")
    assert "The digits come with scikit-learn" in Path(page).read_text()
    with pytest.raises(MissingEvidence, match="scikit-learn"):
        reproduce("made", tmp_path, only=["6"], compute=ONE)


def test_figures_are_named_as_people_name_them() -> None:
    for name in ("figure 7/8", "7", "8", "fig. 8", "Figure 7/8"):
        assert [each.name for each in chosen("arpit2017", [name])] == ["figure 7/8"]
    assert [each.name for each in chosen("zhang2017", ["theorem_1", "Table 1"])] == ["table 1", "theorem 1"]
    assert [each.name for each in chosen("zhang2017", ["1"])] == ["figure 1"]
    assert [each.name for each in chosen("claims", ["c3"])] == ["C3"]


@pytest.mark.usefixtures("_made")
def test_the_page_holds_all_and_needs_nothing(tmp_path: Path) -> None:
    figures = reproduce("made", tmp_path, compute=ONE)
    odd = replace(figures[0], claim="<script>alert(1)</script>")
    page = Path(write_reproduction([odd, *figures[1:]], tmp_path / "page.html", title="Made", scale="tiny")).read_text()
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("Content-Security-Policy", "").replace("http-equiv", "")  # fmt: skip
    for figure in figures:
        assert figure.assertions[0].text in page
