"""`GPTNeoCausalLM`: the next token, and the ones after it."""

from __future__ import annotations

import keras
import keras_hub

from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone
from keras_textcls.models.gpt_neo.gpt_neo_causal_lm_preprocessor import GPTNeoCausalLMPreprocessor


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoCausalLM(keras_hub.models.GPT2CausalLM):
    """GPT-Neo with its embedding as output layer: logits of the next token.

    `generate()` keeps keys and values of the tokens so far and takes any sampler
    of Keras Hub. Generation is that of GPT-2 in Keras Hub, whose blocks have the
    same arguments.

    Args:
        backbone: `GPTNeoBackbone`.
        preprocessor: `GPTNeoCausalLMPreprocessor`, or `None` for inputs that are
            token ids already. Defaults to `None`.
        **kwargs: further arguments of `keras_hub.models.CausalLM`.
    """

    backbone_cls = GPTNeoBackbone
    preprocessor_cls = GPTNeoCausalLMPreprocessor
