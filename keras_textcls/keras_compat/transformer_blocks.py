"""The parts of Keras Hub's transformer blocks, which it keeps private.

They are those of `keras_hub.layers.TransformerEncoder`, of `TransformerDecoder` and of the
blocks that architectures have of their own in the same form.
"""

from __future__ import annotations

from typing import Any

from keras_hub.src.utils.keras_utils import gelu_approximate

__all__ = ["BLOCK_PARTS", "block_part", "gelu_approximate", "has_block_part"]

# Paths of attributes by what stands there.
BLOCK_PARTS = {
    "query": "_self_attention_layer._query_dense",
    "key": "_self_attention_layer._key_dense",
    "value": "_self_attention_layer._value_dense",
    "attention": "_self_attention_layer._output_dense",
    "attention_norm": "_self_attention_layer_norm",
    "intermediate": "_feedforward_intermediate_dense",
    "output": "_feedforward_output_dense",
    "output_norm": "_feedforward_layer_norm",
}


def block_part(block: Any, part: str) -> Any:
    """Return a layer within a transformer block.

    Args:
        block: a block of Keras Hub, such as `keras_hub.layers.TransformerEncoder`.
        part: string, a key of `BLOCK_PARTS`.

    Returns:
        A `keras.layers.Layer`.

    Raises:
        AttributeError: the block has no such part.
    """
    for name in BLOCK_PARTS[part].split("."):
        block = getattr(block, name)
    return block


def has_block_part(block: Any, part: str) -> bool:
    """Return whether a block has a layer in the place where Keras Hub's own blocks have it.

    Args:
        block: any object.
        part: string, a key of `BLOCK_PARTS`.

    Returns:
        A bool.
    """
    for name in BLOCK_PARTS[part].split("."):
        if not hasattr(block, name):
            return False
        block = getattr(block, name)
    return True
