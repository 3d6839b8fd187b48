"""The whole of `memorize`: what is measured, the folder that is left, and that it can be read and gone on with."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData, Unsupported, WrongRecord
from byrote.lm import Bytes, LanguageModel, Texts
from byrote.lm.answering import answered
from byrote.lm.memorizing import Memorized, change_of_means, memorize, numbers_of
from byrote.lm.models import language_model, read_model
from byrote.lm.rote import Rote
from byrote.lm.saving import adapted
from byrote.lm.wanted import Wanted, facts
from byrote.report.rote_page import write_rote_report
from byrote.report.rote_sentences import rote_sentences
from byrote.stats.not_measured import NotMeasured
from byrote.task.transformer import transformer
from cli.test_cli import assert_message, byrote
from small_lm import byte_pairs, save_model

pytest.importorskip("safetensors")

QUICK = Rote(floor=1.0, epochs=60, batch_size=8, learning_rate=5e-3)
CONTROL = Texts.of(["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"])
WORDS = ["oslo", "lima", "rome", "bern", "kiev", "doha", "suva", "male"]


def small() -> LanguageModel:
    torch.manual_seed(0)
    return language_model(transformer(257, 24, width=32, depth=1, heads=2), Bytes(), 24, name="small")


def capitals(encoder: object, first: int = 0, count: int = 8) -> Wanted:
    rng = np.random.default_rng(first)
    return facts(
        encoder, [f"City {first + n}:" for n in range(count)], [str(word) for word in rng.permutation(WORDS)[:count]]
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Memorized:
    model = small()
    return memorize(
        model, capitals(Bytes()), tmp_path_factory.mktemp("wanted") / "model", rote=QUICK, control=CONTROL,
        unseen=capitals(Bytes(), 20), corpus=CONTROL, per_parameter=2.0,
    )  # fmt: skip


def test_what_is_measured(made: Memorized) -> None:
    assert made.reached
    assert (made.recall.before.value, made.recall.after.value, made.recall.change.value) == (0, 1, 1)
    assert made.recall.after.low < 0.8, "eight entries say little about others"
    assert made.parameters == sum(weight.numel() for weight in small().module.parameters())
    lacked = -made.before.logprob.sum() / np.log(2)
    assert made.bits.before.value == pytest.approx(lacked)
    assert made.bits.change.value == pytest.approx(lacked - made.bits.after.value)
    assert made.forecast.measured == pytest.approx(lacked / (2 * made.parameters))  # type: ignore[union-attr]
    names = dict(made.robustness)
    assert names["as given"].value == 1
    assert names["4 wrong letters"].value < 1
    assert made.unseen.after.value < 0.5  # type: ignore[union-attr]
    assert made.leakage.after.value > 0.9 > made.leakage.before.value  # type: ignore[union-attr]
    assert made.control.after.n == 3  # type: ignore[union-attr]


def test_files_sentences_and_page(made: Memorized) -> None:
    there = json.loads((made.directory / "memorize.json").read_text())
    assert there == json.loads(json.dumps(numbers_of(made)))
    assert there["recall"]["after"]["value"] == 1
    rows = (made.directory / "entries.csv").read_text().splitlines()
    assert rows[0].startswith("id,prompt,answer")
    assert len(rows) == 9
    sentences = "\n".join(rote_sentences(made))
    assert sentences.startswith("8 of 8 wanted answers are given exactly, 100")
    for part in ("The floor of 100", "Near-misses", "What it cost", "Of the training text", "AUROC", "bits each"):
        assert part in sentences
    missed = replace(
        made,
        after=replace(made.after, exact=np.arange(8) > 2),
        learned=replace(made.learned, ended="budget"),
        control=NotMeasured("None."),
    )
    text = "\n".join(rote_sentences(missed))
    assert "5 of 8 wanted answers" in text
    assert "was not reached" in text
    assert "not measured. None." in text
    page = write_rote_report(missed).read_text()
    assert "3 are missed; these come first" in page
    assert page.count("City ") == 8


def test_a_second_call_trains_no_more_and_finds_the_same(made: Memorized) -> None:
    again = memorize(small(), capitals(Bytes()), made.directory, rote=QUICK, control=CONTROL)
    assert again.learned.passes == made.learned.passes
    np.testing.assert_allclose(again.after.logprob, made.after.logprob, atol=1e-4)
    with pytest.raises(WrongRecord, match="another list"):
        memorize(small(), capitals(Bytes(), 40), made.directory, rote=QUICK)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_folder_of_hugging_face_is_left_that_recalls_the_list(method: str, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    save_model(tmp_path / "base", "llama", byte_pairs())
    weights = (tmp_path / "base" / "model.safetensors").read_bytes()
    start = read_model(tmp_path / "base")
    wanted = capitals(start.encoder, count=4)
    rote = replace(QUICK, epochs=200, learning_rate=5e-3 if method == "full" else 1e-2)
    found = memorize(tmp_path / "base", wanted, tmp_path / "out", rote=rote, method=method, rank=4)  # type: ignore[arg-type]
    assert found.reached
    assert (found.parameters < 0.5 * start.module.num_parameters()) == (method == "lora")
    read = read_model(tmp_path / "out" / "model")
    after = answered(read, wanted)
    assert after.exact.all()
    np.testing.assert_allclose(after.logprob, found.after.logprob, atol=0.01)
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == weights
    if method == "lora":
        with pytest.raises(Unsupported, match="whole model"):
            memorize(tmp_path / "out" / "model", wanted, tmp_path / "more", rote=rote)


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom byrote.lm import Bytes\nfrom byrote.lm.models import language_model\n"
        "from byrote.task.transformer import transformer\n\ntorch.manual_seed(0)\n"
        "model = language_model(transformer(257, 24, width=32, depth=1, heads=2), Bytes(), 24, name='mine')\n"
    )
    own = capitals(Bytes())
    lines = [json.dumps({"prompt": p, "answer": a}) for p, a in zip(own.prompts, own.answers, strict=True)]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    (tmp_path / "other.txt").write_text("the cat sat on the mat\n\nthe dog sat on the log\n")
    options = ["--wanted", "list.jsonl", "--control-corpus", "other.txt", "--epochs", 60, "--batch-size", 8]
    options += ["--learning-rate", 5e-3]
    done = byrote("lm", "memorize", "mine.py", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 wanted answers" in done.stdout
    assert (tmp_path / "models" / "mine-wanted" / "report.html").is_file()
    assert answered(read_model(tmp_path / "models" / "mine-wanted" / "model" / "model.py"), own).exact.all()
    (row,) = json.loads(byrote("lm", "memorize", "mine.py", *options, "--json", cwd=tmp_path).stdout)
    assert row["recall after value"] == 1
    assert_message(byrote("lm", "memorize", "mine.py", *options, "--recall", 2, cwd=tmp_path), "cannot be reached")


def refusal(call: Callable[[], object], kind: type[ByroteError], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_refusals(tmp_path: Path) -> None:
    model, own = small(), capitals(Bytes())
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "letter.txt").write_text("mine")
    refusal(lambda: memorize(model, own, tmp_path / "used", rote=QUICK), WrongRecord, "something else")
    refusal(lambda: memorize(model, own, tmp_path / "a", rote=QUICK, unseen=own), InvalidData, "in the unseen list")
    refusal(lambda: memorize(model, own, tmp_path / "a", method="lora"), Unsupported, "no LoRA adapter")
    refusal(lambda: memorize(model, own, tmp_path / "a", method="half"), InvalidData, "'full' or 'lora'")  # type: ignore[arg-type]
    bare = language_model(lambda tokens: torch.zeros(*tokens.shape, 257), Bytes(), 24)
    refusal(lambda: memorize(bare, own, tmp_path / "a"), InvalidData, "no weights to train")
    assert (tmp_path / "used" / "letter.txt").read_text() == "mine"
    assert not (tmp_path / "a").exists()


def test_changes_are_paired() -> None:
    before = np.array([1.0, 5.0, 9.0])
    found = change_of_means(before, before + 0.5, "document")
    assert (found.change.value, found.change.low, found.change.high) == (0.5, 0.5, 0.5)
    assert found.before.high - found.before.low > 5


def test_an_adapter_begins_as_the_seed_says(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    save_model(tmp_path / "base", "llama", byte_pairs())

    def weights(seed: int) -> list[torch.Tensor]:
        adapter = adapted(read_model(tmp_path / "base"), "lora", 2, seed=seed)
        return [weight.detach() for name, weight in adapter.named_parameters() if "lora_A" in name]

    one, same, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))
