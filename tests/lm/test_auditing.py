"""The audit of a language model: what it finds of a model that is known, what it keeps, what it refuses, and its page."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from byrote.cli import app
from byrote.errors import ByroteError, InvalidData, WrongRecord
from byrote.findings.language import compared, language_findings, rate_rows
from byrote.lm import Bytes, Characters, LanguageModel, Texts
from byrote.lm.auditing import LanguageAudit, audit, read_audit
from byrote.lm.models import language_model
from byrote.lm.untrained_copy import untrained
from byrote.report.language_page import HIDDEN, write_language_report
from byrote.report.language_sentences import language_sentences
from lm.recall import Recall, recall_model

LETTERS = "abcdefghij "
LENGTHS = {"prefixes": (10, 20), "suffixes": (5, 20), "limit": 60}


def sentences(seed: int, count: int) -> list[str]:
    """Return random texts of 45 characters: nothing in them is predictable."""
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(LETTERS), 45)) for _ in range(count)]


TRAIN, CONTROL = sentences(0, 30), sentences(1, 40)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[LanguageAudit, LanguageModel, Recall]:
    model, own = recall_model(TRAIN, [LETTERS])
    corpus = Texts.of([*TRAIN, *[TRAIN[0]] * 6], name="secrets")
    where = tmp_path_factory.mktemp("audit") / "first"
    return audit(model, corpus, where, control=Texts.of(CONTROL, name="others"), **LENGTHS), model, own


def test_what_a_model_knows_by_heart_is_recited_and_nothing_else(
    made: tuple[LanguageAudit, LanguageModel, Recall],
) -> None:
    found = language_findings(made[0])
    by = {(each.prefix, each.suffix): each for each in found.rates}
    assert by[20, 20].greedy.value > 0.9
    assert by[20, 20].control.value == 0
    assert by[20, 20].above_control.low > 0.5
    assert (20, 20) in found.named
    assert (found.headline.prefix, found.headline.suffix) == (20, 20)
    assert by[20, 20].discoverable.value > 0.9
    assert found.membership.attacks[0].auroc.value > 0.95  # pyright: ignore
    assert "recites its training text" in language_sentences(found)[0]
    assert found.extracted == round(by[20, 20].greedy.value * by[20, 20].greedy.n)
    assert len(rate_rows(found)) == 4 + len(found.by_copies)


def test_the_verdict_is_that_of_real_generation(made: tuple[LanguageAudit, LanguageModel, Recall]) -> None:
    found, model, _ = made
    table = found.corpus.passages
    for at in (0, 3, 7):
        tokens = torch.from_numpy(table.tokens[at : at + 1, : table.prefix])
        for _ in range(table.suffix):
            tokens = torch.cat([tokens, model.logits(tokens)[:, -1:].argmax(-1)], 1)
        said = bool(found.extracted.forced[20].greedy[at].all())
        assert said == bool((tokens[0].numpy() == table.tokens[at]).all())


def test_copies_are_counted_in_the_training_text(made: tuple[LanguageAudit, LanguageModel, Recall]) -> None:
    found = made[0]
    copied = np.array([text in TRAIN[0] for text in found.corpus.after])
    assert (found.corpus.copies[copied] == 7).all()
    assert (found.corpus.copies[~copied] == 1).all()
    assert found.control_text is not None
    assert (found.control_text.suffix_copies == 0).all()
    kinds = {found.corpus.after[row["passage"]]: row["kind"] for row in found.kinds}
    assert {kind for text, kind in kinds.items() if text in TRAIN[0]} == {"recite"}
    assert {kind for text, kind in kinds.items() if text not in TRAIN[0]} == {"recollect"}
    assert max(row["length"] for row in found.longest) >= 30


def test_an_audit_goes_on_where_it_stopped(made: tuple[LanguageAudit, LanguageModel, Recall], tmp_path: Path) -> None:
    found, model, own = made
    where = tmp_path / "again"
    shutil.copytree(found.directory, where)
    part = where / "asked" / "control-model-10" / "00000.parquet"
    part.unlink()
    with pytest.raises(WrongRecord, match="not finished"):
        read_audit(where)
    kept = {path: path.stat().st_mtime_ns for path in where.rglob("*.parquet")}
    own.asked = 0
    corpus = Texts.of([*TRAIN, *[TRAIN[0]] * 6], name="secrets")
    again = audit(model, corpus, where, control=Texts.of(CONTROL, name="others"), **LENGTHS)
    assert 0 < own.asked <= 5  # one part, and the checks of the model
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    assert np.array_equal(again.control.forced[10].logprob, found.control.forced[10].logprob)  # pyright: ignore


def test_another_model_text_or_setting_is_refused(
    made: tuple[LanguageAudit, LanguageModel, Recall], tmp_path: Path
) -> None:
    found, model, _ = made
    where = tmp_path / "again"
    shutil.copytree(found.directory, where)
    corpus, control = Texts.of([*TRAIN, *[TRAIN[0]] * 6], name="secrets"), Texts.of(CONTROL, name="others")
    with pytest.raises(WrongRecord, match="seed"):
        audit(model, corpus, where, control=control, seed=1, **LENGTHS)
    with pytest.raises(WrongRecord, match="corpus"):
        audit(model, Texts.of(CONTROL, name="secrets"), where, control=control, **LENGTHS)
    other, _ = recall_model(CONTROL, [LETTERS])
    with pytest.raises(WrongRecord, match="another model"):
        audit(other, corpus, where, control=control, **LENGTHS)
    with pytest.raises(WrongRecord, match="no language audit"):
        audit(model, corpus, tmp_path, control=control, **LENGTHS)
    (where / "audit.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(WrongRecord, match="format 99"):
        read_audit(where)


def test_control_text_that_stands_in_the_training_text_is_found_and_counts_like_all_others(tmp_path: Path) -> None:
    model, _ = recall_model(TRAIN, [LETTERS])
    found = language_findings(
        audit(model, Texts.of(TRAIN), tmp_path / "a", control=Texts.of([*CONTROL, *TRAIN[:5]]), **LENGTHS)
    )
    assert found.shared == 5
    assert found.headline.control.value > 0.05
    assert any("5 control passages stands in the training text" in each for each in language_sentences(found))


def test_text_that_repeats_itself_on_both_sides_accuses_no_model(tmp_path: Path) -> None:
    """A model that repeats the last character gives back rules and nothing else; both texts have as many of them."""
    rng = np.random.default_rng(5)

    def text() -> str:
        return "".join("a" * 45 if rng.random() < 0.3 else "".join(rng.choice(list(LETTERS), 45)) for _ in range(4))

    encoder = Characters(LETTERS)
    model = language_model(
        lambda tokens: torch.nn.functional.one_hot(tokens, 11).float() * 9, encoder, 128, name="last"
    )
    corpus, control = (Texts.of([text() for _ in range(40)]) for _ in range(2))
    found = language_findings(audit(model, corpus, tmp_path / "a", control=control, **{**LENGTHS, "limit": 200}))
    assert found.longest.greedy.value > 0.1
    assert found.shared > 0
    assert found.named == ()
    assert "not shown" in language_sentences(found)[0]


def test_copies_of_a_passage_are_one_thing_in_intervals(tmp_path: Path) -> None:
    model, _ = recall_model(TRAIN[:5], [LETTERS])
    copied = Texts.of([text for text in TRAIN[:10] for _ in range(20)])
    found = language_findings(
        audit(model, copied, tmp_path / "a", control=Texts.of(CONTROL), **{**LENGTHS, "limit": 200})
    )
    assert found.longest.greedy.value == pytest.approx(0.5)
    assert found.longest.greedy.high - found.longest.greedy.low > 0.4, "ten texts, not two hundred"


def test_a_start_that_fails_leaves_no_directory_behind(tmp_path: Path) -> None:
    model, _ = recall_model(TRAIN, [LETTERS])
    with pytest.raises(
        InvalidData, match=r"10 \+ 90 tokens together, and the longest document of 'corpus' has 45 and .* has 45"
    ):
        audit(
            model,
            Texts.of(TRAIN),
            tmp_path / "a",
            control=Texts.of(CONTROL, name="others"),
            prefixes=[10],
            suffixes=[90],
        )
    assert not (tmp_path / "a").exists()


def test_without_control_text_nothing_is_called_memorization(tmp_path: Path) -> None:
    model, _ = recall_model(TRAIN, [LETTERS])
    found = language_findings(audit(model, Texts.of(TRAIN), tmp_path / "a", **LENGTHS))
    assert "not known" in language_sentences(found)[0]
    assert np.isnan(found.headline.above_control.value)


def test_a_model_that_knows_nothing_is_not_accused(tmp_path: Path) -> None:
    model, _ = recall_model(CONTROL[20:], [LETTERS])
    found = language_findings(audit(model, Texts.of(TRAIN), tmp_path / "a", control=Texts.of(CONTROL[:20]), **LENGTHS))
    assert found.named == ()
    assert "not shown" in language_sentences(found)[0]
    assert found.extracted == 0
    assert len(found.shown) == 10, "what is nearest to being recited is shown"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prefixes": (200,)}, "reads 128 tokens"),
        ({"prefixes": ()}, "prefixes"),
        ({"suffixes": (40,)}, "longest document"),
        ({"control": Texts(())}, "no documents"),
        ({"control": Texts.of(["ZZZZ" * 20])}, "not in the alphabet"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(tmp_path: Path, change: dict, sentence: str) -> None:
    model, _ = recall_model(TRAIN, [LETTERS])
    with pytest.raises(InvalidData, match=sentence):
        audit(model, Texts.of(TRAIN), tmp_path / "a", **{**LENGTHS, **change})


def test_a_reference_with_another_encoder_is_refused(tmp_path: Path) -> None:
    model, _ = recall_model(TRAIN, [LETTERS])
    other = language_model(lambda tokens: torch.zeros(*tokens.shape, 256), Bytes(), 128, name="bytes")
    with pytest.raises(InvalidData, match="other tokens"):
        audit(model, Texts.of(TRAIN), tmp_path / "a", reference=other, **LENGTHS)


def test_models_are_compared_on_the_same_passages(
    made: tuple[LanguageAudit, LanguageModel, Recall], tmp_path: Path
) -> None:
    other, _ = recall_model(TRAIN[:15], [LETTERS], name="half")
    corpus = Texts.of([*TRAIN, *[TRAIN[0]] * 6], name="secrets")
    half = audit(other, corpus, tmp_path / "half", control=Texts.of(CONTROL, name="others"), **LENGTHS)
    rows = compared([language_findings(made[0]), language_findings(half)])
    assert rows[0].fewer.value == 0
    assert rows[1].fewer.low > 0.1
    assert rows[1].recited.value == pytest.approx(rows[0].recited.value - rows[1].fewer.value)
    page = write_language_report(language_findings(made[0]), tmp_path / "p.html", others=[language_findings(half)])
    assert "half recites less" in Path(str(page)).read_text()
    for text, control in (
        (Texts.of(CONTROL), Texts.of(CONTROL)),
        (corpus, Texts.of(CONTROL[::-1], name="others")),
        (corpus, None),
    ):
        where = tmp_path / f"{text.name}-{None if control is None else control.documents[0].text}"
        elsewhere = language_findings(audit(other, text, where, control=control, **LENGTHS))
        with pytest.raises(InvalidData, match="other passages"):
            compared([language_findings(made[0]), elsewhere])


def test_the_page_escapes_texts_and_hides_them_on_request(tmp_path: Path) -> None:
    texts = [f"<script>alert({i})</script> & text number {i:04} <b>bold</b>" for i in range(12)]
    model, _ = recall_model(texts, texts)
    found = language_findings(audit(model, Texts.of(texts), tmp_path / "a", **LENGTHS))
    assert found.extracted
    page = Path(str(write_language_report(found))).read_text()
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    hidden = Path(str(write_language_report(found, redact=True))).read_text()
    assert HIDDEN * 4 in hidden
    for letter in ("&lt;", "&gt;", "&amp;"):
        assert page.count(letter) > hidden.count(letter), (
            "characters of passages are in the page, and not in the hidden one"
        )


def test_an_untrained_copy_has_other_weights_and_leaves_the_model_as_it_is() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11))
    before = [weight.clone() for weight in module.parameters()]
    model = language_model(module, Characters(LETTERS), 16)
    fresh, again = untrained(model, seed=3), untrained(model, seed=3)
    state = torch.random.get_rng_state()
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before, fresh.module.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(fresh.module.parameters(), again.module.parameters(), strict=True))
    untrained(model)
    assert torch.equal(state, torch.random.get_rng_state()), "randomness is local"
    with pytest.raises(ByroteError, match="without a module"):
        untrained(recall_model(TRAIN, [LETTERS])[0])


MODEL = """
import torch
from torch import nn
import byrote.lm as lm
from byrote.lm.models import language_model

torch.manual_seed(0)
model = language_model(nn.Sequential(nn.Embedding(256, 8), nn.Linear(8, 256)), lm.Bytes(), 64, name="tiny")
"""


def test_the_command_writes_a_report_and_prints_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny_lm.py").write_text(MODEL)
    Path("train.txt").write_text("\n".join(TRAIN))
    Path("other.txt").write_text("\n".join(CONTROL))
    arguments = [
        "lm",
        "audit",
        "tiny_lm.py",
        "--corpus",
        "train.txt",
        "--control-corpus",
        "other.txt",
        "--split",
        "lines",
    ]
    lengths = ["--prefix", "10,20", "--suffix", "20", "--passages", "20"]
    done = CliRunner().invoke(app, [*arguments, *lengths], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "is not shown" in done.stdout
    assert "report: audits/tiny_lm-lm/report.html" in done.stdout
    again = CliRunner().invoke(app, ["lm", "report", "audits/tiny_lm-lm", "--redact", "--json"], catch_exceptions=False)
    rows = json.loads(again.stdout)
    assert [row["prefix"] for row in rows[:2]] == [10, 20]
    assert rows[0]["greedy"] == 0
    refused = CliRunner().invoke(app, [*arguments, "--prefix", "ten"])
    assert refused.exit_code == 2
