"""Tiny arguments and tokenizers of the decoder-only text backbones of Keras Hub.

`DECODERS` has the same form as `ENCODERS` in `encoders.py`. Classes that can also read images or
sound are built here without those encoders.
"""

import keras_hub

from .vocabularies import byte_pair, rwkv, sentence_piece

_GEMMA_SPECIALS = dict(pad="<pad>", eos="<eos>", bos="<bos>")


def _multi_head(size, **extra):
    """Arguments of the older decoders: one number of heads."""
    shared = dict(
        vocabulary_size=size,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        dropout=0.0,
    )
    return {**shared, **extra}


def _grouped_query(size, **extra):
    """Arguments of the decoders with grouped-query attention."""
    arguments = _multi_head(size, num_query_heads=2, num_key_value_heads=1, **extra)
    del arguments["num_heads"]
    return arguments


def _falcon(size):
    arguments = _multi_head(
        size, num_attention_heads=2, attention_dropout_rate=0.0, feedforward_dropout_rate=0.0
    )
    del arguments["num_heads"], arguments["dropout"]
    return arguments


def _blip2(size):
    language_model = keras_hub.models.BLIP2CustomOPT(
        **_multi_head(size, num_query_tokens=0, qformer_hidden_dim=16, max_sequence_length=128)
    )
    return dict(vision_encoder=None, qformer=None, language_model=language_model)


def _gemma3n(size):
    return dict(
        text_vocab_size=size,
        text_hidden_size=16,
        num_hidden_layers=2,
        pad_token_id=0,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        intermediate_size=[32, 32],
        hidden_activation="gelu_approximate",
        layer_types=["sliding_attention", "full_attention"],
        sliding_window=32,
        rope_theta=10000.0,
        max_position_embeddings=128,
        vocab_size_per_layer_input=size,
        hidden_size_per_layer_input=4,
        altup_num_inputs=2,
        laurel_rank=2,
        attention_dropout=0.0,
    )


def _qwen3_5(size, **extra):
    return _grouped_query(
        size,
        head_dim=8,
        layer_types=["linear_attention", "full_attention"],
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        **extra,
    )


def _qwen3_5_moe(size):
    arguments = _qwen3_5(
        size,
        moe_intermediate_dim=16,
        shared_expert_intermediate_size=16,
        num_experts=4,
        top_k=2,
    )
    del arguments["intermediate_dim"]
    return arguments


def _rwkv7(size):
    return dict(
        vocabulary_size=size + 1,  # Id 0 is padding, and no entry of the vocabulary.
        hidden_size=16,
        head_size=8,
        num_layers=2,
        intermediate_dim=32,
        gate_lora=8,
        mv_lora=4,
        aaa_lora=4,
        decay_lora=4,
        dropout_rate=0.0,
    )


def _smol_lm3(size):
    return dict(
        vocabulary_size=size,
        hidden_dim=16,
        intermediate_dim=32,
        num_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attention_bias=False,
        attention_dropout=0.0,
        rope_layer_enabled_list=[True, False],
        layer_types=["attention", "attention"],
        mlp_bias=False,
        layer_norm_epsilon=1e-5,
        max_position_embeddings=128,
        rope_theta=10000.0,
        partial_rotary_factor=1.0,
    )


def _byte_pair_tokenizer(name, first=(), last=()):
    def build():
        return getattr(keras_hub.models, name)(**byte_pair(first=first, last=last))

    return build


def _sentence_piece_tokenizer(name, **options):
    def build():
        return getattr(keras_hub.models, name)(sentence_piece(**options))

    return build


def _llama_tokenizer(name, **options):
    return _sentence_piece_tokenizer(
        name, bos="<s>", eos="</s>", order=("unk", "bos", "eos"), **options
    )


def _gemma_tokenizer(name, *controls):
    return _sentence_piece_tokenizer(name, controls=controls, **_GEMMA_SPECIALS)


def _rwkv_tokenizer():
    return keras_hub.models.RWKVTokenizer(vocabulary=rwkv())


_END_OF_TEXT = ("<|endoftext|>",)
_CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_CHAT_WITH_IMAGES = (
    *_CHAT,
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

DECODERS = {
    "BLIP2Backbone": (
        _blip2,
        _byte_pair_tokenizer(
            "BLIP2OPTTokenizer", first=("<s>", "<pad>", "</s>", "<unk>"), last=("<image>",)
        ),
    ),
    "BloomBackbone": (
        _multi_head,
        _byte_pair_tokenizer("BloomTokenizer", first=("<unk>", "<s>", "</s>", "<pad>")),
    ),
    "FalconBackbone": (_falcon, _byte_pair_tokenizer("FalconTokenizer", last=_END_OF_TEXT)),
    "GPT2Backbone": (
        lambda size: _multi_head(size, max_sequence_length=128),
        _byte_pair_tokenizer("GPT2Tokenizer", last=_END_OF_TEXT),
    ),
    "GPTNeoXBackbone": (
        lambda size: _multi_head(size, max_sequence_length=128),
        _byte_pair_tokenizer("GPTNeoXTokenizer", last=_END_OF_TEXT),
    ),
    "Gemma3Backbone": (
        lambda size: _grouped_query(
            size,
            head_dim=8,
            image_size=16,
            vision_encoder=None,
            use_sliding_window_attention=True,
            sliding_window_size=32,
        ),
        _gemma_tokenizer("Gemma3Tokenizer", "<img>", "<start_of_image>", "<end_of_image>"),
    ),
    "Gemma3nBackbone": (
        _gemma3n,
        _gemma_tokenizer(
            "Gemma3nTokenizer",
            "<image_soft_token>",
            "<audio_soft_token>",
            "<start_of_image>",
            "<end_of_image>",
            "<start_of_audio>",
            "<end_of_audio>",
            "<start_of_turn>",
            "<end_of_turn>",
            "<mask>",
            "[multimodal]",
        ),
    ),
    "Gemma4Backbone": (
        lambda size: _grouped_query(
            size,
            head_dim=8,
            image_size=16,
            vision_encoder=None,
            audio_encoder=None,
            sliding_window_size=32,
            layer_types=["sliding_attention", "full_attention"],
        ),
        _gemma_tokenizer("Gemma4Tokenizer", "<|image>", "<|image|>", "<image|>", "<|video|>"),
    ),
    "GemmaBackbone": (
        lambda size: _grouped_query(size, head_dim=8),
        _gemma_tokenizer("GemmaTokenizer"),
    ),
    "GptOssBackbone": (
        lambda size: _grouped_query(size, head_dim=8, num_experts=4, top_k=2, sliding_window=32),
        _byte_pair_tokenizer("GptOssTokenizer", last=_END_OF_TEXT),
    ),
    "Llama3Backbone": (
        _grouped_query,
        _byte_pair_tokenizer(
            "Llama3Tokenizer",
            last=(
                "<|begin_of_text|>",
                "<|end_of_text|>",
                "<|start_header_id|>",
                "<|end_header_id|>",
                "<|eot_id|>",
            ),
        ),
    ),
    "LlamaBackbone": (_grouped_query, _llama_tokenizer("LlamaTokenizer")),
    "MistralBackbone": (
        lambda size: _grouped_query(size, sliding_window=32),
        _llama_tokenizer("MistralTokenizer"),
    ),
    "MixtralBackbone": (
        lambda size: _grouped_query(size, num_experts=4, top_k=2, sliding_window=32),
        _llama_tokenizer("MixtralTokenizer"),
    ),
    "OPTBackbone": (
        lambda size: _multi_head(size, max_sequence_length=128),
        _byte_pair_tokenizer("OPTTokenizer", first=("<s>", "<pad>", "</s>", "<unk>")),
    ),
    "Phi3Backbone": (
        lambda size: _grouped_query(size, max_sequence_length=128),
        _llama_tokenizer("Phi3Tokenizer", controls=("<|endoftext|>",)),
    ),
    "Qwen3Backbone": (
        lambda size: _grouped_query(size, head_dim=8),
        _byte_pair_tokenizer("Qwen3Tokenizer", last=_CHAT),
    ),
    "Qwen3MoeBackbone": (
        lambda size: _grouped_query(
            size, head_dim=8, moe_intermediate_dim=16, num_experts=4, top_k=2
        ),
        _byte_pair_tokenizer("Qwen3MoeTokenizer", last=_CHAT),
    ),
    "Qwen3_5Backbone": (
        _qwen3_5,
        _byte_pair_tokenizer("Qwen3_5Tokenizer", last=_CHAT_WITH_IMAGES),
    ),
    "Qwen3_5MoeBackbone": (
        _qwen3_5_moe,
        _byte_pair_tokenizer("Qwen3_5MoeTokenizer", last=_CHAT_WITH_IMAGES),
    ),
    "QwenBackbone": (_grouped_query, _byte_pair_tokenizer("QwenTokenizer", last=_CHAT)),
    "QwenMoeBackbone": (
        lambda size: _grouped_query(
            size,
            moe_intermediate_dim=16,
            shared_expert_intermediate_dim=16,
            num_experts=4,
            top_k=2,
        ),
        _byte_pair_tokenizer("QwenMoeTokenizer", last=_CHAT),
    ),
    "RWKV7Backbone": (_rwkv7, _rwkv_tokenizer),
    "SmolLM3Backbone": (
        _smol_lm3,
        _byte_pair_tokenizer(
            "SmolLM3Tokenizer",
            last=("<|begin_of_text|>", "<|end_of_text|>", "<think>", "</think>"),
        ),
    ),
}
