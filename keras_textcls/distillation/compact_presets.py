"""Make a preset small on disk: fewer tokens, fewer bits for each weight.

What is stored is read back as float32 by any reader of HDF5, Keras Hub too:
all weights are float16; large tables are rounded to steps of at most a tenth of
their standard deviation first, and compressed, which leaves some 7 bits a value.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_textcls.saving.file_hashes import renew_hashes

_LARGE_TABLE = 1000
# Steps in a standard deviation, at the least.
_RESOLUTION = 10
_ROWS_A_CHUNK = 256
_FILTERS = {"shuffle": True, "compression": "gzip", "compression_opts": 9}
_UNUSED = re.compile(r"\[unused\d+\]")


def is_latin(token: str) -> bool:
    """Return whether a WordPiece token can occur in a language of Latin script.

    Args:
        token: string.

    Returns:
        A bool: all its characters are Latin letters, digits, punctuation or
        currency signs, and it is no placeholder such as `[unused7]`.
    """
    if _UNUSED.fullmatch(token):
        return False
    return all(ord(c) < 0x250 or 0x2010 <= ord(c) < 0x20D0 or c == "\u2122" for c in token)


def trim_vocabulary(
    backbone: keras.Model, vocabulary: list[str], keep: Callable[[str], bool] = is_latin
) -> tuple[keras.Model, list[str]]:
    """Remove tokens from the vocabulary that are not expected in texts.

    Texts that hold one of them are split into smaller tokens, or hold an
    unknown one.

    Args:
        backbone: a backbone with `vocabulary_size` in its config.
        vocabulary: list of strings, its tokens in the order of their ids.
        keep: function from token to bool. Defaults to `is_latin`.

    Returns:
        A tuple of a new backbone and its vocabulary.
    """
    kept = [i for i, token in enumerate(vocabulary) if keep(token)]
    config = {**backbone.get_config(), "vocabulary_size": len(kept)}
    trimmed = type(backbone).from_config(config)
    for ours, theirs in zip(trimmed.weights, backbone.weights, strict=True):
        values = keras.ops.convert_to_numpy(theirs)
        ours.assign(values if ours.shape == theirs.shape else values[kept])
    return trimmed, [vocabulary[i] for i in kept]


def store_compactly(path: str | os.PathLike[str]) -> None:
    """Rewrite a weights file in fewer bits a weight, or leave it as it was.

    Args:
        path: string or path of a `.weights.h5` file.
    """
    path = Path(os.fspath(path))
    draft = path.with_suffix(".compact")
    try:
        with h5py.File(path, "r") as source, h5py.File(draft, "w") as target:
            _copy_group(source, target)
        os.replace(draft, path)
        renew_hashes(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _copy_group(source: Any, target: Any) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_group(item, target.create_group(name))
            continue
        values = item[()]
        if values.dtype != np.float32:
            target.create_dataset(name, data=values)
        elif values.ndim == 2 and len(values) >= _LARGE_TABLE and values.std() > 0:
            target.create_dataset(name, data=_round(values), chunks=_chunks(values), **_FILTERS)
        else:
            target.create_dataset(name, data=values.astype(np.float16))


def _round(values: np.ndarray) -> np.ndarray:
    # A power of two, so that float16 holds every step.
    step = 2.0 ** math.floor(math.log2(float(values.std()) / _RESOLUTION))
    return (np.round(values / step) * step).astype(np.float16)


def _chunks(values: np.ndarray) -> tuple[int, int]:
    return min(_ROWS_A_CHUNK, len(values)), values.shape[1]
