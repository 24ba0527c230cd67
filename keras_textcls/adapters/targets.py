"""Paths of layers that are the same in every process, model and backend.

Keras numbers layers without a name in the order in which a process makes them, and
`layer.path` holds such numbers. A path here is made of the names that a class gives
to its sub-layers or, where it gives none, of the attributes that hold them.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras

from keras_textcls.adapters.low_rank import low_rank
from keras_textcls.errors import ArgumentError, did_you_mean, shorten
from keras_textcls.keras_compat.layers import direct_parts, held_values, snake_case

ATTENTION = "attention"
ALL_LINEAR = "all-linear"
_ATTENTION_CLASS = re.compile(r"attention$", re.IGNORECASE)
# "disentangled_attention_encoder_layer_0" is a whole block.
_ATTENTION_NAME = re.compile(r"(^|_)(attention|attn|att)(_layer)?(_\d+)?$", re.IGNORECASE)
# A dense layer of a block that has no layer of its own for attention.
_PROJECTION = re.compile(r"(query|key|value|query_key_value|attention_output)(_dense|_proj)?")

_Parents = tuple[tuple[keras.layers.Layer, tuple[str, ...]], ...]


def layer_paths(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return every layer of a model by its path.

    Args:
        model: a `keras.Model`, such as a `keras_hub.models.Backbone`.

    Returns:
        A dict from path, such as `"transformer_layer_0/self_attention_layer/query"`,
        to layer. A layer that stands in several places has the path of the first.
    """
    return {path: layer for path, layer, _ in _walk(model)}


def find_targets(model: keras.Model, targets: str | Iterable[str]) -> dict[str, keras.layers.Layer]:
    """Return the layers that `targets` names.

    Args:
        model: a `keras.Model`, such as a `keras_hub.models.Backbone`.
        targets: `"attention"` (the dense layers of its attention layers),
            `"all-linear"` (all dense layers), or names: paths, ends of paths such
            as `"query"`, or either with wildcards such as
            `"transformer_layer_1*/query"`. The name of a layer that holds dense
            layers stands for all of them.

    Returns:
        A dict from path to `Dense` or `EinsumDense` layer, in the order of the
        model.

    Raises:
        ArgumentError: a name matches no layer, or one that is not dense.
    """
    walked = list(_walk(model))
    dense = {path: (layer, parents) for path, layer, parents in walked if _is_dense(layer)}
    if targets == ATTENTION:
        chosen = {path for path, (_, parents) in dense.items() if _is_projection(path, parents)}
        if not chosen and dense:
            raise ArgumentError(
                f'`targets="attention"` finds no attention layer in {type(model).__name__}. Pass '
                f'targets="all-linear", or names of its dense layers: {shorten(list(dense))}.'
            )
    elif targets == ALL_LINEAR:
        chosen = {path for path, (layer, _) in dense.items() if _has_low_rank(layer, path)}
    else:
        chosen = _by_name(targets, [path for path, _, _ in walked], list(dense), model)
    if not chosen:
        raise ArgumentError(
            f"{type(model).__name__} has no dense layer, so there is nothing for LoRA to adapt."
            " Train all of it, or only the head."
        )
    return {path: layer for path, (layer, _) in dense.items() if path in chosen}


def _by_name(targets: Any, paths: list[str], dense: list[str], model: keras.Model) -> set[str]:
    chosen: set[str] = set()
    for name in [targets] if isinstance(targets, str) else targets:
        matched = {path for path in dense if _matches(path, name)}
        if not matched:
            other = [path for path in paths if _matches(path, name)]
            if other:
                kind = type(layer_paths(model)[other[0]]).__name__
                raise ArgumentError(
                    f"`targets` names {name!r}, which is a {kind} without dense layers; LoRA is "
                    "for Dense and EinsumDense layers."
                )
            ends = {path.rsplit("/", 1)[-1] for path in dense}
            raise ArgumentError(
                f"`targets` names {shorten(name)}, which matches no layer of "
                f"{type(model).__name__}.{did_you_mean(name, [*dense, *ends])} It has "
                f"{shorten(dense)}."
            )
        chosen |= matched
    if not chosen:
        raise ArgumentError(
            f"`targets` must name at least one layer. Received: targets={shorten(targets)}."
        )
    return chosen


def _matches(path: str, name: str) -> bool:
    """Return whether a name matches the path of a layer, or of a layer that contains it."""
    parts = path.split("/")
    heads = ("/".join(parts[: i + 1]) for i in range(len(parts)))
    return any(fnmatch.fnmatchcase(f"/{head}", f"*/{name}") for head in heads)


def _is_dense(layer: Any) -> bool:
    return isinstance(layer, (keras.layers.Dense, keras.layers.EinsumDense)) and layer.built


def _has_low_rank(layer: Any, path: str) -> bool:
    try:
        low_rank(layer, path)
    except ArgumentError:
        return False
    return True


def _is_projection(path: str, parents: _Parents) -> bool:
    """Return whether a dense layer is part of attention, by its name or that of its parent."""
    if _PROJECTION.fullmatch(path.rsplit("/", 1)[-1]):
        return True
    if not parents:
        return False
    layer, attributes = parents[-1]
    return bool(_ATTENTION_CLASS.search(type(layer).__name__)) or any(
        _ATTENTION_NAME.search(name) for name in (layer.name, *attributes)
    )


def _walk(model: keras.Model) -> Iterator[tuple[str, keras.layers.Layer, _Parents]]:
    """Path, layer, and the layers above it with the attributes that hold them."""
    yield from _beneath(model, "", (), set())


def _beneath(
    parent: Any, prefix: str, parents: _Parents, seen: set[int]
) -> Iterator[tuple[str, keras.layers.Layer, _Parents]]:
    used: set[str] = set()
    for layer in direct_parts(parent):
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        attributes = _attributes(parent, layer)
        segment = _segment(layer, attributes)
        number = 0
        while segment in used:
            number += 1
            segment = f"{_segment(layer, attributes)}_{number}"
        used.add(segment)
        path = prefix + segment
        yield path, layer, parents
        yield from _beneath(layer, f"{path}/", (*parents, (layer, attributes)), seen)


def _segment(layer: keras.layers.Layer, attributes: tuple[str, ...]) -> str:
    kind = snake_case(type(layer).__name__)
    if re.fullmatch(rf"{re.escape(kind)}(_\d+)?", layer.name) is None:
        return str(layer.name).replace("/", "_")
    return attributes[0].lstrip("_") if attributes else kind


def _attributes(parent: Any, layer: keras.layers.Layer) -> tuple[str, ...]:
    """The attributes of `parent` that hold a layer, itself or in a list."""
    attributes = []
    for name, value in held_values(parent).items():
        if value is layer:
            attributes.append(name)
        elif isinstance(value, (list, tuple)):
            attributes += [f"{name}_{i}" for i, item in enumerate(value) if item is layer]
    return tuple(attributes)
