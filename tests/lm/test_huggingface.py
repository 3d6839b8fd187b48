"""Hugging Face folders, adapters, GGUF files and tokenizers, of random weights, against transformers itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from byrote.errors import ByroteError, InvalidData, Unsupported
from byrote.lm import LanguageModel
from byrote.lm.constrained_beam import near_verbatim
from byrote.lm.encoder import check_encoder
from byrote.lm.huggingface import encoder_of
from byrote.lm.models import language_model, read_model
from byrote.lm.sampling import Sampling
from byrote.lm.teacher_forcing import candidates_forced, recited, teacher_forced
from small_lm import byte_pairs, save_model, some

ODD = ["The cat , isn't on thé mat.  <s> \n\n 日本\t", " leading and trailing "]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return byte_pairs()


@pytest.fixture(scope="module")
def folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama and a GPT-2 with their tokenizer, each in its folder."""
    place = tmp_path_factory.mktemp("models")
    for kind in ("llama", "gpt2"):
        save_model(place / kind, kind, tokenizer)
    return place


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request: pytest.FixtureRequest, folder: Path) -> LanguageModel:
    return read_model(folder / request.param)


def test_a_folder_is_read_and_asked_as_generation_answers(
    model: LanguageModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (model.context, model.encoder.size, model.encoder.begin) == (40, len(model_vocabulary(folder)), None)
    assert model.ending is not None
    assert model.reading is not None
    rng = np.random.default_rng(0)
    prefix = rng.integers(1, model.encoder.size, (8, 10))
    monkeypatch.setattr(model.module.generation_config, "eos_token_id", None)
    with torch.no_grad():
        whole = model.module.generate(torch.from_numpy(prefix), attention_mask=torch.ones(8, 10, dtype=torch.long), max_new_tokens=20, do_sample=False, pad_token_id=0).numpy()  # fmt: skip
    whole[::2, 25] = (whole[::2, 25] + 1) % model.encoder.size
    passages = some(whole, 10)
    assert teacher_forced(model, passages).greedy.all(1).tolist() == [False, True] * 4
    assert recited(model, passages).tolist() == [False, True] * 4


def model_vocabulary(folder: Path) -> dict[str, int]:
    return json.loads((folder / "llama" / "tokenizer.json").read_text())["model"]["vocab"]


def test_a_cache_gives_what_whole_texts_give(model: LanguageModel) -> None:
    plain = LanguageModel(model.logits, model.encoder, model.context)
    rng = np.random.default_rng(1)
    prefix, candidates = rng.integers(1, 200, 12), rng.integers(1, 200, (9, 6))
    one, other = (candidates_forced(asked, prefix, candidates) for asked in (model, plain))
    np.testing.assert_allclose(one.logprob, other.logprob, atol=1e-4)
    passages = some(np.concatenate([np.tile(prefix, (2, 1)), candidates[:2]], 1), 12)
    low, high = (near_verbatim(asked, passages, within=1, beams=4, sampling=Sampling(top_k=20)).low for asked in (model, plain))  # fmt: skip
    np.testing.assert_allclose(low, high, rtol=1e-3)


def test_tokenizers_give_texts_back_without_special_tokens(tokenizer: Any, folder: Path) -> None:
    from tokenizers import Tokenizer

    plain = encoder_of(Tokenizer.from_file(str(folder / "llama" / "tokenizer.json")), begin=0)
    usual = encoder_of(tokenizer)
    for encoder in (plain, usual):
        check_encoder(encoder, ODD)
    assert (plain.begin, usual.begin, plain.size) == (0, None, usual.size)
    assert plain.encode(ODD[0]).tolist() == usual.encode(ODD[0]).tolist()
    assert len(usual.encode("")) == 0


def test_a_first_token_is_put_in_front_where_the_tokenizer_does(tokenizer: Any, tmp_path: Path) -> None:
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    tokenizer.save_pretrained(tmp_path)
    fronted = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    fronted.backend_tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])  # fmt: skip
    assert fronted.encode("a")[0] == 0
    encoder = encoder_of(fronted)
    assert encoder.begin == 0
    check_encoder(encoder, ODD)
    assert encoder_of(fronted, begin=5).begin == 5


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by a name that is old
def test_a_lora_adapter_is_added_to_its_base(folder: Path, tmp_path: Path) -> None:
    import peft
    from transformers import LlamaForCausalLM

    torch.manual_seed(1)
    config = peft.LoraConfig(r=2, lora_alpha=8, init_lora_weights=False, task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(LlamaForCausalLM.from_pretrained(folder / "llama"), config).eval()
    adapted.save_pretrained(tmp_path / "adapter")
    found, base = read_model(tmp_path / "adapter"), read_model(folder / "llama")
    tokens = torch.arange(20).reshape(2, 10)
    with torch.no_grad():
        expected = adapted(tokens).logits
        torch.testing.assert_close(found.logits(tokens), expected, atol=1e-4, rtol=1e-4)
        assert (base.logits(tokens) - expected).abs().max() > 0.1
    written = tmp_path / "adapter" / "adapter_config.json"
    told = json.loads(written.read_text())
    for changed, kind, message in (
        ({"base_model_name_or_path": "someone/model"}, ByroteError, "which is no folder on this disk"),
        ({"peft_type": "PROMPT_TUNING"}, Unsupported, "an adapter of the kind PROMPT_TUNING"),
    ):
        written.write_text(json.dumps({**told, **changed}))
        with pytest.raises(kind, match=message):
            read_model(tmp_path / "adapter")
    (tmp_path / "adapter" / "adapter_model.safetensors").rename(tmp_path / "adapter" / "adapter_model.bin")
    written.write_text(json.dumps(told))
    with pytest.raises(InvalidData, match=r"has no adapter_model.safetensors"):
        read_model(tmp_path / "adapter")


def test_a_model_in_memory_says_its_context_itself(folder: Path, tokenizer: Any) -> None:
    from transformers import GPT2LMHeadModel

    found = language_model(GPT2LMHeadModel.from_pretrained(folder / "gpt2"), tokenizer)
    assert (found.context, found.name) == (40, "GPT2LMHeadModel")
    assert found.ending is not None


def test_folders_that_are_incomplete_or_need_code_are_refused(folder: Path, tmp_path: Path, tokenizer: Any) -> None:
    shutil.copytree(folder / "llama", tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "bare" / name).unlink()
    with pytest.raises(InvalidData, match=r"transformers cannot read .*bare"):
        read_model(tmp_path / "bare")
    shutil.copytree(folder / "llama", tmp_path / "remote")
    config = json.loads((tmp_path / "remote" / "config.json").read_text())
    (tmp_path / "remote" / "code.py").write_text("raise SystemExit('this was run')")
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "code.Own", "AutoModelForCausalLM": "code.Own"}}
    (tmp_path / "remote" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidData, match=r"transformers cannot read .*remote"):
        read_model(tmp_path / "remote")
    shutil.copytree(folder / "llama", tmp_path / "larger")
    tokenizer.add_tokens(["more", "words"])
    tokenizer.save_pretrained(tmp_path / "larger")
    with pytest.raises(InvalidData, match=r"gives \d+ logits, and its encoder larger has \d+ token ids"):
        read_model(tmp_path / "larger")


def test_a_gguf_file_is_read_with_its_tokenizer(folder: Path, tmp_path: Path) -> None:
    """Written as llama.cpp does: queries and keys with interleaved rotary pairs, which transformers turns back."""
    import gguf
    from safetensors.torch import load_file

    expected = read_model(folder / "llama")
    weights = load_file(folder / "llama" / "model.safetensors")
    told = json.loads((folder / "llama" / "tokenizer.json").read_text())["model"]
    writer = gguf.GGUFWriter(tmp_path / "small.gguf", "llama")
    writer.add_context_length(40)
    writer.add_embedding_length(32)
    writer.add_block_count(2)
    writer.add_feed_forward_length(48)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(8)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(told["vocab"]))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(told["vocab"], key=told["vocab"].get))
    writer.add_token_merges([" ".join(pair) for pair in told["merges"]])
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * (len(told["vocab"]) - 1)])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    names |= {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate"}
    names |= {"mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "self_attn.o_proj": "attn_output"}
    names |= {f"self_attn.{each}_proj": f"attn_{each}" for each in "qkv"}
    for name, weight in weights.items():
        array = weight.numpy()
        for kind, heads in (("q_proj", 4), ("k_proj", 2)):
            if kind in name:
                array = array.reshape(heads, 2, array.shape[0] // heads // 2, 32).swapaxes(1, 2).reshape(array.shape)
        short = name.replace("model.layers.", "blk.")
        for theirs, ours in names.items():
            short = short.replace(theirs, ours)
        writer.add_tensor(short, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = read_model(tmp_path / "small.gguf")
    tokens = torch.arange(24).reshape(2, 12)
    with torch.no_grad():
        torch.testing.assert_close(found.logits(tokens), expected.logits(tokens), atol=1e-4, rtol=1e-4)
    text = "the cat sat on thé mat"
    assert found.encoder.encode(text).tolist() == expected.encoder.encode(text).tolist()
    check_encoder(found.encoder, ODD)
