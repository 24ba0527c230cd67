"""Adapters and a head in two files: `adapter.json` and `adapter.safetensors`.

The weights are stored under the paths of their layers, `lora/<path>/a` and
`lora/<path>/b`, and `head/<layer>/<weight>`, all in float32. Everything that is
read is checked: the schema, the names, the types and the shapes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from keras_textcls.adapters.lora import LoraConfig
from keras_textcls.catalogue import ADAPTER_FILE
from keras_textcls.errors import ArgumentError, PresetError, shorten
from keras_textcls.saving.preset_files import PresetFiles, check_schema
from keras_textcls.utils.records import fits

WEIGHTS_FILE = "adapter.safetensors"
SCHEMA_VERSION = 1
_HEAD_TYPES: dict[str, Any] = {
    "pooling": str,
    "hidden_dim": int | None,
    "activation": str | None,
    "dropout": float,
    "normalize": bool,
}


@dataclasses.dataclass(frozen=True)
class AdapterRecord:
    """The contents of `adapter.json`.

    Args:
        config: `LoraConfig`.
        layers: dict from path to the shapes of A and B.
        base: string, the preset of the backbone, as it was given.
        fingerprint: string, `weight_fingerprint` of that backbone.
        dtype: string, in which its weights were.
        head: dict of arguments of the constructor: `pooling`, `hidden_dim`,
            `activation`, `dropout` and `normalize`.
        sequence_length: int or `None`, to which texts were truncated.
    """

    config: LoraConfig
    layers: dict[str, tuple[list[int], list[int]]]
    base: str
    fingerprint: str
    dtype: str
    head: dict[str, Any]
    sequence_length: int | None = None


def write_adapter(record: AdapterRecord, weights: dict[str, np.ndarray], directory: Path) -> None:
    """Write `adapter.json` and `adapter.safetensors`.

    Args:
        record: `AdapterRecord`.
        weights: dict from name to float32 array.
        directory: `Path` of the preset.
    """
    contents = {
        "schema_version": SCHEMA_VERSION,
        "lora": dataclasses.asdict(record.config),
        "layers": {path: {"a": a, "b": b} for path, (a, b) in record.layers.items()},
        "base": {
            "preset": record.base,
            "fingerprint": record.fingerprint,
            "dtype": record.dtype,
        },
        "head": record.head,
        "sequence_length": record.sequence_length,
    }
    text = json.dumps(contents, indent=2, ensure_ascii=False) + "\n"
    (directory / ADAPTER_FILE).write_text(text, encoding="utf-8")
    safetensors.numpy.save_file(weights, directory / WEIGHTS_FILE)


def read_record(files: PresetFiles) -> AdapterRecord:
    """Return the contents of `adapter.json`.

    Args:
        files: `PresetFiles` with an `adapter`.

    Returns:
        An `AdapterRecord`.

    Raises:
        PresetError: it lacks something, or holds something of the wrong kind.
    """
    contents = files.adapter or {}
    where = f"{ADAPTER_FILE} of the preset {files.preset!r}"
    check_schema(contents, SCHEMA_VERSION, where)
    base, lora, head, layers = (
        _part(contents, name, where) for name in ("base", "lora", "head", "layers")
    )
    length = contents.get("sequence_length")
    _check(length is None or (_is_size(length)), where, "sequence_length", length)
    for name in ("preset", "fingerprint", "dtype"):
        _check(isinstance(base.get(name), str), where, f"base/{name}", base.get(name))
    # A language model that answers in labels has no head beside its output layer.
    for name, kind in _HEAD_TYPES.items() if head else ():
        _check(fits(head.get(name), kind), where, name, head.get(name))
    return AdapterRecord(
        _read_config(lora, where),
        {path: _read_shapes(path, shapes, where) for path, shapes in layers.items()},
        base["preset"],
        base["fingerprint"],
        base["dtype"],
        {name: head[name] for name in _HEAD_TYPES if head},
        length,
    )


def read_weights(
    files: PresetFiles, shapes: dict[str, tuple[int, ...]], ignored: str | None = None
) -> dict[str, np.ndarray]:
    """Return the tensors of `adapter.safetensors`.

    Args:
        files: `PresetFiles` with an `adapter`.
        shapes: dict from name to shape: exactly those that must be there.
        ignored: string, a prefix of names that may be there too. Defaults to
            `None`.

    Returns:
        A dict from name to float32 array.

    Raises:
        PresetError: the file is missing or broken, or holds other tensors.
    """
    where = f"{WEIGHTS_FILE} of the preset {files.preset!r}"
    path = files.path(WEIGHTS_FILE)
    if path is None:
        raise PresetError(f"{where} is missing. Copy the whole directory.")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = {n for n in file.keys() if ignored is None or not n.startswith(ignored)}  # noqa: SIM118
            if names != set(shapes):
                raise PresetError(
                    f"{where} does not hold what {ADAPTER_FILE} says: it lacks "
                    f"{shorten(sorted(set(shapes) - names))} and has beside it "
                    f"{shorten(sorted(names - set(shapes)))}."
                )
            return {name: _read_tensor(file, name, shapes[name], where) for name in shapes}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        if isinstance(error, PresetError):
            raise
        raise PresetError(f"{where} is broken or cut short: {error}") from error


def _read_tensor(file: Any, name: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    part = file.get_slice(name)
    if part.get_dtype() != "F32" or tuple(part.get_shape()) != tuple(shape):
        raise PresetError(
            f"{where} has {name!r} as {part.get_dtype()} of shape {tuple(part.get_shape())}, where "
            f"the classifier takes F32 of shape {tuple(shape)}."
        )
    return file.get_tensor(name)


def _read_config(lora: dict[str, Any], where: str) -> LoraConfig:
    names = {field.name for field in dataclasses.fields(LoraConfig)}
    if set(lora) != names:
        raise PresetError(f"{where}: `lora` must have {sorted(names)}. Received {shorten(lora)}.")
    try:
        return LoraConfig(**lora)
    except ArgumentError as error:
        raise PresetError(f"{where}: {error}") from error


def _read_shapes(path: str, shapes: Any, where: str) -> tuple[list[int], list[int]]:
    pair: list[Any] = [shapes.get(n) for n in ("a", "b")] if isinstance(shapes, dict) else [None]
    for shape in pair:
        right = isinstance(shape, list) and all(_is_size(size) for size in shape)
        _check(right, where, f"layers/{path}", shapes)
    return pair[0], pair[1]


def _part(contents: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    part = contents.get(name)
    _check(isinstance(part, dict), where, name, part)
    return part  # type: ignore[return-value]


def _is_size(value: Any) -> bool:
    return fits(value, int) and value > 0


def _check(right: bool, where: str, name: str, value: Any) -> None:
    if not right:
        raise PresetError(f"{where} has an unusable `{name}`. Received {shorten(value)}.")
