"""The layers of GPT-Neo, with global attention or attention in a local window."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# In place of minus infinity, which a row without any admitted key would turn into NaN.
_MASKED = -1e9


def gelu(x: Any) -> Any:
    """The tanh form of GELU, in which the published weights were trained."""
    return keras.activations.gelu(x, approximate=True)


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoAttention(keras.layers.Layer):
    """Causal self-attention, global or local, without scaling of the scores.

    Query, key and value have no bias; scores are not divided by the root of the
    size of a head. A local layer sees a token and the `window_size - 1` before
    it.

    Args:
        num_heads: int.
        window_size: int, tokens that are seen, or `None` for all before.
            Defaults to `None`.
        dropout: float, on the attention weights. Defaults to `0.0`.
        kernel_initializer: initializer of the kernels. Defaults to
            `"glorot_uniform"`.
        **kwargs: further arguments of `keras.layers.Layer`.

    Call arguments:
        x: float tensor of shape `(batch, num_tokens, hidden_dim)`.
        padding_mask: bool tensor of shape `(batch, num_keys)`, or `None`.
        cache: tuple of float tensors of shape `(batch, num_heads, max_length,
            head_dim)`, keys and values so far, or `None`.
        start: int or int tensor, position of the first token of `x`. Defaults
            to `0`.

    Returns:
        The attended tensor of the shape of `x`; with a cache, a tuple of it and
        the updated cache.
    """

    def __init__(
        self,
        num_heads: int,
        window_size: int | None = None,
        dropout: float = 0.0,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.window_size = window_size
        self.dropout = dropout
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the dense layers.

        Args:
            input_shape: `(batch, num_tokens, hidden_dim)`.
        """
        hidden_dim = input_shape[-1]
        self.head_dim = hidden_dim // self.num_heads
        for name, use_bias in (("query", 0), ("key", 0), ("value", 0), ("attention_output", 1)):
            dense = keras.layers.Dense(
                hidden_dim,
                use_bias=bool(use_bias),
                kernel_initializer=_clone(self.kernel_initializer),
                dtype=self.dtype_policy,
                name=name,
            )
            dense.build((None, None, hidden_dim))
            setattr(self, f"{name}_dense", dense)
        self.dropout_layer = keras.layers.Dropout(
            self.dropout, dtype=self.dtype_policy, name="attention_dropout"
        )
        self.built = True

    def call(
        self,
        x: Any,
        padding_mask: Any = None,
        cache: Any = None,
        start: Any = 0,
        training: bool | None = None,
    ) -> Any:
        """Attend; see the class."""
        query, key, value = (
            self._split(dense(x)) for dense in (self.query_dense, self.key_dense, self.value_dense)
        )
        if cache is not None:
            key = ops.slice_update(cache[0], [0, 0, start, 0], key)
            value = ops.slice_update(cache[1], [0, 0, start, 0], value)
            cache = (key, value)
        admitted = self._admitted(ops.shape(query)[2], ops.shape(key)[2], start, padding_mask)
        outputs = self._attend(query, key, value, admitted, training)
        return outputs if cache is None else (outputs, cache)

    def call_with_branches(self, x: Any, positions: Any, admitted: Any, memory: Any) -> Any:
        """Attend in sequences that branch, such as one prompt and many answers to it.

        Args:
            x: float tensor of shape `(batch, num_tokens, hidden_dim)`.
            positions: int tensor of shape `(batch, num_tokens)`, the place of
                each token in its own sequence.
            admitted: bool tensor of shape `(batch, num_tokens, num_tokens)`,
                which token (last axis) a token (axis before) comes after, or is.
            memory: tuple of keys and values of tokens before all those, tensors
                of shape `(batch or 1, num_heads, num_before, head_dim)`, or
                `None`.

        Returns:
            A tuple of the attended tensor, and the tuple of keys and values of
            the tokens, after those of `memory`.
        """
        query, key, value = (
            self._split(dense(x)) for dense in (self.query_dense, self.key_dense, self.value_dense)
        )
        places = positions
        if memory is not None:
            batch, before = ops.shape(x)[0], ops.shape(memory[0])[2]
            if memory[0].shape[0] == 1:
                memory = [ops.repeat(part, batch, axis=0) for part in memory]
            key, value = (
                ops.concatenate([ops.cast(part, own.dtype), own], axis=2)
                for part, own in zip(memory, (key, value), strict=True)
            )
            seen = ops.ones((batch, ops.shape(x)[1], before), "bool")
            admitted = ops.concatenate([seen, admitted], axis=2)
            first = ops.repeat(ops.arange(before, dtype="int32")[None], batch, axis=0)
            places = ops.concatenate([first, positions], axis=1)
        if self.window_size is not None:
            near = places[:, None, :] > positions[:, :, None] - self.window_size
            admitted = ops.logical_and(admitted, near)
        return self._attend(query, key, value, admitted[:, None], False), (key, value)

    def compute_output_shape(self, input_shape: Any, **kwargs: Any) -> Any:
        """The shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "window_size": self.window_size,
            "dropout": self.dropout,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _attend(self, query: Any, key: Any, value: Any, admitted: Any, training: Any) -> Any:
        # Unscaled scores may be large: float32, whatever the layer computes in.
        key = ops.transpose(ops.cast(key, "float32"), (0, 1, 3, 2))
        scores = ops.matmul(ops.cast(query, "float32"), key)
        scores = ops.where(admitted, scores, _MASKED)
        # By hand: Keras's softmax warns of a text of one token.
        odds = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
        weights = ops.cast(odds / ops.sum(odds, axis=-1, keepdims=True), self.compute_dtype)
        weights = self.dropout_layer(weights, training=training)
        mixed = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        shape = ops.shape(mixed)
        mixed = ops.reshape(mixed, (shape[0], shape[1], self.num_heads * self.head_dim))
        return self.attention_output_dense(mixed)

    def _split(self, x: Any) -> Any:
        """From `(batch, num_tokens, hidden_dim)` to `(batch, num_heads, num_tokens, head_dim)`."""
        shape = ops.shape(x)
        x = ops.reshape(x, (shape[0], shape[1], self.num_heads, self.head_dim))
        return ops.transpose(x, (0, 2, 1, 3))

    def _admitted(self, num_queries: Any, num_keys: Any, start: Any, padding_mask: Any) -> Any:
        """Which key a query may see, of shape `(batch or 1, 1, num_queries, num_keys)`."""
        queries = ops.expand_dims(ops.arange(num_queries, dtype="int32") + start, 1)
        keys = ops.expand_dims(ops.arange(num_keys, dtype="int32"), 0)
        admitted = keys <= queries
        if self.window_size is not None:
            admitted = ops.logical_and(admitted, keys > queries - self.window_size)
        admitted = admitted[None, None]
        if padding_mask is None:
            return admitted
        real = ops.cast(padding_mask, "bool")[:, None, None, :]
        return ops.logical_and(admitted, real)


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoDecoder(keras.layers.Layer):
    """A block of GPT-Neo: norm and attention, norm and two dense layers, each added.

    Its arguments of `call` are those of `keras_hub.layers.TransformerDecoder`, so
    that Keras Hub's generation works with it.

    Args:
        num_heads: int.
        intermediate_dim: int, width of the first of the two dense layers.
        window_size: int, or `None` for global attention. Defaults to `None`.
        dropout: float, on what is added. Defaults to `0.0`.
        attention_dropout: float, on the attention weights. Defaults to `0.0`.
        layer_norm_epsilon: float. Defaults to `1e-5`.
        kernel_initializer: initializer of the kernels. Defaults to
            `"glorot_uniform"`.
        **kwargs: further arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_dim: int,
        window_size: int | None = None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.window_size = window_size
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the layers.

        Args:
            input_shape: `(batch, num_tokens, hidden_dim)`.
        """
        hidden_dim, policy = input_shape[-1], self.dtype_policy
        self.attention_norm = self._norm("attention_norm", hidden_dim)
        self.attention = GPTNeoAttention(
            self.num_heads,
            self.window_size,
            self.attention_dropout,
            _clone(self.kernel_initializer),
            dtype=policy,
            name="attention",
        )
        self.attention.build(input_shape)
        self.feedforward_norm = self._norm("feedforward_norm", hidden_dim)
        for name, width, size, activation in (
            ("feedforward_intermediate_dense", self.intermediate_dim, hidden_dim, gelu),
            ("feedforward_output_dense", hidden_dim, self.intermediate_dim, None),
        ):
            initializer = _clone(self.kernel_initializer)
            dense = keras.layers.Dense(
                width, activation, kernel_initializer=initializer, dtype=policy, name=name
            )
            dense.build((None, None, size))
            setattr(self, name, dense)
        self.dropout_layer = keras.layers.Dropout(self.dropout, dtype=policy, name="dropout")
        self.built = True

    def call(
        self,
        x: Any,
        decoder_padding_mask: Any = None,
        self_attention_cache: Any = None,
        self_attention_cache_update_index: Any = 0,
        training: bool | None = None,
    ) -> Any:
        """Run the block.

        Args:
            x: float tensor of shape `(batch, num_tokens, hidden_dim)`.
            decoder_padding_mask: bool tensor of shape `(batch, num_tokens)`, or
                `None`. Defaults to `None`.
            self_attention_cache: keys and values so far, as for
                `GPTNeoAttention`, or `None`. Defaults to `None`.
            self_attention_cache_update_index: int or int tensor, position of the
                first token. Defaults to `0`.
            training: bool or `None`. Defaults to `None`.

        Returns:
            A tensor of the shape of `x`; with a cache, a tuple of it and the
            updated cache.
        """
        cache = self_attention_cache
        attended = self.attention(
            self.attention_norm(x),
            padding_mask=decoder_padding_mask,
            cache=cache,
            start=self_attention_cache_update_index,
            training=training,
        )
        if cache is not None:
            attended, cache = attended
        x = self._add(x, attended, training)
        return x if cache is None else (x, cache)

    def call_with_branches(self, x: Any, positions: Any, admitted: Any, memory: Any) -> Any:
        """Run the block on sequences that branch; see `GPTNeoAttention`.

        Args:
            x: float tensor of shape `(batch, num_tokens, hidden_dim)`.
            positions: int tensor of shape `(batch, num_tokens)`.
            admitted: bool tensor of shape `(batch, num_tokens, num_tokens)`.
            memory: tuple of keys and values of tokens before, or `None`.

        Returns:
            A tuple of a tensor of the shape of `x`, and the tuple of keys and
            values of the tokens.
        """
        normed = self.attention_norm(x)
        attended, own = self.attention.call_with_branches(normed, positions, admitted, memory)
        return self._add(x, attended, False), own

    def compute_output_shape(self, input_shape: Any, **kwargs: Any) -> Any:
        """The shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "window_size": self.window_size,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _add(self, x: Any, attended: Any, training: Any) -> Any:
        x = x + self.dropout_layer(attended, training=training)
        hidden = self.feedforward_intermediate_dense(self.feedforward_norm(x))
        return x + self.dropout_layer(self.feedforward_output_dense(hidden), training=training)

    def _norm(self, name: str, hidden_dim: int) -> keras.layers.LayerNormalization:
        norm = keras.layers.LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )
        norm.build((None, None, hidden_dim))
        return norm


def _clone(initializer: Any) -> Any:
    """An initializer with its own random state."""
    return initializer.__class__.from_config(initializer.get_config())
