"""Sequential audits: valid at every time of stopping, right, and against their formulas."""

import numpy as np
import pytest
from scipy import integrate, special

from byrote.errors import Unsupported
from byrote.lm import confidence_sequence, evidence_of_more, stop_when_sure

TRIALS = np.arange(1, 401)


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_the_sequence_holds_the_rate_at_all_times(rate: float) -> None:
    """200 sequences at level .9: fewer than 166 have a chance below 1 in 1,000. The level is reached only in the long run."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        low, high = confidence_sequence(np.cumsum(rng.random(400) < rate), TRIALS, level=0.9)
        held += bool(((low <= rate) & (rate <= high)).all())
    assert held >= 166


def test_looking_at_each_trial_breaks_an_interval_for_one_look() -> None:
    from byrote.stats.intervals import clopper_pearson

    rng, held = np.random.default_rng(1), 0
    for _ in range(100):
        low, high = clopper_pearson(np.cumsum(rng.random(400) < 0.3), TRIALS, level=0.9)
        held += bool(((low <= 0.3) & (high >= 0.3)).all())
    assert held < 75, "which is why there is a sequence"


def test_the_ends_are_where_the_mixture_reaches_the_bound() -> None:
    low, high = confidence_sequence(np.array([0, 3, 20, 20]), np.array([10, 20, 20, 400]), level=0.95, a=0.5, b=2.0)
    for k, n, ends in zip((0, 3, 20, 20), (10, 20, 20, 400), zip(low, high, strict=True), strict=True):
        for end in ends:
            if not 0 < end < 1:
                continue
            mixture = special.betaln(0.5 + k, 2 + n - k) - special.betaln(0.5, 2)
            assert np.exp(mixture - special.xlogy(k, end) - special.xlog1py(n - k, -end)) == pytest.approx(20, rel=1e-6)
    assert low[0] == 0
    assert high[2] == 1
    assert (low < high).all()
    nothing = confidence_sequence(np.array([0]), np.array([0]))
    assert (nothing[0][0], nothing[1][0]) == (0, 1)


def test_evidence_equals_an_integral() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.random(40) < 0.5, rng.random(40) < 0.2
    found = evidence_of_more(one, other)
    first, second = np.cumsum(one & ~other), np.cumsum(other & ~one)
    for at in (0, 10, 39):
        k, m = first[at], second[at]
        expected = 2 * integrate.quad(lambda share, k=k, m=m: (2 * share) ** k * (2 - 2 * share) ** m, 0.5, 1)[0]
        assert found[at] == pytest.approx(expected)


def test_evidence_rarely_arises_from_nothing_and_soon_from_something() -> None:
    """600 audits: reaching 20 has a chance of 5 % at most."""
    rng = np.random.default_rng(3)
    false = [evidence_of_more(rng.random(300) < 0.1, rng.random(300) < 0.1).max() >= 20 for _ in range(600)]
    assert np.mean(false) < 0.07
    stops = [int(np.argmax(evidence_of_more(rng.random(300) < 0.4, rng.random(300) < 0.02) >= 20)) for _ in range(50)]
    assert 0 < np.median(stops) < 40
    long = evidence_of_more(np.ones(5000, np.bool_), np.zeros(5000, np.bool_))
    assert long[-1] == np.inf
    assert evidence_of_more(np.zeros(5000, np.bool_), np.ones(5000, np.bool_))[-1] < 1e-3


def test_a_clear_answer_comes_early() -> None:
    rng = np.random.default_rng(4)
    above = stop_when_sure(rng.random(5000) < 0.3, limit=0.01)
    assert (above.answer, above.trials < 60) == ("above", True)
    assert above.rate.low > 0.01
    below = stop_when_sure(np.zeros(5000, np.bool_), limit=0.01)
    assert (below.answer, below.trials) == ("below", 409)
    assert below.rate.high < 0.01
    assert below.sentence == "The rate is below 0.01: sure after 409 passages."
    open_ = stop_when_sure(rng.random(100) < 0.01, limit=0.01)
    assert open_.answer == "not yet"
    assert "not sure" in open_.sentence
    assert open_.trials == 100


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(Unsupported, match="more successes than trials"):
        confidence_sequence(np.array([3]), np.array([2]))
    with pytest.raises(Unsupported, match="limit=1"):
        stop_when_sure(np.array([True]), limit=1.0)
