"""Opens a path or an object as a source of rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_textcls.data.formats.annotation_tools.arff_file import ArffSource, is_arff
from keras_textcls.data.formats.annotation_tools.fasttext_file import (
    PREFIX,
    FastTextSource,
    is_fasttext,
)
from keras_textcls.data.formats.annotation_tools.rasa import rasa_source
from keras_textcls.data.formats.annotation_tools.spacy_docbin import docbin_source
from keras_textcls.data.formats.byte_streams import SUFFIXES, ByteStream
from keras_textcls.data.formats.delimited import DelimitedSource
from keras_textcls.data.formats.encodings import check_encoding, to_utf8
from keras_textcls.data.formats.folders import folder_paths
from keras_textcls.data.formats.hugging_face import (
    hugging_face_source,
    is_saved_dataset,
    saved_dataset_source,
)
from keras_textcls.data.formats.iterables import columns_source, rows_source
from keras_textcls.data.formats.json_text import JsonSource
from keras_textcls.data.formats.tables import (
    arrow_source,
    excel_source,
    frame_source,
    parquet_source,
)
from keras_textcls.data.formats.tfds_source import PREFIX as TFDS
from keras_textcls.data.formats.tfds_source import tfds_source
from keras_textcls.data.rows.source import Source
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.columns import to_list

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".spacy": "spacy",
    ".yml": "rasa",
    ".yaml": "rasa",
    ".arff": "arff",
}
# Tools whose exports are files of the other formats.
_TOOLS = ("label_studio", "doccano", "argilla", "prodigy")
_SAMPLE = 1 << 16


@dataclasses.dataclass(frozen=True)
class FileOptions:
    """How a file is parsed; see the arguments of `read`.

    Args:
        format: string.
        encoding: string.
        delimiter: string or `None`.
        quote: string or `None`.
        header: bool or names.
        sheet: string or `None`.
        tfds_directory: string or `None`.
        skip_rows: int. Defaults to `0`.
    """

    format: str
    encoding: str
    delimiter: str | None
    quote: str | None
    header: bool | Sequence[str]
    sheet: str | None
    tfds_directory: str | None
    skip_rows: int = 0


def open_source(source: Any, options: FileOptions) -> Source:
    """Open a path or an object as a source of rows.

    Args:
        source: any source of `read` except a saved dataset or a dict of parts.
        options: `FileOptions`.

    Returns:
        A `Source`.

    Raises:
        InvalidDataError: it cannot be read.
        ArgumentError: its format is not known.
    """
    if isinstance(source, str) and source.startswith(TFDS):
        return tfds_source(source[len(TFDS) :], options.tfds_directory)
    if isinstance(source, (str, os.PathLike)):
        if not str(source):
            raise InvalidDataError("`source` is an empty path. Pass the path of a file or folder.")
        return _open_path(Path(source), options)
    package = type(source).__module__.split(".")[0]
    if type(source).__name__ == "LazyFrame":
        raise InvalidDataError(
            "`source` is a LazyFrame, which holds no rows yet. Pass source.collect()."
        )
    if package == "datasets" and getattr(source, "features", None) is not None:
        return hugging_face_source(source)
    is_column = not any(hasattr(source, n) for n in ("columns", "column_names", "schema"))
    values = to_list(source) if is_column else None
    if values is not None:
        return rows_source(values)
    if hasattr(source, "__arrow_c_stream__") or package in ("pandas", "pyarrow"):
        return frame_source(source)
    if isinstance(source, Mapping):
        return columns_source(source)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
        return rows_source(source)
    raise InvalidDataError(
        "`source` must be a path, a data frame, a data set, or an iterable of rows. Received "
        f"{shorten(source)} of type {type(source).__name__}."
    )


def _open_path(path: Path, options: FileOptions) -> Source:
    if os.path.isdir(path):
        return saved_dataset_source(path) if is_saved_dataset(path) else folder_paths(path)
    if str(path).startswith(("http:/", "https:/", "file:/")):
        raise InvalidDataError(
            f"{path} is an address, not a file. Download the file first; addresses are read where "
            'they are the cells of a file, with cells="url".'
        )
    kind = _kind_by_name(path) if options.format == "auto" else options.format
    if kind in ("", "csv", "tsv", "spacy", *_TOOLS) and os.path.exists(path):
        kind = _kind_by_content(path, kind, options)
    if options.skip_rows and kind not in ("csv", "tsv", "excel"):
        raise ArgumentError(
            "`skip_rows` is for CSV, TSV and Excel files, whose table may stand below a title. "
            f"Received: skip_rows={options.skip_rows} with {path.name}."
        )
    if kind == "fasttext":
        return FastTextSource(path, options.encoding)
    if kind in ("csv", "tsv"):
        delimiter = options.delimiter or ("\t" if kind == "tsv" else None)
        return DelimitedSource(
            path, options.encoding, delimiter, options.quote, options.header, options.skip_rows
        )
    if kind == "json":
        return JsonSource(path, options.encoding)
    if kind == "parquet":
        return parquet_source(path)
    if kind == "arrow":
        return arrow_source(path)
    if kind == "excel":
        return excel_source(path, options.sheet, options.header is True, options.skip_rows)
    if kind == "spacy":
        return docbin_source(path)
    if kind == "rasa":
        return rasa_source(path, options.encoding)
    if kind == "arff":
        return ArffSource(path, options.encoding)
    formats = sorted({*FORMATS.values(), *_TOOLS, "fasttext"})
    raise ArgumentError(
        f"What is {path.name}? Its suffix is none of {', '.join(FORMATS)}. Pass format=..., one of "
        f"{', '.join(map(repr, formats))}. Received: format={shorten(options.format)}."
    )


def _kind_by_name(path: Path) -> str:
    name = path.name.lower()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return FORMATS.get(Path(name).suffix, "")


def _kind_by_content(path: Path, kind: str, options: FileOptions) -> str:
    """The format of a file whose name does not tell it, or not with certainty."""
    with ByteStream(path, expands=kind != "spacy") as stream:
        sample = stream.read(_SAMPLE)
        inner = stream.inner_name
    if kind == "spacy" and not sample.lstrip().startswith((b"[", b"{")):
        return kind
    if kind in ("csv", "tsv") and PREFIX.encode() not in sample.replace(b"\0", b""):
        return kind
    text = to_utf8(sample, check_encoding(options.encoding)).decode("utf-8", "replace")
    if kind in ("", "csv", "tsv", "doccano") and options.delimiter is None and is_fasttext(text):
        return "fasttext"
    if kind in ("csv", "tsv"):
        return kind
    if is_arff(text):
        return "arff"
    # The one file in an archive has a name of its own, whatever the archive is called.
    by_name = _kind_by_name(path) or _kind_by_name(Path(inner))
    is_json = sample.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    if not kind or by_name not in ("", "spacy", "csv"):
        return by_name if by_name != "spacy" else ""
    return "json" if is_json else "csv"
