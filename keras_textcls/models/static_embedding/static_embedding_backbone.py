"""`StaticEmbeddingBackbone`: a text as the weighted mean of its tokens' vectors."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub
from keras import ops

# A text without any real token; exp() of a score is far above it.
_SMALLEST_TOTAL = 1e-9


@keras.saving.register_keras_serializable(package="keras_textcls")
class StaticEmbeddingBackbone(keras_hub.models.Backbone):
    """A backbone without context: each token has one vector and one weight.

    The vector of a text is the mean of the vectors of its tokens, weighted by
    the exponential of a learned score of each token, so that "the" counts less
    than "refund". It reads texts some hundred times as fast as a transformer of
    the size of MiniLM, and knows nothing of word order.

    The idea of distilling such a model from a sentence transformer is that of
    Model2Vec (Tulkens and van Dongen, 2024).

    Args:
        vocabulary_size: int, number of tokens.
        embedding_dim: int, size of the vectors.
        normalize: bool, whether the vectors of texts are divided by their
            Euclidean length. Defaults to `False`.
        head_activation: string, the activation of the hidden layer of a
            classifier on this backbone, where it has one. Defaults to `"gelu"`.
        dtype: string or `keras.DTypePolicy`, for computations and weights.
            Defaults to `None`, Keras's own default.
        **kwargs: `name` and `trainable`, as for a Keras Hub backbone.

    Call arguments:
        token_ids: int tensor of shape `(batch, sequence_length)`.
        padding_mask: int or bool tensor of shape `(batch, sequence_length)`,
            true at real tokens. A text without any has a vector of zeros.

    Returns:
        A tensor of shape `(batch, embedding_dim)`.

    Example:
    >>> import numpy as np
    >>> backbone = StaticEmbeddingBackbone(vocabulary_size=9, embedding_dim=4)
    >>> ids = np.array([[3, 5, 0]])
    >>> tuple(backbone({"token_ids": ids, "padding_mask": ids > 0}).shape)
    (1, 4)
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        normalize: bool = False,
        head_activation: str = "gelu",
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        self.token_embedding = keras.layers.Embedding(
            vocabulary_size,
            embedding_dim,
            embeddings_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=dtype,
            name="token_embedding",
        )
        self.token_score = keras.layers.Embedding(
            vocabulary_size, 1, embeddings_initializer="zeros", dtype=dtype, name="token_score"
        )
        self.pooling = ScoredMean(dtype=dtype, name="pooling")

        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        outputs = self.pooling(
            self.token_embedding(token_ids), self.token_score(token_ids), padding_mask
        )
        if normalize:
            outputs = keras.layers.UnitNormalization(dtype=dtype, name="unit_length")(outputs)
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs=outputs,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.normalize = bool(normalize)
        self.head_activation = head_activation

    def default_lora_layer_names(self) -> list[str]:
        """Return the names of the layers that Keras Hub's `enable_lora` adapts."""
        return ["token_embedding"]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "normalize": self.normalize,
            "head_activation": self.head_activation,
        }


@keras.saving.register_keras_serializable(package="keras_textcls")
class ScoredMean(keras.layers.Layer):
    """The mean of vectors, weighted by the exponentials of their scores.

    Sums run in float32 whatever the dtype policy.

    Call arguments:
        vectors: float tensor of shape `(batch, sequence_length, dim)`.
        scores: float tensor of shape `(batch, sequence_length, 1)`.
        padding_mask: tensor of shape `(batch, sequence_length)`, true at real
            tokens.

    Returns:
        A tensor of shape `(batch, dim)`.
    """

    def call(self, vectors: Any, scores: Any, padding_mask: Any) -> Any:
        """Average `vectors` where `padding_mask` is true."""
        real = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        weights = ops.exp(ops.cast(scores, "float32")) * real
        total = ops.maximum(ops.sum(weights, axis=1), _SMALLEST_TOTAL)
        mean = ops.sum(ops.cast(vectors, "float32") * weights, axis=1) / total
        return ops.cast(mean, self.compute_dtype)

    def compute_output_shape(self, vectors_shape: Any, *args: Any) -> Any:
        """Return the shape `(batch, dim)`."""
        return (vectors_shape[0], vectors_shape[-1])
