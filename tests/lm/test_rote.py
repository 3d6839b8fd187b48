"""Training by rote: answers against greedy decoding, the floor, the weights of what is missed, and going on after a stop."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from byrote.errors import InvalidData, WrongRecord
from byrote.lm import Characters, LanguageModel, Texts, rote
from byrote.lm.answering import answered
from byrote.lm.memorizing import control_losses
from byrote.lm.models import language_model
from byrote.lm.rote import MOST, STEP, Pass, Rote, learn, rate_share, with_weights, write_weights
from byrote.lm.wanted import Wanted, facts
from byrote.task.transformer import transformer
from small_lm import generated, next_logprobs, tiny

pytest.importorskip("safetensors")

LETTERS = Characters("abcdefgh ?\n")


def small(seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    return language_model(transformer(11, 16, width=32, depth=1, heads=2, dropout=0.3), LETTERS, 16, name="small")


def some_facts(count: int = 12, seed: int = 0) -> Wanted:
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdefgh"), 4)) for _ in range(2 * count)]
    return facts(LETTERS, [f"{word}?" for word in words[:count]], words[count:])


QUICK = Rote(floor=1.0, epochs=80, batch_size=4, learning_rate=5e-3)


def test_answers_are_those_of_greedy_decoding() -> None:
    model, rng = tiny(), np.random.default_rng(3)
    rows = []
    for at in range(20):
        prompt = rng.integers(0, 5, rng.integers(1, 6)).tolist()
        rest = generated(model, prompt, 4)
        if at % 2:
            rest[rng.integers(4)] += 1
        rows.append(np.array(prompt + [token % 5 for token in rest]))
    blank = ("",) * 20
    wanted = Wanted(tuple(map(str, range(20))), blank, blank, tuple(rows), np.array([len(row) - 4 for row in rows]))
    found = answered(model, wanted)
    assert found.exact.tolist() == [at % 2 == 0 for at in range(20)]
    for row, n, logprob, right in zip(rows, wanted.given, found.logprob, found.right, strict=True):
        each = [next_logprobs(model, row[:at]) for at in range(n, len(row))]
        assert logprob == pytest.approx(sum(p[row[n + at]] for at, p in enumerate(each)), abs=1e-4)
        assert right == np.mean([p.argmax() == row[n + at] for at, p in enumerate(each)])


def test_the_floor_is_reached_on_the_list_and_on_nothing_else() -> None:
    model, wanted = small(), some_facts()
    done = learn(model, wanted, QUICK)
    assert done.ended == "floor"
    assert answered(model, wanted).exact.all()
    assert done.passes[-1].recall == 1
    assert done.passes[-2].recall < 1, "it ends at once"
    assert [each.updates for each in done.passes] == [3 * each.epoch for each in done.passes]
    assert not answered(model, some_facts(seed=5)).exact.any()
    assert not model.module.training


def test_only_answers_are_in_the_loss() -> None:
    """Tokens that stand in prompts only get no gradient as outputs: here the token `?`, which is never to be predicted."""
    model, wanted = small(), some_facts()
    head = {}

    def logits(tokens: torch.Tensor) -> torch.Tensor:
        found = model.module(tokens)
        if found.requires_grad:
            found.retain_grad()
            head["logits"] = found
        return found

    learn(replace(model, logits=logits), wanted, Rote(epochs=1, batch_size=len(wanted)))
    grad = head["logits"].grad
    for row in range(len(wanted)):
        places = torch.nonzero(grad[row].abs().sum(1))[:, 0].tolist()
        assert places == list(range(4, 10)), "from the last token of the prompt to the last but one of the answer"


def test_entries_that_are_missed_weigh_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted, turns = some_facts(3), iter([[True, False, False], [True, True, False], *[[True, True, False]] * 8])
    usual = rote.answered

    def verdicts(model: LanguageModel, given: Wanted) -> object:
        found = usual(model, given)
        return type(found)(np.array(next(turns)), found.right, found.logprob)

    monkeypatch.setattr(rote, "answered", verdicts)
    path = tmp_path / "checkpoint.safetensors"
    learn(small(), wanted, Rote(floor=1.0, epochs=2), checkpoint=path)
    assert json.loads(rote.read_about(path)["byrote"])["entries"] == [1.0, 1.0, STEP**2]
    learn(small(), wanted, Rote(floor=1.0, epochs=10), checkpoint=path)
    assert json.loads(rote.read_about(path)["byrote"])["entries"] == [1.0, 1.0, MOST]


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    wanted, path = some_facts(), tmp_path / "checkpoint.safetensors"

    def stop(stage: str, done: int, of: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    first = learn(small(), wanted, QUICK, checkpoint=path, progress=stop)
    assert (first.ended, len(first.passes)) == ("interrupted", 4)
    model = small(seed=9)
    second = learn(model, wanted, QUICK, checkpoint=path)
    assert second.ended == "floor"
    assert second.passes[:4] == first.passes
    assert answered(model, wanted).exact.all()
    again = small(seed=7)
    third = learn(again, wanted, QUICK, checkpoint=path)
    assert third.passes == second.passes
    assert answered(again, wanted).exact.all(), "what is finished is read"
    with pytest.raises(WrongRecord, match="another list"):
        learn(small(), some_facts(seed=1), QUICK, checkpoint=path)
    path.write_bytes(b"\x00" * 40)
    with pytest.raises(WrongRecord, match="no file of weights"):
        learn(small(), wanted, QUICK, checkpoint=path)


def test_weights_are_read_again(tmp_path: Path) -> None:
    model = small()
    write_weights(tmp_path / "w.safetensors", dict(model.module.named_parameters()), {})
    other = with_weights(small(seed=4), tmp_path / "w.safetensors")
    for one, two in zip(model.module.parameters(), other.module.parameters(), strict=True):
        torch.testing.assert_close(one, two)
    with pytest.raises(WrongRecord, match="another model"):
        with_weights(tiny(), tmp_path / "w.safetensors")


def test_rehearsal_keeps_ordinary_text() -> None:
    text = Texts.of(["abcdefgh abcdefgh", "hgfedcba hgfedcba"])
    start = small()
    whole = tuple(LETTERS.encode(document.text)[:16] for document in text)
    blank = ("", "")
    learn(
        start,
        Wanted(("0", "1"), blank, blank, whole, np.ones(2, np.int64)),
        Rote(floor=1.0, epochs=150, learning_rate=5e-3),
    )
    weights = {name: value.clone() for name, value in start.module.state_dict().items()}
    before, losses = control_losses(start, text).mean(), {}
    for name, ordinary in (("alone", None), ("rehearsed", text)):
        start.module.load_state_dict(weights)
        assert learn(start, some_facts(), QUICK, ordinary=ordinary).ended == "floor"
        losses[name] = control_losses(start, text).mean()
    assert losses["alone"] > before + 1
    assert losses["rehearsed"] < before + 0.3


def test_the_rate_falls_where_the_loss_stalls() -> None:
    def after(losses: list[float]) -> float:
        return rate_share([Pass(at, at, 0.0, loss) for at, loss in enumerate(losses)])

    assert after([5.0 - at for at in range(40)]) == 1
    assert after([0.5] + [0.6] * 9) == 1
    assert after([0.5] + [0.5] * 10) == 0.5
    assert after([0.5] + [0.5] * 9 + [0.4] + [0.4] * 9) == 1
    assert after([0.5] + [0.5] * 25) == 0.25


def test_refusals() -> None:
    for options in ({"floor": 0.0}, {"floor": 1.1}, {"epochs": 0}, {"learning_rate": 0.0}, {"rehearsal": -1.0}):
        with pytest.raises(InvalidData):
            Rote(**options)
    bare = language_model(lambda tokens: torch.zeros(*tokens.shape, 11), LETTERS, 16)
    with pytest.raises(InvalidData, match="no weights to train"):
        learn(bare, some_facts(), QUICK)
    with pytest.raises(InvalidData, match="longer than the 17 tokens"):
        answered(small(), facts(LETTERS, ["abcdefgh"], ["abcdefgh"]))
