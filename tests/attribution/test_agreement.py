"""Agreement with influence: known answers on a record of a real training, and on one made up."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import long_tail
from byrote.attribution import Block, agreement, tracin, trak
from byrote.errors import InvalidData, MissingEvidence, Remedy
from byrote.evidence.evaluate import pairs
from byrote.locate import replay
from byrote.objectives import Classification
from byrote.record import Record
from byrote.scores import influence
from byrote.task.canaries import Canaries
from byrote.training.collect import collect
from byrote.training.compute import Compute
from byrote.training.tensors import to_tensors
from small import small_task

RUNS = 24


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(
        small_task(), tmp_path_factory.mktemp("record"), runs=RUNS, canaries=Canaries(), compute=Compute(workers=1)
    )


def asked(record: Record) -> tuple[np.ndarray, np.ndarray]:
    return np.flatnonzero(record.population.where("train")), np.flatnonzero(record.population.where("all"))[20:110]


@pytest.mark.slow
def test_influence_agrees_with_itself(record: Record) -> None:
    examples, targets = asked(record)
    blocks = [
        (np.searchsorted(targets, part), value[examples])
        for part, value, *_ in pairs(influence, record, targets, block=17)
    ]
    found = agreement(blocks, record, examples, targets)
    assert found.spearman.value == pytest.approx(1)
    assert found.pearson.value == pytest.approx(1)
    assert found.spearman.unit == "target"
    assert found.reliability.value < 0.9
    negative = agreement([(where, -value) for where, value in blocks], record, examples, targets)
    assert negative.pearson.value == pytest.approx(-1)


def test_noise_agrees_with_nothing_and_means_are_over_targets(record: Record) -> None:
    examples, targets = asked(record)
    value = np.random.default_rng(0).normal(size=(len(examples), len(targets)))
    found = agreement([(np.arange(len(targets)), value)], record, examples, targets)
    assert found.spearman.low < 0 < found.spearman.high
    correct = np.stack([record.at_step(run, "correct", record.last_step) for run in record.runs]).astype(bool)
    member = np.stack([record.member(run)[examples] for run in record.runs])
    truth = influence(correct[:, targets], member)
    each = []
    for column, target in enumerate(targets):
        keep = examples != target
        if np.ptp(truth[keep, column]):
            each.append(stats.spearmanr(value[keep, column], truth[keep, column]).statistic)
    assert found.spearman.n == len(each) < len(targets)
    assert found.spearman.value == pytest.approx(np.mean(each))
    half = stats.t.ppf(0.95, len(each) - 1) * np.std(each, ddof=1) / np.sqrt(len(each))
    assert found.spearman.high - found.spearman.value == pytest.approx(half)


def test_a_pair_of_an_example_with_itself_does_not_count(record: Record) -> None:
    examples, targets = asked(record)
    value = np.random.default_rng(0).normal(size=(len(examples), len(targets)))
    itself = examples[:, None] == targets
    assert itself.any()
    plain = agreement([(np.arange(len(targets)), value)], record, examples, targets)
    changed = agreement([(np.arange(len(targets)), np.where(itself, 1e9, value))], record, examples, targets)
    assert plain == changed


def test_gradient_attributions_of_a_replayed_run_can_be_compared(record: Record) -> None:
    examples, targets = asked(record)
    run = record.runs[0]
    examples = examples[record.member(run)[examples]]
    models = list(replay(small_task(), record, run, epochs=(1, 3)))
    parts = (
        *to_tensors(record.population, Classification(), "cpu", examples),
        *to_tensors(record.population, Classification(), "cpu", targets),
    )
    for blocks in (
        tracin([each.model for each in models], [each.learning_rate for each in models], *parts, block=32),
        trak([models[-1].model], *parts, sketch=12, block=32),
    ):
        found = agreement(blocks, record, examples, targets)
        assert -1 < found.spearman.low < found.spearman.value < found.spearman.high < 1
        assert found.pearson.n > 10


@pytest.mark.slow
def test_the_linear_datamodeling_score_is_the_rank_correlation_of_sums_with_margins(record: Record) -> None:
    """Against a slow loop over targets and runs; an example's own value, and those that are NaN, count for nothing."""
    examples, targets = asked(record)
    value = np.random.default_rng(0).normal(size=(len(examples), len(targets)))
    value[5] = np.nan
    models = record.runs[:3]
    found = agreement([(np.arange(len(targets)), value)], record, examples, targets, models=models).linear_datamodeling
    each = []
    for column, target in enumerate(targets):
        sums, margins = [], []
        for run in record.runs[3:]:
            who = [i for i, at in enumerate(examples) if record.member(run)[at] and at != target and i != 5]
            sums.append(sum(value[i, column] for i in who))
            margins.append(record.at_step(run, "margin", record.last_step)[target])
        each.append(stats.spearmanr(sums, margins).statistic)
    assert found.n == len(each)
    assert found.value == pytest.approx(np.mean(each))
    assert found.low < 0 < found.high


def test_effects_that_margins_are_made_of_have_a_high_score(record: Record) -> None:
    """Margins made of the members' values and a little noise: nearly 1. With the sign turned, nearly -1."""
    examples, targets = asked(record)
    rng = np.random.default_rng(1)
    value = rng.normal(size=(len(examples), len(targets)))
    value[examples[:, None] == targets] = 0
    made = Record(record.directory)

    def read(run: int, column: str, step: int) -> np.ndarray:
        told = record.at_step(run, column, step).copy()
        if column == "margin":
            told[targets] = record.member(run)[examples] @ value + rng.normal(0, 0.1, len(targets))
        return told

    made.at_step = read
    for sign in (1, -1):
        found = agreement([(np.arange(len(targets)), sign * value)], made, examples, targets)
        assert sign * found.linear_datamodeling.value > 0.98


@pytest.mark.usefixtures("unchecked_shapes")
def test_refusals(record: Record, tmp_path: Path) -> None:
    examples, targets = asked(record)
    with pytest.raises(InvalidData, match=r"A block of shape \(3, 90\) does not fit 80 examples and 90 targets\."):
        agreement([(np.arange(90), np.zeros((3, 90)))], record, examples, targets)
    few = collect(small_task(1), tmp_path, runs=2, canaries=Canaries(), compute=Compute(workers=1))
    with pytest.raises(MissingEvidence, match=r"needs 4 runs or more besides .*, but .* has 2 finished") as refused:
        agreement([], few, examples, targets)
    assert refused.value.remedy == Remedy("more_runs", 4, door="python")
    with pytest.raises(MissingEvidence, match="has 1 finished") as refused:
        agreement([], few, examples, targets, models=[1])
    assert refused.value.remedy == Remedy("more_runs", 5, door="python"), "four besides the one whose model was used"
    nothing = agreement([], record, examples, targets)
    assert np.isnan(nothing.spearman.value)
    assert nothing.spearman.n == 0


@pytest.fixture(scope="module")
def long_tailed(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(
        long_tail.task(), tmp_path_factory.mktemp("tail"), runs=32, canaries=Canaries(), compute=Compute(workers=1)
    )


def rare(record: Record, names: list[str]) -> tuple[np.ndarray, list[int]]:
    """Return the test examples that have one training twin among those of these names, and where the twins are."""
    kinds = [kind for kind in range(long_tail.SINGLE) if f"train/single-{kind}" in names]
    twins = [names.index(f"train/single-{kind}") for kind in kinds]
    return np.flatnonzero(record.population.where("test"))[long_tail.TESTS :][kinds], twins


def first_of_all(blocks: list[Block], twins: list[int]) -> float:
    return float(np.mean(np.concatenate([value for _, value in blocks], axis=1).argmax(axis=0) == twins))


@pytest.mark.slow
@pytest.mark.parametrize("sketch", [None, 512])
def test_tracin_finds_the_twin_as_retraining_does(long_tailed: Record, sketch: int | None) -> None:
    """Each rare test example is right when its one training twin, of some 110 examples, is there: first for 12 of 12.

    Most of influence is the noise of 32 runs, which is why Pearson's correlation is no more than .34.
    """
    population = long_tailed.population
    examples = np.flatnonzero(long_tailed.member(0) & population.where("train"))
    targets, twins = rare(long_tailed, population.ids[examples].tolist())
    found = list(replay(long_tail.task(), long_tailed, 0, epochs=(2, 4, 8, 12)))
    models, rates = [each.model for each in found], [each.learning_rate for each in found]
    parts = (
        *to_tensors(population, Classification(), "cpu", examples),
        *to_tensors(population, Classification(), "cpu", targets),
    )
    blocks = list(tracin(models, rates, *parts, sketch=sketch))
    assert len(twins) == 12
    assert first_of_all(blocks, twins) == 1
    assert agreement(blocks, long_tailed, examples, targets).pearson.low > 0.2


@pytest.mark.slow
def test_trak_finds_the_twin_with_ten_models_and_hardly_with_one(long_tailed: Record) -> None:
    """Seen: first for 15 of 15 with ten models (Pearson .34), for 5 with one (.12)."""
    population = long_tailed.population
    examples = np.flatnonzero(population.where("train"))
    targets, twins = rare(long_tailed, population.ids[examples].tolist())
    models = [next(replay(long_tail.task(), long_tailed, run, epochs=(12,))).model for run in range(10)]
    parts = (
        *to_tensors(population, Classification(), "cpu", examples),
        *to_tensors(population, Classification(), "cpu", targets),
    )
    ten, one = (list(trak(models[:count], *parts, sketch=64)) for count in (10, 1))
    assert first_of_all(ten, twins) > 0.9 > 0.6 > first_of_all(one, twins) > 0.1
    many, single = (agreement(blocks, long_tailed, examples, targets).pearson for blocks in (ten, one))
    assert many.low > single.high > single.value > 0
