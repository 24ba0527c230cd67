"""A saved dataset: a directory of `data.arrow`, `dataset.json` and `invalid_rows.csv`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from keras_textcls.data.formats.tables import DAMAGED
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.data.rows.invalid_rows import InvalidRows
from keras_textcls.errors import InvalidDataError, KerasTextclsError, shorten
from keras_textcls.utils.atomic import replace_directory

SCHEMA_VERSION = 1
_DATA, _DESCRIPTION, _INVALID = "data.arrow", "dataset.json", "invalid_rows.csv"
_FILES = (_DATA, _DESCRIPTION, _INVALID)
# How often a directory is read again if it is replaced while it is read.
_TRIES = 5
_Table = TypeVar("_Table", bound=LabelledTable)


def save_dataset(dataset: LabelledTable, directory: Path) -> None:
    """Save a dataset; see `TextDataset.save`."""
    description = {
        "schema_version": SCHEMA_VERSION,
        "fingerprint": dataset.fingerprint,
        "rows": len(dataset),
        "labels": None if dataset.labels is None else list(dataset.labels),
        "multi_label": dataset.multi_label,
        "details": dict(dataset.details),
    }
    if directory.is_dir() and any(directory.iterdir()) and not is_dataset(directory):
        raise InvalidDataError(
            f"{directory} holds other files and is no saved dataset, so it is not replaced. Choose "
            "another directory, or empty this one."
        )
    with replace_directory(directory, keep=lambda name: name not in _FILES) as draft:
        table = dataset.table
        with pa.ipc.new_file(str(draft / _DATA), table.schema) as writer:
            for batch in table.to_batches():
                writer.write_batch(batch)
        text = json.dumps(description, indent=2, ensure_ascii=False)
        (draft / _DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        if dataset.invalid_rows:
            dataset.invalid_rows.to_csv(draft / _INVALID)


def is_dataset(directory: Path) -> bool:
    """Return whether `save_dataset` wrote the directory."""
    # Unlike `Path.is_file`, this returns false for a folder that may not be read.
    return all(os.path.isfile(directory / name) for name in (_DESCRIPTION, _DATA))


def load_dataset(directory: Path, verify: bool, kind: type[_Table]) -> _Table:
    """Load a dataset of a class; see `TextDataset.load`."""
    for _ in range(_TRIES):
        description = _read_description(directory)
        try:
            return _load(directory, description, verify, kind)
        except InvalidDataError:
            # The files may belong to two versions, if one was saved in the meantime.
            if _read_description(directory) == description:
                raise
    return _load(directory, _read_description(directory), verify, kind)


def _load(directory: Path, description: dict[str, Any], verify: bool, kind: type[_Table]) -> _Table:
    path = directory / _DATA
    try:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        # An untrusted file is validated before it is used.
        batches = [file.get_batch(i) for i in range(file.num_record_batches)]
        for batch in batches:
            batch.validate(full=verify)
        table = pa.Table.from_batches(batches, file.schema)
    except DAMAGED as error:
        raise _broken(directory, f"{path.name}: {error!s:.200}") from None
    try:
        invalid = directory / _INVALID
        dataset = kind(
            table,
            labels=description["labels"],
            multi_label=description["multi_label"],
            invalid_rows=InvalidRows.from_csv(invalid) if invalid.exists() else InvalidRows(),
            details=description["details"],
        )
    except (KerasTextclsError, *DAMAGED) as error:
        raise _broken(directory, str(error)) from None
    if len(dataset) != description["rows"]:
        raise _broken(directory, f"{len(dataset):,} rows, {description['rows']:,} were saved")
    if verify and dataset.fingerprint != description["fingerprint"]:
        raise _broken(directory, "its content does not match its fingerprint")
    return dataset


def _read_description(directory: Path) -> dict[str, Any]:
    path = directory / _DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidDataError(
            f"{directory} is no saved dataset: it has no {path.name}. Pass a directory that "
            "TextDataset.save() wrote."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(directory, f"{path.name}: {error}") from None
    kinds = {
        "schema_version": int,
        "fingerprint": str,
        "rows": int,
        "labels": (list, type(None)),
        "multi_label": bool,
        "details": dict,
    }
    if not isinstance(description, dict):
        raise _broken(directory, f"{path.name} is no object")
    for name, kind in kinds.items():
        if not isinstance(description.get(name), kind):  # type: ignore[arg-type]
            raise _broken(directory, f"{path.name}: {name}={shorten(description.get(name))}")
    if description["schema_version"] > SCHEMA_VERSION:
        raise InvalidDataError(
            f"{directory} was saved by a newer keras-textcls (schema_version="
            f"{description['schema_version']}, this one reads {SCHEMA_VERSION}). Update it."
        )
    return description


def _broken(directory: Path, reason: str) -> InvalidDataError:
    return InvalidDataError(
        f"The dataset in {directory} is broken or was changed: {reason}. Make it again from its "
        "source, or load it with verify=False to look at what is left."
    )
