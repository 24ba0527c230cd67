"""`MiniEncoderBackbone`: a small transformer that pools the states of all its layers."""

from __future__ import annotations

from typing import Any

import keras
import keras_hub

from keras_textcls.models.mini_encoder.mini_encoder_layers import (
    JoinChunks,
    MiniEncoderLayer,
    SplitIntoChunks,
)
from keras_textcls.models.pooling import MaskedPooling


def _initializer() -> keras.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


@keras.saving.register_keras_serializable(package="keras_textcls")
class MiniEncoderBackbone(keras_hub.models.Backbone):
    """A small BERT-like encoder whose text vector concatenates features of all layers.

    The vector of a text concatenates the mean of its embeddings, the means of
    the states of every layer, and the maximum of the last layer. The embeddings
    represent the words, the last layer the meaning, the layers between the
    structure, and the maximum the strongest single words. A head on frozen
    features gains from all of them.

    The layers have wide states and narrow inner layers (`MiniEncoderLayer`), so
    that the states can be those of a larger teacher. Long texts are read in
    chunks: a token sees the tokens of its own chunk, and the time that a text
    takes grows with its length, not with the square of it.

    Args:
        vocabulary_size: int, number of tokens.
        num_layers: int, number of transformer layers. Defaults to `2`.
        num_heads: int, attention heads of each. Defaults to `6`.
        head_dim: int, size of each head. Defaults to `32`.
        hidden_dim: int, size of embeddings and hidden states. Defaults to `384`.
        intermediate_dim: int, width of the feed-forward layers. Defaults to
            `384`.
        chunk_length: int, tokens of a chunk, and number of positions. Defaults
            to `64`.
        dropout: float, dropout rate. Defaults to `0.1`.
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
        `(batch, (num_layers + 2) * hidden_dim)`.

    Example:
    >>> import numpy as np
    >>> backbone = MiniEncoderBackbone(vocabulary_size=9, hidden_dim=8)
    >>> ids = np.array([[3, 5, 0]])
    >>> outputs = backbone({"token_ids": ids, "padding_mask": ids > 0})
    >>> tuple(outputs["pooled_output"].shape)
    (1, 32)
    """

    default_pooling = "pooler"

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int = 2,
        num_heads: int = 6,
        head_dim: int = 32,
        hidden_dim: int = 384,
        intermediate_dim: int = 384,
        chunk_length: int = 64,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        # Long, in the order in which Keras Hub writes every backbone.
        # === Layers ===
        self.token_embedding = keras.layers.Embedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=_initializer(),
            dtype=dtype,
            name="token_embedding",
        )
        self.position_embedding = keras_hub.layers.PositionEmbedding(
            chunk_length, initializer=_initializer(), dtype=dtype, name="position_embedding"
        )
        self.embeddings_add = keras.layers.Add(dtype=dtype, name="embeddings_add")
        self.embeddings_layer_norm = keras.layers.LayerNormalization(
            epsilon=1e-12, dtype=dtype, name="embeddings_layer_norm"
        )
        self.embeddings_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="embeddings_dropout"
        )
        self.transformer_layers = [
            MiniEncoderLayer(
                num_heads=num_heads,
                head_dim=head_dim,
                intermediate_dim=intermediate_dim,
                dropout=dropout,
                dtype=dtype,
                name=f"transformer_layer_{i}",
            )
            for i in range(num_layers)
        ]
        self.split_ids = SplitIntoChunks(chunk_length, name="split_ids")
        self.split_mask = SplitIntoChunks(chunk_length, name="split_mask")
        self.join_chunks = JoinChunks(dtype=dtype, name="join_chunks")
        self.pooling = MaskedPooling("mean", dtype=dtype, name="mean_pooling")
        self.max_pooling = MaskedPooling("max", dtype=dtype, name="max_pooling")
        self.join_parts = keras.layers.Concatenate(dtype=dtype, name="pooled_output")

        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        ids, mask = self.split_ids(token_ids), self.split_mask(padding_mask)
        x = self.token_embedding(ids)
        x = self.embeddings_add([x, self.position_embedding(x)])
        x = self.embeddings_dropout(self.embeddings_layer_norm(x))
        states = [self.join_chunks(x, token_ids)]
        for layer in self.transformer_layers:
            x = layer(x, padding_mask=mask)
            states.append(self.join_chunks(x, token_ids))
        parts = [self.pooling(state, padding_mask=padding_mask) for state in states]
        parts.append(self.max_pooling(states[-1], padding_mask=padding_mask))
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs={
                "sequence_output": states[-1],
                "pooled_output": self.join_parts(parts),
            },
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.chunk_length = chunk_length
        self.dropout = dropout

    def default_lora_layer_names(self) -> list[str]:
        """Return the names of the layers that Keras Hub's `enable_lora` adapts.

        One layer makes queries, keys and values together.
        """
        return ["query_key_value"]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "chunk_length": self.chunk_length,
            "dropout": self.dropout,
        }
