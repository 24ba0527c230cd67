"""Data sets of Hugging Face's `datasets`, and the folders that its `save_to_disk` writes.

A folder is read as the Arrow and JSON files that it consists of; `datasets` is not needed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from keras_textcls.data.formats.class_names import names_of_features
from keras_textcls.data.formats.tables import TableSource, arrow_source
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError, shorten

_STATE, _INFO, _PARTS = "state.json", "dataset_info.json", "dataset_dict.json"


def hugging_face_source(dataset: Any) -> TableSource:
    """Read a `datasets.Dataset`; class labels are read as names, in their order.

    Args:
        dataset: `datasets.Dataset`, or `datasets.IterableDataset` with features.

    Returns:
        A `TableSource`.
    """
    arrow = dataset.with_format("arrow")

    def batches(columns: Sequence[str]) -> Iterator[pa.Table]:
        yield from arrow.select_columns(list(columns)).iter(4 * ROWS_PER_CHUNK)

    names = names_of_features(dataset.features.to_dict())
    schema = dataset.features.arrow_schema
    return TableSource("the Hugging Face data set", schema, batches, class_names=names)


def is_saved_dataset(folder: str | os.PathLike[str]) -> bool:
    """Return whether `datasets.Dataset.save_to_disk` wrote a folder."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in (_STATE, _INFO))


def saved_parts(folder: str | os.PathLike[str]) -> dict[str, Path] | None:
    """Return the parts of a folder that `datasets.DatasetDict.save_to_disk` wrote.

    Args:
        folder: string or path.

    Returns:
        A dict from the name of a part to its folder, or `None` if the folder is
        something else.

    Raises:
        InvalidDataError: the list of the parts is broken.
    """
    path = Path(folder, _PARTS)
    if not os.path.isfile(path):
        return None
    names = _read_json(path).get("splits")
    if not isinstance(names, list) or not names or not all(map(_is_plain, names)):
        raise _broken(path, f"splits={shorten(names)} is no list of names")
    return {name: Path(folder, name) for name in names}


def saved_dataset_source(folder: Path) -> TableSource:
    """Read a folder that `datasets.Dataset.save_to_disk` wrote.

    Args:
        folder: `Path`.

    Returns:
        A `TableSource`.

    Raises:
        InvalidDataError: the folder is broken.
    """
    state = _read_json(folder / _STATE)
    files = state.get("_data_files")
    names = [f.get("filename") if isinstance(f, dict) else None for f in files or ()]
    if not isinstance(files, list) or not names or not all(map(_is_plain, names)):
        raise _broken(folder / _STATE, f"_data_files={shorten(files)} is no list of files")
    if any(state.get(key) for key in ("_indices_data_files", "_indices_files")):
        raise InvalidDataError(
            f"{folder} was saved by an early version of datasets, with a selection of its rows in "
            "a file of its own. Load it with datasets.load_from_disk(...) and pass what it returns."
        )
    sources = [arrow_source(folder / str(name)) for name in names]
    features = _read_json(folder / _INFO).get("features")

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch | pa.Table]:
        for source in sources:
            yield from source.batches(columns)

    schema = sources[0].schema
    class_names = {**sources[0].class_names, **names_of_features(features)}
    details = {"layout": "datasets.save_to_disk"}
    return TableSource(str(folder), schema, batches, details, class_names)


def _is_plain(name: Any) -> bool:
    """Whether a name is that of an entry of the folder itself."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, str(error)[:200]) from None
    if not isinstance(value, dict):
        raise _broken(path, f"a {type(value).__name__}, not an object")
    return value


def _broken(path: Path, reason: str) -> InvalidDataError:
    return InvalidDataError(
        f"{path} is broken: {reason}. Save the data set again with save_to_disk(), or pass the "
        "data set itself."
    )
