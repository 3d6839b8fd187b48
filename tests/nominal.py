"""For tests of audits: a bound may exceed the truth in no more than its nominal share of simulated audits."""

from scipy import stats


def at_most_the_nominal_share(exceeded: int, audits: int = 2000, nominal: float = 0.05) -> None:
    """Fail when the exact binomial interval of the share (99.9 %, one-sided) lies above the nominal one."""
    low = stats.binomtest(exceeded, audits, alternative="greater").proportion_ci(0.999).low
    assert low <= nominal, f"{exceeded} of {audits} audits exceed the truth: at least {low:.4f}, nominal {nominal}"
