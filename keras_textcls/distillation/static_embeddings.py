"""Static embeddings made from an encoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_textcls.models import StaticEmbeddingBackbone


def static_from_encoder(encoder: Any) -> StaticEmbeddingBackbone:
    """Make a static backbone from the embeddings of an encoder, before any context.

    The vector of a token is its embedding after the encoder's first norm,
    without a position; all tokens weigh the same. Out of a distilled
    `MiniEncoderBackbone` this serves a classifier better than a static student
    trained for the sentence vector alone (`docs/distillation.md`).

    Args:
        encoder: a backbone with `token_embedding` and `embeddings_layer_norm`.

    Returns:
        A `StaticEmbeddingBackbone`.
    """
    table = encoder.token_embedding.embeddings
    vectors = keras.ops.convert_to_numpy(encoder.embeddings_layer_norm(table))
    static = StaticEmbeddingBackbone(*vectors.shape)
    static.token_embedding.set_weights([vectors])
    return static
