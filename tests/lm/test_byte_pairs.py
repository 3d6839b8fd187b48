"""Byte-level BPE: every text comes back, and it is a value that travels to other processes."""

import pickle

import numpy as np
import pytest

from byrote.errors import InvalidData
from byrote.lm.byte_pairs import Bpe, bpe
from byrote.lm.corpus import Texts
from byrote.lm.encoder import check_encoder, pieces

pytest.importorskip("tokenizers")
TEXTS = ["In the beginning God created the heaven and the earth. ", "And the earth was without form, and void."] * 5
ENCODER = bpe(TEXTS, 300)


def test_every_text_comes_back() -> None:
    strange = ["<|begin|>", "a\n\n  b\t", "日本語 é \N{GRINNING FACE}", "", " ", *TEXTS]
    check_encoder(ENCODER, strange)
    assert "".join(pieces(ENCODER, ENCODER.encode(TEXTS[0]))) == TEXTS[0]
    assert not (ENCODER.encode("<|begin|>") == 0).any()


def test_it_is_shorter_than_bytes_and_as_large_as_asked() -> None:
    assert ENCODER.size <= 300
    assert len(ENCODER.encode(TEXTS[0])) < len(TEXTS[0]) / 2
    assert ENCODER.begin == 0
    assert ENCODER.decode(np.array([0, *ENCODER.encode("earth")])) == "earth"


def test_the_same_texts_give_the_same_encoder() -> None:
    again = bpe(Texts.of(TEXTS), 300)
    assert again == ENCODER
    assert again.name == ENCODER.name == pickle.loads(pickle.dumps(ENCODER)).name  # noqa: S301
    assert bpe(TEXTS[:1], 300).name != ENCODER.name


def test_what_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(InvalidData, match="257 or more"):
        bpe(TEXTS, 100)
    for text in ("{}", "no json"):
        with pytest.raises(InvalidData, match="no tokenizer"):
            Bpe(text)
