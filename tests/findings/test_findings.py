from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from byrote.errors import MissingEvidence, Remedy
from byrote.findings.canary_check import read_detection
from byrote.findings.evaluated_scores import read_panel
from byrote.record import Observed, Record, Step, write_manifest, write_population, write_run
from byrote.report import Findings, NotMeasured, findings, sentences
from byrote.report.numbers import PERCENT, percent, percent_text
from byrote.report.verdict import verdict
from byrote.scores import memorization
from byrote.stats.estimate import Estimate
from byrote.summaries import forecast
from layout import LAYOUT, MANIFEST, run_settings
from small_record import CLOSING, make


@pytest.fixture(scope="module")
def found(record: Record) -> Findings:
    return findings(record)


def clean(record: Record) -> tuple[np.ndarray, np.ndarray]:
    correct = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs])
    return correct, np.stack([record.member(run) for run in record.runs])


def test_accuracies_are_those_of_the_columns(record: Record, found: Findings) -> None:
    correct, member = clean(record)
    train, test = record.population.where("train"), record.population.where("test")
    learned = np.mean([c[m & train].mean() for c, m in zip(correct, member, strict=True)])
    held_out = np.mean([c[~m & train].mean() for c, m in zip(correct, member, strict=True)])
    numbers = found.accuracies
    assert not isinstance(numbers.learned, NotMeasured)
    assert not isinstance(numbers.held_out, NotMeasured)
    assert not isinstance(numbers.tested, NotMeasured)
    assert not isinstance(numbers.gap, NotMeasured)
    assert numbers.learned.value == pytest.approx(learned)
    assert numbers.held_out.value == pytest.approx(held_out)
    assert numbers.tested.value == pytest.approx(correct[:, test].mean())
    assert numbers.gap.value == pytest.approx(learned - held_out)
    assert numbers.gap.low < numbers.gap.value < numbers.gap.high


def test_mean_memorization_equals_the_gap_within_its_error(record: Record, found: Findings) -> None:
    assert not isinstance(found.memorized, NotMeasured)
    assert not isinstance(found.accuracies.gap, NotMeasured)
    correct, member = clean(record)
    train = record.population.where("train")
    assert found.memorized.mean.value == pytest.approx(np.nanmean(memorization(correct[:, train], member[:, train])))
    assert found.accuracies.gap.low <= found.memorized.mean.value <= found.accuracies.gap.high
    low, high = found.memorized.above
    assert low.share.value >= high.share.value > 0
    assert low.share.low <= low.share.value <= low.share.high
    assert 0 < found.memorized.listed < train.sum() / 2
    assert found.memorized.estimator == "shrunk_memorization"
    assert not isinstance(found.memorized.reliability, NotMeasured)
    assert (
        0.3 < found.memorized.reliability.low < found.memorized.reliability.value < found.memorized.reliability.high < 1
    )


def test_canaries_read_as_planted(found: Findings) -> None:
    assert found.planted == {"mislabeled": 12, "noise": 12, "ordinary": 12}
    assert not isinstance(found.kinds, NotMeasured)
    kinds = {each.kind: each for each in found.kinds}
    assert kinds["mislabeled"].memorization.value > 0.7
    assert kinds["noise"].memorization.value > 0.5
    assert kinds["ordinary"].memorization.value < kinds["mislabeled"].memorization.value - 0.3
    assert kinds["mislabeled"].correct_in.value > 0.9 > 0.2 > kinds["mislabeled"].correct_out.value


def test_detection_of_planted_wrong_labels_is_far_above_chance(found: Findings) -> None:
    assert not isinstance(found.detection, NotMeasured)
    areas = {each.score: each.auroc.value for each in found.detection if isinstance(each.auroc, Estimate)}
    assert areas["memorization"] > 0.85
    assert areas["mean_confidence"] > 0.85
    assert {each.score for each in found.detection if isinstance(each.one_run, NotMeasured)} == {
        "memorization",
        "shrunk_memorization",
        "c_score",
    }


def test_agreement_has_every_pair_once_with_high_meaning_memorized(found: Findings) -> None:
    assert not isinstance(found.agreement, NotMeasured)
    n = len(found.agreement.scores)
    assert len(found.agreement.pairs) == n * (n - 1) / 2
    ranks = {frozenset((pair.first, pair.second)): pair.rank.value for pair in found.agreement.pairs}
    assert ranks[frozenset(("memorization", "c_score"))] > 0.8
    assert ranks[frozenset(("aum", "csl"))] > 0.5


def test_the_verdict_says_the_numbers_and_that_it_is_not_privacy(found: Findings) -> None:
    verdict = sentences(found)
    assert not isinstance(found.accuracies.held_out, NotMeasured)
    assert percent_text(found.accuracies.held_out) in verdict[0]
    assert "14 runs" in verdict[0]
    assert not isinstance(found.memorized, NotMeasured)
    assert not isinstance(found.memorized.reliability, NotMeasured)
    assert f"about {found.memorized.reliability.value:.2f}" in " ".join(verdict)
    assert "12 wrong labels" in " ".join(verdict)
    assert verdict[-1].startswith("Low measured memorization is not privacy")
    assert "nan" not in " ".join(verdict).lower().split()


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.5, "50.0"),
        (0.99994, "99.99"),
        (0.9999999, "100"),
        (1.0, "100"),
        (0.0, "0"),
        (0.0004, "0.04"),
        (-0.031, "-3.1"),
    ],
)
def test_percent_never_looks_like_nothing_or_all_when_it_is_not(share: float, written: str) -> None:
    assert percent(share) == f"{written}\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    ("listed", "words"), [(17, "17 examples that pass"), (1, "1 example that passes"), (0, "no example passes")]
)
def test_the_verdict_counts_the_examples_that_pass_the_false_discovery_rate(
    found: Findings, listed: int, words: str
) -> None:
    assert not isinstance(found.memorized, NotMeasured)
    changed = replace(found, memorized=replace(found.memorized, listed=listed))
    assert f"{words} a false-discovery rate of 10{PERCENT}" in verdict(changed).next


def test_where_most_examples_pass_the_verdict_looks_above_the_mean(found: Findings) -> None:
    """In a regression 223 of 236 examples may pass: to look at all of them is no advice."""
    assert not isinstance(found.memorized, NotMeasured)
    assert 0 <= found.memorized.above_mean <= found.memorized.defined
    most = replace(found.memorized, listed=223, defined=236, above_mean=47)
    said = verdict(replace(found, memorized=most)).next
    assert said.startswith("Next: look at the 47 examples whose memorization is above the mean of ")
    assert "by chance 12 would be" in said
    assert f"223 of 236 examples pass a false-discovery rate of 10{PERCENT}" in said
    nobody = replace(most, above_mean=12)
    assert verdict(replace(found, memorized=nobody)).next.startswith("Next: collect more runs")


def test_the_verdict_has_six_sentences_what_how_sure_and_what_next(found: Findings) -> None:
    full = verdict(found)
    assert full.sentences == [full.accuracy, full.certainty, full.next, full.canaries, full.membership, full.privacy]
    assert sentences(found) == full.sentences
    assert "generalization gap" in full.accuracy
    assert "The reliability of these values is about 0." in full.certainty
    assert full.next.startswith("Next: look at the")


def test_shares_are_not_said_where_the_interval_of_the_gap_holds_zero(found: Findings) -> None:
    assert "memorization above 0.25" in verdict(found).certainty
    nothing = replace(found.accuracies, gap=Estimate(0.01, -0.02, 0.04, 14, "run"))
    certainty = verdict(replace(found, accuracies=nothing)).certainty
    assert "holds 0" in certainty
    assert "above" not in certainty


def test_the_standard_error_is_that_of_the_progress_bar(record: Record, found: Findings) -> None:
    correct, member = clean(record)
    train = record.population.where("train")
    known = forecast(correct[:, train].astype(bool), member[:, train])
    assert known is not None
    assert not isinstance(found.memorized, NotMeasured)
    assert found.memorized.error == known.standard_error > 0.01


def test_accuracy_of_each_class_and_their_mean_are_those_of_the_columns(record: Record, found: Findings) -> None:
    correct, member = clean(record)
    train, labels = record.population.where("train"), record.population.labels
    for label, each in enumerate(found.accuracies.classes):
        left_out = [c[~m & train & (labels == label)].mean() for c, m in zip(correct, member, strict=True)]
        assert isinstance(each.held_out, Estimate)
        assert each.name == record.classes[label]
        assert each.held_out.value == pytest.approx(np.mean(left_out))
    by_class = [
        np.mean([c[~m & train & (labels == k)].mean() for k in range(len(record.classes))])
        for c, m in zip(correct, member, strict=True)
    ]
    assert isinstance(found.accuracies.balanced, Estimate)
    assert found.accuracies.balanced.value == pytest.approx(np.mean(by_class))
    assert found.accuracies.baseline == np.bincount(labels[train]).max() / train.sum()


def test_models_that_always_name_the_commonest_class_learned_nothing(found: Findings) -> None:
    """19 of 20 examples are of one class: an accuracy of 95 % is no success, and no example is listed for it."""
    assert not found.accuracies.learned_nothing
    constant = Estimate(0.95, 0.949, 0.951, 14, "run")
    idle = replace(found, accuracies=replace(found.accuracies, learned=constant, baseline=0.95))
    said = verdict(idle)
    assert "learned nothing that shows" in said.accuracy
    assert f"not above the 95.0{PERCENT} of always naming the commonest label" in said.accuracy
    assert "no example is listed" in said.certainty
    assert said.next.startswith("Next: check the labels")


def test_accuracy_on_unequal_classes_stands_beside_the_mean_over_classes(found: Findings) -> None:
    half = Estimate(0.52, 0.5, 0.54, 14, "run")
    unequal = replace(found.accuracies, learned=Estimate(0.99, 0.98, 1.0, 14, "run"), baseline=0.95, balanced=half)
    assert (
        f"52.0{PERCENT} [50.0, 54.0] as a mean over classes".replace(", ", ",\N{NO-BREAK SPACE}", 1)
        in verdict(replace(found, accuracies=unequal)).accuracy
    )
    assert "mean over classes" not in verdict(found).accuracy


def test_a_score_that_finds_nothing_keeps_its_reason(record: Record) -> None:
    panel = read_panel(record)
    nan = {name: replace(each, value=np.full(len(each.value), np.nan)) for name, each in panel.values.items()}
    one = read_detection(record, replace(panel, values={**nan, "loss": panel.values["loss"]}))
    assert not isinstance(one, NotMeasured)
    assert [each.score for each in one if isinstance(each.auroc, Estimate)] == ["loss"]
    assert all(each.precision.reason for each in one if isinstance(each.precision, NotMeasured))
    assert isinstance(read_detection(record, replace(panel, values=nan)), NotMeasured)


def test_same_record_same_findings(record: Record, found: Findings) -> None:
    assert repr(findings(record)) == repr(found)


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingEvidence, match="no finished run"):
        findings(make(tmp_path / "none", runs=0, canaries=0))


def test_one_run_measures_the_gap_but_not_memorization(tmp_path: Path) -> None:
    found = findings(make(tmp_path / "one", runs=1, canaries=12, epochs=2))
    assert isinstance(found.memorized, NotMeasured)
    assert found.memorized.remedy == Remedy("more_runs", 2)
    assert not isinstance(found.accuracies.gap, NotMeasured)
    assert not isinstance(found.detection, NotMeasured)
    assert any("was not measured" in sentence and "--runs" in sentence for sentence in sentences(found))


def test_without_canaries_it_says_that_it_could_not_check_itself(tmp_path: Path) -> None:
    found = findings(make(tmp_path / "bare", runs=2, canaries=0, epochs=2))
    assert isinstance(found.kinds, NotMeasured)
    assert isinstance(found.detection, NotMeasured)
    assert any("No wrong labels were planted" in sentence for sentence in sentences(found))


def own_loop(record: Record, directory: Path, *, clean_pass: bool) -> Record:
    """Write a record as a loop of one's own would: no recipe, no design, every example a member, no canaries."""
    real = ~record.population.where("canary")
    population = replace(
        record.population,
        **{
            name: getattr(record.population, name)[real]
            for name in (
                "ids",
                "split",
                "labels",
                "canary",
                "verification",
                "source",
                "true_label",
                "groups",
                "weights",
            )
        },
        read_inputs=lambda: record.population.inputs[real],
    )
    rng = np.random.default_rng(0)
    n, train = len(population), np.flatnonzero(population.where("train"))
    directory.mkdir()
    write_manifest(
        directory,
        {
            **MANIFEST,
            "objective": record.manifest["objective"],
            "key": "k",
            "byrote": "0",
            "task": {"name": CLOSING, "classes": list(record.classes)},
            "steps": {"unit": "epoch", "last": 3},
            "blocks": [],
        },
    )
    write_population(directory, population)

    def observed(positions: np.ndarray) -> Observed:
        confidence = rng.random(len(positions)).astype(np.float32)
        values = {"confidence": confidence, "correct": confidence > 0.5, "loss": -np.log(confidence)}
        return Observed(positions, values)

    steps = [Step(s, observed(np.arange(n)) if clean_pass and s == 3 else None, observed(train)) for s in (1, 2, 3)]
    path = directory / "runs" / "0000.parquet"
    write_run(path, steps, population.where("train"), population.ids, run_settings(0, "k"), LAYOUT)
    return Record(directory)


@pytest.mark.parametrize("clean_pass", [False, True])
def test_a_record_of_ones_own_loop_is_reported_as_far_as_it_goes(
    record: Record, tmp_path: Path, clean_pass: bool
) -> None:
    own = own_loop(record, tmp_path / "own", clean_pass=clean_pass)
    found = findings(own)
    assert own.door == "loop"
    assert "byrote audit" not in " ".join(sentences(found)), "no command can go on with it"
    assert found.accuracies.seen_only is not clean_pass
    assert not isinstance(found.accuracies.learned, NotMeasured)
    assert isinstance(found.accuracies.held_out, NotMeasured)
    assert isinstance(found.accuracies.tested, NotMeasured) is not clean_pass
    assert isinstance(found.memorized, NotMeasured)
    assert isinstance(found.membership, NotMeasured)
    assert all(sentence.endswith((".", "?")) for sentence in sentences(found))
