"""Files of spaCy's `DocBin` (.spacy), if spaCy is installed."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_textcls.data.formats.byte_streams import (
    BLOCK_SIZE,
    FREE_EXPANSION,
    MAX_EXPANSION,
    ByteStream,
)
from keras_textcls.data.formats.tables import DAMAGED, RowsSource
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError, MissingDependencyError

_MAX_SIZE = 1 << 30


def docbin_source(path: Path) -> RowsSource:
    """Read a file of spaCy's `DocBin`.

    Args:
        path: `Path`.

    Returns:
        A `RowsSource` with the columns `text` and `cats`.

    Raises:
        MissingDependencyError: spaCy is not installed.
        InvalidDataError: the file cannot be read.
    """
    try:
        spacy: Any = importlib.import_module("spacy")
        tokens: Any = importlib.import_module("spacy.tokens")
    except ImportError:
        raise MissingDependencyError(
            f"Reading {path.name} needs spaCy. Install it: pip install spacy."
        ) from None
    with ByteStream(path, expands=False) as stream:
        data = stream.read(_MAX_SIZE)
        if stream.read(1):
            raise InvalidDataError(
                f"{path} is larger than {_MAX_SIZE >> 30} GiB. Divide it into several files."
            )
    _refuse_bomb(path, data)
    try:
        held = tokens.DocBin().from_bytes(data)
        count = len(held)
        vocabulary = spacy.blank("xx").vocab
    except (*DAMAGED, KeyError, AttributeError) as error:
        raise _broken(path, error) from None
    if not count:
        raise InvalidDataError(f"{path} holds no document. Pass a file with texts.")

    def chunks() -> Iterator[dict[str, list[Any]]]:
        rows: dict[str, list[Any]] = {"text": [], "cats": []}
        try:
            for document in held.get_docs(vocabulary):
                rows["text"].append(document.text)
                rows["cats"].append(dict(document.cats))
                if len(rows["text"]) == ROWS_PER_CHUNK:
                    yield rows
                    rows = {"text": [], "cats": []}
        except (*DAMAGED, KeyError, AttributeError) as error:
            raise _broken(path, error) from None
        if rows["text"]:
            yield rows

    return RowsSource(str(path), chunks, ["text", "cats"], {"form": "DocBin"})


def _refuse_bomb(path: Path, data: bytes) -> None:
    limit = max(FREE_EXPANSION, MAX_EXPANSION * len(data))
    decoder = zlib.decompressobj()
    size = 0
    try:
        while data and not decoder.eof and size <= limit:
            size += len(decoder.decompress(data, BLOCK_SIZE))
            data = decoder.unconsumed_tail
    except zlib.error as error:
        raise _broken(path, error) from None
    if size > limit:
        raise InvalidDataError(
            f"{path} grows to more than {MAX_EXPANSION} times its size when it is decompressed, as "
            "files do that are made to fill the memory. Get it again from where it came."
        )


def _broken(path: Path, error: BaseException) -> InvalidDataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InvalidDataError(
        f"{path} cannot be read: {reason}. It must be a file that spaCy's DocBin.to_disk() wrote."
    )
