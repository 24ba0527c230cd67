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
from keras_textcls.errors import PresetError, shorten
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.utils.records import fits

WEIGHTS_FILE = "adapter.safetensors"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class AdapterHead:
    """How the head beside adapters is built: arguments of the classifier's constructor."""

    pooling: str
    hidden_dim: int | None
    activation: str | None
    dropout: float
    normalize: bool


@dataclasses.dataclass(frozen=True)
class AdapterBase:
    """The backbone that adapters belong to.

    Args:
        preset: string, its preset, as it was given.
        fingerprint: string, its `weight_fingerprint`.
        dtype: string, in which its weights were.
    """

    preset: str
    fingerprint: str
    dtype: str


@dataclasses.dataclass(frozen=True)
class AdapterRecord:
    """The contents of `adapter.json`.

    Args:
        lora: `LoraConfig`.
        layers: dict from path to a dict with the shapes of A and B as `a` and `b`.
        base: `AdapterBase`.
        head: dict with the fields of `AdapterHead`, or empty for a language model.
        sequence_length: int or `None`, to which texts were truncated.
    """

    lora: LoraConfig
    layers: dict[str, Any]
    base: AdapterBase
    head: dict[str, Any]
    sequence_length: int | None = None


def write_adapter(record: AdapterRecord, weights: dict[str, np.ndarray], directory: Path) -> None:
    """Write `adapter.json` and `adapter.safetensors`.

    Args:
        record: `AdapterRecord`.
        weights: dict from name to float32 array.
        directory: `Path` of the preset.
    """
    contents = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(record)}
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
    contents, file = files.adapter or {}, files.describe(ADAPTER_FILE, SCHEMA_VERSION)
    record = file.read(AdapterRecord, contents)
    names = sorted(field.name for field in dataclasses.fields(LoraConfig))
    if sorted(contents["lora"]) != names:  # A default need not be what they were trained with.
        raise file.broken(f"`lora` must have {names}. Received: {shorten(contents['lora'])}")
    if record.head:  # A language model that answers in labels has none beside its output layer.
        file.read(AdapterHead, record.head, "head.")
    if record.sequence_length is not None and record.sequence_length < 1:
        raise file.broken(f"`sequence_length` must be positive. Received: {record.sequence_length}")
    for path, shapes in record.layers.items():
        if (
            not fits(shapes, dict[str, list[int]])
            or set(shapes) != {"a", "b"}
            or any(size < 1 for shape in shapes.values() for size in shape)
        ):
            raise file.broken(
                f"`layers.{path}` must hold the shapes `a` and `b`. Received: {shorten(shapes)}"
            )
    return record


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
