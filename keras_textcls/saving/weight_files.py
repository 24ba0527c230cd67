"""HDF5 files of weights: checked before they are read, and compared with the model."""

from __future__ import annotations

import collections
import dataclasses
import math
import os
from collections.abc import Iterable
from typing import Any

import h5py
import keras
import numpy as np

from keras_textcls.errors import PresetError
from keras_textcls.saving.preset_checks import damage

# A file may be compressed, but not hold a thousand times what its size allows.
_MOST_COMPRESSED, _SMALL = 64, 1 << 26
_NOT_COMPARED = ("optimizer", "seed_generator", "metrics")


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """An array of a weights file, as its header describes it.

    Args:
        name: string, its path within the file.
        shape: tuple of ints.
        is_float: bool.
    """

    name: str
    shape: tuple[int, ...]
    is_float: bool


def check_hdf5(path: str, where: str) -> list[StoredArray]:
    """Refuse an HDF5 file that is broken, or whose data lie elsewhere.

    Args:
        path: string.
        where: string, the file, for messages.

    Returns:
        A list of `StoredArray`; nothing but headers is read.

    Raises:
        PresetError: it is such a file.
    """
    try:
        with h5py.File(path, "r") as file:
            arrays, size = _list_arrays(file, where)
    except PresetError:
        raise
    except damage() as error:
        raise PresetError(f"{where} is broken or cut short: {error!s:.300}") from error
    if size > _MOST_COMPRESSED * os.path.getsize(path) + _SMALL:
        raise PresetError(
            f"{where} is broken: its headers promise {size:,} bytes of weights, which a file of "
            f"{os.path.getsize(path):,} bytes cannot hold."
        )
    return arrays


def _list_arrays(file: Any, where: str) -> tuple[list[StoredArray], int]:
    arrays, size, seen, waiting = [], 0, {_address(file)}, [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise PresetError(f"{where} links to another place at {name!r}. It was refused.")
            item = group[name]
            if _address(item) in seen:
                raise PresetError(f"{where} holds {name!r} in two places. It was refused.")
            seen.add(_address(item))
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif not isinstance(item, h5py.Dataset):
                raise PresetError(f"{where} holds {name!r}, which is no array. It was refused.")
            elif item.external or item.is_virtual:
                raise PresetError(f"{where} keeps {name!r} in another file. It was refused.")
            else:
                # Keras stores bfloat16, which HDF5 does not know, as bytes.
                is_float = item.dtype.kind == "f" or str(item.attrs.get("dtype")) == "bfloat16"
                arrays.append(StoredArray(item.name or "", tuple(item.shape or ()), is_float))
                size += math.prod(item.shape or ()) * item.dtype.itemsize
    return arrays, size


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def check_left_over(
    arrays: Iterable[StoredArray], variables: Iterable[keras.Variable], where: str
) -> None:
    """Refuse weights that a model has no place for: it is another than was saved.

    Args:
        arrays: iterable of `StoredArray`, all that lie there.
        variables: iterable of variables, all that were read from there.
        where: string, the file, for messages.

    Raises:
        PresetError: some are left over.
    """
    stored = collections.Counter(
        array.shape
        for array in arrays
        if array.is_float and not any(part in array.name for part in _NOT_COMPARED)
    )
    left = stored - collections.Counter(tuple(variable.shape) for variable in variables)
    if left:
        shape, count = left.most_common(1)[0]
        raise PresetError(
            f"{where} holds {sum(left.values())} arrays that its model has no place for, such as "
            f"{count} of shape {shape}: config.json is another than that of these weights. Save "
            "or copy the whole preset again."
        )


def check_finite(model: keras.Model, preset: str) -> None:
    """Refuse weights that are no finite numbers.

    Args:
        model: a `keras.Model`.
        preset: string, for messages.

    Raises:
        PresetError: a weight holds NaN or an infinity.
    """
    for weight in model.weights:
        if "float" not in str(weight.dtype):
            continue
        values = keras.ops.convert_to_numpy(weight)
        values = values if values.dtype.kind == "f" else values.astype("float32")
        # A minimum is NaN where one value is; no copy is made of the array.
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
            raise PresetError(
                f"The weight {weight.path!r} of the preset {preset!r} holds NaN or infinity, so "
                "the model would answer nonsense: its training diverged, or a file is damaged. "
                "Train it again with a lower learning rate, or copy the whole preset again."
            )
