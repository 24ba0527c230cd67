"""Tiny arguments and tokenizers of the encoder-decoder text backbones of Keras Hub.

`ENCODER_DECODERS` has the same form as `ENCODERS` in `encoders.py`.
"""

import keras_hub

from .vocabularies import byte_pair, sentence_piece


def _bart(size):
    return dict(
        vocabulary_size=size,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        dropout=0.0,
        max_sequence_length=128,
    )


def _t5(size):
    arguments = _bart(size)
    del arguments["max_sequence_length"]
    return arguments


def _ed_rec(size):
    return dict(
        vocab_size=size,
        num_layers_enc=2,
        num_layers_dec=2,
        hidden_dim=16,
        intermediate_dim=32,
        num_heads=2,
        dropout=0.0,
    )


def _t5_gemma(size):
    half = dict(
        hidden_dim=16,
        intermediate_dim=32,
        num_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        layer_types=["sliding_attention", "full_attention"],
    )
    both = {f"{part}_{key}": half[key] for part in ("encoder", "decoder") for key in half}
    return dict(
        vocabulary_size=size,
        sliding_window=32,
        query_pre_attn_scalar=8.0,
        dropout_rate=0.0,
        attention_dropout=0.0,
        **both,
    )


def _bart_tokenizer():
    vocabulary = byte_pair(first=("<s>", "<pad>", "</s>", "<unk>"), last=("<mask>",))
    return keras_hub.models.BartTokenizer(**vocabulary)


def _t5_tokenizer():
    proto = sentence_piece(pad="<pad>", eos="</s>", order=("pad", "eos", "unk"))
    return keras_hub.models.T5Tokenizer(proto)


def _gemma_tokenizer(name):
    def build():
        return getattr(keras_hub.models, name)(
            sentence_piece(pad="<pad>", eos="<eos>", bos="<bos>")
        )

    return build


ENCODER_DECODERS = {
    "BartBackbone": (_bart, _bart_tokenizer),
    "EdRecBackbone": (_ed_rec, None),
    "T5Backbone": (_t5, _t5_tokenizer),
    "T5Gemma2Backbone": (_t5_gemma, _gemma_tokenizer("T5Gemma2Tokenizer")),
    "T5GemmaBackbone": (_t5_gemma, _gemma_tokenizer("T5GemmaTokenizer")),
}
