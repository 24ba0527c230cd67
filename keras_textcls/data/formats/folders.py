"""A folder with a sub-folder of text files for each label, as a source of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.data.rows.row_reader import SPLIT_NAMES
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError

# Number of files that are read at a time; their texts are held in memory.
_FILES_PER_CHUNK = ROWS_PER_CHUNK // 16


def folder_paths(folder: Path, suffix: str = ".txt") -> RowsSource:
    """List the files of a folder; the name of a sub-folder is the label of its files.

    The layout is `label/file.txt`, or `train/label/file.txt` if the sub-folders are named
    after the parts of a data set.

    Args:
        folder: `Path`.
        suffix: string, suffix of the files that are texts. Defaults to `".txt"`.

    Returns:
        A `RowsSource` with the columns `text` (paths relative to the folder; the
        files are not read yet), `label`, `id` and, with parts, `split`.

    Raises:
        InvalidDataError: there are no such files, or the folder cannot be listed.
    """
    paths = sorted(_walk(folder, suffix))
    if not paths:
        raise InvalidDataError(
            f"{folder} holds no {suffix} files in sub-folders. Put the texts of each label into a "
            f"sub-folder of that name: {folder.name}/spam/1{suffix}."
        )
    has_splits = all(len(p.parts) > 2 and p.parts[0].lower() in SPLIT_NAMES for p in paths)
    names = ["text", "label", "id", *(["split"] if has_splits else [])]

    def chunks() -> Iterator[dict[str, list[Any]]]:
        for start in range(0, len(paths), _FILES_PER_CHUNK):
            part = paths[start : start + _FILES_PER_CHUNK]
            rows: dict[str, list[Any]] = {
                "text": [str(path) for path in part],
                "label": [path.parts[1 if has_splits else 0] for path in part],
                "id": [path.as_posix() for path in part],
            }
            if has_splits:
                rows["split"] = [path.parts[0] for path in part]
            yield rows

    return RowsSource(str(folder), chunks, names)


def _walk(folder: Path, suffix: str) -> Iterator[Path]:
    """Paths relative to the folder of the files below its sub-folders."""

    def refuse(error: OSError) -> None:
        raise InvalidDataError(
            f"{error.filename} cannot be listed: {error.strerror}. Check its permissions."
        )

    for parent, directories, files in os.walk(folder, onerror=refuse):
        directories[:] = [name for name in directories if not name.startswith(".")]
        below = Path(parent).relative_to(folder)
        if not below.parts:
            continue
        for name in files:
            if name.lower().endswith(suffix) and not name.startswith("."):
                yield below / name
