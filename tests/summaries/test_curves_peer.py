"""Area and points of the ROC curve against JAX Privacy and the Adversarial Robustness Toolbox, where these are installed.

pip install --no-deps jax-privacy==2.0.0 dp-accounting==0.6.0 adversarial-robustness-toolbox==1.20.1
"""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from byrote.summaries import auroc, tpr_at_fpr
from peers import jax_privacy_auditing, toolbox_tpr_at_fpr

auditing, toolbox = jax_privacy_auditing(), toolbox_tpr_at_fpr()
with_jax_privacy = pytest.mark.skipif(auditing is None, reason="jax-privacy 2.0.0 and dp-accounting are not installed")
with_toolbox = pytest.mark.skipif(toolbox is None, reason="adversarial-robustness-toolbox 1.20.1 is not installed")
MEMBER = np.repeat([True, False], [200, 150])


def drawn(seed: int, shift: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=350) + shift * MEMBER


def hull(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the upper hull of the ROC curve: false- and true-positive rates."""
    thresholds = [np.inf, *np.sort(values)[::-1]]
    counts = [(np.sum(values[~MEMBER] >= t), np.sum(values[MEMBER] >= t)) for t in thresholds]
    points = np.array([*counts, (150, 0)])
    corners = points[ConvexHull(points).vertices]
    fpr, tpr = np.array([*sorted(corners.tolist())[:-2], [150, 200]]).T
    return fpr / 150, tpr / 200


@with_jax_privacy
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_their_area_is_that_of_the_hull(shift: float) -> None:
    """Theirs is the area under the upper hull of the curve, what one gains who chooses and mixes thresholds with the
    answers in hand. The area under the curve, the chance that a member ranks above another, is ours."""
    assert auditing is not None
    values = drawn(0, shift)
    theirs = auditing.CanaryScoreAuditor(values[MEMBER], values[~MEMBER]).attack_auroc()
    fpr, tpr = hull(values)
    assert theirs == pytest.approx(np.trapezoid(tpr, fpr))
    pairs = values[MEMBER][:, None] > values[~MEMBER]
    assert auroc(values, MEMBER).value == pytest.approx(pairs.mean())
    assert theirs > pairs.mean() + 0.01


@with_jax_privacy
def test_their_area_is_above_chance_on_noise() -> None:
    """.54 on average where values know nothing, of 200 members and 150 others; ours is .5."""
    assert auditing is not None
    noise = [drawn(seed, 0.0) for seed in range(300)]
    theirs = [auditing.CanaryScoreAuditor(values[MEMBER], values[~MEMBER]).attack_auroc() for values in noise]
    ours = [auroc(values, MEMBER).value for values in noise]
    assert np.mean(theirs) == pytest.approx(0.54, abs=0.015)
    assert np.mean(ours) == pytest.approx(0.5, abs=4 * 0.031 / np.sqrt(300))


@with_jax_privacy
@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.1, 0.3])
def test_their_rate_mixes_two_thresholds(fpr: float) -> None:
    """Theirs is read off the hull, ours is of one threshold: never more, and equal at a corner."""
    assert auditing is not None
    values = drawn(0, 1.0)
    theirs = auditing.CanaryScoreAuditor(values[MEMBER], values[~MEMBER])
    corners = hull(values)
    assert theirs.tpr_at_given_fpr(fpr) == pytest.approx(np.interp(fpr, *corners))
    assert tpr_at_fpr(values, MEMBER, fpr=fpr).tpr.value <= theirs.tpr_at_given_fpr(fpr)
    corner = corners[0][np.searchsorted(corners[0], fpr)]
    assert tpr_at_fpr(values, MEMBER, fpr=float(corner)).tpr.value == pytest.approx(theirs.tpr_at_given_fpr(corner))


@with_toolbox
@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.25])
def test_the_toolbox_finds_as_many(fpr: float) -> None:
    """Its realised rate may be lower: it looks at the corners of the curve, and the next member may be further on."""
    assert toolbox is not None
    for seed in range(50):
        values = drawn(seed, 0.5)
        ((realised, tpr, _),) = toolbox(values, MEMBER, targeted_fpr=fpr)
        found = tpr_at_fpr(values, MEMBER, fpr=fpr)
        assert found.tpr.value == pytest.approx(tpr)
        assert realised <= found.fpr_realised.value <= fpr
