"""`GPTNeoCausalLMPreprocessor`: strings to what `GPTNeoCausalLM` trains and generates with."""

from __future__ import annotations

import keras
import keras_hub

from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_tokenizer import GPTNeoTokenizer


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoCausalLMPreprocessor(keras_hub.models.CausalLMPreprocessor):
    """Tokenizes, pads and shifts texts for a causal language model.

    Args:
        tokenizer: `GPTNeoTokenizer`.
        sequence_length: int. Defaults to `1024`.
        add_start_token: bool. Defaults to `True`.
        add_end_token: bool. Defaults to `True`.
        **kwargs: further arguments of `keras_hub.models.CausalLMPreprocessor`.
    """

    backbone_cls = GPTNeoBackbone
    tokenizer_cls = GPTNeoTokenizer
