"""The privacy section: attacks on every run, checked where nothing is to be found."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from byrote.evidence.cached_reads import read_once
from byrote.evidence.evaluate import AttackValues, guess
from byrote.membership import attacks
from byrote.membership.attacks import (
    ATTACKS,
    Membership,
    attacks_on,
    curve,
    exchangeable,
    read_membership,
    strongest_by_chance,
)
from byrote.record import Observed, Population, Record, Step, run_path, write_manifest, write_population, write_run
from byrote.report.rows import operating_dots
from byrote.report.verdict import sentences
from byrote.scores import lira, loss
from byrote.stats.not_measured import NotMeasured
from byrote.summaries import OperatingPoint
from byrote.task.designs import Design, Subsets, halves
from layout import LAYOUT, MANIFEST, run_settings

RUNS, EXAMPLES, HALVES = 12, 600, halves()


def made(
    directory: Path, leak: float, runs: int = RUNS, bad: int = 0, design: Design = HALVES, examples: int = EXAMPLES
) -> Record:
    """Write a record in which the logit of a member is `leak` higher; the first `bad` examples have no loss in run 0."""
    rng = np.random.default_rng(3)
    ids = np.array([f"train/{i}" for i in range(examples)])
    labels = rng.integers(0, 3, examples)
    pictures = rng.integers(0, 256, (examples, 4, 4)).astype(np.uint8)
    write_population(directory, Population.of(ids, np.full(examples, "train"), labels, pictures))
    task = {"name": "made up", "classes": ["a", "b", "c"]}
    steps = {"unit": "epoch", "last": 1}
    write_manifest(directory, {**MANIFEST, "key": "0", "task": task, "steps": steps, "blocks": [runs]})
    member = design.membership([runs], np.full(examples, ""), 0)
    ease = rng.normal(0, 1, examples)
    for run in range(runs):
        logit = ease + rng.normal(size=examples) + leak * member[run]
        loss = np.log1p(np.exp(-logit))
        known = np.arange(bad if run == 0 else 0, examples)
        said = Observed(known, {"loss": loss[known].astype(np.float32), "correct": logit[known] > 0})
        write_run(run_path(directory, run), [Step(1, said, None)], member[run], ids, run_settings(run, "0"), LAYOUT)
    return Record(directory)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Membership:
    found = read_membership(made(tmp_path_factory.mktemp("leaking"), leak=2.0, bad=7))
    assert not isinstance(found, NotMeasured)
    return found


def test_a_leak_is_found_by_all_and_most_by_those_that_compare(leaking: Membership) -> None:
    areas = {attack.name: attack.auroc.value for attack in leaking.attacks}
    assert list(areas) == [str(score) for score in ATTACKS]
    assert min(areas.values()) > 0.75
    assert areas["lira"] > areas["loss"] + 0.02
    assert leaking.strongest.name in ("lira", "bavaria", "rmia")
    at = leaking.strongest.at[0]
    assert isinstance(at, OperatingPoint)
    assert not isinstance(leaking.shuffled, NotMeasured)
    assert at.tpr.value > 0.08 > 0.02 > leaking.shuffled
    assert leaking.p_value == pytest.approx(0.05)


def test_counts_are_those_of_the_examples_with_a_loss(leaking: Membership) -> None:
    assert leaking.left_out == 7
    assert leaking.members + leaking.others == RUNS * (EXAMPLES - 7)
    assert leaking.members == leaking.others


def test_who_is_at_risk_was_found_where_it_was_a_member(leaking: Membership) -> None:
    values, at = leaking.strongest.values, leaking.strongest.at[0]
    assert isinstance(at, OperatingPoint)
    assert leaking.exposed
    for each in leaking.exposed:
        here = np.flatnonzero(values.positions == each.position)[0]
        predicted = values.value[:, here] > at.threshold
        assert (each.in_member, each.out_member) == (
            (predicted & values.member[:, here]).sum(),
            (predicted & ~values.member[:, here]).sum(),
        )
        assert each.in_runs == values.member[:, here].sum()
        assert each.in_runs + each.out_runs == RUNS
    shares = [each.in_member / each.in_runs - each.out_member / each.out_runs for each in leaking.exposed]
    assert min(shares) >= 0.3


def test_the_blind_baseline_sees_a_random_split(leaking: Membership) -> None:
    assert not isinstance(leaking.blind, NotMeasured)
    assert leaking.blind.low < 0.505
    assert leaking.blind.high > 0.495


def test_the_curve_agrees_with_the_table_and_goes_as_far_as_the_sample(leaking: Membership) -> None:
    points = curve(leaking.strongest)
    rates = [fpr for fpr, _ in points]
    assert rates == sorted(rates)
    assert rates[0] >= 1 / leaking.others
    dots, floor = operating_dots(leaking)
    assert {dot.attack for dot in dots} == {attack.name for attack in leaking.attacks}
    assert {dot.attack for dot in dots if dot.first} == {leaking.strongest.name}
    assert all(dot.low <= dot.tpr <= dot.high for dot in dots)
    assert all(dot.low >= floor for dot in dots)


def test_where_nothing_leaks_nothing_is_found(tmp_path: Path) -> None:
    found = read_membership(made(tmp_path, leak=0.0))
    assert not isinstance(found, NotMeasured)
    for attack in found.attacks:
        assert abs(attack.auroc.value - 0.5) < 0.03
        at = attack.at[0]
        assert isinstance(at, OperatingPoint)
        assert at.tpr.value < 0.025
    assert found.p_value > 0.05


def counted(record: Record, monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return how often the losses of the last step were read, by run, from now on."""
    reads, at_step = Counter[int](), Record.at_step

    def counting(self: Record, run: int, column: str, step: int) -> NDArray[Any]:
        reads[run] += (column, step) == ("loss", record.last_step)
        return at_step(self, run, column, step)

    monkeypatch.setattr(Record, "at_step", counting)
    return reads


def test_losses_are_read_once_for_all_attacks_the_null_and_the_epsilons(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = counted(record, monkeypatch)
    found = read_membership(record)
    assert not isinstance(found, NotMeasured)
    assert len(found.attacks) == len(ATTACKS)
    assert np.isfinite(found.p_value)
    assert len(found.epsilons) == len(record.runs)
    assert reads == Counter(record.runs)


def test_a_whole_report_reads_losses_once_for_everything_it_measures(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from byrote.report import findings

    reads = counted(record, monkeypatch)
    found = findings(record)
    assert not isinstance(found.detection, NotMeasured)
    assert any(each.score == "loss" for each in found.detection)
    assert reads == Counter(record.runs)


def test_what_is_read_once_equals_what_is_read_anew(record: Record) -> None:
    read = read_once(record)
    for _ in range(2):
        for column, step in (("loss", record.last_step), ("loss", 1), ("correct", record.last_step)):
            np.testing.assert_array_equal(read(3, column, step), record.at_step(3, column, step))
    with pytest.raises(ValueError, match="read-only"):
        read(3, "loss", record.last_step)[0] = 0
    for score in ATTACKS:
        np.testing.assert_array_equal(guess(score, record, read=read).value, guess(score, record).value)


def test_one_run_leaves_the_loss_attack_and_refuses_what_it_cannot_show(tmp_path: Path) -> None:
    found = read_membership(made(tmp_path, leak=2.0, runs=1))
    assert not isinstance(found, NotMeasured)
    assert [attack.name for attack in found.attacks] == ["loss"]
    at = found.strongest.at[1]
    assert isinstance(at, NotMeasured)
    assert "needs 1,000 pairs" in at.reason


def test_the_verdict_names_the_strongest(tmp_path: Path) -> None:
    from byrote.report import findings

    verdict = sentences(findings(made(tmp_path, leak=2.0)))
    assert any("The strongest of 5 membership attacks" in sentence for sentence in verdict)


@pytest.mark.parametrize(("runs", "examples"), [(4, 240), (4, 90)])
def test_the_shuffled_rate_is_of_attacks_that_have_one(tmp_path: Path, runs: int, examples: int) -> None:
    """In 4 runs of 70 %, an attack with shadow models judges a fifth of the examples: 96 others of 240, too few for 1 %."""
    from byrote.report import findings

    record = made(tmp_path, leak=0.0, runs=runs, design=Subsets(0.7), examples=examples)
    found = read_membership(record)
    assert not isinstance(found, NotMeasured)
    rated = [each.name for each in found.attacks if isinstance(each.at[0], OperatingPoint)]
    said = " ".join(sentences(findings(record)))
    if examples == 240:
        assert rated == ["loss"] != [each.name for each in found.attacks]
        assert not isinstance(found.shuffled, NotMeasured)
        assert found.shuffled < 0.05, "a rate at 1 %, not an AUROC of about a half"
        assert "4 runs are too few for such a rate of calibrated_loss, rmia, lira, bavaria." in said
    else:
        assert rated == []
        assert isinstance(found.shuffled, NotMeasured)
        assert "shuffled" not in said
        assert "needs 100 pairs" in said
    assert 0 < found.p_value <= 1


def p_of_nothing(kind: str, seed: int, examples: int = 300) -> float:
    """Return the p-value of the strongest attack where losses know nothing of membership; groups of 5 are copies."""
    rng, ids = np.random.default_rng(seed), np.arange(examples).astype(str)
    groups = np.repeat(ids[: examples // 5], 5) if kind == "groups" else np.full(examples, "")
    if kind == "complements":
        half = rng.random((3, examples)).argsort(axis=1) < examples // 2
        member = np.concatenate([half, ~half])
    elif kind == "a fifth left out":
        member = rng.random((6, examples)).argsort(axis=1) >= examples // 5
    elif kind == "groups":
        member = np.repeat(halves().membership([6], ids[: examples // 5], seed), 5, axis=1)
    else:
        member = halves().membership([6], ids, seed)
    size = 5 if kind == "groups" else 1
    logits = np.repeat(rng.normal(size=(6, examples // size)), size, axis=1) + rng.normal(0, 0.5, (6, 1))
    losses = np.logaddexp(0, -logits - np.repeat(rng.normal(1, 1.5, examples // size), size))
    values = AttackValues(loss, tuple(range(6)), np.arange(examples), -losses, member)
    return strongest_by_chance(values, ATTACKS, groups, seed=seed)[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["halves", "complements", "a fifth left out", "groups"])
def test_the_p_value_of_the_strongest_allows_for_the_choice(kind: str) -> None:
    """At most 6 of 40 p-values are .05 and at most 10 are .1 or less, but once in 70 times or less. Ties make it less."""
    p = np.array([p_of_nothing(kind, seed) for seed in range(40)])
    assert np.count_nonzero(p <= 0.05 + 1e-9) <= 6
    assert np.count_nonzero(p <= 0.1 + 1e-9) <= 10
    assert np.count_nonzero(p <= 0.5) >= 10


def test_a_sample_of_the_examples_finds_a_leak_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample of 200 of 600 has the observed rate to .05, the smallest p-value where there is a leak, and whole groups."""
    losses = guess(loss, made(tmp_path, leak=2.0))
    groups = np.full(EXAMPLES, "")
    every = strongest_by_chance(losses, [loss, lira], groups)
    monkeypatch.setattr(attacks, "SHUFFLED", 200)
    some = strongest_by_chance(losses, [loss, lira], groups)
    assert every[1] == some[1] == 0.05
    assert some[0] == pytest.approx(every[0], abs=0.05)
    nothing = [p_of_nothing(kind, seed) for kind in ("halves", "groups") for seed in range(6)]
    assert np.count_nonzero(np.array(nothing) <= 0.1 + 1e-9) <= 5  # more once in 300 times
    both = np.repeat(np.arange(EXAMPLES // 2), 2).astype(np.str_)
    drawn = replace(losses, member=np.repeat(losses.member[:, ::2], 2, axis=1))
    kept, units = attacks._some(drawn, exchangeable(drawn.member, both), np.random.default_rng(0))
    assert abs(kept.value.shape[1] - 200) <= 4
    assert all((both[kept.positions[unit]] == both[kept.positions[unit[0]]]).all() for each in units for unit in each)


def test_shuffles_keep_groups_and_designs() -> None:
    half = np.arange(40).repeat(5) % 2 == 0
    groups = np.arange(40).repeat(5).astype(str)
    groups[:5] = ""
    (pairs,) = (each for each in exchangeable(np.stack([half, ~half]), groups) if each.shape[1] == 5)
    assert pairs.shape == (39, 5)
    assert all(len(set(groups[unit])) == 1 for unit in pairs)
    mixed = half.copy()
    mixed[5] ^= True  # not drawn together: units of their own
    assert [each.shape for each in exchangeable(mixed[None], groups)] == [(10, 1), (38, 5)]


def test_a_run_without_others_to_compare_accuses_nobody() -> None:
    """An example is dropped only if no run judges it: whether a single run does depends on who is in the others."""
    rng = np.random.default_rng(0)
    member = rng.random((4, 20_000)) < 0.5
    losses = np.logaddexp(0, -rng.normal(1, 1, member.shape))
    (values,) = attacks_on([lira], AttackValues(loss, (0, 1, 2, 3), np.arange(20_000), -losses, member))
    assert np.isneginf(values.value).any()
    assert not np.isnan(values.value).any()


def test_attacks_that_share_their_shadow_models_are_the_scores() -> None:
    rng = np.random.default_rng(1)
    member = halves().membership([8], np.full(500, ""), 0)
    losses = np.logaddexp(0, -rng.normal(1, 1, member.shape) - member)
    losses[0, :5] = np.nan
    found = attacks_on(ATTACKS, AttackValues(loss, tuple(range(8)), np.arange(500), -losses, member))
    assert [each.score for each in found] == list(ATTACKS)
    for each in found[1:]:
        expected = each.score(losses, member)
        np.testing.assert_allclose(each.value, np.where(np.isfinite(expected), expected, -np.inf)[:, each.positions])
