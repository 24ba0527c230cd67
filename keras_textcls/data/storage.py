"""A saved dataset: a directory of `data.arrow`, `dataset.json` and `invalid_rows.csv`."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from keras_textcls.data.formats.tables import DAMAGED
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.data.rows.invalid_rows import InvalidRows
from keras_textcls.errors import InvalidDataError, KerasTextclsError
from keras_textcls.utils.atomic import replace_directory
from keras_textcls.utils.records import JsonFile

SCHEMA_VERSION = 1
_DATA, _DESCRIPTION, _INVALID = "data.arrow", "dataset.json", "invalid_rows.csv"
_FILES = (_DATA, _DESCRIPTION, _INVALID)
# How often a directory is read again if it is replaced while it is read.
_TRIES = 5
_REMEDY = "Make it again from its source, or load it with verify=False to look at what is left."
_Table = TypeVar("_Table", bound=LabelledTable)


@dataclasses.dataclass(frozen=True)
class _Description:
    """What `dataset.json` holds."""

    fingerprint: str
    rows: int
    labels: list[str] | None
    multi_label: bool
    details: dict[str, Any]


def save_dataset(dataset: LabelledTable, directory: Path) -> None:
    """Save a dataset; see `TextDataset.save`."""
    description = _Description(
        dataset.fingerprint,
        len(dataset),
        None if dataset.labels is None else list(dataset.labels),
        dataset.multi_label,
        dict(dataset.details),
    )
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
        described = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(description)}
        text = json.dumps(described, indent=2, ensure_ascii=False)
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


def _load(directory: Path, description: _Description, verify: bool, kind: type[_Table]) -> _Table:
    path = directory / _DATA
    for name in (_DATA, _INVALID):
        if (directory / name).exists() and not (directory / name).is_file():
            # Opening a pipe waits for ever.
            raise _broken(directory, f"{name} is no file")
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
            labels=description.labels,
            multi_label=description.multi_label,
            invalid_rows=InvalidRows.from_csv(invalid) if invalid.exists() else InvalidRows(),
            details=description.details,
        )
    except (KerasTextclsError, *DAMAGED) as error:
        raise _broken(directory, str(error)) from None
    if len(dataset) != description.rows:
        raise _broken(directory, f"{len(dataset):,} rows, {description.rows:,} were saved")
    if verify and dataset.fingerprint != description.fingerprint:
        raise _broken(directory, "its content does not match its fingerprint")
    return dataset


def _read_description(directory: Path) -> _Description:
    path = directory / _DESCRIPTION
    file = JsonFile(str(path), InvalidDataError, _REMEDY, SCHEMA_VERSION)
    return file.read(_Description, file.load(path, "saved dataset", "TextDataset.save()"))


def _broken(directory: Path, reason: str) -> InvalidDataError:
    return InvalidDataError(
        f"The dataset in {directory} is broken or was changed: {reason}. {_REMEDY}"
    )
