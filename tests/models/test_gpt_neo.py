"""GPT-Neo beside that of transformers: logits, cache, generation, published sizes."""

import json
import shutil

import keras
import numpy as np
import pytest

from keras_textcls import ArgumentError, PresetError
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm import GPTNeoCausalLM

torch = pytest.importorskip("torch")
SMALL = {
    "vocabulary_size": 61,
    "num_layers": 3,
    "num_heads": 4,
    "hidden_dim": 32,
    "window_size": 6,
    "max_sequence_length": 96,
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    from transformers import GPTNeoConfig, GPTNeoForCausalLM

    torch.manual_seed(0)
    config = GPTNeoConfig(
        vocab_size=61, max_position_embeddings=96, hidden_size=32, num_layers=3, num_heads=4,
        attention_types=[[["global", "local"], 1], [["global"], 1]], window_size=6,
        bos_token_id=0, eos_token_id=0, attn_implementation="eager",
    )  # fmt: skip
    oracle = GPTNeoForCausalLM(config).eval()
    with torch.no_grad():
        for weight in oracle.parameters():
            weight.add_(0.15 * torch.randn_like(weight))
    folder = tmp_path_factory.mktemp("gpt_neo")
    oracle.save_pretrained(folder / "one")
    oracle.save_pretrained(folder / "several", max_shard_size="30KB")
    assert len(list((folder / "several").glob("*.safetensors"))) > 2
    for part in ("one", "several"):
        write_vocabulary(folder / part)
    return oracle, GPTNeoCausalLM.from_preset(str(folder / "several")), folder


def write_vocabulary(folder):
    """GPT-2's byte-pair files, with the letters and two merges."""
    tokens = ["<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz", "\u0120", "ab", "\u0120a"]
    tokens += [f"<{i}>" for i in range(61 - len(tokens))]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b\n\u0120 a\n", encoding="utf-8")


def token_ids(rows, length, seed=0):
    return np.random.default_rng(seed).integers(1, 61, (rows, length)).astype("int32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("length", [1, 5, 40])
def test_logits_are_those_of_transformers(both, length):
    oracle, model, _ = both
    ids = token_ids(3, length)
    with torch.no_grad():
        expected = oracle(torch.tensor(ids, dtype=torch.long)).logits.numpy()
    found = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_padding_changes_nothing_before_it(both):
    _, model, _ = both
    ids = token_ids(2, 12)
    whole = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    padded = np.pad(ids, ((0, 0), (0, 7)))
    mask = np.pad(np.ones_like(ids), ((0, 0), (0, 7)))
    found = numpy(model({"token_ids": padded, "padding_mask": mask}))
    np.testing.assert_allclose(found[:, :12], whole, atol=1e-5)


def test_the_cache_gives_what_the_whole_gives(both):
    _, model, _ = both
    ids = token_ids(2, 20)
    whole = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    cache = tuple((keras.ops.zeros((2, 4, 20, 8)),) * 2 for _ in range(3))
    found = []
    for start, stop in ((0, 9), (9, 10), (10, 17), (17, 20)):
        logits, _, cache = model.call_with_cache(ids[:, start:stop], cache, start)
        found.append(numpy(logits))
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, atol=1e-4)


def test_greedy_generation_is_that_of_transformers(both):
    oracle, model, _ = both
    ids = token_ids(2, 5)
    with torch.no_grad():
        expected = oracle.generate(
            torch.tensor(ids, dtype=torch.long), max_new_tokens=64, do_sample=False,
            attention_mask=torch.ones((2, 5), dtype=torch.long), eos_token_id=None, pad_token_id=0,
        ).numpy()  # fmt: skip
    model = GPTNeoCausalLM(model.backbone)
    model.compile(sampler="greedy")
    padded = np.pad(ids, ((0, 0), (0, 64)))
    mask = np.pad(np.ones_like(ids), ((0, 0), (0, 64))).astype("bool")
    found = model.generate({"token_ids": padded, "padding_mask": mask}, stop_token_ids=None)
    np.testing.assert_array_equal(numpy(found["token_ids"]), expected)


@pytest.mark.parametrize(
    ("layers", "heads", "hidden", "parameters"),
    [(12, 12, 768, 125_198_592), (24, 16, 2048, 1_315_575_808), (32, 20, 2560, 2_651_307_520)],
)
def test_published_sizes_have_their_parameters(layers, heads, hidden, parameters):
    from transformers import GPTNeoConfig, GPTNeoForCausalLM

    config = GPTNeoConfig(
        hidden_size=hidden, num_layers=layers, num_heads=heads,
        attention_types=[[["global", "local"], layers // 2]],
    )  # fmt: skip
    with torch.device("meta"):
        expected = sum(weight.numel() for weight in GPTNeoForCausalLM(config).parameters())
    assert parameters == expected
    tables = hidden * (50257 + 2048)
    block = 4 * hidden**2 + hidden + 8 * hidden**2 + 5 * hidden + 4 * hidden
    assert tables + layers * block + 2 * hidden == parameters


def test_a_block_has_the_parameters_of_that_count():
    model = GPTNeoBackbone(**SMALL)
    block = 12 * 32**2 + 10 * 32
    assert model.count_params() == 32 * (61 + 96) + 3 * block + 2 * 32
    again = GPTNeoBackbone.from_config(model.get_config())
    assert again.get_config() == model.get_config() | {"name": again.name}
    assert again.attention_types == ["global", "local", "global"]


def test_what_cannot_be_built():
    with pytest.raises(ArgumentError, match="multiple of `num_heads`"):
        GPTNeoBackbone(**SMALL | {"num_heads": 5})
    with pytest.raises(ArgumentError, match="for each of 3 layers"):
        GPTNeoBackbone(**SMALL, attention_types=["global"])


def test_tokens_are_those_of_transformers(both):
    from transformers import GPT2Tokenizer

    _, model, folder = both
    oracle = GPT2Tokenizer.from_pretrained(folder / "one")
    for text in ("abc", "cab a ab", "hello abba"):
        expected = oracle(text)["input_ids"]
        assert numpy(model.preprocessor.tokenizer(text)).tolist() == expected


def test_presets_and_checkpoints_go_round(both, tmp_path):
    from transformers import GPTNeoForCausalLM

    oracle, _, folder = both
    ids = token_ids(2, 30)
    with torch.no_grad():
        expected = oracle(torch.tensor(ids, dtype=torch.long)).logits.numpy()
    one = GPTNeoCausalLM.from_preset(str(folder / "one"))
    one.save_to_preset(tmp_path / "preset")
    one.save_to_huggingface(tmp_path / "checkpoint")
    for again in ("preset", "checkpoint"):
        model = GPTNeoCausalLM.from_preset(str(tmp_path / again))
        inputs = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
        np.testing.assert_allclose(numpy(model(inputs)), expected, atol=1e-4)
        assert model.preprocessor.tokenizer.vocabulary == one.preprocessor.tokenizer.vocabulary
    assert isinstance(GPTNeoBackbone.from_preset(str(folder / "one")), GPTNeoBackbone)
    theirs = GPTNeoForCausalLM.from_pretrained(tmp_path / "checkpoint").eval()
    with torch.no_grad():
        found = theirs(torch.tensor(ids, dtype=torch.long)).logits.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert theirs.config.attention_layers == ["global", "local", "global"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"activation_function": "relu"}, "activation_function"),
        ({"attention_types": [3]}, "is broken"),
        ({"tie_word_embeddings": False}, "a separate output layer"),
        ({"embed_dropout": 0.5}, "embed_dropout=0.5 and resid_dropout=0"),
        ({"hidden_size": 64}, "has shape"),
        ({"num_layers": 4, "attention_types": [[["global"], 4]]}, "no weight 'h.3"),
    ],
)
def test_broken_checkpoints_are_refused(both, tmp_path, changes, message):
    _, _, folder = both
    for file in (folder / "one").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(PresetError, match=message):
        GPTNeoCausalLM.from_preset(str(tmp_path))


def test_a_published_preset_loads_by_name_from_the_cache_of_the_hub(both, tmp_path, monkeypatch):
    import huggingface_hub.constants

    from keras_textcls import presets

    _, model, folder = both
    place = tmp_path / "models--EleutherAI--gpt-neo-125m"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    shutil.copytree(folder / "one", place / "snapshots" / "abc")
    assert not presets()["gpt_neo_125m_en"].is_available
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert presets()["gpt_neo_125m_en"].is_available
    loaded = GPTNeoCausalLM.from_preset("gpt_neo_125m_en")
    for found, expected in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(numpy(found), numpy(expected))
    assert loaded.preprocessor.tokenizer.vocabulary_size() == 61
