"""The two GELUs: exact, by the error function, and its tanh approximation.

Keras Hub builds BERT, ELECTRA and ALBERT with the approximation only, and has
no argument for it; nearly every BERT of `transformers` was trained with the
exact one. The difference reaches a few thousandths in the logits, so a backbone
that is read from such a checkpoint gets the other one, layer by layer, and
`classifier.json` records it.
"""

from __future__ import annotations

from typing import Any, Literal

import keras

from keras_textcls.errors import PresetError, shorten
from keras_textcls.keras_compat.transformer_blocks import (
    block_part,
    gelu_approximate,
    has_block_part,
)

Gelu = Literal["exact", "tanh"]
_FUNCTIONS: dict[Gelu, Any] = {"exact": keras.activations.gelu, "tanh": gelu_approximate}
# The names of `transformers` for the same two functions.
KINDS = {
    "gelu": "exact",
    "gelu_python": "exact",
    "gelu_new": "tanh",
    "gelu_fast": "tanh",
    "gelu_pytorch_tanh": "tanh",
}


def _blocks(backbone: keras.Model) -> list[Any]:
    blocks = keras.tree.flatten(getattr(backbone, "transformer_layers", []))
    return [block for block in blocks if has_block_part(block, "intermediate")]


def gelu_kind(backbone: keras.Model) -> Gelu | None:
    """Return which GELU the blocks of a backbone compute.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        `"exact"`, `"tanh"`, or `None` for another activation.
    """
    for block in _blocks(backbone)[:1]:
        for kind, function in _FUNCTIONS.items():
            if block_part(block, "intermediate").activation is function:
                return kind
    return None


def changed_gelu(backbone: keras.Model) -> Gelu | None:
    """Return which GELU `set_gelu` gave a backbone that its class does not have.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        `"exact"`, `"tanh"`, or `None` for a backbone as its class builds it.
    """
    for block in _blocks(backbone)[:1]:
        if block_part(block, "intermediate").activation is not block.activation:
            return gelu_kind(backbone)
    return None


def set_gelu(backbone: keras.Model, kind: str) -> None:
    """Make the blocks of a backbone compute the other GELU.

    Args:
        backbone: a `keras_hub.models.Backbone` instance with one of the two.
        kind: `"exact"` or `"tanh"`.
    """
    if kind not in _FUNCTIONS or gelu_kind(backbone) is None:
        raise PresetError(
            f"The preset asks for the GELU {shorten(kind)} in a {type(backbone).__name__}. Known "
            f"are {' and '.join(map(repr, _FUNCTIONS))}, for backbones that have one of them."
        )
    for block in _blocks(backbone):
        own = keras.activations.get(block.activation)
        wanted = _FUNCTIONS[kind]
        block_part(block, "intermediate").activation = own if own is wanted else wanted
