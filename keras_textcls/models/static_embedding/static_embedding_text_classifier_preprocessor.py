"""`StaticEmbeddingTextClassifierPreprocessor`: tokens only, nothing around them."""

from __future__ import annotations

from typing import Any

import keras

from keras_textcls.models.static_embedding.static_embedding_backbone import (
    StaticEmbeddingBackbone,
)
from keras_textcls.models.static_embedding.static_embedding_tokenizer import (
    StaticEmbeddingTokenizer,
)
from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor


@keras.saving.register_keras_serializable(package="keras_textcls")
class StaticEmbeddingTextClassifierPreprocessor(TextClassifierPreprocessor):
    """Text to token ids for `StaticEmbeddingBackbone`, without special tokens.

    Args:
        tokenizer: a `StaticEmbeddingTokenizer`.
        sequence_length: int, longest sequence in tokens; longer ones are
            truncated. Defaults to `512`.
        add_start_token: bool. Defaults to `False`.
        add_end_token: bool. Defaults to `False`.
        **kwargs: further arguments of `TextClassifierPreprocessor`.
    """

    backbone_cls = StaticEmbeddingBackbone
    tokenizer_cls = StaticEmbeddingTokenizer

    def __init__(
        self,
        tokenizer: Any,
        sequence_length: int = 512,
        add_start_token: bool = False,
        add_end_token: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            tokenizer,
            sequence_length=sequence_length,
            add_start_token=add_start_token,
            add_end_token=add_end_token,
            **kwargs,
        )
