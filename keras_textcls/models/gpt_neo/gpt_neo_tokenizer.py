"""`GPTNeoTokenizer`: byte-pair encoding, as Keras Hub's GPT-2 tokenizer has it."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub

from keras_textcls.models.gpt_neo.convert_gpt_neo import checkpoint_loader
from keras_textcls.models.gpt_neo.gpt_neo_backbone import GPTNeoBackbone


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoTokenizer(keras_hub.models.GPT2Tokenizer):
    """GPT-2's byte-pair tokenizer, which pairs with `GPTNeoBackbone`.

    Args:
        vocabulary: dict from token to id, or path of a JSON file, as for
            `keras_hub.models.GPT2Tokenizer`.
        merges: list of merge rules, or path of a text file.
        **kwargs: further arguments of `keras_hub.models.GPT2Tokenizer`.
    """

    backbone_cls = GPTNeoBackbone

    @classmethod
    def from_preset(cls, preset: Any, **kwargs: Any) -> GPTNeoTokenizer:
        """Load the tokenizer of a preset or a checkpoint.

        Args:
            preset: string or path, as for `GPTNeoBackbone.from_preset`.
            **kwargs: further arguments of the constructor.

        Returns:
            A `GPTNeoTokenizer`.
        """
        loader = checkpoint_loader(preset)
        if loader is not None:
            return loader.load_tokenizer(cls, **kwargs)
        return super().from_preset(preset, **kwargs)
