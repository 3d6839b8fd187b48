"""All scores of texts: those of the functions on what the model said of each text alone."""

import numpy as np
import pytest

from byrote.lm import Characters
from byrote.lm.membership import loss_score, min_k_plus_plus_score, recall_score, reference_score
from byrote.lm.models import language_model
from byrote.lm.teacher_forcing import documents_forced
from byrote.lm.text_attacks import membership_scores
from small_lm import Tiny

LETTERS = Characters("abcdeABCDE")
TEXTS = ["abcabcabe", "bAb", "e", "", "abcdabcdabcdabcdabcdab"]


def test_scores_are_those_of_the_functions_on_each_text() -> None:
    model = language_model(Tiny(10), LETTERS, 12)
    other = language_model(Tiny(10, seed=1), LETTERS, 12)
    found = membership_scores(model, TEXTS, reference=other, others="cde")
    assert set(found) == {"loss", "zlib", "lowercase", "min_k", "min_k_plus_plus", "recall", "reference"}
    for at, text in enumerate(TEXTS):
        tokens = LETTERS.encode(text)
        (alone,) = documents_forced(model, [tokens], spread=True)
        if len(text) < 2:
            assert np.isnan(found["loss"][at]), "nothing is known of a first token"
            continue
        assert found["loss"][at] == pytest.approx(loss_score(alone.logprob)[0], rel=1e-4)
        plus = min_k_plus_plus_score(alone.logprob, alone.mean, alone.deviation)
        assert found["min_k_plus_plus"][at] == pytest.approx(plus[0], rel=1e-3)
        (behind,) = documents_forced(model, [LETTERS.encode("cde" + text)])
        assert found["recall"][at] == pytest.approx(recall_score(alone.logprob, behind.logprob[:, 3:])[0], rel=1e-4)
        (asked,) = documents_forced(other, [tokens])
        assert found["reference"][at] == pytest.approx(reference_score(alone.logprob, asked.logprob)[0], abs=1e-4)
    assert found["lowercase"][0] == pytest.approx(1), "in lower case already"
    assert found["lowercase"][1] != pytest.approx(1)
    assert set(membership_scores(model, TEXTS)) == {"loss", "zlib", "lowercase", "min_k", "min_k_plus_plus"}
