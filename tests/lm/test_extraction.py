"""Extraction numbers against simulation and by hand; their tables against what was planted."""

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.extraction import (
    discoverable,
    extracted,
    extraction_rates,
    greedily_extracted,
    log_probability_of_suffix,
    samples_needed,
)
from byrote.lm.sampling import Sampling
from byrote.lm.teacher_forcing import teacher_forced
from small_lm import drawn, extracting, generated, some, tiny


def test_n_and_p_against_simulated_samples() -> None:
    """Of 4,000 sets of n samples, the share that contains the suffix is 1 - (1 - p_z)^n within 4 standard errors."""
    rng = np.random.default_rng(0)
    for p_z, n in ((0.3, 2), (0.05, 20), (0.001, 500)):
        share = (rng.random((4000, n)) < p_z).any(1).mean()
        error = 4 * np.sqrt(share * (1 - share) / 4000)
        log_pz = np.log([p_z])
        assert discoverable(log_pz, n, share - error).all()
        assert not discoverable(log_pz, n, share + error).any()


def test_the_number_of_samples_is_the_least_that_discovers() -> None:
    p_z = np.concatenate([np.logspace(-12, -0.001, 60), [0.5, 0.75, 1.0]])
    log_pz = np.log(p_z)
    for p in (0.1, 0.5, 0.75, 0.999):
        needed = samples_needed(log_pz, p)
        for one, number in zip(log_pz, needed, strict=True):
            assert discoverable(np.array([one]), int(number), p).all()
            assert number == 1 or not discoverable(np.array([one]), int(number) - 1, p).any()
    assert samples_needed(np.array([-np.inf]), 0.5)[0] == np.inf
    assert samples_needed(np.log([0.5]), 0.75)[0] == 2, "not 3, by rounding"
    assert samples_needed(np.array([-40.0]), 0.5)[0] == pytest.approx(np.log(2) * np.exp(40), rel=1e-6)


def test_what_cannot_be_meant_is_refused() -> None:
    log_pz = np.log([0.5])
    for n, p in ((0, 0.5), (1, 0.0), (1, 1.0)):
        with pytest.raises(InvalidData, match="give a number of samples"):
            discoverable(log_pz, n, p)
    with pytest.raises(InvalidData, match="give a probability"):
        samples_needed(log_pz, 1.0)
    with pytest.raises(InvalidData, match="above 0"):
        discoverable(np.array([0.5]), 1, 0.5)


def test_the_table_over_prefixes_suffixes_and_copies() -> None:
    model, untrained = tiny(), tiny(seed=9)
    passages, control = some(extracting(model, 40, 6, 6), 6), some(drawn(50, 12, seed=8), 6)
    copies = np.where(np.arange(40) % 2 == 0, 5, 1)  # recited ones stand five times
    scheme = Sampling(top_k=2)
    found, of_control, of_untrained = (
        extracted(asked, given, (3, 6), sampling=scheme)
        for asked, given in ((model, passages), (model, control), (untrained, passages))
    )
    rows = extraction_rates(found, (2, 6), control=of_control, reference=of_untrained, copies=copies, n=10, p=0.5)
    assert [(r.prefix, r.suffix, r.least_copies, r.most_copies) for r in rows] == [
        (prefix, suffix, *copied) for prefix in (3, 6) for suffix in (2, 6) for copied in ((0, 0), (1, 1), (4, 7))
    ]
    for row in rows:
        kept = np.ones(40, bool) if row.least_copies == 0 else copies == (5 if row.least_copies == 4 else 1)
        greedy = [
            generated(model, text[6 - row.prefix : 6], row.suffix) == text[6 : 6 + row.suffix].tolist()
            for text in passages.tokens
        ]
        assert row.greedy.value == pytest.approx(np.mean(np.array(greedy)[kept]))
        assert row.greedy.n == kept.sum()
        sampled = teacher_forced(model, passages.shorter(row.prefix, row.suffix), sampling=scheme).sampled
        assert row.discoverable.value == (1 - (1 - np.exp(sampled.astype(float).sum(1))) ** 10 >= 0.5)[kept].mean()
        assert row.above_control.value == pytest.approx(row.greedy.value - row.control.value)
        assert row.above_control.low <= row.above_control.value <= row.above_control.high
    whole, once, often = rows[-3:]
    assert (whole.greedy.value, once.greedy.value, often.greedy.value) == (0.5, 0.0, 1.0)
    assert often.above_control.low > 0.5
    assert often.above_reference.low > 0.5
    assert once.greedy.high > 0.05, "none of twenty is not none at all"
    alone = extraction_rates(found, (6,))
    assert np.isnan(alone[0].control.value)
    assert np.isnan(alone[0].above_reference.low)


def test_one_row_of_verdicts_and_probabilities() -> None:
    greedy = np.array([[True, True], [True, False]])
    assert greedily_extracted(greedy).tolist() == [True, False]
    assert log_probability_of_suffix(np.log([[0.5, 0.5], [0.1, 1.0]])) == pytest.approx(np.log([0.25, 0.1]))


def test_tables_of_other_lengths_and_passages_are_refused() -> None:
    model, passages = tiny(), some(drawn(4, 8), 4)
    found, short = extracted(model, passages, (2, 4)), extracted(model, passages, (2,))
    with pytest.raises(InvalidData, match=r"`control` was not asked at the prefix lengths \[4\]"):
        extraction_rates(found, (2,), control=short)
    with pytest.raises(InvalidData, match="`reference` has 2 passages, and there are 4"):
        extraction_rates(found, (2,), reference=extracted(model, some(passages.tokens[:2], 4), (2, 4)))
    with pytest.raises(InvalidData, match="3 numbers of copies for 4 passages"):
        extraction_rates(found, (2,), copies=np.ones(3, int))
    with pytest.raises(InvalidData, match="cannot be cut to 5"):
        extraction_rates(found, (5,))
