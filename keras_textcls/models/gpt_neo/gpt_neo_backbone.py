"""`GPTNeoBackbone`: token ids to hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import keras_hub
from keras_hub.layers import PositionEmbedding, ReversibleEmbedding

from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.models.gpt_neo.convert_gpt_neo import checkpoint_loader
from keras_textcls.models.gpt_neo.gpt_neo_layers import GPTNeoDecoder

GLOBAL, LOCAL = "global", "local"
_EPSILON = 1e-5


def _kernel_initializer(stddev: float = 0.02) -> keras.initializers.RandomNormal:
    return keras.initializers.RandomNormal(stddev=stddev)


@keras.saving.register_keras_serializable(package="keras_textcls")
class GPTNeoBackbone(keras_hub.models.Backbone):
    """GPT-Neo without a head: a decoder with global and local attention in alternate layers.

    After [Black et al., 2021](https://doi.org/10.5281/zenodo.5297715): like GPT-2
    with learned positions, but the layers alternate between global attention and
    a window of 256 tokens, attention scores are not scaled, and query, key and
    value have no bias.

    Args:
        vocabulary_size: int.
        num_layers: int.
        num_heads: int; `hidden_dim` must be a multiple of it.
        hidden_dim: int.
        intermediate_dim: int, width of the first dense layer of a block.
            Defaults to `None`, four times `hidden_dim`.
        attention_types: sequence of `"global"` and `"local"`, one a layer.
            Defaults to `None`: in turn, global first.
        window_size: int, tokens that a local layer sees. Defaults to `256`.
        dropout: float, on embeddings and on what blocks add. Defaults to `0.0`,
            as published.
        attention_dropout: float, on attention weights. Defaults to `0.0`.
        max_sequence_length: int, positions that are learned. Defaults to `2048`.
        dtype: dtype or policy of the computation and the weights. Defaults to
            `None`, Keras's own.
        **kwargs: further arguments of `keras_hub.models.Backbone`.

    Raises:
        ArgumentError: `hidden_dim` is no multiple of `num_heads`, or
            `attention_types` does not fit.

    Example:
    >>> import numpy as np
    >>> backbone = GPTNeoBackbone(
    ...     vocabulary_size=100, num_layers=2, num_heads=2, hidden_dim=8, max_sequence_length=16
    ... )
    >>> token_ids = np.ones((1, 5), "int32")
    >>> mask = np.ones_like(token_ids)
    >>> tuple(backbone({"token_ids": token_ids, "padding_mask": mask}).shape)
    (1, 5, 8)
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int | None = None,
        attention_types: Sequence[str] | None = None,
        window_size: int = 256,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        max_sequence_length: int = 2048,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        types = _check(num_layers, num_heads, hidden_dim, attention_types)
        width = 4 * hidden_dim if intermediate_dim is None else intermediate_dim

        # Long, in the order in which Keras Hub writes every backbone.
        # === Layers ===
        self.token_embedding = ReversibleEmbedding(
            vocabulary_size,
            hidden_dim,
            embeddings_initializer=_kernel_initializer(),
            dtype=dtype,
            name="token_embedding",
        )
        self.position_embedding = PositionEmbedding(
            max_sequence_length,
            initializer=_kernel_initializer(),
            dtype=dtype,
            name="position_embedding",
        )
        self.embeddings_add = keras.layers.Add(dtype=dtype, name="embeddings_add")
        self.embeddings_dropout = keras.layers.Dropout(
            dropout, dtype=dtype, name="embeddings_dropout"
        )
        self.transformer_layers = [
            GPTNeoDecoder(
                num_heads,
                width,
                window_size if kind == LOCAL else None,
                dropout,
                attention_dropout,
                _EPSILON,
                _kernel_initializer(),
                dtype=dtype,
                name=f"transformer_layer_{i}",
            )
            for i, kind in enumerate(types)
        ]
        self.layer_norm = keras.layers.LayerNormalization(
            epsilon=_EPSILON, dtype=dtype, name="layer_norm"
        )

        # === Functional Model ===
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        padding_mask = keras.Input((None,), dtype="int32", name="padding_mask")
        tokens = self.token_embedding(token_ids)
        x = self.embeddings_add((tokens, self.position_embedding(tokens)))
        x = self.embeddings_dropout(x)
        for layer in self.transformer_layers:
            x = layer(x, decoder_padding_mask=padding_mask)
        super().__init__(
            inputs={"token_ids": token_ids, "padding_mask": padding_mask},
            outputs=self.layer_norm(x),
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = width
        self.attention_types = list(types)
        self.window_size = window_size
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.max_sequence_length = max_sequence_length

    @classmethod
    def from_preset(cls, preset: Any, load_weights: bool = True, **kwargs: Any) -> GPTNeoBackbone:
        """Load a preset, or a checkpoint of Hugging Face.

        Args:
            preset: string or path: a preset, or a checkpoint's directory or
                handle, such as `"hf://EleutherAI/gpt-neo-125m"`.
            load_weights: bool. Defaults to `True`.
            **kwargs: further arguments of the constructor.

        Returns:
            A `GPTNeoBackbone`.
        """
        loader = checkpoint_loader(preset)
        if loader is not None:
            return loader.load_backbone(cls, load_weights, **kwargs)
        return super().from_preset(preset, load_weights=load_weights, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "attention_types": list(self.attention_types),
            "window_size": self.window_size,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "max_sequence_length": self.max_sequence_length,
        }


def _check(
    num_layers: int, num_heads: int, hidden_dim: int, attention_types: Sequence[str] | None
) -> list[str]:
    """The kind of each layer."""
    if hidden_dim % num_heads:
        raise ArgumentError(
            f"`hidden_dim` must be a multiple of `num_heads`. Received: hidden_dim={hidden_dim}, "
            f"num_heads={num_heads}."
        )
    if attention_types is None:
        return [(GLOBAL, LOCAL)[i % 2] for i in range(num_layers)]
    types = list(attention_types)
    if len(types) != num_layers or set(types) - {GLOBAL, LOCAL}:
        raise ArgumentError(
            f"`attention_types` must hold {GLOBAL!r} or {LOCAL!r} for each of {num_layers} layers. "
            f"Received: attention_types={shorten(types)}."
        )
    return types
