"""The layers that `MiniEncoderBackbone` is made of."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# Added to the scores of padding before the softmax; far below any score.
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="keras_textcls")
class MiniEncoderLayer(keras.layers.Layer):
    """A transformer layer whose inner layers may be narrower than its states.

    As in BERT (Devlin et al., 2018), attention and then a feed-forward layer are
    each added to the states and normalised. Unlike there, `num_heads * head_dim`
    and `intermediate_dim` may be smaller than the states, and one product makes
    queries, keys and values.

    Args:
        num_heads: int, attention heads.
        head_dim: int, size of each.
        intermediate_dim: int, width of the feed-forward layer.
        dropout: float, dropout rate. Defaults to `0.1`.
        layer_norm_epsilon: float. Defaults to `1e-12`.
        **kwargs: `name`, `dtype` and `trainable`, as for a Keras layer.

    Call arguments:
        inputs: float tensor of shape `(batch, length, hidden_dim)`.
        padding_mask: tensor of shape `(batch, length)`, true at real tokens.

    Returns:
        A tensor of the shape of `inputs`.
    """

    def __init__(
        self,
        num_heads: int,
        head_dim: int,
        intermediate_dim: int,
        dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon

    def build(self, inputs_shape: Any) -> None:
        """Make the sublayers for states of size `inputs_shape[-1]`."""
        hidden_dim = inputs_shape[-1]
        width = self.num_heads * self.head_dim
        self.query_key_value = self._dense(3 * width, "query_key_value")
        self.attention_output = self._dense(hidden_dim, "attention_output")
        self.attention_norm = self._norm("attention_norm")
        self.intermediate = self._dense(self.intermediate_dim, "intermediate")
        self.output_dense = self._dense(hidden_dim, "output_dense")
        self.output_norm = self._norm("output_norm")
        self.dropout_layer = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="dropout"
        )
        self.query_key_value.build(inputs_shape)
        self.attention_output.build((*inputs_shape[:-1], width))
        self.attention_norm.build(inputs_shape)
        self.intermediate.build(inputs_shape)
        self.output_dense.build((*inputs_shape[:-1], self.intermediate_dim))
        self.output_norm.build(inputs_shape)
        super().build(inputs_shape)

    def call(self, inputs: Any, padding_mask: Any, training: bool | None = None) -> Any:
        """Apply self-attention over the real tokens of each text, then the dense layers."""
        x = self.attention_output(self._attend(inputs, padding_mask))
        x = self.attention_norm(inputs + self.dropout_layer(x, training=training))
        # The tanh form, as in Keras Hub's BERT.
        hidden = keras.activations.gelu(self.intermediate(x), approximate=True)
        hidden = self.dropout_layer(self.output_dense(hidden), training=training)
        return self.output_norm(x + hidden)

    def _attend(self, inputs: Any, padding_mask: Any) -> Any:
        batch, length = ops.shape(inputs)[:2]
        joined = self.query_key_value(inputs)
        joined = ops.reshape(joined, (batch, length, 3, self.num_heads, self.head_dim))
        query, key, value = ops.unstack(ops.transpose(joined, (2, 0, 3, 1, 4)), 3, axis=0)
        scores = ops.matmul(query * self.head_dim**-0.5, ops.swapaxes(key, -1, -2))
        # In float32, where float16 could not hold the mask.
        bias = (1.0 - ops.cast(padding_mask, "float32")) * _MASKED
        scores = ops.cast(scores, "float32") + bias[:, None, None, :]
        shares = ops.cast(ops.softmax(scores, axis=-1), self.compute_dtype)
        mixed = ops.transpose(ops.matmul(shares, value), (0, 2, 1, 3))
        return ops.reshape(mixed, (batch, length, self.num_heads * self.head_dim))

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name=name,
        )

    def _norm(self, name: str) -> keras.layers.LayerNormalization:
        return keras.layers.LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def compute_output_shape(self, inputs_shape: Any, *args: Any) -> Any:
        """Return `inputs_shape`."""
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
        }


@keras.saving.register_keras_serializable(package="keras_textcls")
class SplitIntoChunks(keras.layers.Layer):
    """Cut texts into chunks, each a row of its own.

    A batch that is no longer than a chunk stays as it is.

    Args:
        chunk_length: int, tokens of a chunk.
        **kwargs: `name`, as for a Keras layer.

    Call arguments:
        inputs: int tensor of shape `(batch, length)`.

    Returns:
        A tensor of shape `(batch * num_chunks, min(length, chunk_length))`,
        the last chunk filled up with zeros.
    """

    def __init__(self, chunk_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.chunk_length = chunk_length

    def call(self, inputs: Any) -> Any:
        """Cut `inputs`."""
        length = ops.shape(inputs)[1]
        chunks = -(-length // self.chunk_length)
        width = (
            min(length, self.chunk_length)
            if isinstance(length, int)
            else ops.minimum(length, self.chunk_length)
        )
        padded = ops.pad(inputs, ((0, 0), (0, chunks * width - length)))
        return ops.reshape(padded, (-1, width))

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """Return the shape of the chunks."""
        return (None, None)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "chunk_length": self.chunk_length}


@keras.saving.register_keras_serializable(package="keras_textcls")
class JoinChunks(keras.layers.Layer):
    """Undo `SplitIntoChunks` for the hidden states of the chunks.

    Args:
        **kwargs: `name` and `dtype`, as for a Keras layer.

    Call arguments:
        states: float tensor of shape `(batch * num_chunks, chunk, hidden_dim)`.
        token_ids: int tensor of shape `(batch, length)`, what was cut.

    Returns:
        A tensor of shape `(batch, length, hidden_dim)`.
    """

    def call(self, states: Any, token_ids: Any) -> Any:
        """Join `states`."""
        batch, length = ops.shape(token_ids)
        whole = ops.reshape(states, (batch, -1, states.shape[-1]))
        return whole[:, :length]

    def compute_output_shape(self, states_shape: Any, token_ids_shape: Any) -> Any:
        """Return the shape `(batch, length, hidden_dim)`."""
        return (*token_ids_shape, states_shape[-1])
