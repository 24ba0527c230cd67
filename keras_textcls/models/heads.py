"""Pooling and head layers, mirrored on the heads that Keras Hub has.

A head turns the output of a backbone into class scores:

    pooling -> [normalization] -> [dropout -> dense -> dropout] -> dense "logits"

`keras_hub_head` looks up the head that Keras Hub itself gives an architecture
(a test compares every one of them with the installed Keras Hub, layer by
layer); `resolve_head` fills in what the caller left at `"auto"`;
`build_head_layers` makes the layers. What a backbone returns is recognized by
the names of its inputs and outputs, never by its class, so that the task also
works on backbones that do not exist yet.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import keras_hub
import numpy as np
from keras import ops

from keras_textcls.catalogue import subclasses
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.models.pooling import MaskedPooling

# Adam's in `compile("auto")`, where Keras Hub has no other for the architecture.
DEFAULT_LEARNING_RATE = 5e-5
# Classes that pair with a backbone are looked for among those of these packages.
_OWNERS = ("keras_hub.", "keras_textcls.models.")
POOLINGS = ("pooler", "cls", "mean", "max", "last")


@dataclasses.dataclass(frozen=True)
class HeadSpec:
    """The layers between a backbone and its class scores.

    Args:
        pooling: one of `"pooler"` (the backbone's own `pooled_output`),
            `"cls"` (the first token), `"mean"`, `"max"` (over real tokens) or
            `"last"` (the last real token).
        hidden_dim: int or `None`, width of a dense layer between pooling and
            scores. Defaults to `None`, no such layer.
        dropout: float in `[0, 1)`, the head's dropout rate. Defaults to `0.1`.
        keras_hub: `KerasHubHead` or `None`, set where these layers are exactly
            those of Keras Hub. Defaults to `None`.
        normalize: bool, whether the head divides pooled features by their
            length first. Defaults to `False`.
    """

    pooling: str
    hidden_dim: int | None = None
    dropout: float = 0.1
    keras_hub: KerasHubHead | None = None
    normalize: bool = False


@dataclasses.dataclass(frozen=True)
class KerasHubHead:
    """The layers of one of Keras Hub's classification heads.

    Args:
        pooling: string, as in `HeadSpec`.
        hidden_activation: string or `None`; `None` where the head has no
            hidden layer.
        hidden_initializer: string or `None`, `"truncated"` for the
            architecture's own initializer, `None` for Keras's default.
        pooled_dropout: bool, whether a dropout precedes the hidden layer.
        dropout: float, default dropout rate.
        output_dropout_name: string, name of the layer before the scores.
        output_dropout_from_backbone: bool, whether that layer takes its rate
            from the backbone instead.
        output_initializer: string, `"truncated"` or `"normal"`, both with
            standard deviation 0.02.
        learning_rate: float, Adam's in `compile("auto")`.
    """

    pooling: str
    hidden_activation: str | None = None
    hidden_initializer: str | None = None
    pooled_dropout: bool = False
    dropout: float = 0.1
    output_dropout_name: str = "output_dropout"
    output_dropout_from_backbone: bool = False
    output_initializer: str = "truncated"
    learning_rate: float = DEFAULT_LEARNING_RATE


_TANH_HEAD = KerasHubHead("cls", hidden_activation="tanh", pooled_dropout=True, dropout=0.0)

KERAS_HUB_HEADS = {
    "AlbertBackbone": KerasHubHead("pooler", learning_rate=1e-5),
    "BertBackbone": KerasHubHead("pooler", output_dropout_name="classifier_dropout"),
    "DebertaV3Backbone": KerasHubHead(
        "cls",
        hidden_activation="gelu",
        pooled_dropout=True,
        dropout=0.0,
        output_dropout_name="classifier_dropout",
        output_dropout_from_backbone=True,
    ),
    "DistilBertBackbone": KerasHubHead(
        "cls", hidden_activation="relu", hidden_initializer="truncated", dropout=0.2
    ),
    "ESMBackbone": _TANH_HEAD,
    "FNetBackbone": KerasHubHead("pooler", output_initializer="normal"),
    "RobertaBackbone": _TANH_HEAD,
    "RoformerV2Backbone": _TANH_HEAD,
    "XLMRobertaBackbone": _TANH_HEAD,
}


def subclass_for(base: type, backbone: keras.Model) -> type | None:
    """Return the subclass that pairs with a backbone, in Keras Hub or here.

    Args:
        base: a Keras Hub class with `backbone_cls`, such as
            `keras_hub.models.CausalLM`.
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        The class, or `None` where there is none.
    """
    for cls in subclasses(base):
        if cls.__module__.startswith(_OWNERS) and cls.backbone_cls is type(backbone):
            return cls
    return None


def keras_hub_head(backbone: keras.Model) -> KerasHubHead | None:
    """Return the head that Keras Hub gives this backbone, or `None`.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        A `KerasHubHead`, or `None` for an architecture whose classifier Keras
        Hub does not have.
    """
    if subclass_for(keras_hub.models.TextClassifier, backbone) is None:
        return None
    return KERAS_HUB_HEADS.get(type(backbone).__name__)


def resolve_head(
    backbone: keras.Model,
    pooling: str = "auto",
    hidden_dim: int | str | None = "auto",
    dropout: float | str = "auto",
    normalize: bool = False,
) -> HeadSpec:
    """Fill in `"auto"` and say whether the head is one of Keras Hub's.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        pooling: string, `"auto"` or one of `POOLINGS`. `"auto"` is the pooling
            of Keras Hub's own head, else the `default_pooling` of the backbone's
            class, else the last real token for a causal backbone, else the mean
            over real tokens.
        hidden_dim: int, `None` or `"auto"`, width of the hidden layer.
        dropout: float or `"auto"`, dropout rate of the head.
        normalize: bool, as in `HeadSpec`. Defaults to `False`.

    Returns:
        A `HeadSpec` without `"auto"`.

    Raises:
        ArgumentError: a value is none of the above, or the backbone lacks what
            the pooling needs.
    """
    native = keras_hub_head(backbone)
    if pooling == "auto":
        pooling = native.pooling if native else _default_pooling(backbone)
    if pooling not in POOLINGS:
        raise ArgumentError(
            f'`pooling` must be "auto" or one of {list(POOLINGS)}. '
            f"Received: pooling={shorten(pooling)}."
        )
    if pooling == "pooler" and not _has_own_vector(backbone):
        raise ArgumentError(
            f'`pooling="pooler"` needs a backbone with a "pooled_output", which '
            f"{type(backbone).__name__} lacks. Use one of {list(POOLINGS[1:])}."
        )
    like_native = native is not None and native.pooling == pooling
    native_hidden = backbone.hidden_dim if native and native.hidden_activation else None
    if hidden_dim == "auto":
        hidden_dim = native_hidden if like_native else None
    if hidden_dim is not None and (not isinstance(hidden_dim, int) or hidden_dim < 1):
        raise ArgumentError(
            f'`hidden_dim` must be "auto", None or a positive integer. '
            f"Received: hidden_dim={shorten(hidden_dim)}."
        )
    like_native = like_native and (hidden_dim is None) == (native_hidden is None) and not normalize
    if dropout == "auto":
        dropout = native.dropout if native and like_native else 0.1
    if isinstance(dropout, str) or not 0 <= dropout < 1:
        raise ArgumentError(
            f'`dropout` must be "auto" or a number in [0, 1). Received: dropout={shorten(dropout)}.'
        )
    return HeadSpec(
        pooling, hidden_dim, float(dropout), native if like_native else None, bool(normalize)
    )


def build_head_layers(
    backbone: keras.Model,
    spec: HeadSpec,
    num_classes: int,
    activation: Any,
    seed: int | None = None,
) -> dict[str, keras.layers.Layer]:
    """Make the layers of a head, in the order in which they are applied.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        spec: `HeadSpec`.
        num_classes: int, number of outputs.
        activation: activation of the last layer, as in `keras.layers.Dense`.
        seed: int, from which weights and dropout follow. Defaults to `None`,
            drawn at random.

    Returns:
        A dict from attribute name (Keras Hub's own) to layer.
    """
    own = getattr(backbone, "head_activation", "gelu")
    native = spec.keras_hub or KerasHubHead("", hidden_activation=own)
    dtype = backbone.dtype_policy
    hidden_seed, output_seed, *dropout_seeds = _seeds(seed)
    initializers: dict[str, Any] = {
        "truncated": keras.initializers.TruncatedNormal(stddev=0.02, seed=output_seed),
        "normal": keras.initializers.RandomNormal(stddev=0.02, seed=output_seed),
    }
    hidden_initializer = initializers.get(native.hidden_initializer or "", "glorot_uniform")
    if seed is not None and hidden_initializer == "glorot_uniform":
        hidden_initializer = keras.initializers.GlorotUniform(seed=hidden_seed)
    layers: dict[str, keras.layers.Layer] = {}
    if spec.normalize:
        layers["normalization"] = keras.layers.UnitNormalization(dtype=dtype, name="normalization")
    if spec.hidden_dim is not None:
        if native.pooled_dropout:
            layers["pooled_dropout"] = keras.layers.Dropout(
                spec.dropout, seed=dropout_seeds[0], dtype=dtype, name="pooled_dropout"
            )
        layers["pooled_dense"] = keras.layers.Dense(
            spec.hidden_dim,
            activation=native.hidden_activation,
            kernel_initializer=hidden_initializer,
            dtype=dtype,
            name="pooled_dense",
        )
    rate = backbone.dropout if native.output_dropout_from_backbone else spec.dropout
    layers["output_dropout"] = keras.layers.Dropout(
        rate, seed=dropout_seeds[1], dtype=dtype, name=native.output_dropout_name
    )
    layers["output_dense"] = keras.layers.Dense(
        num_classes,
        kernel_initializer=initializers[native.output_initializer],
        activation=activation,
        dtype=dtype,
        name="logits",
    )
    return layers


def _seeds(seed: int | None) -> list[int | None]:
    """Four seeds that follow from one: for two kernels and two dropout layers."""
    if seed is None:
        return [None] * 4
    return [int(number) >> 1 for number in np.random.SeedSequence(seed).generate_state(4)]


def pool(backbone: keras.Model, outputs: Any, spec: HeadSpec, pad_token_id: int = 0) -> Any:
    """Reduce the outputs of a backbone to one vector a text.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.
        outputs: what `backbone(backbone_inputs(backbone))` returned.
        spec: `HeadSpec`.
        pad_token_id: int, the padding token, for a backbone that takes no
            padding mask. Defaults to `0`.

    Returns:
        A symbolic tensor of shape `(batch, hidden_dim)`.
    """
    if spec.pooling == "pooler":
        return outputs["pooled_output"] if isinstance(outputs, dict) else outputs
    sequence = sequence_output(outputs)
    if spec.pooling == "cls":
        first = getattr(backbone, "start_token_index", getattr(backbone, "cls_token_index", 0))
        return sequence[:, first, :]
    mask = _padding_mask(backbone_inputs(backbone), pad_token_id)
    return MaskedPooling(spec.pooling, dtype=backbone.dtype_policy, name="pooling")(
        sequence, padding_mask=mask
    )


def sequence_output(outputs: Any) -> Any:
    """Return the hidden states of the tokens, whatever a backbone calls them.

    Args:
        outputs: a tensor, or a dict of tensors, as backbones return them.

    Returns:
        A tensor of shape `(batch, sequence_length, hidden_dim)`.
    """
    if not isinstance(outputs, dict):
        return outputs
    for name in ("sequence_output", "encoder_sequence_output"):
        if name in outputs:
            return outputs[name]
    raise ArgumentError(
        f"The backbone returns {sorted(outputs)}; a text backbone returns one tensor, or "
        f'"sequence_output" or "encoder_sequence_output" among others.'
    )


def _default_pooling(backbone: keras.Model) -> str:
    """Return the pooling that `"auto"` stands for where Keras Hub has no head."""
    wanted = getattr(backbone, "default_pooling", None)
    if wanted is not None:
        return str(wanted)
    if not isinstance(backbone.output, dict) and _has_own_vector(backbone):
        return "pooler"
    is_causal = subclass_for(keras_hub.models.CausalLM, backbone) is not None
    return "last" if is_causal and "encoder_token_ids" not in backbone_inputs(backbone) else "mean"


def backbone_inputs(backbone: keras.Model) -> dict[str, Any]:
    """Return the symbolic inputs of a backbone by name.

    Args:
        backbone: a `keras_hub.models.Backbone` instance.

    Returns:
        A dict from input name to symbolic tensor.
    """
    inputs = backbone.input
    if isinstance(inputs, dict):
        return inputs
    # Gemma3n declares its inputs as a list of named tensors.
    return {tensor.name: tensor for tensor in keras.tree.flatten(inputs)}


def _has_own_vector(backbone: keras.Model) -> bool:
    """Return whether the backbone itself returns one vector a text."""
    outputs = backbone.output
    if isinstance(outputs, dict):
        return "pooled_output" in outputs
    return len(outputs.shape) == 2


def _padding_mask(inputs: Any, pad_token_id: int) -> Any:
    for name in ("padding_mask", "encoder_padding_mask"):
        if name in inputs:
            return inputs[name]
    for name in ("token_ids", "encoder_token_ids"):
        if name in inputs:
            return ops.not_equal(inputs[name], pad_token_id)
    raise ArgumentError(
        f"The backbone takes {sorted(inputs)}; pooling over real tokens needs "
        '"padding_mask" or "token_ids" among its inputs.'
    )
