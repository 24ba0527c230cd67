"""`StaticEmbeddingTokenizer`: WordPiece, as Keras Hub's BERT tokenizer has it."""

from __future__ import annotations

import keras
import keras_hub

from keras_textcls.models.static_embedding.static_embedding_backbone import (
    StaticEmbeddingBackbone,
)


@keras.saving.register_keras_serializable(package="keras_textcls")
class StaticEmbeddingTokenizer(keras_hub.models.BertTokenizer):
    """A WordPiece tokenizer that pairs with `StaticEmbeddingBackbone`.

    Args:
        vocabulary: list of strings or path, as for
            `keras_hub.models.BertTokenizer`.
        lowercase: bool. Defaults to `False`.
        **kwargs: further arguments of `keras_hub.models.BertTokenizer`.

    Example:
    >>> tokenizer = StaticEmbeddingTokenizer(
    ...     vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "##bye"]
    ... )
    >>> [int(i) for i in tokenizer("goodbye")]
    [5, 6]
    """

    backbone_cls = StaticEmbeddingBackbone
