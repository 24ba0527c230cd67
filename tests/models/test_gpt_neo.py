"""GPT-Neo beside that of transformers: logits, cache, generation, published sizes."""

import keras
import numpy as np
import pytest

from keras_textcls import ArgumentError
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


def copied(oracle, model):
    """Give a model the weights of one of transformers."""
    state = {k: v.detach().numpy() for k, v in oracle.transformer.state_dict().items()}
    backbone = model.backbone
    backbone.token_embedding.embeddings.assign(state["wte.weight"])
    backbone.position_embedding.position_embeddings.assign(state["wpe.weight"])
    for i, layer in enumerate(backbone.transformer_layers):
        block = f"h.{i}."
        norms = {"ln_1": layer.attention_norm, "ln_2": layer.feedforward_norm}
        for name, norm in norms.items():
            norm.gamma.assign(state[f"{block}{name}.weight"])
            norm.beta.assign(state[f"{block}{name}.bias"])
        dense = {
            "attn.attention.q_proj": layer.attention.query_dense,
            "attn.attention.k_proj": layer.attention.key_dense,
            "attn.attention.v_proj": layer.attention.value_dense,
            "attn.attention.out_proj": layer.attention.attention_output_dense,
            "mlp.c_fc": layer.feedforward_intermediate_dense,
            "mlp.c_proj": layer.feedforward_output_dense,
        }
        for name, one in dense.items():
            one.kernel.assign(state[f"{block}{name}.weight"].T)
            if one.use_bias:
                one.bias.assign(state[f"{block}{name}.bias"])
    backbone.layer_norm.gamma.assign(state["ln_f.weight"])
    backbone.layer_norm.beta.assign(state["ln_f.bias"])
    return model


@pytest.fixture(scope="module")
def both():
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
    model = GPTNeoCausalLM(GPTNeoBackbone(**SMALL, attention_types=["global", "local", "global"]))
    return oracle, copied(oracle, model)


def token_ids(rows, length, seed=0):
    return np.random.default_rng(seed).integers(1, 61, (rows, length)).astype("int32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("length", [1, 5, 40])
def test_logits_are_those_of_transformers(both, length):
    oracle, model = both
    ids = token_ids(3, length)
    with torch.no_grad():
        expected = oracle(torch.tensor(ids, dtype=torch.long)).logits.numpy()
    found = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_padding_changes_nothing_before_it(both):
    _, model = both
    ids = token_ids(2, 12)
    whole = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    padded = np.pad(ids, ((0, 0), (0, 7)))
    mask = np.pad(np.ones_like(ids), ((0, 0), (0, 7)))
    found = numpy(model({"token_ids": padded, "padding_mask": mask}))
    np.testing.assert_allclose(found[:, :12], whole, atol=1e-5)


def test_the_cache_gives_what_the_whole_gives(both):
    _, model = both
    ids = token_ids(2, 20)
    whole = numpy(model({"token_ids": ids, "padding_mask": np.ones_like(ids)}))
    cache = keras.ops.zeros((2, 3, 2, 20, 4, 8))
    found = []
    for start, stop in ((0, 9), (9, 10), (10, 17), (17, 20)):
        logits, _, cache = model.call_with_cache(ids[:, start:stop], cache, start)
        found.append(numpy(logits))
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, atol=1e-4)


def test_greedy_generation_is_that_of_transformers(both):
    oracle, model = both
    ids = token_ids(2, 5)
    with torch.no_grad():
        expected = oracle.generate(
            torch.tensor(ids, dtype=torch.long), max_new_tokens=64, do_sample=False,
            attention_mask=torch.ones((2, 5), dtype=torch.long), eos_token_id=None, pad_token_id=0,
        ).numpy()  # fmt: skip
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
