"""`GPTNeoCausalLMPreprocessor`: from strings to the inputs of `GPTNeoCausalLM`."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub

from keras_textcls.models.gpt_neo.convert_gpt_neo import checkpoint_loader
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

    @classmethod
    def from_preset(cls, preset: Any, **kwargs: Any) -> GPTNeoCausalLMPreprocessor:
        """Load the preprocessor of a preset or a checkpoint.

        Args:
            preset: string or path, as for `GPTNeoBackbone.from_preset`.
            **kwargs: further arguments of the constructor.

        Returns:
            A `GPTNeoCausalLMPreprocessor`.
        """
        loader = checkpoint_loader(preset)
        if loader is not None:
            return loader.load_preprocessor(cls, **kwargs)
        return super().from_preset(preset, **kwargs)
