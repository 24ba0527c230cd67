"""`MiniEncoderBackbone`: a small transformer beside static embeddings."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub

from keras_textcls.models.static_embedding.static_embedding_backbone import ScoredMean


def _initializer() -> keras.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


@keras.saving.register_keras_serializable(package="keras_textcls")
class MiniEncoderBackbone(keras_hub.models.Backbone):
    """A small BERT-like encoder that returns static and contextual features.

    The vector of a text joins two weighted means with the same learned score of
    each token: that of the tokens' embeddings (what words there are) and that
    of their hidden states (what they mean here). The first keeps what a small
    transformer loses, the second what a bag of words never has.

    Args:
        vocabulary_size: int, number of tokens.
        num_layers: int, number of transformer layers. Defaults to `2`.
        num_heads: int, attention heads of each. Defaults to `4`.
        hidden_dim: int, size of embeddings and hidden states. Defaults to `256`.
        intermediate_dim: int, width of the feed-forward layers. Defaults to
            `1024`.
        dropout: float, dropout rate. Defaults to `0.1`.
        max_sequence_length: int, number of positions. Defaults to `512`.
        dtype: string or `keras.DTypePolicy`, for computations and weights.
            Defaults to `None`, Keras's own default.
        **kwargs: `name` and `trainable`, as for a Keras Hub backbone.

    Call arguments:
        token_ids: int tensor of shape `(batch, sequence_length)`.
        padding_mask: int or bool tensor of shape `(batch, sequence_length)`,
            true at real tokens.

    Returns:
        A dict of `"sequence_output"`, of shape
        `(batch, sequence_length, hidden_dim)`, and `"pooled_output"`, of shape
        `(batch, 2 * hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> backbone = MiniEncoderBackbone(vocabulary_size=9, hidden_dim=8, intermediate_dim=8)
    >>> ids = np.array([[3, 5, 0]])
    >>> outputs = backbone({"token_ids": ids, "padding_mask": ids > 0})
    >>> tuple(outputs["pooled_output"].shape)
    (1, 16)
    """

    default_pooling = "pooler"

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int = 2,
        num_heads: int = 4,
        hidden_dim: int = 256,
        intermediate_dim: int = 1024,
        dropout: float = 0.1,
        max_sequence_length: int = 512,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        self.token_embedding = keras.layers.Embedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=_initializer(),
            dtype=dtype,
            name="token_embedding",
        )
        self.token_score = keras.layers.Embedding(
            vocabulary_size, 1, embeddings_initializer="zeros", dtype=dtype, name="token_score"
        )
        self.position_embedding = keras_hub.layers.PositionEmbedding(
            max_sequence_length, initializer=_initializer(), dtype=dtype, name="position_embedding"
        )
        self.embeddings_add = keras.layers.Add(dtype=dtype, name="embeddings_add")
        self.embeddings_layer_norm = keras.layers.LayerNormalization(
            epsilon=1e-12, dtype=dtype, name="embeddings_layer_norm"
        )
        self.embeddings_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="embeddings_dropout"
        )
        self.transformer_layers = [
            keras_hub.layers.TransformerEncoder(
                num_heads=num_heads,
                intermediate_dim=intermediate_dim,
                activation=_gelu,
                dropout=dropout,
                layer_norm_epsilon=1e-12,
                kernel_initializer=_initializer(),
                dtype=dtype,
                name=f"transformer_layer_{i}",
            )
            for i in range(num_layers)
        ]
        self.static_pooling = ScoredMean(dtype=dtype, name="static_pooling")
        self.contextual_pooling = ScoredMean(dtype=dtype, name="contextual_pooling")
        self.join = keras.layers.Concatenate(dtype=dtype, name="pooled_output")

        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        static = self.token_embedding(token_ids)
        scores = self.token_score(token_ids)
        x = self.embeddings_add([static, self.position_embedding(static)])
        x = self.embeddings_dropout(self.embeddings_layer_norm(x))
        for layer in self.transformer_layers:
            x = layer(x, padding_mask=padding_mask)
        pooled = self.join(
            [
                self.static_pooling(static, scores, padding_mask),
                self.contextual_pooling(x, scores, padding_mask),
            ]
        )
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs={"sequence_output": x, "pooled_output": pooled},
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.max_sequence_length = max_sequence_length

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "max_sequence_length": self.max_sequence_length,
        }


def _gelu(x: Any) -> Any:
    # The tanh form, as in Keras Hub's BERT.
    return keras.activations.gelu(x, approximate=True)
