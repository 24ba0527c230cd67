"""The tensors of a Hugging Face checkpoint, checked before they are used.

Only safetensors files are read: a pickle can run code. A tensor is loaded into
memory only when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import safetensors

from keras_textcls.errors import PresetError, shorten
from keras_textcls.saving.preset_checks import check_file_name
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.saving.weight_files import StoredArray

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_PICKLES = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
    "flax_model.msgpack",
)
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
# Layer norms of checkpoints that were converted from TensorFlow.
_OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}


class Tensors:
    """The tensors of a checkpoint by name, read when they are asked for.

    Args:
        files: `PresetFiles` of the checkpoint.

    Raises:
        PresetError: there are no safetensors, or they are broken, incomplete
            or outside of the checkpoint.
    """

    def __init__(self, files: PresetFiles) -> None:
        self._preset = files.preset
        self._entries: dict[str, tuple[str, int, dict[str, Any]]] = {}
        for name, path in _weight_files(files):
            start, header = _read_header(path, f"{name} of the preset {files.preset!r}")
            for key, entry in header.items():
                self._entries[_new_name(key)] = path, start, entry
        self._check_index(files.json(INDEX_FILE))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def rename(self, prefix: str) -> None:
        """Remove `prefix` from the names that have it.

        Args:
            prefix: string, such as `"bert."`.
        """
        self._entries = {name.removeprefix(prefix): e for name, e in self._entries.items()}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return tuple(self._entries[name][2]["shape"])

    def arrays(self) -> list[StoredArray]:
        """Return the headers of all tensors."""
        return [StoredArray(name, self.shape(name), True) for name in self]

    def read(self, name: str) -> np.ndarray:
        """Return a tensor in float32, or in float64 where it was saved so."""
        path, start, entry = self._entries[name]
        kind = entry["dtype"]
        if kind != "BF16" and kind not in _DTYPES:
            raise PresetError(
                f"The tensor {name!r} of the preset {self._preset!r} has the type {kind}. Known "
                f"are BF16, {', '.join(_DTYPES)}; save the model in float32."
            )
        begin, end = entry["data_offsets"]
        data = np.fromfile(path, dtype="u1", count=end - begin, offset=start + begin)
        if kind == "BF16":
            # The upper half of a float32.
            data = (data.view("<u2").astype("<u4") << 16).view("<f4")
        else:
            data = data.view(_DTYPES[kind])
        data = data.reshape(entry["shape"])
        return data.astype("float32") if kind == "F16" else data

    def _check_index(self, index: dict[str, Any] | None) -> None:
        weights = (index or {}).get("weight_map", {})
        missing = [name for name in weights if _new_name(name) not in self._entries]
        if missing:
            raise PresetError(
                f"The weight files of the preset {self._preset!r} lack {len(missing)} tensors that "
                f"{INDEX_FILE} names: {shorten(sorted(missing))}. Download the checkpoint again."
            )


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _weight_files(files: PresetFiles) -> list[tuple[str, str]]:
    """Name and path of every safetensors file, sharded or not."""
    single = files.path(WEIGHTS_FILE)
    if single is not None:
        return [(WEIGHTS_FILE, single)]
    index = files.json(INDEX_FILE)
    if index is None:
        pickles = [name for name in _PICKLES if files.path(name) is not None]
        only = f"only {pickles[0]}, which is not read" if pickles else "none"
        raise PresetError(
            f"The preset {files.preset!r} has no {WEIGHTS_FILE}; of other weights it has {only}. "
            "Convert it once: load it with `transformers` where you trust it, and "
            "`model.save_pretrained(directory)` writes safetensors."
        )
    weights = index.get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise PresetError(
            f"{INDEX_FILE} of the preset {files.preset!r} has no `weight_map`. Received "
            f"{shorten(weights)}."
        )
    return [(name, _shard_path(files, name)) for name in sorted({str(n) for n in weights.values()})]


def _shard_path(files: PresetFiles, name: str) -> str:
    check_file_name(name, f"{INDEX_FILE} of the preset {files.preset!r}")
    path = files.path(name)
    if path is None:
        raise PresetError(
            f"{INDEX_FILE} of the preset {files.preset!r} names {name!r}, which is missing. "
            "Download the checkpoint again."
        )
    return path


def _read_header(path: str, where: str) -> tuple[int, dict[str, Any]]:
    """Where the data begin, and the entry of every tensor; checked by safetensors itself."""
    try:
        with safetensors.safe_open(path, framework="numpy"), open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise PresetError(
            f"{where} is broken or cut short: {error}. Download the checkpoint again."
        ) from error
    header.pop("__metadata__", None)
    return 8 + length, header
