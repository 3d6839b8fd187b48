"""Which score "memorization" stands for, in a sentence that does not explain it by itself."""

from byrote.report.estimator import estimator_text


def test_the_plain_difference_is_not_explained_by_its_own_name() -> None:
    told = estimator_text("memorization")
    assert told.startswith("Memorization is the plain difference between models trained on an example and the others")
    assert "by memorization" not in told


def test_another_estimator_is_named() -> None:
    assert estimator_text("shrunk_memorization").startswith("Memorization is estimated by shrunk_memorization: ")
