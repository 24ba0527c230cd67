"""Conversion of weights between the layouts of `transformers` and Keras Hub.

`links` lists which tensor stands for which weights of a classifier; reading and
writing walk through the same list.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_textcls.errors import PresetError, shorten
from keras_textcls.keras_compat.transformer_blocks import block_part
from keras_textcls.saving.huggingface.checkpoint import Tensors
from keras_textcls.saving.huggingface.layout import NORMS, Architecture

# Buffers that older checkpoints carry, and poolers that the head does not use.
_HARMLESS = re.compile(r"(.*\.)?(position_ids|token_type_ids)|h\.\d+\.attn\.(bias|masked_bias)")
_UNUSED_POOLER = re.compile(r"pooler\.(dense\.)?(weight|bias)")


@dataclasses.dataclass(frozen=True)
class Link:
    """One tensor and the weights that it stands for.

    Args:
        name: string, the tensor, without the prefix of the architecture.
        weights: tuple of `keras.Variable`, side by side along its last axis.
        kind: `"as_is"`, `"rows"` (a matrix, transposed, whose first axis of the
            Keras weight is the input) or `"columns"` (transposed, whose last
            axis is the output).
        transposed: bool, whether the matrix is stored as (outputs, inputs).
    """

    name: str
    weights: tuple[Any, ...]
    kind: str
    transposed: bool = True

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the tensor."""
        if self.kind == "as_is":
            sizes = [int(np.prod(w.shape)) for w in self.weights]
            only = self.weights[0].shape
            return tuple(only) if len(sizes) == 1 and self._is_table() else (sum(sizes),)
        rows, columns = self._matrix()
        both = rows, columns * len(self.weights)
        return both[::-1] if self.transposed else both

    def assign(self, tensor: np.ndarray) -> None:
        """Write the tensor into the weights."""
        matrix = tensor.T if self.kind != "as_is" and self.transposed else tensor
        parts = [matrix] if self._is_table() else np.split(matrix, len(self.weights), axis=-1)
        for weight, part in zip(self.weights, parts, strict=True):
            weight.assign(np.reshape(part, tuple(weight.shape)))

    def extract(self) -> np.ndarray:
        """Return the tensor that the weights make."""
        values = [keras.ops.convert_to_numpy(w).astype("float32") for w in self.weights]
        if self.kind == "as_is":
            joined = values[0] if self._is_table() else np.concatenate([v.ravel() for v in values])
        else:
            joined = np.concatenate([v.reshape(self._matrix()) for v in values], axis=-1)
            joined = joined.T if self.transposed else joined
        return np.ascontiguousarray(joined)

    def _is_table(self) -> bool:
        """A vector, or an embedding, that is no bias of several heads."""
        return self.kind == "as_is" and self.name.endswith(".weight")

    def _matrix(self) -> tuple[int, int]:
        shape = tuple(self.weights[0].shape)
        if self.kind == "rows":
            return shape[0], int(np.prod(shape[1:]))
        return int(np.prod(shape[:-1])), shape[-1]


def links(architecture: Architecture, backbone: keras.Model) -> Iterator[Link]:
    """List the tensors of a backbone.

    Args:
        architecture: `Architecture`.
        backbone: a `keras_hub.models.Backbone` instance of it.

    Returns:
        An iterator of `Link`.
    """
    for path, name in architecture.tables.items():
        yield Link(name, (_attribute(backbone, path),), "as_is")
    for path, name in architecture.modules.items():
        layer = _attribute(backbone, path, None)
        if layer is not None:
            yield from _layer_links(name, (layer,), "gamma" if hasattr(layer, "gamma") else "rows")
    for i, entry in enumerate(backbone.transformer_layers):
        blocks = entry if isinstance(entry, list) else [entry]
        for k, block in enumerate(blocks):
            yield from _block_links(architecture, architecture.block_path.format(i, k), block)


def head_links(architecture: Architecture, classifier: Any) -> Iterator[Link]:
    """List the tensors of the classification head.

    Args:
        architecture: `Architecture`.
        classifier: a `TextClassifier` with this head.

    Returns:
        An iterator of `Link`.
    """
    head = architecture.head
    if head.hidden is not None:
        yield from _layer_links(head.hidden, (classifier.pooled_dense,), "rows")
    for link in _layer_links(head.output, (classifier.output_dense,), "rows"):
        if head.output_bias or link.name.endswith(".weight"):
            yield link


def _block_links(architecture: Architecture, prefix: str, block: Any) -> Iterator[Link]:
    # GPT-2 stores query, key and value as one matrix, and all matrices as Keras does.
    modules: dict[str, list[str]] = {}
    for key, module in architecture.block.items():
        modules.setdefault(module, []).append(key)
    transposed = architecture.model_type != "gpt2"
    for module, keys in modules.items():
        layers = tuple(block_part(block, key) for key in keys)
        kind = "gamma" if keys[0] in NORMS else "columns" if keys == ["attention"] else "rows"
        yield from _layer_links(prefix + module, layers, kind, transposed)


def _layer_links(
    name: str, layers: tuple[Any, ...], kind: str, transposed: bool = True
) -> Iterator[Link]:
    if kind == "gamma":
        yield Link(f"{name}.weight", (layers[0].gamma,), "as_is")
        yield Link(f"{name}.bias", (layers[0].beta,), "as_is")
        return
    yield Link(f"{name}.weight", tuple(layer.kernel for layer in layers), kind, transposed)
    yield Link(f"{name}.bias", tuple(layer.bias for layer in layers), "as_is")


_RAISE = object()


def _attribute(owner: Any, path: str, default: Any = _RAISE) -> Any:
    try:
        return functools.reduce(getattr, path.split("."), owner)
    except AttributeError:
        if default is _RAISE:
            raise
        return default


def assign(
    wanted: list[Link],
    tensors: Mapping[str, Any] | Tensors,
    read: Any,
    preset: str,
    optional: tuple[str, ...] = (),
) -> None:
    """Write the tensors of a checkpoint into the weights of a model.

    Args:
        wanted: list of `Link`, the tensors that the model takes.
        tensors: what holds the names.
        read: function from a name to its array.
        preset: string, for messages.
        optional: tuple of names that may be missing. Defaults to `()`.

    Raises:
        PresetError: tensors are missing or have another shape.
    """
    names = [link.name for link in wanted]
    missing = [name for name in names if name not in tensors and name not in optional]
    if missing:
        raise PresetError(
            f"The weights of the preset {preset!r} lack {len(missing)} of {len(wanted)} tensors "
            f"that `config.json` asks for: {_some(missing)}. Download the checkpoint again, or "
            "correct `config.json`."
        )
    for link in wanted:
        if link.name not in tensors:
            continue
        array = read(link.name)
        if array.shape != link.shape():
            raise PresetError(
                f"The tensor {link.name!r} of the preset {preset!r} has the shape {array.shape}; "
                f"`config.json` asks for {link.shape()}."
            )
        link.assign(array)


def check_excess(
    architecture: Architecture, tensors: Tensors, wanted: list[Link], preset: str, with_head: bool
) -> None:
    """Refuse tensors that the model has no place for.

    Args:
        architecture: `Architecture`.
        tensors: `Tensors`.
        wanted: list of `Link`, the tensors that the model takes.
        preset: string, for messages.
        with_head: bool. If `False`, heads of other tasks are passed over.

    Raises:
        PresetError: there are such tensors.
    """
    known = {link.name for link in wanted} | {"embeddings.token_type_embeddings.weight"}
    roots = {link.name.split(".")[0] for link in wanted}
    excess = [
        name
        for name in tensors
        if name not in known
        and not _HARMLESS.fullmatch(name)
        and not _UNUSED_POOLER.fullmatch(name)
        and (with_head or name.split(".")[0] in roots)
    ]
    if excess:
        raise PresetError(
            f"The weights of the preset {preset!r} hold {len(excess)} tensors that a "
            f"{architecture.task if with_head else architecture.backbone} has no place for: "
            f"{_some(excess)}. Is `config.json` the one of this checkpoint?"
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def checked_size(value: Any, name: str, preset: str) -> int:
    """Return a size of `config.json`.

    Args:
        value: what stands there.
        name: string, the setting.
        preset: string, for messages.

    Returns:
        A positive int.

    Raises:
        PresetError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise PresetError(
            f"config.json of the preset {preset!r} has {name}={shorten(value)}; a positive "
            "integer is needed."
        )
    return value
