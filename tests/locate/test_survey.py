"""Which layer keeps it: one that was made to, on models whose truth is known, and sentences that claim no more than that."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from byrote.errors import InvalidData, MissingEvidence, Remedy
from byrote.locate import layers, locate, locate_neurons, memorized_and_clean, replay
from byrote.locate.accounting import gradient_accounting
from byrote.locate.examples import correct
from byrote.locate.neurons import CriticalNeurons, Flipped
from byrote.locate.rewinding import layer_rewinding
from byrote.locate.survey import NeuronSurvey, Survey, standing_out
from byrote.locate.tables import layer_rows, layer_verdict, neuron_rows, neuron_verdict
from byrote.record import Record
from byrote.stats.estimate import Estimate
from byrote.task.canaries import Canaries, parse_canaries, plant
from byrote.task.recipe import Recipe
from byrote.task.task import Task
from byrote.training.collect import collect
from byrote.training.compute import Compute
from small import small_task

EPOCHS = 16


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))


def task() -> Task:
    """Long enough that wrong labels are learned by heart."""
    recipe = Recipe(epochs=EPOCHS, batch_size=16, optimizer="sgd", learning_rate=0.1)
    return replace(small_task(n=160), model=network, recipe=recipe)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return collect(
        task(), tmp_path_factory.mktemp("record"), runs=4, canaries=Canaries(16, 2, 2), compute=Compute(workers=1)
    )


@pytest.fixture(scope="module")
def survey(record: Record) -> Survey:
    return locate(task(), record, 1, examples=4)


def size(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, 10, "example")


def test_it_stands_out_only_without_overlap() -> None:
    clear, wide, none = size(0.8, 0.6, 0.9), size(0.5, 0.2, 0.7), size(0.0, -0.2, 0.2)
    assert standing_out([none, clear, none]) == 1
    assert standing_out([clear, wide]) is None
    assert standing_out([wide, none]) is None
    assert standing_out([size(0.5, 0.21, 0.7), none]) == 0
    assert standing_out([none]) is None
    assert standing_out([]) is None
    assert standing_out([size(np.nan, np.nan, np.nan), clear]) == 1
    assert standing_out([size(np.nan, np.nan, np.nan)]) is None
    assert standing_out([size(-0.5, -0.6, -0.4), size(-0.9, -0.95, -0.8)]) is None


def test_its_numbers_are_those_of_the_three_analyses(record: Record, survey: Survey) -> None:
    found = list(replay(task(), record, 1))
    planted, all_clean = memorized_and_clean(record.population, record.member(1))
    known = correct("test", found[-1].model, planted)
    assert (survey.planted, survey.learned) == (len(known), known.sum())
    assert 4 < survey.learned < survey.planted, "more than are compared, and not all were learned"
    lead = [correct("t", c.model, all_clean).mean() - correct("t", c.model, planted).mean() for c in found]
    assert 0 < survey.earlier < EPOCHS
    assert lead[survey.earlier] > max(lead[1:]) - 0.15
    assert lead[survey.earlier] > lead[-1] + 0.2
    assert [layer.name for layer in survey.layers] == list(layers(found[-1].model)) == ["1", "3"]
    assert [(layer.kind, layer.weights) for layer in survey.layers] == [("Linear", 64 * 65), ("Linear", 65 * 4)]
    learned = tuple(part[known] for part in planted)
    right = correct("t", found[-1].model, all_clean)
    clean = tuple(part[right] for part in all_clean)
    whole = layer_rewinding(found[-1].model, [found[survey.earlier]], learned, clean)
    pull = gradient_accounting(found[survey.earlier].model, learned, clean)
    for layer, rewound, accounted in zip(survey.layers, whole, pull, strict=True):
        assert layer.rewound.epoch == survey.earlier
        assert layer.rewound.memorized.n == layer.rewound.clean.n == layer.accounted.clean.n == 4
        assert layer.rewound.memorized.low <= rewound.memorized.value <= layer.rewound.memorized.high
        assert layer.accounted.memorized.value == pytest.approx(accounted.memorized.value, abs=0.15)
        assert layer.retrained.clean.n == len(right)
        assert layer.retrained.memorized.n == 4
    assert sum(layer.accounted.memorized.value for layer in survey.layers) == pytest.approx(1)
    assert survey.retrained == 6


def right_of(record: Record, run: int) -> int:
    real = record.population.where("train") & record.member(run)
    return int(record.at_step(run, "correct", record.last_step)[real].sum())


def test_all_are_compared_when_there_are_few(record: Record) -> None:
    found = locate(task(), record, 1, examples=500)
    assert {layer.rewound.memorized.n for layer in found.layers} == {found.learned}
    assert {layer.rewound.clean.n for layer in found.layers} == {right_of(record, 1)}


def test_progress_tells_of_every_epoch_and_seeds_are_repeatable(record: Record, survey: Survey) -> None:
    stages: list[tuple[str, int, int]] = []
    again = locate(task(), record, 1, examples=4, progress=lambda *stage: stages.append(stage))
    assert [done for _, done, of in stages if of == EPOCHS] == list(range(EPOCHS + 1))
    assert {doing for doing, *_ in stages} == {"training run 1 again", "analysing the layers", "retraining the layers"}
    assert layer_rows(again) == layer_rows(survey)


class Split(nn.Module):
    """Two paths whose logits are added: one reads the pattern, the other the last pixels only, which are noise."""

    def __init__(self) -> None:
        super().__init__()
        self.common = nn.Linear(56, 4)
        self.private = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 4))

    def forward(self, x):
        flat = x.flatten(1)
        return self.common(flat[:, :56]) + self.private(flat)


@pytest.mark.slow
def test_the_path_that_memorizes_is_named(tmp_path: Path) -> None:
    """A linear path cannot fit random labels on so many examples; a wide one beside it can, and has to."""
    made = replace(small_task(n=400), model=Split, recipe=Recipe(30, 16, learning_rate=0.01, optimizer="adamw"))
    kept = collect(made, tmp_path, runs=2, canaries=Canaries(70, 1, 1), compute=Compute(workers=1))
    found = locate(made, kept, 0, modules=["common", "private"])
    assert found.learned > 25
    assert [layer.kind for layer in found.layers] == ["Linear", "Sequential"]
    assert found.layers[1].weights == 64 * 256 + 256 + 256 * 4 + 4
    assert found.by_rewinding == found.by_retraining == 1
    verdict = layer_verdict(found)
    assert verdict.startswith("Layer private (Sequential) keeps most of what run 0 memorized")
    common, private = found.layers
    assert private.rewound.gap.low > common.rewound.gap.high


def test_a_sentence_names_no_single_layer_when_intervals_overlap(survey: Survey) -> None:
    one, other = survey.layers

    def verdict(*gaps: tuple[Estimate, Estimate]) -> str:
        changed = tuple(
            replace(layer, rewound=replace(layer.rewound, gap=first), retrained=replace(layer.retrained, gap=second))
            for layer, (first, second) in zip((one, other), gaps, strict=True)
        )
        return layer_verdict(replace(survey, layers=changed))

    clear, none, wide = size(0.8, 0.6, 0.9), size(0.0, -0.2, 0.2), size(0.5, 0.1, 0.7)
    assert "Layer 3 (Linear) keeps most of what run 1" in verdict((none, none), (clear, clear))
    assert "No single layer" in verdict((clear, none), (none, clear))
    assert "rewinding points to layer 1 (Linear), and retraining points to layer 3" in verdict(
        (clear, none), (none, clear)
    )
    assert "No single layer" in verdict((clear, clear), (wide, clear))
    both = verdict((clear, clear), (wide, wide))
    assert "by rewinding no layer stands out (intervals overlap), and by retraining no layer" in both
    assert "by rewinding no layer stands out (intervals overlap), and retraining points to layer 1" in verdict(
        (wide, clear), (wide, none)
    )
    assert "one layer, so all that it memorized is there" in layer_verdict(replace(survey, layers=(one,)))


def test_neurons(record: Record) -> None:
    found = locate_neurons(task(), record, 1, examples=5)
    memorized, clean = rows = neuron_rows(found)
    assert [row["examples"] for row in rows] == ["memorized", "clean"]
    assert memorized["count"] == clean["count"] == 5
    assert memorized["neurons"] == 64
    for name, which in (("memorized", found.neurons.memorized), ("clean", found.neurons.clean)):
        (row,) = [each for each in rows if each["examples"] == name]
        assert row["critical"] == np.median(which.count)
        assert not np.isnan(which.count).any(), "only those that are predicted as labelled are compared"
    assert memorized["critical"] < memorized["random"]
    assert memorized["mostly in"] == "1 (100 %; it has 100 % of all)"


def flipped(*counts: float) -> Flipped:
    return Flipped(np.array(counts), ((),) * len(counts), np.full(len(counts), np.nan))


@pytest.mark.parametrize(
    ("memorized", "clean", "fewer"),
    [((1.0,) * 9, (5.0,) * 9, True), ((5.0,) * 9, (1.0,) * 9, False), ((2.0,) * 9, (2.0,) * 9, False)],
)
def test_fewer_neurons_are_stated_only_without_overlap(
    memorized: tuple[float, ...], clean: tuple[float, ...], fewer: bool
) -> None:
    sets = flipped(*memorized), flipped(*clean), flipped(*[7.0] * 9), flipped(*[8.0] * 9)
    verdict = neuron_verdict(NeuronSurvey(3, 9, 9, CriticalNeurons(("1",), (0,), *sets)))
    assert f"run 3: memorized {memorized[0]:g} [{memorized[0]:g}, {memorized[0]:g}]" in verdict
    assert f"clean {clean[0]:g} [{clean[0]:g}, {clean[0]:g}]" in verdict
    assert "random neurons 7 [7, 7]" in verdict
    assert ("Memorized examples need fewer" in verdict) == fewer
    assert ("do not clearly need fewer" in verdict) == (not fewer)


def test_a_median_that_is_not_reached_is_not_a_number() -> None:
    never, few = flipped(*[np.inf] * 9), flipped(1.0, 2.0)
    verdict = neuron_verdict(NeuronSurvey(0, 9, 9, CriticalNeurons(("1",), (0,), never, few, flipped(np.nan), never)))
    assert (
        "memorized not reached [not reached, not reached], clean 1.5; memorized with random neurons unknown" in verdict
    )


def test_refusals(record: Record, tmp_path: Path) -> None:
    with pytest.raises(MissingEvidence, match=r"no finished run 9\. Name one of its runs, 0 to 3\."):
        locate(task(), record, 9)
    with pytest.raises(InvalidData, match=r"1 examples cannot give an interval\."):
        locate(task(), record, examples=1)
    bare = collect(task(), tmp_path / "bare", runs=1, canaries=Canaries(), compute=Compute(workers=1))
    stages: list[object] = []
    with pytest.raises(MissingEvidence, match=r"trained on no mislabeled canary") as refused:
        locate(task(), bare, progress=lambda *stage: stages.append(stage))
    assert refused.value.remedy == Remedy("canaries", "mislabeled=20")
    assert parse_canaries(str(refused.value.remedy.value)) == Canaries(mislabeled=20)
    assert not stages, "it is refused before the run is trained"
    wrong = plant(task(), Canaries(1, 0, 0), 0)
    other = (int(wrong.labels[wrong.canary == "mislabeled"][0]) + 1) % 4
    stubborn = replace(
        task(), model=lambda: Stubborn(other), recipe=Recipe(epochs=1, batch_size=16, learning_rate=1e-6)
    )
    kept = collect(stubborn, tmp_path / "stubborn", runs=2, canaries=Canaries(1, 0, 0), compute=Compute(workers=1))
    (run,) = [run for run in kept.runs if kept.member(run)[wrong.canary == "mislabeled"].any()]
    with pytest.raises(MissingEvidence, match=r"predicts 0 of its 1 planted wrong labels") as refused:
        locate(stubborn, kept, run)
    assert refused.value.remedy == Remedy("more_epochs")


class Stubborn(nn.Module):
    """Predicts the same class for every input."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label, self.odds = label, nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return self.odds.expand(len(x), 4) + 9 * nn.functional.one_hot(torch.tensor(self.label), 4)
