"""The plan of a comparison, which arms go on, and how often chance alone is taken for a remedy."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.experiments.halving import (
    FOLLOWED,
    Plan,
    Round,
    make_plan,
    nearest,
    residual_deviation,
    smallest_budget,
    spend,
)
from byrote.experiments.paired import judge


@pytest.mark.parametrize("arms", [1, 2, 5, 6, 9, 17, 36])
def test_a_plan_never_spends_more_than_its_budget_and_little_less(arms: int) -> None:
    for families in {1, min(3, arms), arms}:
        for budget in range(smallest_budget(arms), smallest_budget(arms) + 300, 7):
            plan = make_plan(arms, families, budget)
            assert budget - plan.rounds[-1].arms < plan.total <= budget
            assert plan.rounds[0].arms == arms + 1
            assert all(later.arms <= earlier.arms for earlier, later in pairwise(plan.rounds))
            assert plan.rounds[len(plan.rounds) // 3].arms > families  # one of each control, and the unchanged task
            assert all(each.runs >= 1 for each in plan.rounds)
            assert plan.ends[0] >= 2  # so that every arm has an interval
            assert plan.ends[-1] - plan.judged_from >= (3 if arms <= FOLLOWED else 4)


def test_few_arms_are_all_followed_to_the_end() -> None:
    plan = make_plan(3, 1, 42)
    assert plan == Plan((Round(4, 10),))
    assert (plan.total, plan.ends, plan.judged_from) == (40, (10,), 0)


def test_many_arms_are_chosen_from_and_judged_on_new_runs() -> None:
    plan = make_plan(17, 12, 120)
    assert plan == Plan((Round(18, 3), Round(13, 2), Round(6, 6)))
    assert (plan.total, plan.ends, plan.judged_from) == (116, (3, 5, 11), 5)


def test_a_larger_budget_later_goes_to_the_last_arms_and_changes_nothing_before() -> None:
    plan = make_plan(17, 12, 120).extended(150)
    assert plan.rounds[:3] == make_plan(17, 12, 120).rounds
    assert plan.rounds[3:] == (Round(6, 5),)
    assert plan.judged_from == 5
    assert plan.extended(plan.total + 5) == plan


def test_a_budget_that_is_too_small_says_the_smallest() -> None:
    with pytest.raises(InvalidData, match=r"59 runs are too few .* Give 60 or more"):
        make_plan(17, 12, 59)
    assert smallest_budget(17) == 60
    make_plan(17, 12, 60)


def looks(memorization: Sequence[float], accuracy: Sequence[float]) -> np.ndarray:
    """Return two runs of each arm around these means, with the same noise of a run everywhere and little of its own."""
    own = np.array([[0.0, 0.0], [0.002, -0.002]] * len(memorization))[: len(memorization)]
    return np.stack([np.array(each)[:, None] + own + np.array([0.01, -0.01]) for each in (memorization, accuracy)])


def test_arms_behind_the_front_are_set_aside_first() -> None:
    seen = looks([0.2, 0.1, 0.15, 0.25, 0.12], [0.8, 0.8, 0.79, 0.78, 0.81])
    assert nearest(seen, list("uabcd"), 3) == [0, 1, 4]  # 1 and 4 are the front; 2 and 3 are behind both


def test_an_arm_that_costs_much_accuracy_comes_last_however_little_it_memorizes() -> None:
    seen = looks([0.2, 0.0, 0.19, 0.21], [0.8, 0.1, 0.8, 0.799])
    assert nearest(seen, list("uabc"), 2) == [0, 2]
    assert nearest(seen, list("uabc"), 4) == [0, 1, 2, 3]


def test_one_arm_of_each_control_stays_in_the_second_round() -> None:
    seen = looks([0.2, 0.10, 0.11, 0.12, 0.25], [0.8, 0.8, 0.8, 0.8, 0.79])
    assert nearest(seen, ["u", "a", "a", "a", "b"], 3) == [0, 1, 2]
    assert nearest(seen, ["u", "a", "a", "a", "b"], 3, each_family=True) == [0, 1, 4]


def test_an_arm_that_failed_is_left_out() -> None:
    seen = looks([0.2, 0.1, 0.15], [0.8, 0.8, 0.8])
    seen[:, 1] = np.nan
    assert nearest(seen, list("uab"), 3) == [0, 2]


def test_the_deviation_of_a_run_is_what_arms_and_runs_do_not_explain() -> None:
    rng = np.random.default_rng(0)
    arm, run = rng.normal(0, 5, (40, 1)), rng.normal(0, 5, (1, 30))
    assert residual_deviation(arm + run + rng.normal(0, 0.3, (40, 30))) == pytest.approx(0.3, rel=0.05)


def simulated(
    rng: np.random.Generator, families: Sequence[str], runs: int, effect: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return memorization and accuracy, with effects of the run that all arms share and noise of each arm."""
    shared = rng.normal(0, 0.01, (2, 1, runs))
    own = rng.normal(0, 1, (2, len(families), runs)) * spread[None, :, None]
    return np.array([0.2, 0.8])[:, None, None] + effect[:, :, None] + shared + own


def verdicts(
    rng: np.random.Generator, plan: Plan, families: Sequence[str], effect: np.ndarray, spread: np.ndarray
) -> list[tuple[int, str]]:
    """Return what a comparison says of the arms that it follows, when runs are simulated and not trained."""
    data = simulated(rng, families, plan.ends[-1], effect, spread)
    followed = spend(plan, families, lambda arms, runs: data[:, list(arms), :runs])
    found = judge(*data[:, followed, plan.judged_from :])
    return [(arm, each.verdict) for arm, each in zip(followed[1:], found, strict=True)]


FAMILIES = ["unchanged", *(name for name in "abcdef" for _ in range(3))]


@pytest.mark.parametrize("uneven", [False, True])
def test_when_all_arms_are_the_same_task_chance_is_rarely_called_better(uneven: bool) -> None:
    rng, plan = np.random.default_rng(1), make_plan(18, 6, 120)
    spread = rng.permutation(np.geomspace(0.002, 0.02, 19)) if uneven else np.full(19, 0.005)
    nothing = np.zeros((2, 19))
    found = [{verdict for _, verdict in verdicts(rng, plan, FAMILIES, nothing, spread)} for _ in range(400)]
    assert np.mean(["better" in each for each in found]) <= 0.1
    assert np.mean([bool(each & {"better", "less", "trade", "worse"}) for each in found]) <= 0.1 + 2 * np.sqrt(
        0.09 / 400
    )


def test_choosing_and_judging_on_the_same_runs_would_call_chance_better_too_often() -> None:
    rng, plan = np.random.default_rng(2), make_plan(18, 6, 120)
    wrong = 0
    for _ in range(200):
        data = simulated(rng, FAMILIES, plan.ends[-1], np.zeros((2, 19)), np.full(19, 0.005))
        difference = (data[0, 1:] - data[0, :1]).mean(axis=1)
        best = int(difference.argmin())
        wrong += judge(*data[:, [0, 1 + best]])[0].memorization.high < 0
    assert wrong / 200 > 0.1


def test_a_remedy_that_helps_is_found_and_one_that_destroys_is_not_called_better() -> None:
    rng, plan = np.random.default_rng(3), make_plan(18, 6, 120)
    effect = np.zeros((2, 19))
    effect[0, 4], effect[:, 7], effect[:, 10] = -0.05, (-0.2, -0.5), (0.05, -0.05)
    found = [dict(verdicts(rng, plan, FAMILIES, effect, np.full(19, 0.003))) for _ in range(50)]
    assert np.mean([each.get(4) == "better" for each in found]) > 0.9
    assert not any(each.get(7) == "better" or each.get(10) == "better" for each in found)
